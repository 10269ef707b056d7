"""What of a mail becomes pages, in which order (RFC 2045, 2046, 2183, 2387), and what its header says.

The mail's own text comes first, then everything else in the order of the mail. Of alternative versions of the
text one is taken (`alternatives`); attachments are taken wherever they hang, because some mail programs put
them inside the HTML alternative. Forwarded mails are read like the mail itself; what winmail.dat holds counts
as attached, and its text as the mail's if there is no other.

Left out, each with a note: calendar entries and contact cards (by type or content), digital signatures and
keys, receipts and delivery reports, header files of a Macintosh, drawings and blank files that only decorate
the HTML text, Windows objects inside of rich text, and an attachment that is the same file as one before.
Pictures that a drawn HTML text shows (``cid:``) are drawn there and nowhere else. Which other inline pictures
are decoration is decided where pictures are measured, in `image`.

Refused, with what to do: encrypted mails, mails in pieces or with their content elsewhere, damaged transfer
encodings, and more than parts, bytes or levels than `mail_rules` allows, all nested mails together.
"""

from __future__ import annotations

import email
import email.errors
import email.policy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from email.message import Message

from gateway.document.formats import text
from gateway.document.formats.containers import without_macbinary
from gateway.document.formats.mail import header, tnef, uuencode
from gateway.document.formats.mail.alternatives import BODIES, children, is_attached, superseded
from gateway.document.formats.mail.rules import (
    DECORATION,
    DEPTH,
    ELSEWHERE,
    ENCRYPTED,
    LEFT_OUT,
    LEFT_OUT_FORMATS,
    PGP,
    TOO_DEEP,
    Spent,
    damaged,
    encrypted,
    without_repeats,
)
from gateway.document.formats.mail.words import MailText
from gateway.document.formats.parts import Part, refuse
from gateway.document.formats.sniff import PICTURES, Format, sniff, wide_charset
from gateway.document.wire import displayed
from gateway.errors import GatewayError

_MAILS = ("message/rfc822", "message/global", "message/news")
_SHOWN_HEADERS = ("From", "To", "Date", "Subject")
_TEXT_LABEL = "The text of the mail"


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
        parsed: Message = email.message_from_bytes(message, policy=email.policy.compat32)
        walk = _Walk()
        walk.entity(parsed, 0)
        parts = walk.finished(_TEXT_LABEL, include_text=include_text)
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
    walk = _Walk()
    try:
        walk.file(file, "", 0)
        parts, repeats = without_repeats(walk.finished(_TEXT_LABEL, include_text=True))
    except RecursionError:
        raise GatewayError(TOO_DEEP) from None
    return Contents(parts=tuple(parts), notes=(*walk.notes, *repeats))


@dataclass(slots=True)
class _Walk:
    """Collects the parts of one mail; a forwarded mail is a walk of its own that shares the limits."""

    spent: Spent = field(default_factory=Spent)
    superseded: set[int] = field(default_factory=set)
    """Identities of the text entities that repeat a chosen alternative."""
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    text: MailText = field(default_factory=MailText)
    pictures: dict[str, Part] = field(default_factory=dict)
    """Those of `parts` that an HTML text may show, by Content-ID."""
    tnefs: list[tnef.Tnef] = field(default_factory=list)
    """Where the text is looked for if it is nowhere else."""

    def entity(self, entity: Message, depth: int) -> None:
        """Take an entity and what it contains."""
        self.spent.add(entities=1)
        if depth > DEPTH:
            raise GatewayError(TOO_DEEP)
        header.mend(entity)
        kind = entity.get_content_type()
        if kind in ENCRYPTED:
            encrypted(self._label(entity) if depth else "The mail")
        if kind in LEFT_OUT:
            self._leave_out(self._label(entity), LEFT_OUT[kind])
        elif kind in _MAILS:
            self._attached_mail(entity, depth + 1)
        elif kind in ELSEWHERE:
            refuse(self._label(entity), *ELSEWHERE[kind], code="document_elsewhere")
        elif entity.is_multipart():
            if kind == "multipart/alternative":
                self.superseded |= superseded(entity)
            for child in children(entity):
                self.entity(child, depth + 1)
        elif id(entity) not in self.superseded:
            self._leaf(entity, kind, depth)

    def finished(self, label: str, *, include_text: bool) -> list[Part]:
        """All parts in page order; the text, if it is wanted, is called `label`."""
        if not self.text:
            self._take_tnef_text()
        if not include_text:
            return self.parts
        shown = {cid: self.pictures[cid] for cid in self.text.references() if cid in self.pictures}
        body = self.text.part(label, {cid: part.data for cid, part in shown.items()})
        drawn = {id(part) for part in shown.values()}
        others = [part for part in self.parts if id(part) not in drawn]
        return [body, *others] if body is not None else others

    def _take_tnef_text(self) -> None:
        for opened in self.tnefs:
            if opened.text.strip():
                self.text.add(opened.text)
            elif opened.html:
                self.text.add_html(opened.html, opened.html_charset)
            else:
                self.text.add(opened.rich_text)

    def _attached_mail(self, entity: Message, depth: int) -> None:
        name = header.file_name(entity)
        inner = children(entity)
        if not inner:
            damaged(self._label(entity))
        for mail in inner:
            # Some programs encode an attached mail, which RFC 2046, 5.2.1 forbids; the parser takes it as is.
            encoded = str(entity.get("Content-Transfer-Encoding", "")).strip().lower()
            if encoded in ("base64", "quoted-printable") and not mail.keys():
                mail["Content-Transfer-Encoding"] = encoded
                decoded = self._decoded(mail, self._label(entity))
                self._forwarded(email.message_from_bytes(decoded), name, depth)
            else:
                self._forwarded(mail, name, depth)

    def _forwarded(self, mail: Message, name: str, depth: int) -> None:
        inner = _Walk(spent=self.spent)
        inner.text.heading = _heading([(field, header.decoded(mail[field])) for field in _SHOWN_HEADERS])
        inner.entity(mail, depth)
        self._take_over(inner, name)

    def _take_over(self, inner: _Walk, name: str) -> None:
        label = f'The forwarded mail "{name}"' if name else "The forwarded mail"
        self.parts += inner.finished(label, include_text=True)
        self.notes += inner.notes

    def _leaf(self, entity: Message, kind: str, depth: int) -> None:
        label = self._label(entity)
        data = self._decoded(entity, label)
        if kind.startswith("multipart/") and data.strip():
            damaged(label)
        charset = (entity.get_content_charset() or "")[:40]
        if kind in BODIES and not is_attached(entity):
            self._add_text(entity, data, charset, depth)
            return
        cid = header.content_id(entity)
        inline = bool(cid) and entity.get_content_disposition() != "attachment"
        part = Part(
            label=label,
            name=header.file_name(entity),
            data=data,
            declared=kind,
            charset=charset,
            inline=inline,
        )
        self.file(part, cid, depth)

    def file(self, part: Part, cid: str, depth: int) -> None:
        """Take a file, or what it holds."""
        data = without_macbinary(part.data)
        kind = sniff(data)
        if kind in LEFT_OUT_FORMATS:
            self._leave_out(part.label, LEFT_OUT_FORMATS[kind])
        elif kind is Format.SEALED:
            encrypted(part.label)
        elif kind is Format.MAIL:
            self._forwarded(email.message_from_bytes(data), part.name, depth + 1)
        elif kind is Format.TNEF:
            self._tnef(part, data, depth)
        elif part.inline and kind in DECORATION:
            self.notes.append(f"{part.label} only decorates the mail's HTML text and was left out.")
        else:
            charset = wide_charset(data) or part.charset
            made = replace(part, data=data, charset=charset)
            self.parts.append(made)
            if cid and kind in PICTURES:
                self.pictures.setdefault(cid, made)

    def _tnef(self, part: Part, data: bytes, depth: int) -> None:
        if depth > DEPTH:
            raise GatewayError(TOO_DEEP)
        try:
            opened = tnef.read(data)
        except tnef.Damaged:
            damaged(part.label)
        self.tnefs.append(opened)
        for number, attached in enumerate(opened.attachments, 1):
            self.spent.add(entities=1, decoded=len(attached.data))
            name = header.plain_name(attached.name)
            file = Part(
                label=_named(name) or f"{part.label}, file {number},",
                name=name,
                data=attached.data,
                declared=attached.kind,
                inline=bool(attached.content_id),
            )
            if attached.ole:
                self._leave_out(file.label, "Windows object inside of the text")
            elif attached.embedded:
                self._embedded(file, depth + 1)
            else:
                self.file(file, attached.content_id, depth + 1)

    def _embedded(self, part: Part, depth: int) -> None:
        """A mail attached inside of winmail.dat."""
        inner = _Walk(spent=self.spent)
        inner._tnef(part, part.data, depth)
        opened = inner.tnefs[0]
        inner.text.heading = _heading([("From", opened.sender), ("Subject", opened.subject)])
        self._take_over(inner, part.name)

    def _add_text(self, entity: Message, data: bytes, charset: str, depth: int) -> None:
        if entity.get_content_type() == "text/html":
            self.text.add_html(data, charset)
            return
        written = text.decode(data, wide_charset(data) or charset)
        if written.lstrip().startswith(PGP):
            encrypted("The text of the mail")
        if str(entity.get_param("format", "")).lower() == "flowed":
            delete_space = str(entity.get_param("delsp", "")).lower() == "yes"
            written = text.unflow(written, delete_space=delete_space)
        written, files = uuencode.split(written)
        self.text.add(written)
        for sent_name, content in files:
            self.spent.add(entities=1, decoded=len(content))
            name = header.plain_name(header.decoded(sent_name))
            self.file(Part(label=_named(name), name=name, data=content), "", depth)

    def _leave_out(self, label: str, what: str) -> None:
        self.notes.append(f"{label} is a {what} and was left out.")

    def _label(self, entity: Message) -> str:
        kind = displayed(entity.get_content_type(), 60)
        return _named(header.file_name(entity)) or f"Part {self.spent.entities} of the mail ({kind})"

    def _decoded(self, entity: Message, label: str) -> bytes:
        """The content of a leaf, its transfer encoding undone."""
        try:
            data = entity.get_payload(decode=True)
        except (ValueError, LookupError, IndexError):
            damaged(label)
        if any(isinstance(defect, email.errors.InvalidBase64LengthDefect) for defect in entity.defects):
            damaged(label)
        data = data if isinstance(data, bytes) else b""
        self.spent.add(decoded=len(data))
        return data


def _named(name: str) -> str:
    return f'The attachment "{name}"' if name else ""


def _heading(fields: Sequence[tuple[str, str]]) -> str:
    shown = [f"{name}: {displayed(value, 500)}" for name, value in fields if value]
    return "\n".join(["Forwarded message", *shown, "\n"])
