"""The refusals the simulator gives, with the service's own texts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "api_limit_exceeded": "API requests limit per minute has been reached",
        "api_not_enabled": "API has not been enabled or has been disabled",
        "cancel_failed": "The cancellation wasn't completed.",
        "error_deleting_msg": "Error when deleting message",
        "exceeds_file_size": "The file exceeds the limite size allowed.",
        "invalid_area_code": "this is not a valid Area Code.",
        "invalid_callback": "This is not a valid Callback",
        "invalid_callback_enable": "This is not a valid Callback enable value",
        "invalid_callback_retry": "This is not a valid Callback retry",
        "invalid_credentials": "Username or Password is incorrect",
        "invalid_date": "This is not a valid date Format is: yyyy-mm-dd",
        "invalid_date_from": 'The "From" date should be prior to the "To" date.',
        "invalid_daterange": "Date Range should be 92 days or less",
        "invalid_did": "This is not a valid DID",
        "invalid_email": "This is not a valid email or email is already in database",
        "invalid_email_enable": "This is not a valid email enable value",
        "invalid_fax_id": "This is not a valid Fax Message ID",
        "invalid_file": "This is not a valid File",
        "invalid_folder": "This is not a valid Folder",
        "invalid_folder_id": "This is not a valid Fax Folder ID",
        "invalid_from_number": "This is not a valid sender number.",
        "invalid_id": "This is not a valid ID",
        "invalid_location": "This is not a valid Location",
        "invalid_method": "This is not a valid Method",
        "invalid_name": "This is not a valid name, Alphanumeric Only",
        "invalid_province": "This is not a valid Province",
        "invalid_quantity": "This is not a valid quantity",
        "invalid_security_code": "This is not a valid Security Code. Should be alphanumeric.",
        "invalid_state": "This is not a valid State",
        "invalid_to_number": "This is not a valid destination number",
        "ip_not_enabled": "This IP is not enabled for API use",
        "limit_reached": (
            "You have reached the maximum number of messages allowed per day. - SMS limit using the API."
            " - Fax limit applies using any method."
        ),
        "method_maintenance": "This API method is under maintenance",
        "missing_credentials": "Username or Password was not provided",
        "missing_did": "DID was not provided",
        "missing_email": "e-mail was not provided",
        "missing_file": "File was not provided",
        "missing_folder": "folder was not provided",
        "missing_id": "ID was not provided",
        "missing_location": "Location was not provided",
        "missing_method": "Method must be provided when using the REST/JSON API",
        "missing_name": "Name was not provided",
        "missing_number": "Number was not provided",
        "missing_params": "Required parameters were not provided",
        "missing_province": "Province was not provided",
        "missing_state": "State was not provided",
        "moving_fail": "The Fax Message was not moved",
        "name_toolong": "The name exceeds character size limit",
        "no_base64file": "File not encoded in base64",
        "no_emailtofax": "There are no Email to Fax entries",
        "no_folder": "There are no Fax Folders",
        "no_message": "There are no Fax Message(s)",
        "no_numbers": "There are no Fax Numbers",
        "non_sufficient_funds": "Your account does not have sufficient funds to proceed",
        "note_toolong": "The note exceeds character size limit",
        "order_failed": "The order wasn't completed.",
        "problem_sending_mail": "There was a problem sending an email.",
        "provider_outofservice": "One of our providers is out of service",
        "sent_fail": "The Fax Message it wasn't send.",
        "tls_error": "Theres was a TLS error, please try later.",
        "unavailable_info": "The information you requested is unavailable at this moment",
        "unsifficient_stock": "Theres no sufficient stock to complete the order.",
        "used_email": "You already have an entry with this Email",
        "used_name": "You already have an entry using this name",
    }
)


class Refused(Exception):  # noqa: N818  it is an answer of the API, not an error of the simulator
    """A function answers with a status other than ``success``."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status

    def answer(self) -> dict[str, str]:
        """The body the service gives."""
        return refusal(self.status)


def refusal(status: str) -> dict[str, str]:
    """``status`` and, where the simulator knows it, ``message``."""
    text = TEXTS.get(status)
    return {"status": status} | ({"message": text} if text else {})
