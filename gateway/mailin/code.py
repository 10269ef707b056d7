"""The security code: an alphanumeric word of its own in a subject. Pure.

Exact when it opens the door (`in_subject`), in any case when it must disappear (`without_words`,
`without_traces`). In a subject only whole words are removed, because the rest of a longer word may be part of
a fax number; elsewhere every occurrence goes.
"""

from __future__ import annotations

import hmac
import re

_WORD = re.compile(r"[^\W_]+")
GUESSES = 16
"""Words in one subject that could be the code; with more of them a single mail would be a search."""
GUESSES_UNPROVED = 4
"""The same for names that anybody can write: they are never locked for long."""
_SEPARATORS = " \t-–—:;,|/"


def in_subject(subject: str, code: str, *, guesses: int = GUESSES) -> bool:
    """Whether `code` is a word of `subject`, each word compared in constant time.

    Never with more than `guesses` words that could be it: of its length, with digits where it has digits, so
    that the words of a long subject are not taken for guesses.
    """
    wanted = code.encode()
    found, count = False, 0
    for word in _WORD.findall(subject):
        found |= hmac.compare_digest(word.encode("utf-8", "replace"), wanted)
        count += len(word) == len(code) and all(
            here.isdecimal() == there.isdecimal() for here, there in zip(word, code, strict=True)
        )
    return found and count <= guesses


def without_words(subject: str, code: str) -> str:
    """`subject` without the word `code`, its brackets, and the separators it leaves at either end."""
    word = rf"(?<![^\W_]){re.escape(code)}(?![^\W_])"
    bracketed = rf"\[\s*{word}\s*\]|\(\s*{word}\s*\)|\{{\s*{word}\s*\}}|<\s*{word}\s*>|{word}"
    rest, count = re.subn(bracketed, " ", subject, flags=re.IGNORECASE)
    return " ".join(rest.split()).strip(_SEPARATORS) if count else subject


def without_traces(text: str, code: str) -> str:
    """`text` with a hyphen for every occurrence of `code`.

    Something must stand there: ``<CODE@host>`` would become a Message-ID that parsers stumble over, and what
    stands around an occurrence could make a new one.
    """
    return re.sub(re.escape(code), "-", text, flags=re.IGNORECASE)


def holds(text: str, code: str) -> bool:
    """Whether `code` occurs in `text` at all."""
    return code.lower() in text.lower()
