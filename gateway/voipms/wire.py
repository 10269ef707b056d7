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

from gateway.voipms.results import Caller

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
    found = items(answer, key)
    if not all(isinstance(row, dict) for row in found):
        raise WireError(f"{key} is not a list of rows")
    return found


def items(answer: Row, key: str) -> list[Any]:
    """As `rows`, whatever they are."""
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
