"""What of a mail is left out or refused, in which words, and how much of a mail is read at all. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.document.formats.parts import Part, refusal
from gateway.document.formats.sniff import OFFICE_FORMATS, PICTURES, Format
from gateway.errors import Failure, GatewayError, permanent

DEPTH = 10
ENTITIES = 200
DECODED_BYTES = 256 << 20
_HEADERS = "text/rfc822-headers"
_LEFT_OUT = {
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
    _HEADERS: "mail header",
}
_LEFT_OUT_FORMATS = {
    Format.CALENDAR: "calendar entry",
    Format.CONTACT: "contact card",
    Format.SIGNATURE: "digital signature",
    Format.KEY: "encryption key",
}
_UNTOLD = frozenset({Format.TEXT, Format.UNKNOWN, Format.EMPTY})
"""Contents that may be anything: of them the declared type is believed."""
NO_TEXT = PICTURES | OFFICE_FORMATS | {Format.PDF}
"""What is a file even where it is declared as the mail's text."""
DECORATION = frozenset({Format.SVG, Format.METAFILE, Format.EMPTY, Format.UNKNOWN})
"""What hangs in an HTML text and makes no page of its own."""
ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
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


def left_out(declared: str, told: Format | None) -> str:
    """What a part is called that nobody wants on paper, by its content, else by its declared type; or ``""``.

    `told`: None where there is no content to be asked.
    """
    if told in _LEFT_OUT_FORMATS:
        return _LEFT_OUT_FORMATS[told]
    believed = told is None or told in _UNTOLD or (told is Format.MAIL and declared == _HEADERS)
    return _LEFT_OUT.get(declared, "") if believed else ""


def is_sealed(declared: str, told: Format) -> bool:
    """Whether a part is encrypted, or signed with its content inside of the signature."""
    return told is Format.SEALED or (told in _UNTOLD and declared in ENCRYPTED)


def encrypted(label: str) -> Failure:
    problem = "is encrypted or sealed (S/MIME or PGP), so the gateway cannot read it"
    return refusal(label, problem, "Send it without encryption", code="document_encrypted")


def damaged(label: str) -> Failure:
    problem = "arrived damaged: its content cannot be decoded"
    return refusal(label, problem, "Send the mail again", status="5.6.0", code="document_damaged")


def elsewhere(label: str, declared: str) -> Failure:
    return refusal(label, *ELSEWHERE[declared], code="document_elsewhere")


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
