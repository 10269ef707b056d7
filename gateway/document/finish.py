"""From the pages that were drawn to those that are sent: without blank ones, with cover and header line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.document import raster, remarks
from gateway.document.formats.mail.message import Contents
from gateway.document.formats.parts import too_many_pages
from gateway.document.geometry import BAND, Layout, PaperName
from gateway.document.sheet import Sheet
from gateway.document.values import Cover, RenderSettings
from gateway.document.wire import Request
from gateway.errors import GatewayError, permanent

_TOLD_BY_THE_MAIL = ("from_name", "from_address", "subject")
_NUMBER = re.compile(r"[+]?[0-9 ().-]{5,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finisher:
    """What a document gets besides what was drawn of it."""

    request: Request
    layout: Layout
    contents: Contents
    """What the mail says of itself; empty for files."""

    @property
    def carries_text(self) -> bool:
        """Whether there is a cover page that is a fax by itself, because the mail's words are on it."""
        return (
            has_cover(self.request.cover, self.contents)
            and self.request.include_text
            and bool(self.contents.text.strip())
        )

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
        blank: list[str] = []
        for sheet in drawn:
            if raster.is_blank(sheet.rows, sheet.height):
                blank.append(sheet.source)
                continue
            kept += 1
            yield sheet
        notes += remarks.blank_pages(blank)
        if not kept and not self.carries_text:
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
        told["to_name"] = _name_of(self.request.cover.number, self.contents.recipients)
        return {**told, **self.request.cover.fields}


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


def _name_of(number: str, recipients: Iterable[tuple[str, str]]) -> str:
    """What a mail calls the recipient with this number: nobody else's name may stand for it."""
    if not number:
        return ""
    spellings = (number, number[1:], number.removeprefix("+1"), "011" + number[1:])
    for name, address in recipients:
        # 5552341234@, FAX=+15552341234@, /FAX=+15552341234/ATTN=Lee/@ (RFC 3191)
        pieces = re.split("[/=]", address.rpartition("@")[0].strip('"'))
        written = [re.sub("[ ().-]", "", piece) for piece in pieces if _NUMBER.fullmatch(piece)]
        if name and any(piece in spellings for piece in written):
            return name
    return ""


def has_cover(wanted: Cover, contents: Contents) -> bool:
    """Whether there is a cover page; it carries the mail's text then."""
    return wanted.mode == "on" or (wanted.mode == "text" and bool(contents.text.strip()))


_BLANK = permanent(
    "5.6.0", "There is nothing to fax: all pages are blank. Check the scan.", code="document_blank"
)
