"""The fax number in the subject of a polled mail: ``CODE 555-234-1234 Invoice``. Pure.

A mailbox has no envelope, and RFC 2532, 2.2.2 forbids guessing the destination from To or Cc, so the sender
writes it down. Only what stands where the number belongs is read as one: the first words after the code. A
number further on is text (an order number must not get a fax), and a number that can be read in two ways is
refused, because a guess would show a document to a stranger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway import phone
from gateway.errors import GatewayError, permanent
from gateway.mailin.code import without_words

_HOW = "Write the fax number first, or right after the code, and then the text: 555-234-1234 Invoice."
_AMBIGUOUS = "can be read in two ways. Write it without spaces."

_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u3000\t\r\n", " "),
        # Address books wrap copied numbers in invisible direction marks.
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060", None),
        **dict.fromkeys("\u2066\u2067\u2068\u2069\ufeff", None),
        "\uff0b": "+",
    }
)
_SEPARATORS = " \t,;:|-"
_RUN = re.compile(r"[+(]?[0-9][0-9+().\-/ ]*")
_GLUED = re.compile(r"[^\s,;:]")
"""A character that belongs to the word before it: ``5552341234x9`` is not a number with a text."""
_AGAIN = re.compile(r"\s*[,;]\s*(?=[+(]?[0-9])")
_ENOUGH_DIGITS = 7
"""With fewer, what follows a comma is text (``…, 2 pages``); with more, it was meant as a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """What a subject asks for."""

    numbers: tuple[str, ...]
    """E.164, in the order written."""
    subject: str
    """What is left for people to read."""


def read(subject: str, *, code: str = "", region: str = "US") -> Directive:
    """Take the code and the numbers out of the decoded `subject`.

    Several numbers are separated by commas. With `code` they stand right after it, else at the front.
    `region` (ISO 3166) is where numbers without ``+`` are dialled. Raises `GatewayError` (permanent, 5.1.3)
    without quoting the subject.
    """
    before, text = _after_code(" ".join(subject.translate(_LOOKALIKES).split()), code)
    numbers: list[str] = []
    position = 0
    while True:
        number, position = _number(text, position, region)
        numbers.append(number)
        more = _AGAIN.match(text, position)
        if more is None:
            break
        run = _RUN.match(text, more.end())
        if run is None or sum(c.isdigit() for c in run[0]) < _ENOUGH_DIGITS:
            break
        position = more.end()
    rest = f"{before} {text[position:].lstrip(_SEPARATORS)}"
    if code:
        rest = without_words(rest, code)
    return Directive(numbers=tuple(dict.fromkeys(numbers)), subject=" ".join(rest.split()))


def _after_code(subject: str, code: str) -> tuple[str, str]:
    """What stands before the code, which is not for us ("Re:"), and after it."""
    word = rf"[\[({{<]?\s*(?<![^\W_]){re.escape(code)}(?![^\W_])\s*[\])}}>]?"
    found = re.search(word, subject) if code else None
    if found is None:
        return "", subject
    return subject[: found.start()], subject[found.end() :].lstrip(_SEPARATORS)


def _number(text: str, start: int, region: str) -> tuple[str, int]:
    """The number at `start` and the index after it."""
    run = _RUN.match(text, start)
    if run is None:
        raise GatewayError(permanent("5.1.3", f"The subject names no fax number. {_HOW}"))
    found: dict[str, int] = {}
    for end in _ends(text, run):
        try:
            number = phone.parse(text[start:end].rstrip(".-/ "), region=region)
        except GatewayError:
            continue
        found[number] = max(end, found.get(number, end))
    if len(found) == 1:
        return next(iter(found.items()))
    if found:
        raise GatewayError(permanent("5.1.3", f"The fax number in the subject {_AMBIGUOUS}"))
    raise GatewayError(permanent("5.1.3", f"The subject does not begin with a valid fax number. {_HOW}"))


def _ends(text: str, run: re.Match[str]) -> list[int]:
    """Where the number may end: after each word of digits that nothing is glued to."""
    ends = [run.start() + space.start() for space in re.finditer(r" +|$", run[0])]
    return [end for end in dict.fromkeys(ends) if not _GLUED.match(text, end) and end > run.start()]
