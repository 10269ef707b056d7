"""PDFium: open a PDF, draw its pages in grey at fax geometry, get the files inside of it.

PDFium draws straight into a bitmap 1728 pixels wide with its own scale for each axis, so 204 by 196 dpi costs
no resampling. Form fields are drawn with their values: the form environment must exist before any page is
loaded, and draws over the page. Drawing is for print, so annotations that do not print are left out.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from gateway.document.geometry import WIDTH, Placement

POINTS = 72.0
_FLAGS = pdfium.FPDF_ANNOT | pdfium.FPDF_PRINTING
_XFA_FORMS = {pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND}
_MOST_WIDGETS = 10_000
_NAME_BYTES = 2048


_IN_ANY_FONT = b"""%PDF-1.7
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 20>>stream
BT /F 9 Tf (a) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/TrueType/BaseFont/Anything>>endobj
trailer<</Root 1 0 R>>
"""


def prepare() -> None:
    """Have PDFium look for the system's fonts, which takes as long as to draw a page. Forks know them then.

    It looks when a page first wants a font that is not in the file, as many a letter's are not.
    """
    with contextlib.closing(pypdfium2.PdfDocument(_IN_ANY_FONT)) as document:
        page = document[0]
        page.render().close()
        page.close()


class Locked(Exception):  # noqa: N818  says what the file is
    """It opens with a password only."""


class Unreadable(Exception):  # noqa: N818
    """PDFium cannot open the file, or not this page."""


class Canvas:
    """A grey page, 0 black, that PDFium draws on. One serves all pages of a height: making one costs time."""

    def __init__(self, height: int) -> None:
        self.height = height
        self._pixels = np.empty((height, WIDTH), dtype=np.uint8)
        self.grey = self._pixels.reshape(-1).data
        """Its pixels, row by row."""
        at = ctypes.c_void_p(self._pixels.ctypes.data)
        self.bitmap = pdfium.FPDFBitmap_CreateEx(WIDTH, height, pdfium.FPDFBitmap_Gray, at, WIDTH)
        if not self.bitmap:
            raise MemoryError

    def clear(self) -> None:
        """Make it white."""
        self._pixels.fill(0xFF)

    def at(self, box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """What lies in a box (left, top, right, bottom), as far as it is on it."""
        left, top, right, bottom = (max(edge, 0) for edge in box)
        return self._pixels[top:bottom, left:right]

    def put(self, grey: NDArray[np.uint8], left: int, top: int, within: Placement) -> None:
        """Put a picture over what is on it, as far as it lies on a page that is placed there."""
        high, wide = grey.shape
        rows = slice(max(top, within.top, 0), min(top + high, within.top + within.height, self.height))
        columns = slice(max(left, within.left, 0), min(left + wide, within.left + within.width, WIDTH))
        if rows.start < rows.stop and columns.start < columns.stop:
            part = grey[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            self._pixels[rows, columns] = part

    def close(self) -> None:
        """Give the bitmap back to PDFium."""
        pdfium.FPDFBitmap_Destroy(self.bitmap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A loaded page."""

    handle: Any
    form: Any
    wide: float
    high: float
    """Points, as the page is shown: cropped and rotated."""
    rotation: int
    """Quarter turns clockwise from how it is stored to how it is shown."""

    def turns(self, placement: Placement) -> int:
        """Quarter turns clockwise that bring a landscape page upright.

        A portrait page stored lying (/Rotate 90) is turned back: turned on, it would stand on its head.
        """
        if not placement.turned:
            return 0
        return 3 if self.rotation == 1 else 1

    def draw(self, canvas: Canvas, placement: Placement) -> None:
        """Draw it over what is on the canvas."""
        area = (placement.left, placement.top, placement.width, placement.height, self.turns(placement))
        pdfium.FPDF_RenderPageBitmap(canvas.bitmap, self.handle, *area, _FLAGS)
        if self.form is not None:
            pdfium.FPDF_FFLDraw(self.form, canvas.bitmap, self.handle, *area, _FLAGS)

    def annotations(self) -> int:
        """How many annotations it has, fields of forms included."""
        return int(pdfium.FPDFPage_GetAnnotCount(self.handle))

    def clipped_files(self) -> list[str]:
        """Names of the files that its annotations carry."""
        names = []
        for annotation in self._annotations():
            if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_FILEATTACHMENT:
                names.append(_name(pdfium.FPDFAnnot_GetFileAttachment(annotation)))
        return names

    def obey_print_flags(self) -> None:
        """Hide buttons that do not print, and show fields that only print.

        FPDF_FFLDraw draws as on a screen. Fields with a value are drawn even where their file forgets to say
        that they print.
        """
        for annotation in self._annotations():
            if pdfium.FPDFAnnot_GetSubtype(annotation) != pdfium.FPDF_ANNOT_WIDGET:
                continue
            flags = pdfium.FPDFAnnot_GetFlags(annotation)
            prints = flags & pdfium.FPDF_ANNOT_FLAG_PRINT
            if prints and flags & pdfium.FPDF_ANNOT_FLAG_NOVIEW:
                pdfium.FPDFAnnot_SetFlags(annotation, flags & ~pdfium.FPDF_ANNOT_FLAG_NOVIEW)
            elif not prints:
                kind = pdfium.FPDFAnnot_GetFormFieldType(self.form, annotation)
                if kind == pdfium.FPDF_FORMFIELD_PUSHBUTTON:
                    pdfium.FPDFAnnot_SetFlags(annotation, flags | pdfium.FPDF_ANNOT_FLAG_HIDDEN)

    def _annotations(self) -> Iterator[Any]:
        for index in range(min(self.annotations(), _MOST_WIDGETS)):
            annotation = pdfium.FPDFPage_GetAnnot(self.handle, index)
            if annotation:
                try:
                    yield annotation
                finally:
                    pdfium.FPDFPage_CloseAnnot(annotation)


class Document:
    """An open PDF. Raises `Locked` or `Unreadable` where it does not open."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._open()
        self.pages = len(self._document)

    def _open(self) -> None:
        try:
            self._document = pypdfium2.PdfDocument(self.data)
        except pypdfium2.PdfiumError as error:
            raise (Locked if error.err_code == pdfium.FPDF_ERR_PASSWORD else Unreadable) from error
        self._document.init_forms()  # must come before any page is loaded
        form = self._document.formenv
        self._form = form.raw if form is not None else None

    def reopen(self) -> None:
        """Let PDFium forget what it has read of the file for the pages drawn so far."""
        self._document.close()
        self._open()

    def close(self) -> None:
        """Close it; no page may be loaded any more."""
        self._document.close()

    @property
    def is_xfa(self) -> bool:
        """Whether it has an XFA form, static or dynamic."""
        return self._document.get_formtype() in _XFA_FORMS

    @property
    def is_dynamic_xfa(self) -> bool:
        """Whether it says that its pages are no more than a stand-in (/NeedsRendering)."""
        return bool(self._document.get_formtype() == pdfium.FORMTYPE_XFA_FULL)

    def size(self, number: int) -> tuple[float, float]:
        """Points of a page (from 0) as it is shown, without loading it."""
        size = pdfium.FS_SIZEF()
        if not pdfium.FPDF_GetPageSizeByIndexF(self._document.raw, number, size):
            raise Unreadable
        return size.width, size.height

    def text(self, number: int) -> str:
        """The text of a page."""
        try:
            page = self._document[number]
            try:
                words = page.get_textpage()
                try:
                    return str(words.get_text_range())
                finally:
                    words.close()
            finally:
                page.close()
        except pypdfium2.PdfiumError:
            return ""

    def load(self, number: int) -> Page:
        """Load a page (from 0), which is to be unloaded; raises `Unreadable`."""
        handle = pdfium.FPDF_LoadPage(self._document.raw, number)
        if not handle:
            raise Unreadable
        page = Page(
            handle=handle,
            form=self._form,
            wide=pdfium.FPDF_GetPageWidthF(handle),
            high=pdfium.FPDF_GetPageHeightF(handle),
            rotation=pdfium.FPDFPage_GetRotation(handle),
        )
        if self._form is not None:
            page.obey_print_flags()
            pdfium.FORM_OnAfterLoadPage(handle, self._form)
        return page

    def unload(self, page: Page) -> None:
        """Let go of a page."""
        if self._form is not None:
            pdfium.FORM_OnBeforeClosePage(page.handle, self._form)
        pdfium.FPDF_ClosePage(page.handle)

    def files(self, most: int) -> list[str]:
        """Names of the files embedded in it, in their order, of the first `most`."""
        count = min(pdfium.FPDFDoc_GetAttachmentCount(self._document.raw), most)
        return [_name(pdfium.FPDFDoc_GetAttachment(self._document.raw, index)) for index in range(count)]

    def file(self, index: int) -> bytes:
        """Content of an embedded file; empty where it cannot be had."""
        attachment = pdfium.FPDFDoc_GetAttachment(self._document.raw, index)
        size = ctypes.c_ulong()
        if not attachment or not pdfium.FPDFAttachment_GetFile(attachment, None, 0, size) or not size.value:
            return b""
        content = ctypes.create_string_buffer(size.value)
        if not pdfium.FPDFAttachment_GetFile(attachment, content, size.value, size):
            return b""
        return content.raw


def _name(attachment: Any) -> str:
    if not attachment:
        return ""
    name = ctypes.create_string_buffer(_NAME_BYTES)
    length = pdfium.FPDFAttachment_GetName(
        attachment, ctypes.cast(name, ctypes.POINTER(pdfium.FPDF_WCHAR)), _NAME_BYTES
    )
    if not 2 <= length <= _NAME_BYTES:
        return ""
    return name.raw[: length - 2].decode("utf-16-le", "replace")
