"""Parts to fax pages: tells each part's format and has it drawn, in order, within the page limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from gateway.document.formats import package, pdf, picture
from gateway.document.formats.parts import Part, refuse, too_many_pages
from gateway.document.formats.sniff import OFFICE_FORMATS, PICTURES, Format, sniff
from gateway.document.geometry import Layout, PaperName, paper_for
from gateway.document.sheet import Sheet
from gateway.document.values import RenderSettings
from gateway.errors import Failure, GatewayError, permanent

_TEXTUAL = frozenset({Format.TEXT, Format.MAIL, Format.SVG, Format.CALENDAR, Format.CONTACT})
_CONTAINERS = frozenset({Format.ZIP, Format.OFFICE, Format.OLD_OFFICE}) | OFFICE_FORMATS
_ADVICE = {
    Format.LOCKED: "Remove the password and send it again",
    Format.OUTLOOK: "Forward the message itself, or print it to a PDF",
    Format.METAFILE: "Save the picture as a PNG",
    Format.SOUND: "A fax can only carry pages",
    Format.VIDEO: "A fax can only carry pages",
    Format.EMPTY: "Check the file and send it again",
    Format.ZIP: "Unpack it and attach the files themselves",
    Format.ARCHIVE: "Unpack it and attach the files themselves",
}
_USUAL_ADVICE = "Send it as a PDF, as a JPEG, PNG, GIF or TIFF picture, or as plain text"
_AGAIN = "Send it again, or send it as a PDF"
_TOO_MANY = "document_pages"
_UNOPENED = "office_unopened"
_NOTES_SHOWN = 5

Convert = Callable[[bytes, str], bytes]
"""Office document and the name of its kind in, PDF out; raises `GatewayError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Draws parts as fax pages. `starting` hears the label of each part before it is touched."""

    settings: RenderSettings
    redact: Sequence[str]
    inspect: bool
    starting: Callable[[str], None]
    convert: Convert

    def paper(self, parts: Iterable[Part]) -> PaperName:
        """The paper of the whole document; where it follows the parts, each of them is opened for that."""
        if self.settings.paper != "auto":
            return self.settings.paper
        return paper_for(size for part in parts for size in self._sizes(part))

    def sheets(
        self, parts: Sequence[Part], layout: Layout, notes: list[str], *, alone: bool
    ) -> Iterator[Sheet]:
        """Yield every page of every part; appends to `notes` what became of each part.

        `alone`: these pages are all that there is, so none of them, or none that shows a part, is a refusal.
        """
        unreadable = next((part.refusal for part in parts if part.refusal is not None), None)
        if unreadable is not None and self.settings.bad_part == "refuse":
            raise GatewayError(unreadable)  # before any time is spent on the others
        total = good = 0
        refused: list[Failure] = []
        for part in parts:
            self.starting(part.label)
            kind = _format(part)
            if kind in PICTURES and picture.is_decoration(part, kind):
                notes.append(f"{part.label} is a small picture of the mail's layout and was left out.")
                continue
            made, before = 0, len(refused)
            for sheet in _told_apart(self._limited(part, kind, layout, total, notes, refused)):
                made += 1
                yield sheet
            total += made
            if len(refused) > before:
                continue  # said
            good += made
            if made:
                notes.append(f"{part.label}: {kind.value}, {made} {'page' if made == 1 else 'pages'}.")
            else:
                notes.append(f"{part.label} shows nothing that could be drawn, and makes no page.")
        if alone and refused and not good:
            raise GatewayError(refused[0])  # nothing but pages that say what is missing
        if alone and not total:
            raise GatewayError(_nothing(notes))

    def _limited(
        self, part: Part, kind: Format, layout: Layout, before: int, notes: list[str], refused: list[Failure]
    ) -> Iterator[Sheet]:
        """The part's pages, as long as there are not too many with those `before` it."""
        limit = self.settings.max_pages
        try:
            for made, sheet in enumerate(self._drawn(part, kind, layout, limit - before, notes, refused), 1):
                if before + made > limit:
                    too_many_pages(limit)
                yield sheet
        except GatewayError as error:
            if error.failure.code == _TOO_MANY:
                too_many_pages(limit)  # the part was told what is left of the limit
            raise

    def _drawn(
        self, part: Part, kind: Format, layout: Layout, most: int, notes: list[str], refused: list[Failure]
    ) -> Iterator[Sheet]:
        """The part's pages; where the settings want it, one page that says why there are none."""
        if self.settings.bad_part == "refuse":
            yield from self._pages(part, kind, layout, most, notes)
            return
        try:
            made = list(self._pages(part, kind, layout, most, notes))
        except GatewayError as error:
            if error.failure.code == _TOO_MANY:  # no page in place of the part would mend that
                raise
            refused.append(error.failure)
            notes.append(error.failure.sentence)
            stand_in = Part(label=part.label, text=f"Not faxed:\n\n{error.failure.sentence}")
            made = list(self._pages(stand_in, Format.TEXT, layout, most, notes))
        yield from made

    def _pages(
        self, part: Part, kind: Format, layout: Layout, most: int, notes: list[str]
    ) -> Iterator[Sheet]:
        if part.refusal is not None:
            raise GatewayError(part.refusal)
        if kind in PICTURES:
            return picture.sheets(part, kind, layout=layout, notes=notes, inspect=self.inspect, most=most)
        if kind is Format.PDF or kind in OFFICE_FORMATS:
            made = replace(part, data=self._pdf(part, kind, notes))
            return pdf.sheets(made, layout=layout, notes=notes, inspect=self.inspect, most=most)
        if kind in (Format.TEXT, Format.HTML):
            draw = _drawer(part, kind)
            return draw(part, layout=layout, notes=notes, redact=self.redact, inspect=self.inspect, most=most)
        if not (kind is Format.EMPTY and part.inline):
            _unsupported(part, kind)
        return iter(())

    def _sizes(self, part: Part) -> Sequence[tuple[float, float]]:
        kind = _format(part)
        try:
            if kind in PICTURES:
                return () if picture.is_decoration(part, kind) else picture.sizes(part, kind)
            return pdf.sizes(part) if kind is Format.PDF else ()
        except GatewayError:
            return ()  # said when it is drawn

    def _pdf(self, part: Part, kind: Format, notes: list[str]) -> bytes:
        if kind is Format.PDF:
            return part.data
        if not self.settings.office:
            _unsupported(part, kind)
        try:
            made = self.convert(part.data, kind.name)
        except GatewayError as error:
            reason = package.damage(part.data) if error.failure.code == _UNOPENED else ""
            if reason:
                refuse(part, reason, _AGAIN, status="5.6.5", code="document_damaged")
            raise
        reason = package.damage(part.data, deep=False)
        if reason:
            notes.append(f"{part.label} {reason}. It may show less than it should.")
        return made


def _told_apart(sheets: Iterable[Sheet]) -> Iterator[Sheet]:
    """The sheets; where one page takes several, they say which part of it they show."""
    before: Sheet | None = None
    part = 0
    for sheet in sheets:
        if before is not None:
            goes_on = sheet.source == before.source
            part = part + 1 if goes_on or part else 0
            yield _part(before, part)
            part = part if goes_on else 0
        before = sheet
    if before is not None:
        yield _part(before, part + 1 if part else 0)


def _part(sheet: Sheet, part: int) -> Sheet:
    return replace(sheet, source=f"{sheet.source}, part {part}") if part else sheet


def _format(part: Part) -> Format:
    if part.text is not None:
        return Format.TEXT
    kind = sniff(part.data)
    # A fragment of HTML looks like any text.
    return Format.HTML if kind in _TEXTUAL and part.declared == "text/html" else kind


def _drawer(part: Part, kind: Format) -> Callable[..., Iterator[Sheet]]:
    # Imported here, since a renderer for PDFs and pictures alone starts in half the time without typst.
    from gateway.document.formats import html_page, markdown, typeset

    if kind is Format.HTML:
        return html_page.sheets
    return markdown.sheets if part.text is None and markdown.is_markdown(part) else typeset.sheets


def _unsupported(part: Part, kind: Format) -> NoReturn:
    if kind in _CONTAINERS and package.is_cut_off(part.data):
        refuse(part, package.CUT_OFF, _AGAIN, status="5.6.5", code="document_damaged")
    problem = "is empty" if kind is Format.EMPTY else f"is {kind.value}, which cannot be faxed"
    refuse(part, problem, _ADVICE.get(kind, _USUAL_ADVICE), code="format_unsupported")


def _nothing(notes: Sequence[str]) -> Failure:
    why = " ".join(notes[:_NOTES_SHOWN]) or "The mail has no text and no attachment that makes a page."
    return permanent("5.6.0", f"There is nothing to fax. {why}", code="document_empty")
