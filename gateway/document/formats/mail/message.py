"""A mail, or a file that may be one, as the parts of a fax; and what the mail's header says."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.document.formats.mail import header
from gateway.document.formats.mail.rules import TOO_DEEP, without_repeats
from gateway.document.formats.mail.walk import TEXT_LABEL, Walk
from gateway.document.formats.parts import Part
from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a mail holds for the fax: parts in page order, and a sentence for each part that was left out.

    What is said of the header is decoded and fit to be displayed, ``""`` where the header says nothing.
    """

    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    text: str = ""
    """The mail's own text as plain text, whether or not it is among the parts."""
    from_name: str = ""
    from_address: str = ""
    recipients: tuple[tuple[str, str], ...] = ()
    """Display name and address of everybody in To and Cc."""
    subject: str = ""


def read(message: bytes, *, include_text: bool = True) -> Contents:
    """Find the parts of a whole RFC 5322 message. Raises `GatewayError` for what nobody could read."""
    try:
        parsed = header.parsed(message, "The mail")
        walk = Walk()
        walk.entity(parsed, 0)
        parts = walk.finished(TEXT_LABEL, include_text=include_text)
    except RecursionError:
        raise GatewayError(TOO_DEEP) from None
    parts, repeats = without_repeats(parts)
    from_name, from_address = next(iter(header.mailboxes(parsed.get_all("From", []))), ("", ""))
    return Contents(
        parts=tuple(parts),
        notes=(*walk.notes, *repeats),
        text=walk.text.words,
        from_name=from_name,
        from_address=from_address,
        recipients=tuple(header.mailboxes([*parsed.get_all("To", []), *parsed.get_all("Cc", [])])),
        subject=header.decoded(parsed["Subject"]),
    )


def unpack(file: Part) -> Contents:
    """What a single file holds: of a mail or a winmail.dat its parts, of any other file itself."""
    walk = Walk()
    try:
        walk.file(file, 0)
        parts, repeats = without_repeats(walk.finished(TEXT_LABEL, include_text=True))
    except RecursionError:
        raise GatewayError(TOO_DEEP) from None
    return Contents(parts=tuple(parts), notes=(*walk.notes, *repeats))
