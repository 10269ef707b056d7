"""PDFs to fax pages: draw every page, in order, and say which files inside of it are not faxed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import NoReturn

import numpy as np

from gateway.document import raster
from gateway.document.formats.parts import Part, refuse, too_many_pages
from gateway.document.formats.pdf import copying, images, legibility, missing, underlay
from gateway.document.formats.pdf.drawing import POINTS, Canvas, Page, Unreadable
from gateway.document.formats.pdf.images import Picture
from gateway.document.formats.pdf.opening import Opened, damaged, says_acrobat
from gateway.document.geometry import DPI_X, MOST_ROWS, WIDTH, Layout, Placement
from gateway.document.raster import Box, Look, Raster
from gateway.document.sheet import ROW_BYTES, Sheet
from gateway.document.wire import displayed

_MOST_SIZES = 500
_MOST_FILES = 500
_NAMES_SHOWN = 5
_NAME_CHARACTERS = 60
_WHOLE = 0.8
"""A picture that takes this share of a page is the page."""


def sizes(part: Part) -> list[tuple[float, float]]:
    """Inches of each page as it is shown, of the first few hundred."""
    with closing(Opened(part, most=1 << 20, notes=[])) as pdf:
        found = []
        for number in range(min(pdf.pages, _MOST_SIZES)):
            try:
                found.append(pdf.size(number))
            except Unreadable:
                continue  # said when it is drawn
        return found


def sheets(part: Part, *, layout: Layout, notes: list[str], inspect: bool, most: int) -> Iterator[Sheet]:
    """Draw a PDF; of a collection of files also the PDFs in it, in order.

    `notes` hears of repairs and of files that are not faxed. With `inspect` pages carry warnings. Raises
    through `refuse`, and `too_many_pages` for more than `most`.
    """
    with closing(Canvas(layout.height)) as canvas:
        yield from _Drawing(canvas=canvas, layout=layout, notes=notes, inspect=inspect).sheets(part, most)


def digests(data: bytes, most: int, *, layout: Layout | None = None) -> list[str]:
    """Digests (hexadecimal) of the pages of somebody's PDF, to be compared with those of ours.

    A page that is one fax picture is taken as it is in the file, whatever the page around it; else as drawn.
    """
    return [raster.digest(rows).hex() for rows in _stored(data, most, layout or Layout())]


def alike(ours: bytes, theirs: bytes, most: int, *, layout: Layout | None = None) -> bool:
    """Whether somebody's PDF shows the pages of ours, all and no others; see `raster.alike`."""
    layout = layout or Layout()
    pairs = zip_longest(_stored(ours, most, layout), _as_it_looks(theirs, most, layout.dpi_y))
    return all(
        page is not None and looks is not None and any(raster.alike(page, *look) for look in looks)
        for page, looks in pairs
    )


def pictures(data: bytes, most: int, *, layout: Layout | None = None) -> Iterator[bytes]:
    """Each page of a PDF of ours as a PNG of the same pixels."""
    layout = layout or Layout()
    for rows in _stored(data, most, layout):
        yield copying.png(rows, (DPI_X, layout.dpi_y))


def _stored(data: bytes, most: int, layout: Layout) -> Iterator[bytes]:
    part = Part(label="The PDF", data=data)
    with closing(Canvas(layout.height)) as canvas, closing(Opened(part, most=most, notes=[])) as pdf:
        drawing = _Drawing(canvas=canvas, layout=layout, notes=[], inspect=False)
        for number in range(pdf.pages):
            with pdf.page(number) as page:
                only = images.only_picture(page)
                rows = copying.stored_rows(only) if only is not None else None
                if rows is None:
                    rows = next(drawing.page(pdf, page, number)).rows
            yield rows


_DARK, _FAINT = 128, 208
"""Grey below which a pixel is ink, and may be."""


def _as_it_looks(data: bytes, most: int, dpi_y: int) -> Iterator[Iterator[tuple[bytes, ...]]]:
    """Each page, first as the fax picture that it is, if it is one, then drawn: what is dark, what is grey.

    A page is not made fit for the fax line a second time, which would make its strokes bolder.
    """
    with closing(Opened(Part(label="The PDF", data=data), most=most, notes=[])) as pdf:
        for number in range(pdf.pages):
            with pdf.page(number) as page:
                yield _looks(page, dpi_y)


def _looks(page: Page, dpi_y: int) -> Iterator[tuple[bytes, ...]]:
    only = images.only_picture(page)
    rows = copying.stored_rows(only) if only is not None else None
    if rows is not None:
        yield (rows,)
    wide, high = round(page.wide / POINTS * DPI_X), round(page.high / POINTS * dpi_y)
    if 0 < wide <= 2 * WIDTH and 0 < high <= MOST_ROWS:
        with closing(Canvas(high)) as canvas:
            canvas.clear()
            left = (WIDTH - wide) // 2
            page.draw(canvas, Placement(left=left, top=0, width=wide, height=high, turned=False))
            grey = np.frombuffer(canvas.grey, np.uint8)
            yield np.packbits(grey < _DARK).tobytes(), np.packbits(grey < _FAINT).tobytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """How the pages of one part are drawn."""

    canvas: Canvas
    layout: Layout
    notes: list[str]
    inspect: bool

    def sheets(self, part: Part, most: int, *, inside: bool = False) -> Iterator[Sheet]:
        """All pages of a PDF. Files `inside` of a collection are not looked into in turn."""
        with closing(Opened(part, most=most, notes=self.notes)) as pdf:
            files = pdf.document.files(_MOST_FILES)
            if files and not inside and pdf.is_collection():
                yield from self._collection(pdf, files, most)
            else:
                yield from self._own(pdf, files)

    def _own(self, pdf: Opened, files: Sequence[str]) -> Iterator[Sheet]:
        """The pages of the PDF itself; `files` inside of it are noted."""
        left_out = list(files)
        for number in range(pdf.pages):
            with pdf.page(number) as page:
                if pdf.glance.clipped_files:
                    left_out += page.clipped_files()
                yield from self.page(pdf, page, number)
        if left_out:
            self.notes.append(_not_faxed(pdf.part, left_out))

    def _collection(self, pdf: Opened, files: Sequence[str], most: int) -> Iterator[Sheet]:
        """A collection's own pages, unless they only tell how to open it, and those of the PDFs in it."""
        cover = pdf.pages == 1 and says_acrobat(pdf.document.text(0))
        documents = [
            index for index in range(len(files)) if pdf.document.file(index)[:1024].find(b"%PDF-") >= 0
        ]
        others = [name for index, name in enumerate(files) if index not in documents]
        room = most
        if not cover or not documents:
            yield from self._own(pdf, others)
            room -= pdf.pages
        elif others:
            self.notes.append(_not_faxed(pdf.part, others))
        for index in documents:
            item = Part(
                label=f'{pdf.part.label}, "{_shown(files[index])}" in it', data=pdf.document.file(index)
            )
            if room <= 0:
                too_many_pages(most)
            for sheet in self.sheets(item, room, inside=True):
                room -= 1
                yield sheet

    def page(self, pdf: Opened, page: Page, number: int) -> Iterator[Sheet]:
        """One page on as many sheets as it takes."""
        unit, layout, canvas = pdf.unit(number), self.layout, self.canvas
        source = f"{pdf.part.label}, page {number + 1}"
        found = images.pictures(page) if pdf.glance.pictures else []
        self._refuse_if_cut(pdf, number)
        for picture in found:
            if picture.too_large(page):
                _too_large(pdf.part, picture, number)
        try:
            placements = layout.place_page(page.wide * unit, page.high * unit)
        except ValueError:
            damaged(pdf.part, f"page {number + 1} has no size")
        if len(placements) > pdf.most:
            too_many_pages(pdf.most)
        broken = partial(self._broken, pdf.part, number)
        boxes = images.boxes(page, found, placements[0])
        missing.look_at(page, pdf.document.data, found, boxes, placements[0], broken)
        if len(found) == 1 and images.only_picture(page):
            copied = copying.fax_rows(page, found[0], layout, unit)
            if copied is not None:
                if not any(copied):
                    if missing.comes_out_white(page, found[0]):
                        broken(large=True)
                    self._refuse_if_not_blank(pdf, page, number, found)
                rows, look = copied, Look(base="copied")
                yield Sheet(rows=rows, height=len(rows) // ROW_BYTES, look=look, source=source)
                return
        for placement in placements:
            canvas.clear()
            if found and len(placements) == 1:
                underlay.lay(page, pdf.document.data, canvas, placement, damaged=broken)
            page.draw(canvas, placement)
            boxes = images.boxes(page, found, placement)
            for picture, box in zip(found, boxes, strict=True):
                if missing.is_large(box, placement) and missing.came_out_even(picture, canvas.at(box)):
                    broken(large=True)
            grey: Raster = canvas.grey
            if layout.deskew and len(boxes) == 1 and _covers(boxes[0], placement):
                grey = _upright(grey, layout)
            rows, look = raster.to_bilevel(
                grey, layout.height, boxes, standard=layout.standard, despeckle=layout.despeckle
            )
            first = placement == placements[0]
            if len(placements) == 1 and raster.is_blank(rows, layout.height):
                self._refuse_if_not_blank(pdf, page, number, found)
            warnings = (
                legibility.warnings(page, canvas, placement, layout, unit) if self.inspect and first else ()
            )
            yield Sheet(rows=rows, height=layout.height, look=look, source=source, warnings=warnings)

    def _refuse_if_cut(self, pdf: Opened, number: int) -> None:
        if number in pdf.lost.pages:
            damaged(pdf.part, f"the drawing of page {number + 1} breaks off")
        if number in pdf.lost.marks:
            self.notes.append(f"{pdf.part.label}: an annotation on page {number + 1} is damaged.")
        if number in pdf.lost.absent:
            self.notes.append(
                f"{pdf.part.label}: page {number + 1} shows a picture or drawing that is not in the file."
            )

    def _refuse_if_not_blank(self, pdf: Opened, page: Page, number: int, found: list[Picture]) -> None:
        what = missing.what_was_to_be_seen(pdf.document.data, number, page, found)
        if what:
            refuse(
                pdf.part,
                f"holds {what} on page {number + 1} that cannot be drawn",
                "Open it, print it to a new PDF and send that",
                status="5.6.5",
                code="pdf_undrawable",
            )

    def _broken(self, part: Part, number: int, large: bool) -> None:
        """Hear of a picture on a page that cannot be decoded."""
        if large:
            refuse(
                part,
                f"holds a picture on page {number + 1} that is damaged or incomplete",
                "Send the file again, or print it to a new PDF",
                status="5.6.5",
                code="picture_damaged",
            )
        note = f"{part.label}: a small picture on page {number + 1} is damaged."
        if note not in self.notes:
            self.notes.append(note)


def _upright(grey: Raster, layout: Layout) -> Raster:
    angle = raster.skew(grey, layout.height, standard=layout.standard)
    return raster.straightened(grey, layout.height, angle, standard=layout.standard) if angle else grey


def _covers(box: Box, placement: Placement) -> bool:
    """Whether a picture is all of its page."""
    left, top, right, bottom = box
    return (right - left) * (bottom - top) >= _WHOLE * placement.width * placement.height


def _too_large(part: Part, picture: Picture, number: int) -> NoReturn:
    size = f"{picture.wide} by {picture.high} pixels"
    refuse(
        part,
        f"holds a picture of {size} on page {number + 1}, too large to be drawn",
        "Make the picture smaller",
        status="5.6.5",
        code="picture_too_large",
    )


def _not_faxed(part: Part, names: Sequence[str]) -> str:
    """The note about files inside of a PDF."""
    shown = ", ".join(_shown(name) for name in names[:_NAMES_SHOWN])
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    counted = "1 file inside it is" if len(names) == 1 else f"{len(names)} files inside it are"
    return f"{part.label}: {counted} not faxed: {shown}{more}."


def _shown(name: str) -> str:
    return displayed(name.replace('"', "'"), _NAME_CHARACTERS) or "without a name"
