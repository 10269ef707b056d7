"""SMTP reply lines: a failure as code, enhanced code (RFC 3463) and one line of ASCII. Pure."""

from __future__ import annotations

import re

from gateway.errors import Failure, Kind

LONGEST = 480
"""Characters of text: a reply line has at most 512 (RFC 5321, 4.5.3.1.5)."""

_BASIC = {
    "4.5.3": 452,
    "4.7.0": 421,
    "4.7.1": 450,
    "5.1.7": 553,
    "5.3.4": 552,
    "5.5.0": 554,
    "5.5.4": 501,
    "5.7.0": 530,
}
_DEFAULT = {
    "221": "2.0.0",
    "250": "2.0.0",
    "252": "2.5.0",
    "421": "4.3.0",
    "451": "4.3.0",
    "454": "4.7.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "504": "5.5.4",
    "530": "5.7.0",
    "552": "5.3.4",
    "553": "5.1.3",
    "554": "5.5.0",
    "555": "5.5.4",
}
_PLAIN = re.compile(r"([245]\d\d) (?![245]\.\d{1,3}\.\d{1,3} )(?:Error: )?")

OWN_TROUBLE = "451 4.3.0 The gateway cannot take the mail just now. Try again later."
"""All that a client learns about trouble of ours, but for the next."""
FULL = "452 4.3.1 The gateway has no room for the mail just now. Try again later."


def reply(failure: Failure) -> str:
    """The reply line for a failure; for people it says what happened, for machines the codes."""
    usual = 550 if failure.kind is Kind.PERMANENT else 451
    text = "".join(char if " " <= char <= "~" else "?" for char in failure.sentence)
    return f"{_BASIC.get(failure.status, usual)} {failure.status} {text[:LONGEST]}"


def of_store(failure: Failure) -> str:
    """The reply line for trouble with our store."""
    return FULL if failure.status == "4.3.1" else OWN_TROUBLE


def enhanced(line: str) -> str:
    """A reply of the library's with the enhanced code that RFC 2034 wants in front of its text.

    Lines that have one, and those that must have none (greeting, EHLO, 334, 354), stay as they are.
    """
    match = _PLAIN.match(line)
    if match is None or match[1] not in _DEFAULT:
        return line
    return f"{match[1]} {_DEFAULT[match[1]]} {line[match.end() :]}"
