"""Values as people read them, and foreign text made harmless. Pure.

Everything that came from outside (subjects, caller names, reasons) passes `plain` before it is shown or put
into a header: one line, no control characters, nothing that turns the direction of what follows it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from gateway import phone

_JOINERS = "\u200c\u200d"
"""The two format characters that spelling needs (Persian, Indic scripts, emoji)."""
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ELLIPSIS = "…"


def plain(text: object, limit: int = 300) -> str:
    """`text` on one line of at most `limit` characters, without control, format and unassigned characters."""
    if text is None:
        return ""
    # Bounded before it is looked at character by character; a cut leaves a mark that survives the second cut.
    kept = (
        char if char in _JOINERS or unicodedata.category(char) not in _HIDDEN else " "
        for char in str(text)[: limit * 4]
    )
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + _ELLIPSIS


def e164(number: str) -> str:
    """A number as the provider or the store writes it, in E.164; empty when it is none."""
    digits = re.sub(r"\D", "", number)
    if not digits.isascii() or not 7 <= len(digits) <= 18:
        return ""
    if number.strip().startswith("+"):
        return f"+{digits}"
    if len(digits) == 10:
        return f"+1{digits}"
    if digits.startswith("011"):
        return f"+{digits[3:]}"
    return f"+{digits}" if len(digits) == 11 and digits.startswith("1") else ""


def number(text: str) -> str:
    """A number for people, ``(555) 234-1234``; what is no telephone number is shown as it came."""
    full = e164(text)
    return phone.national(full) if full else plain(text, 40)


def count(amount: int, noun: str) -> str:
    """``1 page``, ``2 pages``."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def duration(seconds: int) -> str:
    """``48 s``, ``1 min 16 s``, ``1 h 2 min``."""
    minutes, rest = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(at: float, zone: ZoneInfo) -> str:
    """Epoch seconds as wall clock with its offset, ``2026-11-23 14:12:05 -05:00``."""
    local = datetime.fromtimestamp(at, zone)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def money(amount: str) -> str:
    """US dollars with two to four decimals, ``US$0.058``; empty when `amount` is no amount."""
    try:
        value = Decimal(amount.strip())
    except InvalidOperation:
        return ""
    if not value.is_finite() or abs(value) >= 1_000_000:
        return ""
    text = f"{value:.4f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"US${whole}.{fraction:0<2}"


def pages(first: int, last: int) -> str:
    """``page 3``, ``pages 2 and 3``, ``pages 2 to 5``."""
    if last <= first:
        return f"page {first}"
    return f"pages {first} {'and' if last == first + 1 else 'to'} {last}"
