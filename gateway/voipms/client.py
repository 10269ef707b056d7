"""The 26 fax functions of the VoIP.ms API, and two for diagnosis, as typed coroutines.

Python names are the API's in snake case; parameters are named as in the API (``from`` is ``from_``), and one
that is None is not sent. ``test=True`` asks the API to check the call without doing it. The setters replace
the whole record, and flags left out fall to 0: `gateway.voipms.accounts` reads, changes and writes back.

Every function raises `ApiError`. Its docstring names the statuses it may fail with besides the global ones
(missing_credentials, invalid_credentials, api_not_enabled, ip_not_enabled, api_limit_exceeded,
method_maintenance, missing_params, unavailable_info, provider_outofservice, tls_error). No public source
lists statuses by function: the lists are what the texts of the codes suggest.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from gateway.voipms import rows, wire
from gateway.voipms.payload import BytesPayload, PayloadSource
from gateway.voipms.results import (
    BackOrder,
    Balance,
    EmailToFax,
    FaxFolder,
    FaxMessage,
    FaxNumber,
    FaxProvince,
    FaxState,
    Listing,
    RateCenter,
)
from gateway.voipms.session import Session
from gateway.voipms.settings import DEFAULT_USER_AGENT, Credentials, Settings
from gateway.voipms.transport import Guard

T = TypeVar("T")


class Client(Session):
    """The account at VoIP.ms."""

    def __init__(
        self,
        *,
        url: str,
        username: str,
        password: str,
        timezone: str = "America/New_York",
        connect_timeout: float = 10.0,
        write_timeout: float = 300.0,
        read_timeout: float = 180.0,
        calls_per_minute: float = 20.0,
        user_agent: str = DEFAULT_USER_AGENT,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        """Settings as in `Settings`; `verify` replaces the public certificate authorities.

        Raises:
            ValueError: names the setting that cannot be.
        """
        settings = Settings(
            url=url,
            timezone=timezone,
            connect_timeout=connect_timeout,
            write_timeout=write_timeout,
            read_timeout=read_timeout,
            calls_per_minute=calls_per_minute,
            user_agent=user_agent,
        )
        super().__init__(settings, Credentials(username=username, password=password), verify=verify)

    # Messages

    async def get_fax_messages(
        self, *, from_: date | None, to: date | None, folder: str | None = None, id: str | None = None
    ) -> list[FaxMessage]:
        """`list_fax_messages` (``getFaxMessages``), but one row that cannot be read fails the whole list."""
        listing = await self.list_fax_messages(from_=from_, to=to, folder=folder, id=id)
        if listing.unreadable:
            raise self.unreadable("getFaxMessages", wire.WireError("a fax has no id"))
        return listing.rows

    async def list_fax_messages(
        self, *, from_: date | None, to: date | None, folder: str | None = None, id: str | None = None
    ) -> Listing:
        """List sent and received faxes (``getFaxMessages``), in no order that may be relied on.

        Args:
            from_: First day, of the account's zone (`local_date`). None: the server's today.
            to: Last day, inclusive. None: the server's today. At most 92 days.
            folder: A folder's *name*; None: all of them.
            id: Only this fax; whether the window still applies is not documented.

        Fails with: invalid_date, invalid_date_from, invalid_daterange, invalid_folder, invalid_id.
        ``no_message`` is an empty list.
        """
        answer = await self.ask("getFaxMessages", _form(**{"from": from_}, to=to, folder=folder, id=id))
        return self._decode("getFaxMessages", lambda found: rows.listing(found, "faxes", self.zone), answer)

    async def get_fax_message_pdf(self, id: str) -> bytes:
        """Fetch the PDF of a fax (``getFaxMessagePDF``).

        Fails with: missing_id, invalid_id, invalid_fax_id, no_message.
        """
        answer = await self.ask("getFaxMessagePDF", _form(id=id))
        return self._decode("getFaxMessagePDF", wire.pdf, answer)

    async def send_fax_message(
        self,
        *,
        to_number: str,
        from_name: str,
        from_number: str,
        file: bytes | PayloadSource,
        station_id: str | None = None,
        send_email_enabled: bool | None = None,
        send_email: str | None = None,
        test: bool = False,
        guard: Guard | None = None,
        turn_taken: bool = False,
    ) -> None:
        """Hand over a fax (``sendFaxMessage``). The API returns no id: find the row in the folder ``SENT``.

        Never tried twice, on a connection of its own. A cancelled call is as *Unknown* as a lost answer.

        Args:
            to_number: Ten digits.
            from_name: The sender's name, letters, digits and spaces.
            from_number: One of the account's own fax numbers, digits.
            file: pdf, txt, jpg, gif, png or tif; told apart by its content. Sent as base64, piece by piece.
            station_id: "A word to identify an equipment or department" (T.30 allows 20 characters).
            send_email_enabled: Have the provider mail a copy to `send_email`.
            send_email: Where the copy goes.
            test: Check, send nothing.
            guard: Called before the first byte and before each further piece; raises to stop the call.
            turn_taken: The call's turn at the rate limit was taken before (`take_turn`): it begins at once.

        Raises:
            ApiError: *Permanent* or *Temporary* only when the fax was certainly not accepted, else *Unknown*
                (with the guard's exception as its cause if that stopped an upload that had begun).
            Exception: what `guard` or opening `file` raised before the first byte: certainly not sent.

        Fails with: invalid_to_number, invalid_from_number, no_base64file, missing_file, invalid_file,
        exceeds_file_size, missing_number, missing_name, invalid_name, missing_email, invalid_email,
        limit_reached (until the next Eastern day), non_sufficient_funds; sent_fail is *Unknown*.
        """
        params = _form(
            test,
            to_number=to_number,
            from_name=from_name,
            from_number=from_number,
            station_id=station_id,
            send_email_enabled=send_email_enabled,
            send_email=send_email,
        )
        source = BytesPayload(file) if isinstance(file, bytes) else file
        await self.ask("sendFaxMessage", params, file=source, guard=guard, turn_taken=turn_taken)

    async def mail_fax_message_pdf(self, id: str, email: str) -> str:
        """Have the provider mail a fax as PDF (``mailFaxMessagePDF``). Returns its ``message_status``.

        ``message_sent`` does not prove that a mail server took it.

        Fails with: missing_id, invalid_id, invalid_fax_id, missing_email, invalid_email, no_message,
        problem_sending_mail.
        """
        answer = await self.ask("mailFaxMessagePDF", _form(id=id, email=email))
        return wire.text(answer.get("message_status"))

    async def move_fax_message(self, fax_id: str, folder_id: str, test: bool = False) -> None:
        """Move a fax to a folder, by the folder's id (``moveFaxMessage``).

        Fails with: invalid_fax_id, invalid_folder_id, moving_fail, missing_id, missing_folder.
        """
        await self.ask("moveFaxMessage", _form(test, fax_id=fax_id, folder_id=folder_id))

    async def delete_fax_message(self, id: str, test: bool = False) -> None:
        """Delete a fax at the provider, for good (``deleteFaxMessage``).

        Fails with: missing_id, invalid_id, invalid_fax_id, no_message, error_deleting_msg.
        """
        await self.ask("deleteFaxMessage", _form(test, id=id))

    # Folders

    async def get_fax_folders(self, id: str | None = None) -> list[FaxFolder]:
        """List the folders (``getFaxFolders``). ``no_folder`` is an empty list."""
        return await self._list("getFaxFolders", _form(id=id), "folders", rows.fax_folder)

    async def set_fax_folder(self, name: str, id: str | None = None, test: bool = False) -> None:
        """Create a folder, or rename the one with `id` (``setFaxFolder``).

        Fails with: missing_name, invalid_name, used_name, name_toolong, invalid_id.
        """
        await self.ask("setFaxFolder", _form(test, name=name, id=id))

    async def del_fax_folder(self, id: str, test: bool = False) -> None:
        """Delete a folder (``delFaxFolder``). Fails with: missing_id, invalid_id, invalid_folder_id."""
        await self.ask("delFaxFolder", _form(test, id=id))

    # Numbers

    async def get_fax_numbers_info(self, did: str | None = None) -> list[FaxNumber]:
        """List the account's fax numbers, or only `did` (``getFaxNumbersInfo``).

        Fails with: invalid_did. ``no_numbers`` is an empty list.
        """
        return await self._list("getFaxNumbersInfo", _form(did=did), "numbers", rows.fax_number)

    async def get_fax_numbers_portability(self, did: str) -> bool:
        """Tell whether a number could be moved to the provider (``getFaxNumbersPortability``).

        Fails with: missing_did, invalid_did, invalid_number_fax.
        """
        answer = await self.ask("getFaxNumbersPortability", _form(did=did))
        return wire.flag(answer.get("getFaxNumbersPortability"))

    async def set_fax_number_info(
        self,
        did: str,
        *,
        email: str | None = None,
        email_enable: bool | None = None,
        email_attach_file: bool | None = None,
        url_callback: str | None = None,
        url_callback_enable: bool | None = None,
        url_callback_retry: bool | None = None,
        fax_to_sip_enabled: bool | None = None,
        fax_to_sip_enabled_account: str | None = None,
        note: str | None = None,
        test: bool = False,
    ) -> None:
        """Replace everything that can be set on a number (``setFaxNumberInfo``).

        Args:
            did: The number.
            email: Where the provider mails notifications of received faxes.
            email_enable: Mail them.
            email_attach_file: With the fax as PDF.
            url_callback: Where the provider posts received faxes.
            url_callback_enable: Post them.
            url_callback_retry: Post again until the answer is ``ok``.
            fax_to_sip_enabled: Ring a subaccount instead.
            fax_to_sip_enabled_account: That subaccount.
            note: Free text.
            test: Check, change nothing.

        Fails with: missing_did, invalid_did, invalid_email, invalid_email_enable, invalid_callback,
        invalid_callback_enable, invalid_callback_retry, note_toolong.
        """
        params = _form(
            test,
            did=did,
            email=email,
            email_enable=email_enable,
            email_attach_file=email_attach_file,
            url_callback=url_callback,
            url_callback_enable=url_callback_enable,
            url_callback_retry=url_callback_retry,
            fax_to_sip_enabled=fax_to_sip_enabled,
            fax_to_sip_enabled_account=fax_to_sip_enabled_account,
            note=note,
        )
        await self.ask("setFaxNumberInfo", params)

    async def set_fax_number_email(
        self,
        did: str,
        *,
        email: str | None = None,
        email_enable: bool | None = None,
        email_attach_file: bool | None = None,
        test: bool = False,
    ) -> None:
        """Replace the mail notification of a number (``setFaxNumberEmail``).

        Fails with: missing_did, invalid_did, invalid_email, invalid_email_enable.
        """
        params = _form(
            test, did=did, email=email, email_enable=email_enable, email_attach_file=email_attach_file
        )
        await self.ask("setFaxNumberEmail", params)

    async def set_fax_number_url_callback(
        self,
        did: str,
        *,
        url_callback: str | None = None,
        url_callback_enable: bool | None = None,
        url_callback_retry: bool | None = None,
        test: bool = False,
    ) -> None:
        """Replace the URL callback of a number (``setFaxNumberURLCallback``).

        Fails with: missing_did, invalid_did, invalid_callback, invalid_callback_enable,
        invalid_callback_retry.
        """
        params = _form(
            test,
            did=did,
            url_callback=url_callback,
            url_callback_enable=url_callback_enable,
            url_callback_retry=url_callback_retry,
        )
        await self.ask("setFaxNumberURLCallback", params)

    # Ordering

    async def get_fax_provinces(self, province: str | None = None) -> list[FaxProvince]:
        """List Canadian provinces, or the one with this two-letter code (``getFaxProvinces``).

        Fails with: invalid_province.
        """
        return await self._list("getFaxProvinces", _form(province=province), "provinces", rows.fax_province)

    async def get_fax_states(self, state: str | None = None) -> list[FaxState]:
        """List states of the USA, or the one with this two-letter code (``getFaxStates``).

        Fails with: invalid_state.
        """
        return await self._list("getFaxStates", _form(state=state), "states", rows.fax_state)

    async def get_fax_rate_centers_can(self, province: str) -> list[RateCenter]:
        """List where a province has numbers (``getFaxRateCentersCAN``).

        Fails with: missing_province, invalid_province.
        """
        return await self._list(
            "getFaxRateCentersCAN", _form(province=province), "ratecenters", rows.rate_center
        )

    async def get_fax_rate_centers_usa(self, state: str) -> list[RateCenter]:
        """List where a state has numbers (``getFaxRateCentersUSA``).

        Fails with: missing_state, invalid_state.
        """
        return await self._list("getFaxRateCentersUSA", _form(state=state), "ratecenters", rows.rate_center)

    async def search_fax_area_code_can(self, area_code: str) -> list[RateCenter]:
        """Search Canadian rate centers by area code (``searchFaxAreaCodeCAN``).

        Fails with: invalid_area_code.
        """
        return await self._list(
            "searchFaxAreaCodeCAN", _form(area_code=area_code), "ratecenters", rows.rate_center
        )

    async def search_fax_area_code_usa(self, area_code: str) -> list[RateCenter]:
        """Search rate centers of the USA by area code (``searchFaxAreaCodeUSA``).

        Fails with: invalid_area_code.
        """
        return await self._list(
            "searchFaxAreaCodeUSA", _form(area_code=area_code), "ratecenters", rows.rate_center
        )

    async def order_fax_number(
        self,
        location: str,
        quantity: int,
        *,
        email: str | None = None,
        email_enable: bool | None = None,
        email_attach_file: bool | None = None,
        url_callback: str | None = None,
        url_callback_enable: bool | None = None,
        url_callback_retry: bool | None = None,
        test: bool = False,
    ) -> list[str]:
        """Buy numbers (``orderFaxNumber``). It cannot be undone. Returns them as digits.

        Args:
            location: From `get_fax_rate_centers_can` or `get_fax_rate_centers_usa`.
            quantity: How many.
            email: As the rest, see `set_fax_number_info`.
            email_enable: See there.
            email_attach_file: See there.
            url_callback: See there.
            url_callback_enable: See there.
            url_callback_retry: See there.
            test: Check, order nothing.

        Fails with: missing_location, invalid_location, invalid_quantity, non_sufficient_funds, order_failed,
        unsifficient_stock, Unable_to_purchase, invalid_email, did_limit_reached.
        """
        params = _form(
            test,
            location=location,
            quantity=quantity,
            email=email,
            email_enable=email_enable,
            email_attach_file=email_attach_file,
            url_callback=url_callback,
            url_callback_enable=url_callback_enable,
            url_callback_retry=url_callback_retry,
        )
        return wire.numbers(await self.ask("orderFaxNumber", params), "dids")

    async def cancel_fax_number(self, id: str, test: bool = False) -> str:
        """Give a number back, by its id (``cancelFaxNumber``). Returns its digits.

        Fails with: missing_id, invalid_id, cancel_failed.
        """
        answer = await self.ask("cancelFaxNumber", _form(test, id=id))
        return wire.digits(answer.get("deleted_did"))

    async def get_back_orders(self, id: str | None = None) -> list[BackOrder]:
        """List numbers that were ordered and are not there yet (``getBackOrders``).

        Fails with: invalid_id.
        """
        return await self._list("getBackOrders", _form(id=id), "back_orders", self._back_order)

    # The provider's own mail-to-fax

    async def get_email_to_fax(self, id: str | None = None) -> list[EmailToFax]:
        """List the provider's mail-to-fax rules (``getEmailToFax``). ``no_emailtofax`` is an empty list."""
        return await self._list("getEmailToFax", _form(id=id), "emailToFax", rows.email_to_fax)

    async def set_email_to_fax(
        self,
        *,
        auth_email: str,
        from_number_id: str,
        security_code: str,
        security_code_enabled: bool | None = None,
        enabled: bool | None = None,
        id: str | None = None,
        test: bool = False,
    ) -> None:
        """Create a mail-to-fax rule, or replace the one with `id` (``setEmailToFax``).

        Args:
            auth_email: The address that may send.
            from_number_id: Id, not digits, of the account's number that shows as sender.
            security_code: Alphanumeric word looked for in the subject. Secret.
            security_code_enabled: Look for it.
            enabled: Use this rule.
            id: The rule to replace; None creates one.
            test: Check, change nothing.

        Fails with: invalid_email, used_email, missing_number, invalid_from_number, invalid_security_code,
        invalid_id.
        """
        params = _form(
            test,
            id=id,
            enabled=enabled,
            auth_email=auth_email,
            from_number_id=from_number_id,
            security_code_enabled=security_code_enabled,
            security_code=security_code,
        )
        await self.ask("setEmailToFax", params)

    async def del_email_to_fax(self, id: str, test: bool = False) -> None:
        """Delete a mail-to-fax rule (``delEmailToFax``). Fails with: missing_id, invalid_id."""
        await self.ask("delEmailToFax", _form(test, id=id))

    # Diagnosis

    async def get_balance(self, advanced: bool = False) -> Balance:
        """The account's money, with statistics if `advanced` (``getBalance``)."""
        answer = await self.ask("getBalance", _form(advanced=advanced or None))
        return self._decode("getBalance", rows.balance, answer)

    async def get_ip(self) -> str:
        """Our address as the provider sees it (``getIP``): the only function that ignores the allow-list."""
        return wire.text((await self.ask("getIP", {})).get("ip"))

    # Decoding

    def _back_order(self, row: wire.Row) -> BackOrder:
        return rows.back_order(row, self.zone)

    async def _list(
        self, method: str, params: dict[str, str], key: str, decode: Callable[[wire.Row], T]
    ) -> list[T]:
        answer = await self.ask(method, params)
        return self._decode(method, lambda found: [decode(row) for row in wire.rows(found, key)], answer)

    def _decode(self, method: str, decode: Callable[[wire.Row], T], answer: wire.Row) -> T:
        try:
            return decode(answer)
        except wire.WireError as problem:
            raise self.unreadable(method, problem) from None


def _form(test: bool = False, /, **params: str | int | date | None) -> dict[str, str]:
    """Parameters as form fields: flags as 1 and 0, days as ``YYYY-MM-DD``; None and no test are left out."""
    fields = {name: _field(value) for name, value in params.items() if value is not None}
    return fields | {"test": "1"} if test else fields


def _field(value: str | int | date) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)
