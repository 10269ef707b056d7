"""The mail that a preview shows: what `send` would make of files, or what would be stored of a mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.send import is_mail, message_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail on its way to the page, with what the intake would have told of it."""

    message: bytes
    subject: str
    redact: Sequence[str] = field(default=(), repr=False)
    """The words that a rule wants blackened."""


def draft_of(files: Sequence[Path], *, text: str, subject: str, code: str | None) -> Draft:
    """The mail of FILEs, or FILE if it is a mail, as it would be stored under a rule with this code."""
    message = message_of(files, text, subject)
    redact = (code,) if code else ()
    if not subject and not (len(files) == 1 and is_mail(files[0])):
        return Draft(message=message, subject="", redact=redact)  # its header says nothing
    from gateway.mailin.code import without_words
    from gateway.mailin.header import parse, without_code
    from gateway.mailin.intake import split_message

    header, body = split_message(message)
    told = parse(header).subject
    if code:
        header, told = without_code(header, code), without_words(told, code)
    return Draft(message=header + body, subject=told, redact=redact)
