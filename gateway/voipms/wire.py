"""The loose wire, decoded in one place: JSON bytes in, typed results out. Pure.

The service writes numbers as strings or not, flags in half a dozen ways, a list of one row as the bare row,
an empty list as no list, its own numbers with dots, callers as ``Name <number>``, durations as ``m:ss`` or
``h:mm:ss``, moments as naive wall clock and base64 with noise. Values that carry a decision (ids, lists, the
PDF) are refused when they are unreadable; values that only inform fall back to "not given", so that one odd
field never hides a fax.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from gateway.voipms.results import (
    BackOrder,
    Balance,
    Caller,
    EmailToFax,
    FaxFolder,
    FaxMessage,
    FaxNumber,
    FaxProvince,
    FaxState,
    Listing,
    RateCenter,
)

Row = Mapping[str, Any]

_DISPLAYED_CALLER = re.compile(r'\s*"?(?P<name>[^"<>]*?)"?\s*<(?P<number>[^<>]*)>\s*')
_NUMBER_LIKE = re.compile(r"[0-9+().\-\s]*")
_CLOCK = re.compile(r"(?:(?:(?P<h>\d{1,6}):)?(?P<m>\d{1,6}):)?(?P<s>\d{1,9})", re.ASCII)
_TRUE = frozenset({"1", "y", "yes", "true", "on"})
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_BASE64_NOISE = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_PDF_HEADER_WINDOW = 1024


class WireError(ValueError):
    """An answer that cannot be read. The text names the field, never its content."""


# Answers


def parse(body: bytes, *, exact: bool = True) -> dict[str, Any]:
    """The JSON object of an answer.

    Args:
        body: UTF-8, with or without a byte order mark; unreadable characters become U+FFFD.
        exact: Numbers come as text, digit for digit; otherwise as `int` and `float`, to be shown raw.

    Raises:
        WireError: empty, not JSON, or not an object.
    """
    if not body.strip():
        raise WireError("it is empty")
    text = body.decode("utf-8-sig", "replace")
    try:
        if exact:
            answer = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        else:
            answer = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError("it is not JSON") from None
    if not isinstance(answer, dict):
        raise WireError("it is not a JSON object")
    return answer


def status_of(answer: Row) -> str | None:
    """The ``status`` of an answer, verbatim; None when it is absent, null, empty or not a word."""
    status = answer.get("status")
    return status if isinstance(status, str) and status else None


def rows(answer: Row, key: str) -> list[Row]:
    """The rows of a list: an array, a bare row, an object numbered like a PHP array, or nothing at all.

    Raises:
        WireError: something else, or a row that is no object.
    """
    found = _items(answer, key)
    if not all(isinstance(row, dict) for row in found):
        raise WireError(f"{key} is not a list of rows")
    return found


def listing(answer: Row, key: str, zone: ZoneInfo) -> Listing:
    """The faxes of a list, as in `rows`; one that cannot be read is counted and hides no other.

    Raises:
        WireError: it is no list.
    """
    read, unreadable = [], 0
    for row in _items(answer, key):
        try:
            read.append(fax_message(row if isinstance(row, dict) else {}, zone))
        except WireError:
            unreadable += 1
    return Listing(rows=read, unreadable=unreadable)


def _items(answer: Row, key: str) -> list[Any]:
    found = answer.get(key)
    if not found:
        return []
    if isinstance(found, dict):
        numbered = all(name.isdigit() for name in found)
        found = list(found.values()) if numbered else [found]
    if not isinstance(found, list):
        raise WireError(f"{key} is not a list of rows")
    return found


def numbers(answer: Row, key: str) -> list[str]:
    """A list of telephone numbers, lenient: what is no number is left out, and nothing is ever refused.

    It comes with an answer that says that numbers were bought; that must not turn into an error.
    """
    found = answer.get(key)
    if isinstance(found, dict):
        found = list(found.values())
    if not isinstance(found, list):
        found = [found]
    return [number for item in found if (number := digits(item))]


# Values


def text(value: object) -> str:
    """A scalar as stripped text; null, absent and anything structured are empty."""
    if isinstance(value, bool):
        return str(int(value))
    return str(value).strip() if isinstance(value, str | int | float | Decimal) else ""


def digits(value: object) -> str:
    """A telephone number as digits: dots, dashes and ``+`` go, and so does the 1 before ten NANP digits."""
    found = re.sub(r"[^0-9]", "", text(value))
    return found[1:] if re.fullmatch(r"1[2-9][0-9]{9}", found) else found


def flag(value: object) -> bool:
    """A flag: 1, "1", true, "yes", "Y", "on" are true; everything else ("0", "", null, "-1") is false."""
    return text(value).lower() in _TRUE


def count(value: object) -> int:
    """A whole number of things; 0 when not given or not readable."""
    found = text(value)
    return int(found) if re.fullmatch(r"[0-9]{1,12}", found) else 0


def money(value: object) -> Decimal:
    """US dollars, exact; 0 when not given or not readable."""
    try:
        amount = Decimal(text(value).replace(",", "").replace("$", "") or "0")
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def duration(value: object) -> timedelta:
    """``m:ss``, ``h:mm:ss`` or seconds; zero when not given or not readable."""
    clock = _CLOCK.fullmatch(text(value))
    if clock is None:
        return timedelta()
    return timedelta(hours=int(clock["h"] or 0), minutes=int(clock["m"] or 0), seconds=int(clock["s"]))


def moment(value: object, zone: ZoneInfo) -> datetime | None:
    """Wall clock of `zone` as UTC; None for no date, such as ``0000-00-00 00:00:00``.

    The hour that the end of daylight saving repeats is read as its first pass: the wire does not tell.
    """
    try:
        wall = datetime.fromisoformat(text(value))
        return (wall if wall.tzinfo else wall.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day(value: object) -> date | None:
    """``YYYY-MM-DD``; None for no date."""
    try:
        return date.fromisoformat(text(value))
    except ValueError:
        return None


def seconds_to_next_day(now: datetime, zone: ZoneInfo) -> float:
    """Seconds from `now` (aware) until midnight on the wall clock of `zone`; at least one."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), tzinfo=zone)
    return max(1.0, (midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds())


def caller(value: object) -> Caller:
    """A caller id: digits, ``Name <digits>``, or a word such as ``anonymous``."""
    written = text(value)
    if shown := _DISPLAYED_CALLER.fullmatch(written):
        return Caller(name=shown["name"].strip(), number=digits(shown["number"]))
    if _NUMBER_LIKE.fullmatch(written):
        return Caller(number=digits(written))
    return Caller(name=written)


def base64_bytes(value: object) -> bytes:
    """Base64 with or without a ``data:`` prefix, padding and noise (RFC 2045, section 6.8: ignore the rest).

    Raises:
        WireError: absent, empty, cut off in the middle of a byte, or padded in the middle.
    """
    encoded = value if isinstance(value, str) else ""
    if encoded.lstrip()[:5].lower() == "data:":
        encoded = encoded.partition(",")[2]
    raw = encoded.encode("ascii", "ignore")
    if b"+" not in raw and b"/" not in raw:
        raw = raw.replace(b"-", b"+").replace(b"_", b"/")
    raw = raw.translate(None, _BASE64_NOISE).rstrip(b"=")
    try:
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except binascii.Error:  # a lone last character, or padding in the middle
        raise WireError("the base64 is damaged") from None
    if not data:
        raise WireError("the file is missing")
    return data


def pdf(answer: Row) -> bytes:
    """The PDF of ``getFaxMessagePDF``.

    Raises:
        WireError: no base64, or no PDF in it (its header is in the first 1024 bytes).
    """
    data = base64_bytes(answer.get("message_base64"))
    if data.find(b"%PDF-", 0, _PDF_HEADER_WINDOW) < 0:
        raise WireError("the file is not a PDF")
    return data


# Rows


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
