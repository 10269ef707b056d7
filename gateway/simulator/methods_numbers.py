"""Functions about the account's fax numbers. The setters replace: a flag left out becomes 0."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from gateway.simulator.call import Call, Result, digits, success
from gateway.simulator.places import AREA_CODES
from gateway.simulator.rows import NumberRow
from gateway.simulator.statuses import Refused

MAX_NOTE = 50


class EmailSettings(TypedDict):
    """Fields of a number that `setFaxNumberEmail` replaces."""

    email: str
    email_enabled: bool
    attach_file: bool


class CallbackSettings(TypedDict):
    """Fields of a number that `setFaxNumberURLCallback` replaces."""

    url: str
    url_enabled: bool
    retry: bool


async def get_fax_numbers_info(call: Call) -> Result:
    """``getFaxNumbersInfo``: all, or one by its number."""
    wanted = digits(call.get("did"))
    if wanted and not wanted.isdecimal():
        raise Refused("invalid_did")
    rows = [row for row in call.account.numbers if wanted in {"", row.did}]
    return call.rows("numbers", rows, "no_numbers")


async def set_fax_number_info(call: Call) -> Result:
    """``setFaxNumberInfo``: mail, callback, fax to SIP and note."""
    number = own_number(call)
    email, callback = email_settings(call), callback_settings(call)
    note = call.get("note")
    if len(note) > MAX_NOTE:
        raise Refused("note_toolong")
    to_sip = call.flag("fax_to_sip_enabled", "missing_params")
    changed = replace(
        number,
        **email,
        **callback,
        note=note,
        fax_to_sip_enabled=to_sip,
        fax_to_sip_enabled_account=call.get("fax_to_sip_enabled_account"),
    )
    return _store(call, changed)


async def set_fax_number_email(call: Call) -> Result:
    """``setFaxNumberEmail``."""
    number = own_number(call)
    return _store(call, replace(number, **email_settings(call)))


async def set_fax_number_url_callback(call: Call) -> Result:
    """``setFaxNumberURLCallback``."""
    number = own_number(call)
    return _store(call, replace(number, **callback_settings(call)))


async def cancel_fax_number(call: Call) -> Result:
    """``cancelFaxNumber``: by the id of the number."""
    wanted = call.need_id()
    number = next((row for row in call.account.numbers if row.id == wanted), None)
    if number is None:
        raise Refused("invalid_id")
    if not call.test:
        call.account.numbers.remove(number)
    return success({"deleted_did": number.did})


async def get_fax_numbers_portability(call: Call) -> Result:
    """``getFaxNumbersPortability``: yes for the area codes of `places`."""
    did = digits(call.need("did", "missing_did"))
    if len(did) != 10 or not did.isdecimal():
        raise Refused("invalid_did")
    return success({"getFaxNumbersPortability": "yes" if int(did[:3]) in AREA_CODES else "no"})


def own_number(call: Call) -> NumberRow:
    """The number that the required ``did`` names."""
    number = call.account.number(digits(call.need("did", "missing_did")))
    if number is None:
        raise Refused("invalid_did")
    return number


def email_settings(call: Call) -> EmailSettings:
    """Mail settings from the setters' parameter names."""
    email = call.email("email")
    enabled = call.flag("email_enable", "invalid_email_enable")
    if enabled and not email:
        raise Refused("missing_email")
    attach = call.flag("email_attach_file", "invalid_email_enable")
    return EmailSettings(email=email, email_enabled=enabled, attach_file=attach)


def callback_settings(call: Call) -> CallbackSettings:
    """Callback settings from the setters' parameter names."""
    url = call.get("url_callback")
    enabled = call.flag("url_callback_enable", "invalid_callback_enable")
    retry = call.flag("url_callback_retry", "invalid_callback_retry")
    if (enabled and not url) or any(char.isspace() for char in url):
        raise Refused("invalid_callback")
    return CallbackSettings(url=url, url_enabled=enabled, retry=retry)


def _store(call: Call, changed: NumberRow) -> Result:
    if not call.test:
        call.account.replace_number(changed)
    return success()


FUNCTIONS = {
    "getFaxNumbersInfo": get_fax_numbers_info,
    "setFaxNumberInfo": set_fax_number_info,
    "setFaxNumberEmail": set_fax_number_email,
    "setFaxNumberURLCallback": set_fax_number_url_callback,
    "cancelFaxNumber": cancel_fax_number,
    "getFaxNumbersPortability": get_fax_numbers_portability,
}
