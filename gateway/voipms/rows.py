"""Rows of the API's lists, each as what it is. Pure; what a field may look like is in `wire`."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

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
from gateway.voipms.wire import (
    Row,
    WireError,
    caller,
    count,
    day,
    digits,
    duration,
    flag,
    items,
    moment,
    money,
    text,
)


def listing(answer: Row, key: str, zone: ZoneInfo) -> Listing:
    """The faxes of a list, as in `rows`; one that cannot be read is counted and hides no other.

    Raises:
        WireError: it is no list.
    """
    read, unreadable = [], 0
    for row in items(answer, key):
        try:
            read.append(fax_message(row if isinstance(row, dict) else {}, zone))
        except WireError:
            unreadable += 1
    return Listing(rows=read, unreadable=unreadable)


def _id(row: Row, key: str, of: str) -> str:
    found = text(row.get(key))
    if not found:
        raise WireError(f"a {of} has no {key}")
    return found


def _optional_text(value: object) -> str | None:
    return None if value is None else text(value)


def fax_message(row: Row, zone: ZoneInfo) -> FaxMessage:
    """A row of ``getFaxMessages``, its date on the wall clock of `zone`."""
    return FaxMessage(
        id=_id(row, "id", "fax"),
        folder=text(row.get("folder")),
        date=moment(row.get("date"), zone),
        wall_date=text(row.get("date")),
        callerid=caller(row.get("callerid")),
        stationid=text(row.get("stationid")),
        destination=digits(row.get("destination")),
        description=text(row.get("description")),
        pages=count(row.get("pages")),
        duration=duration(row.get("duration")),
        status=text(row.get("status")),
        msg=text(row.get("msg")),
        rate=money(row.get("rate")),
        total=money(row.get("total")),
    )


def fax_folder(row: Row) -> FaxFolder:
    """A row of ``getFaxFolders``."""
    return FaxFolder(id=_id(row, "id", "folder"), name=text(row.get("name")))


def fax_number(row: Row) -> FaxNumber:
    """A row of ``getFaxNumbersInfo``."""
    monthly, minute, setup = (row.get(f"reseller_{kind}") for kind in ("monthly", "minute", "setup"))
    to_sip = row.get("fax_to_sip_enabled")
    return FaxNumber(
        id=_id(row, "id", "fax number"),
        did=digits(row.get("did")),
        description=text(row.get("description")),
        state=text(row.get("state")),
        city=text(row.get("city")),
        country=text(row.get("country")),
        email_enabled=flag(row.get("email_enabled")),
        email=text(row.get("email")),
        url_enabled=flag(row.get("url_enabled")),
        url=text(row.get("url")),
        retry=flag(row.get("retry")),
        attach_file=flag(row.get("attach_file")),
        note=_optional_text(row.get("note")),
        reseller_account=_optional_text(row.get("reseller_account")),
        reseller_next_billing=day(row.get("reseller_next_billing")),
        reseller_monthly=None if monthly is None else money(monthly),
        reseller_minute=None if minute is None else money(minute),
        reseller_setup=None if setup is None else money(setup),
        fax_to_sip_enabled=None if to_sip is None else flag(to_sip),
        fax_to_sip_enabled_account=_optional_text(row.get("fax_to_sip_enabled_account")),
    )


def email_to_fax(row: Row) -> EmailToFax:
    """A row of ``getEmailToFax``."""
    return EmailToFax(
        id=_id(row, "id", "rule"),
        enabled=flag(row.get("enabled")),
        email=text(row.get("email")),
        security_code=text(row.get("security_code")),
        security_code_enabled=flag(row.get("security_code_enabled")),
        from_=digits(row.get("from")),
    )


def fax_province(row: Row) -> FaxProvince:
    """A row of ``getFaxProvinces``."""
    return FaxProvince(
        province=_id(row, "province", "province"),
        province_id=text(row.get("province_id")),
        province_name=text(row.get("province_name")),
        country_code=text(row.get("country_code")),
    )


def fax_state(row: Row) -> FaxState:
    """A row of ``getFaxStates``."""
    return FaxState(
        state=_id(row, "state", "state"),
        state_id=text(row.get("state_id")),
        state_name=text(row.get("state_name")),
        country_code=text(row.get("country_code")),
    )


def rate_center(row: Row) -> RateCenter:
    """A row of ``getFaxRateCentersCAN/USA`` or ``searchFaxAreaCodeCAN/USA``."""
    return RateCenter(
        location=text(row.get("location")),
        area_code=text(row.get("area_code")),
        ratecenter=text(row.get("ratecenter")),
        available=flag(row.get("available")),
    )


def back_order(row: Row, zone: ZoneInfo) -> BackOrder:
    """A row of ``getBackOrders``, its date on the wall clock of `zone`."""
    return BackOrder(
        id=_id(row, "id", "back order"),
        description=text(row.get("description")),
        routing=text(row.get("routing")),
        failover_busy=text(row.get("failover_busy")),
        failover_unreachable=text(row.get("failover_unreachable")),
        failover_noanswer=text(row.get("failover_noanswer")),
        voicemail=text(row.get("voicemail")),
        pop=text(row.get("pop")),
        dialtime=text(row.get("dialtime")),
        cnam=flag(row.get("cnam")),
        billing_type=text(row.get("billing_type")),
        order_date=moment(row.get("order_date"), zone),
    )


def balance(answer: Row) -> Balance:
    """The answer of ``getBalance``.

    Raises:
        WireError: no balance, or an unreadable one: money that is not known is not zero.
    """
    found = answer.get("balance")
    row: Row = found if isinstance(found, dict) else {"current_balance": found}
    try:
        current = Decimal(text(row.get("current_balance")))
    except InvalidOperation:
        current = Decimal("NaN")
    if not current.is_finite():
        raise WireError("current_balance is not an amount")

    def given(key: str) -> bool:
        return row.get(key) is not None

    return Balance(
        current_balance=current,
        spent_total=money(row["spent_total"]) if given("spent_total") else None,
        calls_total=count(row["calls_total"]) if given("calls_total") else None,
        time_total=duration(row["time_total"]) if given("time_total") else None,
        spent_today=money(row["spent_today"]) if given("spent_today") else None,
        calls_today=count(row["calls_today"]) if given("calls_today") else None,
        time_today=duration(row["time_today"]) if given("time_today") else None,
    )
