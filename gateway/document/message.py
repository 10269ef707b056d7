"""Which parts of a mail become pages, in which order (RFC 2045, 2046, 2183, 2387).

The mail's own text comes first, then everything else in the order of the mail. Of alternative versions of the
text the plain one is taken, else the HTML one; attachments are taken wherever they hang, because some mail
programs put them inside the HTML alternative. Forwarded mails are read like the mail itself.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import email.policy
import email.utils
from dataclasses import dataclass, field
from email.message import Message

from gateway.document import html, text
from gateway.document.parts import Part, refuse
from gateway.document.sniff import Format, sniff
from gateway.document.wire import displayed
from gateway.errors import GatewayError, permanent

_DEPTH = 10
_ENTITIES = 200
_DECODED_BYTES = 256 << 20
_NAME_CHARACTERS = 100
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
    "text/rfc822-headers": "mail header",
}
_ENCRYPTED = {"application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted"}
_LEFT_OUT_FORMATS = {Format.CALENDAR: "calendar entry", Format.CONTACT: "contact card"}
_SHOWN_HEADERS = ("From", "To", "Date", "Subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a mail holds for the fax: parts in page order, and a sentence for each part that was left out."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def read(message: bytes, *, include_text: bool = True) -> Contents:
    """Find the parts of a whole RFC 5322 message. Raises `GatewayError` for what nobody could read."""
    try:
        parsed: Message = email.message_from_bytes(message, policy=email.policy.compat32)
        walk = _Walk()
        walk.entity(parsed, 0)
    except RecursionError:
        raise GatewayError(_TOO_DEEP) from None
    parts = walk.parts
    if walk.body and include_text:
        parts = [Part(label="The text of the mail", text="\n".join(walk.body)), *parts]
    return Contents(parts=tuple(parts), notes=tuple(walk.notes))


@dataclass(slots=True)
class _Walk:
    """Collects the parts of one mail; a forwarded mail is a walk of its own that shares the limits."""

    redundant: set[int] = field(default_factory=set)
    """Identity of the text entities that repeat a chosen alternative."""
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    spent: list[int] = field(default_factory=lambda: [0, 0])
    """Entities met and bytes decoded, in all nested mails together."""

    def entity(self, entity: Message, depth: int) -> None:
        """Take an entity and what it contains."""
        self._spend(entities=1)
        kind = entity.get_content_type()
        if depth > _DEPTH:
            raise GatewayError(_TOO_DEEP)
        if kind in _ENCRYPTED:
            refuse(
                self._label(entity) if depth else "The mail",
                "is encrypted or sealed (S/MIME or PGP), so the gateway cannot read it",
                "Send it without encryption",
                code="document_encrypted",
            )
        if not entity.is_multipart():
            self._leaf(entity, kind)
            return
        if kind == "multipart/alternative":
            self.redundant |= _redundant(entity)
        for child in _children(entity):
            if kind == "message/rfc822":
                self._forwarded(entity, child, depth + 1)
            else:
                self.entity(child, depth + 1)

    def _forwarded(self, entity: Message, mail: Message, depth: int) -> None:
        inner = _Walk(spent=self.spent)
        shown = [f"{name}: {_decoded(mail[name])}" for name in _SHOWN_HEADERS if mail[name]]
        inner.body.append("\n".join(["Forwarded message", *shown, ""]))
        inner.entity(mail, depth)
        label = f'The forwarded mail "{name}"' if (name := _filename(entity)) else "The forwarded mail"
        self.parts += [Part(label=label, text="\n".join(inner.body)), *inner.parts]
        self.notes += inner.notes

    def _leaf(self, entity: Message, kind: str) -> None:
        name = _filename(entity)
        attached = entity.get_content_disposition() == "attachment" or bool(name)
        textual = kind in ("text/plain", "text/html") and not attached
        if textual and id(entity) in self.redundant:
            return
        label = self._label(entity)
        if kind in _LEFT_OUT:
            self.notes.append(f"{label} is a {_LEFT_OUT[kind]} and was left out.")
            return
        data = entity.get_payload(decode=True)
        data = data if isinstance(data, bytes) else b""
        self._spend(decoded=len(data))
        charset = (entity.get_content_charset() or "")[:40]
        if textual:
            self._add_body(entity, data, charset)
            return
        if (kind_left_out := _LEFT_OUT_FORMATS.get(sniff(data))) is not None:
            self.notes.append(f"{label} is a {kind_left_out} and was left out.")
            return
        inline = entity.get_content_disposition() != "attachment" and entity["Content-ID"] is not None
        self.parts.append(Part(label=label, data=data, declared=kind, charset=charset, inline=inline))

    def _add_body(self, entity: Message, data: bytes, charset: str) -> None:
        if entity.get_content_type() == "text/html":
            written = html.to_text(data, charset)
        else:
            written = text.decode(data, charset)
            if str(entity.get_param("format", "")).lower() == "flowed":
                delete_space = str(entity.get_param("delsp", "")).lower() == "yes"
                written = text.unflow(written, delete_space=delete_space)
        if written.strip():
            self.body.append(written)

    def _label(self, entity: Message) -> str:
        name = _filename(entity)
        if name:
            return f'The attachment "{name}"'
        return f"Part {self.spent[0]} of the mail ({displayed(entity.get_content_type(), 60)})"

    def _spend(self, *, entities: int = 0, decoded: int = 0) -> None:
        self.spent[0] += entities
        self.spent[1] += decoded
        if self.spent[0] > _ENTITIES or self.spent[1] > _DECODED_BYTES:
            sentence = "The mail has too many or too large parts to be faxed. Send fewer attachments."
            raise GatewayError(permanent("5.3.4", sentence, code="document_parts"))


def _children(entity: Message) -> list[Message]:
    payload = entity.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _redundant(alternative: Message) -> set[int]:
    """The text entities of all alternatives but the best: the first with plain text, else the last HTML."""
    texts = [[leaf for leaf in child.walk() if _is_body(leaf)] for child in _children(alternative)]
    plain = [leaves for leaves in texts if any(_has_plain(leaf) for leaf in leaves)]
    rich = [leaves for leaves in texts if any(leaf.get_content_type() == "text/html" for leaf in leaves)]
    best = plain[0] if plain else rich[-1] if rich else []
    return {id(leaf) for leaves in texts if leaves is not best for leaf in leaves}


def _is_body(leaf: Message) -> bool:
    attached = leaf.get_content_disposition() == "attachment" or bool(_filename(leaf))
    return leaf.get_content_type() in ("text/plain", "text/html") and not attached


def _has_plain(leaf: Message) -> bool:
    payload = leaf.get_payload(decode=True)
    return leaf.get_content_type() == "text/plain" and isinstance(payload, bytes) and bool(payload.strip())


def _filename(entity: Message) -> str:
    """The name a part gives itself, fit to be displayed; by RFC 2231 or as the encoded words many send."""
    for header, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        value = entity.get_param(parameter, None, header)
        if value:
            try:
                plain = email.utils.collapse_rfc2231_value(value)
            except (LookupError, ValueError, TypeError):
                continue  # a name in a charset that does not exist
            last = _decoded(plain).replace("\\", "/").rsplit("/", 1)[-1]
            return displayed(last.replace('"', "'"), _NAME_CHARACTERS)
    return ""


def _decoded(value: object) -> str:
    """A header's text with its encoded words (RFC 2047) decoded, whatever is wrong with them."""
    raw = str(value)
    try:
        return displayed(str(email.header.make_header(email.header.decode_header(raw))), 500)
    except (LookupError, ValueError, email.errors.HeaderParseError):
        return displayed(raw.encode("ascii", "replace").decode(), 500)


_TOO_DEEP = permanent(
    "5.6.0",
    f"The mail is nested more than {_DEPTH} levels deep. Send the files themselves.",
    code="document_parts",
)
