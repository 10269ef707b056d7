"""PDF pages in grey at fax geometry, by PDFium.

PDFium draws straight into a 1728 pixels wide bitmap with its own scale for each axis, so 204 by 196 dpi costs
no resampling. Form fields are drawn with their values (`init_forms` before any page is loaded, `FPDF_FFLDraw`
after the page).
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import pypdf
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image
from pypdf.generic import DictionaryObject, PdfObject

from gateway.document import raster
from gateway.document.geometry import WIDTH, Placement, place_page
from gateway.document.parts import Part, refuse

_POINTS = 72.0
_LARGEST_PICTURE = 200_000_000
"""Pixels; PDFium leaves out, without an error, a picture that it cannot allocate."""
_OBJECTS_LOOKED_AT = 50_000
_LARGEST_TREE = 20_000
_SMALLEST_PHOTOGRAPH = 64
_HIGHEST_FAX_PAGE = 10_000
_XFA_FORMS = {pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND}
_WAIT = "please wait"
"""How a dynamic XFA form presents itself to readers that cannot show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdf:
    """An open PDF of which every page can be asked for."""

    part: Part
    document: pypdfium2.PdfDocument

    @property
    def pages(self) -> int:
        """Number of pages."""
        return len(self.document)

    def page(self, number: int, height: int) -> Image.Image:
        """Page `number` (from 0) as a 1-bit fax page of `height` rows."""
        with self._loaded(number) as page:
            wide, high = (length / _POINTS for length in page.get_size())
            try:
                placement = place_page(wide, high, height)
            except ValueError:
                self._damaged(number)
            self._check_pictures(page, number)
            grey = _draw(self.document, page, placement, height)
            return raster.binarise(grey, _photographs(page, placement, grey))

    def fax_page(self, number: int, height: int) -> Image.Image:
        """Page `number` as the 1-bit raster that it already is if it is one fax picture; else like `page`."""
        with self._loaded(number) as page:
            only = _only_picture(page)
        return only if only is not None else self.page(number, height)

    @contextmanager
    def _loaded(self, number: int) -> Iterator[pypdfium2.PdfPage]:
        try:
            page = self.document[number]
        except pypdfium2.PdfiumError:
            self._damaged(number)
        try:
            yield page
        finally:
            page.close()

    def _damaged(self, number: int) -> NoReturn:
        refuse(
            self.part,
            f"is damaged: page {number + 1} of {self.pages} cannot be read",
            "Send the file again, or print it to a new PDF",
            status="5.6.5",
            code="pdf_damaged",
        )

    def _check_pictures(self, page: pypdfium2.PdfPage, number: int) -> None:
        for picture in _pictures(page):
            wide, high = _pixels(picture)
            if wide * high > _LARGEST_PICTURE:
                refuse(
                    self.part,
                    f"holds a picture of {wide} by {high} pixels on page {number + 1}, too large to be drawn",
                    "Make the picture smaller",
                    status="5.6.5",
                    code="picture_too_large",
                )


@contextmanager
def opened(part: Part) -> Iterator[Pdf]:
    """Open a PDF; refuses one that is encrypted, damaged, without pages, or only shows itself in Acrobat."""
    try:
        document = pypdfium2.PdfDocument(part.data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            refuse(
                part, "is password-protected", "Remove the password and send it again", code="pdf_password"
            )
        _incomplete(part, "it cannot be opened")
    try:
        document.init_forms()  # must come before any page is loaded
        pages, in_tree = len(document), _pages_in_tree(part.data)
        if not pages:
            _incomplete(part, "it has no pages")
        if in_tree is not None and in_tree > pages:
            _incomplete(part, f"it holds {in_tree} pages but only {pages} can be read")
        if document.get_formtype() in _XFA_FORMS and _only_asks_to_wait(document):
            refuse(
                part,
                "is a dynamic (XFA) form, which only Adobe Reader can show",
                "Open it there, print it to a new PDF and send that",
                status="5.6.5",
                code="pdf_xfa",
            )
        yield Pdf(part=part, document=document)
    finally:
        document.close()


def _incomplete(part: Part, why: str) -> NoReturn:
    refuse(
        part,
        f"is damaged or incomplete: {why}",
        "Send the file again, or print it to a new PDF",
        status="5.6.5",
        code="pdf_damaged",
    )


def _pages_in_tree(data: bytes) -> int | None:
    """Pages by the page tree itself, since PDFium believes its /Count; None if pypdf cannot tell either."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        found, seen = 0, set()
        waiting = [reader.root_object["/Pages"]]
        while waiting and found <= _LARGEST_TREE:
            node = waiting.pop().get_object()
            if not isinstance(node, DictionaryObject) or id(node) in seen:
                continue
            if "/Kids" not in node:
                found += 1
                continue
            seen.add(id(node))
            waiting += cast("list[PdfObject]", node["/Kids"])
    except Exception:  # a second opinion only, and pypdf raises nearly anything on damaged files
        return None
    return found


def _only_asks_to_wait(document: pypdfium2.PdfDocument) -> bool:
    try:
        return len(document) == 1 and _WAIT in document[0].get_textpage().get_text_range().lower()
    except pypdfium2.PdfiumError:
        return False


def _draw(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, placement: Placement, height: int
) -> Image.Image:
    pixels = bytearray(b"\xff") * (WIDTH * height)
    shared = (ctypes.c_ubyte * len(pixels)).from_buffer(pixels)
    bitmap = pdfium.FPDFBitmap_CreateEx(WIDTH, height, pdfium.FPDFBitmap_Gray, shared, WIDTH)
    if not bitmap:
        raise MemoryError
    area = (placement.left, placement.top, placement.width, placement.height, _quarter_turns(page, placement))
    try:
        pdfium.FPDF_RenderPageBitmap(bitmap, page.raw, *area, pdfium.FPDF_ANNOT)
        if document.formenv is not None:
            pdfium.FPDF_FFLDraw(document.formenv.raw, bitmap, page.raw, *area, pdfium.FPDF_ANNOT)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    return Image.frombuffer("L", (WIDTH, height), pixels, "raw", "L", 0, 1)


def _quarter_turns(page: pypdfium2.PdfPage, placement: Placement) -> int:
    """Clockwise quarter turns that bring a landscape page upright.

    A portrait page that was stored lying (/Rotate 90) is turned back: turned on, it would stand on its head.
    """
    if not placement.turned:
        return 0
    return 3 if page.get_rotation() == 90 else 1


def _pictures(page: pypdfium2.PdfPage) -> Iterator[Any]:
    for index in range(min(pdfium.FPDFPage_CountObjects(page.raw), _OBJECTS_LOOKED_AT)):
        item = pdfium.FPDFPage_GetObject(page.raw, index)
        if pdfium.FPDFPageObj_GetType(item) == pdfium.FPDF_PAGEOBJ_IMAGE:
            yield item


def _pixels(picture: Any) -> tuple[int, int]:
    wide, high = ctypes.c_uint(), ctypes.c_uint()
    if not pdfium.FPDFImageObj_GetImagePixelSize(picture, wide, high):
        return 0, 0
    return wide.value, high.value


def _photographs(page: pypdfium2.PdfPage, placement: Placement, grey: Image.Image) -> list[raster.Box]:
    """Boxes, in pixels of the fax page, of the page's pictures that are photographs."""
    boxes = (_box(page, placement, picture) for picture in _pictures(page))
    return [box for box in boxes if box is not None and raster.is_photograph(grey.crop(box))]


def _box(page: pypdfium2.PdfPage, placement: Placement, picture: Any) -> raster.Box | None:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(picture, left, bottom, right, top):
        return None
    area = (placement.left, placement.top, placement.width, placement.height, _quarter_turns(page, placement))
    corners = []
    for x, y in ((left.value, bottom.value), (right.value, top.value)):
        across, down = ctypes.c_int(), ctypes.c_int()
        if not pdfium.FPDF_PageToDevice(page.raw, *area, x, y, across, down):
            return None
        corners.append((across.value, down.value))
    (x0, y0), (x1, y1) = corners
    edge_x, edge_y = placement.left + placement.width, placement.top + placement.height
    box = (
        max(placement.left, min(x0, x1)),
        max(placement.top, min(y0, y1)),
        min(edge_x, max(x0, x1)),
        min(edge_y, max(y0, y1)),
    )
    large = box[2] - box[0] >= _SMALLEST_PHOTOGRAPH and box[3] - box[1] >= _SMALLEST_PHOTOGRAPH
    return box if large else None


def _only_picture(page: pypdfium2.PdfPage) -> Image.Image | None:
    """The raster of a page that consists of a single 1-bit picture of fax width, as it is in the file."""
    if pdfium.FPDFPage_CountObjects(page.raw) != 1:
        return None
    (item,) = list(_pictures(page)) or (None,)
    if item is None:
        return None
    wide, high = _pixels(item)
    if wide != WIDTH or not 0 < high <= _HIGHEST_FAX_PAGE:
        return None
    bitmap = pdfium.FPDFImageObj_GetBitmap(item)
    if not bitmap:
        return None
    found = pypdfium2.PdfBitmap.from_raw(bitmap)
    try:
        grey: Image.Image = found.to_pil().convert("L")
    finally:
        found.close()
    histogram = grey.histogram()
    if sum(histogram[1:255]) or grey.size != (wide, high):
        return None
    return grey.point([255] * 128 + [0] * 128, "1")
