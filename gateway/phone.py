"""Telephone numbers: E.164 in, the provider's dial form out. Pure.

North American numbers are checked by shape ([2-9]XX [2-9]XX-XXXX) rather than against the assignment
tables, because new area codes appear faster than metadata releases; other countries are checked for a
possible length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.errors import GatewayError, permanent

_NANP = re.compile(r"1[2-9]\d{2}[2-9]\d{6}")
_PLAIN = re.compile(r"(?:\+?1)?([2-9][0-9]{2}[2-9][0-9]{6})")
"""A North American number in digits alone, which the library would read in the same way."""
_SHAPE = re.compile(r"\+?[( ]?[0-9][0-9 ().\-/]{0,38}")
_PUNCTUATION = re.compile(r"[ ().\-/]")
_NO_DIGIT = re.compile(r"\D+")


def _refuse(text: str) -> GatewayError:
    shown = "".join(c if c.isprintable() and c.isascii() else "?" for c in text[:40])
    return GatewayError(
        permanent(
            "5.1.3",
            f'"{shown}" is not a fax number. Write ten digits such as 5552341234, or +1 and ten digits.',
        )
    )


def parse(text: str, *, region: str = "US") -> str:
    """Turn a number as people write it into E.164 (``+15552341234``).

    Raises `GatewayError` (permanent, 5.1.3) for anything that is not digits with ordinary punctuation, and
    for numbers that cannot exist. Letters are refused, never translated: a guessed number is a privacy
    breach.
    """
    text = text.strip()
    if region in ("CA", "US") and (plain := _PLAIN.fullmatch(text)):
        return f"+1{plain[1]}"
    return _parsed(text, region)


def _parsed(text: str, region: str) -> str:
    import phonenumbers  # deferred: 50 ms of tables

    if not _SHAPE.fullmatch(text):
        raise _refuse(text)
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise _refuse(text) from None
    # Only digits that were written may be dialled: the library must not have dropped or added any but the
    # country code and a trunk prefix.
    digits = _PUNCTUATION.sub("", text).lstrip("+")
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    if not digits.endswith(phonenumbers.national_significant_number(number)):
        raise _refuse(text)
    if number.country_code == 1:
        if not _NANP.fullmatch(e164[1:]):
            raise _refuse(text)
    elif not phonenumbers.is_possible_number(number):
        raise _refuse(text)
    return e164


def permit(
    e164: str,
    *,
    allow_international: bool = False,
    blocked: Sequence[str] = (),
    allowed: Sequence[str] = ("*",),
) -> None:
    """Raise `GatewayError` (permanent, 5.7.1) unless policy lets this number be dialled.

    `blocked` and `allowed` are E.164 prefixes; ``*`` allows everything. Blocked wins.
    """
    if not e164.startswith("+1") and not allow_international:
        raise GatewayError(
            permanent(
                "5.7.1",
                f"{national(e164)} is outside North America and international faxes are switched off here.",
            )
        )
    if any(e164.startswith(prefix) for prefix in blocked) or not any(
        prefix == "*" or e164.startswith(prefix.rstrip("*")) for prefix in allowed
    ):
        raise GatewayError(permanent("5.7.1", f"Faxes to {national(e164)} are not allowed here."))


def dial(e164: str) -> str:
    """The form that `sendFaxMessage` takes: ten digits in North America, else ``011`` and the number."""
    return e164[2:] if e164.startswith("+1") else "011" + e164[1:]


def national(e164: str) -> str:
    """For people: ``(555) 234-1234`` in North America, international spacing elsewhere."""
    if _NANP.fullmatch(e164.removeprefix("+")):
        return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
    import phonenumbers

    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def same(one: str, other: str) -> bool:
    """Whether two spellings are the same North American number (country code optional), else equal digits."""
    return bare(one) == bare(other) != ""


def bare(text: str) -> str:
    """Equal for all spellings of one number: its digits without the prefixes that may be left out."""
    digits = _NO_DIGIT.sub("", text)
    if len(digits) == 11 and digits.startswith("1"):
        return digits[1:]
    return digits.removeprefix("011") if len(digits) > 11 else digits


def mask(text: str) -> str:
    """Hide all but the last four digits, for logs."""
    digits = "".join(c for c in text if c.isdigit())
    return f"…{digits[-4:]}" if len(digits) > 4 else "…"
