"""From the pages that were drawn to those that are sent: without blank ones, with cover and header line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.document import raster
from gateway.document.formats.mail.message import Contents
from gateway.document.formats.parts import too_many_pages
from gateway.document.geometry import BAND, Layout, PaperName
from gateway.document.sheet import Sheet
from gateway.document.values import Cover, RenderSettings
from gateway.document.wire import Request
from gateway.errors import GatewayError, permanent

_TOLD_BY_THE_MAIL = ("from_name", "from_address", "to_name", "subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finisher:
    """What a document gets besides what was drawn of it."""

    request: Request
    layout: Layout
    contents: Contents
    """What the mail says of itself; empty for files."""

    def sheets(self, drawn: Iterable[Sheet], notes: list[str]) -> Iterator[Sheet]:
        """The pages as they are sent. They stream, unless something on them tells how many there are."""
        kept = self._without_blank(drawn, notes) if self.request.settings.drop_blank else iter(drawn)
        covered, header = has_cover(self.request.cover, self.contents), self.request.header
        if not covered and header is None:
            yield from kept
            return
        made = list(kept)
        if covered:
            made = [*self._cover(len(made)), *made]
        if header is not None:
            from gateway.document import headline  # like the cover below, it takes typst

            made = headline.add(made, header, self.layout)
        yield from made

    def _without_blank(self, drawn: Iterable[Sheet], notes: list[str]) -> Iterator[Sheet]:
        kept = 0
        for sheet in drawn:
            if raster.is_blank(sheet.rows, sheet.height):
                notes.append(f"{sheet.source} is blank and was left out.")
                continue
            kept += 1
            yield sheet
        if not kept:
            raise GatewayError(_BLANK)

    def _cover(self, pages: int) -> Sequence[Sheet]:
        settings = self.request.settings
        most = settings.max_pages - pages
        if most < 1:
            too_many_pages(settings.max_pages)
        from gateway.document import cover

        made = cover.sheets(
            replace(self.request.cover, fields=self._fields()),
            message=self.contents.text if self.request.include_text else "",
            pages=pages,
            redact=self.request.redact,
            layout=self.layout,
            most=most,
        )
        return [replace(sheet, source="The cover page") for sheet in made]

    def _fields(self) -> dict[str, str]:
        told = {name: getattr(self.contents, name) for name in _TOLD_BY_THE_MAIL}
        given = {name: value for name, value in self.request.cover.fields.items() if value}
        return {**told, **given}


def layout_of(request: Request, paper: PaperName) -> Layout:
    """The page that everything is drawn for; the header line takes its rows from it."""
    settings: RenderSettings = request.settings
    band = BAND if settings.resolution == "fine" else BAND // 2
    return Layout(
        paper=paper,
        resolution=settings.resolution,
        tall=settings.tall,
        band=band if request.header is not None else 0,
        despeckle=settings.despeckle,
        deskew=settings.deskew,
    )


def has_cover(wanted: Cover, contents: Contents) -> bool:
    """Whether there is a cover page; it carries the mail's text then."""
    return wanted.mode == "on" or (wanted.mode == "text" and bool(contents.text.strip()))


_BLANK = permanent(
    "5.6.0", "There is nothing to fax: all pages are blank. Check the scan.", code="document_blank"
)
