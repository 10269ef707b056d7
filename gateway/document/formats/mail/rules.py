"""What of a mail is left out or refused, in which words, and how much of a mail is read at all. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from gateway.document.formats.parts import Part, refuse
from gateway.document.formats.sniff import Format
from gateway.errors import GatewayError, permanent

DEPTH = 10
ENTITIES = 200
DECODED_BYTES = 256 << 20
LEFT_OUT = {
    "text/calendar": "calendar entry",
    "application/ics": "calendar entry",
    "text/vcard": "contact card",
    "text/x-vcard": "contact card",
    "application/pgp-signature": "digital signature",
    "application/pgp-keys": "encryption key",
    "application/pkcs7-signature": "digital signature",
    "application/x-pkcs7-signature": "digital signature",
    "application/applefile": "file information of a Macintosh",
    "message/disposition-notification": "read receipt",
    "message/delivery-status": "delivery report",
    "message/global-delivery-status": "delivery report",
    "message/feedback-report": "complaint report",
    "text/rfc822-headers": "mail header",
}
LEFT_OUT_FORMATS = {
    Format.CALENDAR: "calendar entry",
    Format.CONTACT: "contact card",
    Format.SIGNATURE: "digital signature",
    Format.KEY: "encryption key",
}
DECORATION = frozenset({Format.SVG, Format.METAFILE, Format.EMPTY, Format.UNKNOWN})
"""What hangs in an HTML text and makes no page of its own."""
ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")
PGP = "-----BEGIN PGP MESSAGE-----"


@dataclass(slots=True)
class Spent:
    """Entities met and bytes decoded, in all nested mails together."""

    entities: int = 0
    decoded: int = 0

    def add(self, *, entities: int = 0, decoded: int = 0) -> None:
        self.entities += entities
        self.decoded += decoded
        if self.entities > ENTITIES or self.decoded > DECODED_BYTES:
            sentence = "The mail has too many or too large parts to be faxed. Send fewer attachments."
            raise GatewayError(permanent("5.3.4", sentence, code="document_parts"))


def without_repeats(parts: Sequence[Part]) -> tuple[list[Part], list[str]]:
    """Each file once: the same bytes a second time would be the same pages. With a note for each."""
    first: dict[bytes, str] = {}
    kept: list[Part] = []
    notes: list[str] = []
    for part in parts:
        digest = hashlib.sha256(part.data).digest()
        if not part.data or digest not in first:
            first[digest] = part.label
            kept.append(part)
        else:
            notes.append(
                f"{part.label} is the same file as one before it ({first[digest]}) and was left out."
            )
    return kept, notes


def encrypted(label: str) -> NoReturn:
    problem = "is encrypted or sealed (S/MIME or PGP), so the gateway cannot read it"
    refuse(label, problem, "Send it without encryption", code="document_encrypted")


def damaged(label: str) -> NoReturn:
    problem = "arrived damaged: its content cannot be decoded"
    refuse(label, problem, "Send the mail again", status="5.6.0", code="document_damaged")


ELSEWHERE = {
    "message/partial": (
        "is one piece of a mail that was cut into several (message/partial)",
        "Send the mail in one piece",
    ),
    "message/external-body": (
        "only says where its content can be found (message/external-body)",
        "Attach the file itself",
    ),
}
TOO_DEEP = permanent(
    "5.6.0",
    f"The mail is nested more than {DEPTH} levels deep. Send the files themselves.",
    code="document_parts",
)
