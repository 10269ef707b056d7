"""Finds what of a mail becomes pages, in which order (RFC 2045, 2046, 2183, 2387).

The mail's own text comes first, then everything else in the order of the mail. Of alternative versions of the
text one is taken (`alternatives`); attachments are taken wherever they hang, because some mail programs put
them inside the HTML alternative. Forwarded mails are read like the mail itself; what winmail.dat holds counts
as attached, and its text as the mail's if there is no other.

Left out, each with a note: calendar entries and contact cards, digital signatures and keys, receipts and
delivery reports, header files of a Macintosh, drawings and blank files that only decorate the HTML text,
Windows objects inside of rich text, and an attachment that is the same file as one before. The content tells
what a part is; the declared type is believed only where the content may be anything. Pictures that a drawn
HTML text shows (``cid:``) are drawn there and nowhere else. Which other inline pictures are decoration is
decided where pictures are measured, in `picture`.

Kept as parts that refuse themselves, with what to do: what is encrypted or damaged, mails in pieces or with
their content elsewhere. Refused as a whole: more parts, bytes or levels than `rules` allows, all nested mails
together.
"""

from __future__ import annotations

import email
import email.errors
from collections.abc import Sequence, Set
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
    NO_TEXT,
    PGP,
    TOO_DEEP,
    Spent,
    damaged,
    elsewhere,
    encrypted,
    is_sealed,
    left_out,
)
from gateway.document.formats.mail.words import MailText, references
from gateway.document.formats.parts import Part
from gateway.document.formats.sniff import PICTURES, Format, sniff, wide_charset
from gateway.document.wire import displayed
from gateway.errors import Failure, GatewayError

_MAILS = ("message/rfc822", "message/global", "message/news")
_SHOWN_HEADERS = ("From", "To", "Date", "Subject")
TEXT_LABEL = "The text of the mail"
_WHOLE = "The mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A part that is no text of the mail, and what decides whether it only decorates the text."""

    part: Part
    kind: Format | None = None
    cid: str = ""
    related: bool = False
    """It hangs in one thing with the text (RFC 2387), whether or not the text names it."""


@dataclass(slots=True)
class Walk:
    """Collects the parts of one mail; a forwarded mail is a walk of its own that shares the limits."""

    spent: Spent = field(default_factory=Spent)
    superseded: set[int] = field(default_factory=set)
    """Identities of the text entities that repeat a chosen alternative."""
    files: list[_File] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    text: MailText = field(default_factory=MailText)
    shown: set[str] = field(default_factory=set)
    """Content-IDs that versions of the text show which are not drawn."""
    tnefs: list[tnef.Tnef] = field(default_factory=list)
    """Where the text is looked for if it is nowhere else."""

    def entity(self, entity: Message, depth: int, *, related: bool = False) -> None:
        """Take an entity and what it contains."""
        self.spent.add(entities=1)
        if depth > DEPTH:
            raise GatewayError(TOO_DEEP)
        header.mend(entity)
        kind = entity.get_content_type()
        if kind == "multipart/encrypted":
            label = self._label(entity) if depth else _WHOLE
            self._refuse(label, encrypted(label))
        elif kind in _MAILS:
            self._attached_mail(entity, depth + 1)
        elif kind in ELSEWHERE:
            label = self._label(entity)
            self._refuse(label, elsewhere(label, kind))
        elif id(entity) in self.superseded:
            if kind == "text/html":
                self.shown |= set(references(self._decoded(entity) or b"", header.charset(entity)))
        elif not entity.is_multipart():
            self._leaf(entity, kind, depth, related=related)
        elif what := left_out(kind, None):
            self._leave_out(self._label(entity), what)
        else:
            if kind == "multipart/alternative":
                self.superseded |= superseded(entity)
            for child in children(entity):
                self.entity(child, depth + 1, related=related or kind == "multipart/related")

    def finished(self, label: str, *, include_text: bool) -> list[Part]:
        """All parts in page order; the text, if it is wanted, is called `label`."""
        if not self.text:
            self._take_tnef_text()
        drawn = set(self.text.references())
        files = [
            placed for file in self.files if (placed := self._placed(file, drawn | self.shown)) is not None
        ]
        if not include_text:
            return [file.part for file in files]
        pictures: dict[str, _File] = {}
        for file in files:
            if file.cid in drawn and file.kind in PICTURES:
                pictures.setdefault(file.cid, file)
        body = self.text.part(label, {cid: file.part.data for cid, file in pictures.items()})
        inside = {id(file) for file in pictures.values()}
        others = [file.part for file in files if id(file) not in inside]
        return [body, *others] if body is not None else others

    def _placed(self, file: _File, shown: Set[str]) -> _File | None:
        """The file, if it may be a page, told whether it belongs to the text: a Content-ID proves nothing."""
        inline = file.part.inline and (file.related or file.cid in shown)
        if inline and file.kind in DECORATION:
            self.notes.append(f"{file.part.label} only decorates the mail's HTML text and was left out.")
            return None
        return replace(file, part=replace(file.part, inline=inline))

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
            self._damaged(entity)
        for mail in inner:
            # Some programs encode an attached mail, which RFC 2046, 5.2.1 forbids; the parser takes it as is.
            encoded = str(entity.get("Content-Transfer-Encoding", "")).strip().lower()
            if encoded in ("base64", "quoted-printable") and not mail.keys():
                mail["Content-Transfer-Encoding"] = encoded
                decoded = self._decoded(mail)
                if decoded is None:
                    self._damaged(entity)
                else:
                    self._forwarded(header.parsed(decoded, "The forwarded mail"), name, depth)
            else:
                self._forwarded(mail, name, depth)

    def _forwarded(self, mail: Message, name: str, depth: int) -> None:
        inner = Walk(spent=self.spent)
        inner.text.heading = _heading([(field, header.decoded(mail[field])) for field in _SHOWN_HEADERS])
        inner.entity(mail, depth)
        self._take_over(inner, name)

    def _take_over(self, inner: Walk, name: str) -> None:
        label = f'The forwarded mail "{name}"' if name else "The forwarded mail"
        parts = inner.finished(label, include_text=True)
        self.files += [_File(part=part, related=True) for part in parts]
        self.notes += inner.notes

    def _leaf(self, entity: Message, kind: str, depth: int, *, related: bool) -> None:
        data = self._decoded(entity)
        if data is None or (kind.startswith("multipart/") and data.strip()):
            if what := left_out(kind, None):
                self._leave_out(self._label(entity), what)
            else:
                self._damaged(entity)
            return
        charset = header.charset(entity)
        if kind in BODIES and not is_attached(entity) and sniff(data) not in NO_TEXT:
            self._add_text(entity, data, charset, depth)
            return
        cid = header.content_id(entity)
        part = Part(
            label=self._label(entity) if depth or kind not in ENCRYPTED else _WHOLE,
            name=header.file_name(entity),
            data=data,
            declared=kind,
            charset=charset,
            inline=bool(cid) and entity.get_content_disposition() != "attachment",
        )
        self.file(part, depth, cid=cid, related=related)

    def file(self, part: Part, depth: int, *, cid: str = "", related: bool = False) -> None:
        """Take a file, or what it holds."""
        data = without_macbinary(part.data)
        kind = sniff(data)
        if what := left_out(part.declared, kind):
            self._leave_out(part.label, what)
        elif is_sealed(part.declared, kind):
            self._refuse(part.label, encrypted(part.label))
        elif kind is Format.MAIL:
            self._forwarded(header.parsed(data, "The forwarded mail"), part.name, depth + 1)
        elif kind is Format.TNEF:
            self._tnef(part, data, depth)
        else:
            made = replace(part, data=data, charset=wide_charset(data) or part.charset)
            self.files.append(_File(part=made, kind=kind, cid=cid, related=related))

    def _tnef(self, part: Part, data: bytes, depth: int) -> None:
        if depth > DEPTH:
            raise GatewayError(TOO_DEEP)
        try:
            opened = tnef.read(data)
        except tnef.Damaged:
            self._refuse(part.label, damaged(part.label))
            return
        self.tnefs.append(opened)
        self.shown |= opened.shown
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
                self.file(file, depth + 1, cid=attached.content_id)

    def _embedded(self, part: Part, depth: int) -> None:
        """A mail attached inside of winmail.dat."""
        inner = Walk(spent=self.spent)
        inner._tnef(part, part.data, depth)
        for opened in inner.tnefs[:1]:  # none if it is damaged
            inner.text.heading = _heading([("From", opened.sender), ("Subject", opened.subject)])
        self._take_over(inner, part.name)

    def _add_text(self, entity: Message, data: bytes, charset: str, depth: int) -> None:
        if entity.get_content_type() == "text/html":
            self.text.add_html(data, charset)
            return
        written = text.decode(data, wide_charset(data) or charset)
        if written.lstrip().startswith(PGP):
            self._refuse(TEXT_LABEL, encrypted(TEXT_LABEL))
            return
        if header.parameter(entity, "format").lower() == "flowed":
            delete_space = header.parameter(entity, "delsp").lower() == "yes"
            written = text.unflow(written, delete_space=delete_space)
        written, files = uuencode.split(written)
        self.text.add(written)
        for sent_name, content in files:
            self.spent.add(entities=1, decoded=len(content))
            name = header.plain_name(header.decoded(sent_name))
            self.file(Part(label=_named(name), name=name, data=content), depth)

    def _leave_out(self, label: str, what: str) -> None:
        self.notes.append(f"{label} is a {what} and was left out.")

    def _damaged(self, entity: Message) -> None:
        label = self._label(entity)
        self._refuse(label, damaged(label))

    def _refuse(self, label: str, failure: Failure) -> None:
        """Keep the place of what cannot be read: whether that refuses the mail is decided elsewhere."""
        self.files.append(_File(part=Part(label=label, refusal=failure)))

    def _label(self, entity: Message) -> str:
        kind = displayed(entity.get_content_type(), 60)
        return _named(header.file_name(entity)) or f"Part {self.spent.entities} of the mail ({kind})"

    def _decoded(self, entity: Message) -> bytes | None:
        """The content of a leaf, its transfer encoding undone; None if it is damaged."""
        try:
            data = entity.get_payload(decode=True)
        except (ValueError, LookupError, IndexError):
            return None
        if any(isinstance(defect, email.errors.InvalidBase64LengthDefect) for defect in entity.defects):
            return None
        data = data if isinstance(data, bytes) else b""
        self.spent.add(decoded=len(data))
        return data


def _named(name: str) -> str:
    return f'The attachment "{name}"' if name else ""


def _heading(fields: Sequence[tuple[str, str]]) -> str:
    shown = [f"{name}: {displayed(value, 500)}" for name, value in fields if value]
    return "\n".join(["Forwarded message", *shown, "\n"])
