"""JPEG pictures at the bottom of a page: decoded in grey here, and put on the canvas before all the rest.

PDFium decodes them in colour, converts by colour profile and scales what comes of it, for a page that has
neither colour nor that many pixels. Only pictures are taken that surely look the same either way: upright
or turned by quarters, opaque, not clipped, in plain grey or RGB, and with nothing beneath them.
"""

from __future__ import annotations

import ctypes
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pypdfium2.raw as pdfium
from PIL import Image

from gateway.document import raster
from gateway.document.formats.pdf import images, missing
from gateway.document.formats.pdf.drawing import Canvas, Page
from gateway.document.formats.pdf.images import Matrix, Rectangle
from gateway.document.formats.pdf.marks import may_be_off
from gateway.document.formats.picture import borrowed
from gateway.document.formats.picture.strict import strictly
from gateway.document.geometry import WIDTH, Placement
from gateway.document.raster import Box

_LEAST_PIXELS = 100_000
"""Smaller ones take PDFium no time."""
_MOST_PIXELS = 80_000_000
_MOST_OBJECTS = 2_000
_MOST_BENEATH = 500
_STRAIGHT = 0.5
"""Pixels that an edge may be off the vertical or horizontal."""
_WORTH = 1.2
"""Times as many pixels each way as are wanted, from which on a grey picture is decoded here."""
_END, _TAIL = b"\xff\xd9", 64
"""JPEG's end of image may have something behind it; where it is missing the picture is decoded here."""
_ENOUGH = 0.87
"""Of the pixels wanted each way, where the decoder itself can scale: it reads as well."""
_HEAD_BYTES, _PROBE = 4096, 256
_PLAIN = {
    pdfium.FPDF_COLORSPACE_DEVICEGRAY: 1,
    pdfium.FPDF_COLORSPACE_CALGRAY: 1,
    pdfium.FPDF_COLORSPACE_DEVICERGB: 3,
    pdfium.FPDF_COLORSPACE_CALRGB: 3,
    pdfium.FPDF_COLORSPACE_ICCBASED: 0,
}
"""Colour spaces whose grey is that of the JPEG, and their number of parts (0: as many as the profile has)."""
_COMPONENTS = {"L": 1, "RGB": 3}
_PECULIAR = re.compile(
    rb"/(?:SMask|SMaskInData|Mask|ImageMask|IM|Decode|D|DecodeParms|DP|OC|F|FFilter|Alternates)(?![A-Za-z])|#"
)
"""What makes a picture look other than its JPEG (ISO 32000-2, table 87), or may hide that it does."""
_TURNS: dict[tuple[int, int, int, int], Image.Transpose | None] = {
    (1, 0, 0, 1): None,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""By where the picture's right and its bottom point to on the fax page."""
_QUARTERS = {
    Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_90,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
}

Damaged = Callable[[bool], None]
"""Hears of a picture that cannot be decoded, and whether it is a large part of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a picture goes on the fax page: pixels, and how it is turned."""

    box: Box
    turn: Image.Transpose | None

    @property
    def size(self) -> tuple[int, int]:
        return self.box[2] - self.box[0], self.box[3] - self.box[1]


def lay(page: Page, data: bytes, canvas: Canvas, placement: Placement, damaged: Damaged) -> None:
    """Put what pictures can be put on a cleared canvas, and take them from the page. `data` is the file."""
    work = _Work(page=page, data=data, canvas=canvas, placement=placement, damaged=damaged)
    device = images.page_to_pixels(page, placement)
    beneath: list[Rectangle] = []
    for item, kind in images.objects(page, _MOST_OBJECTS):
        bounds = images.bounds(item)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE and bounds is not None:
            free = not any(_overlap(bounds, other) for other in beneath)
            if free and _is_plain(item, bounds) and work.put(item, device):
                pdfium.FPDFPageObj_SetIsActive(_handle(item), False)
                continue
        if bounds is None or len(beneath) >= _MOST_BENEATH:
            return  # where it lies is not known, so what comes later stays with PDFium
        beneath.append(bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is needed for each picture of a page."""

    page: Page
    data: bytes
    canvas: Canvas
    placement: Placement
    damaged: Damaged

    def put(self, item: int, device: Matrix) -> bool:
        """Decode a picture and put it where it belongs; False where that is for PDFium."""
        size = images.pixels(item)
        if size is None or not _LEAST_PIXELS <= size[0] * size[1] <= _MOST_PIXELS:
            return False
        matrix = images.placed(item, device)
        spot = _spot(matrix, self.canvas) if matrix is not None else None
        content = _jpeg(item, self.data) if spot is not None else None
        if spot is None or content is None:
            return False
        try:
            picture = Image.open(io.BytesIO(content), formats=["JPEG"])
        except OSError:
            return False  # PDFium may still know what it is
        if picture.size != size or not _has_parts(self.page, item, picture):
            return False
        if picture.mode == "L" and max(size) < _WORTH * max(spot.size) and _END in content[-_TAIL:]:
            return False  # PDFium is as fast
        grey = self._decoded(picture, spot)
        if grey is None:
            return False
        wide, high = spot.size
        with borrowed.pixels(grey) as given:
            made = given if grey.size == spot.size else raster.resized(given, high, wide)
            self.canvas.put(made, *spot.box[:2], within=self.placement)
        return True

    def _decoded(self, picture: Image.Image, spot: _Spot) -> Image.Image | None:
        """The picture upright in grey, no larger than is needed where the decoder itself can scale."""
        wide, high = spot.size
        if spot.turn in _QUARTERS:
            wide, high = high, wide
        picture.draft("L", (int(wide * _ENOUGH), int(high * _ENOUGH)))
        try:
            with strictly():
                picture.load()
        except OSError:  # cut off
            self.damaged(missing.is_large(spot.box, self.placement))
            return None
        return picture if spot.turn is None else picture.transpose(spot.turn)


def _spot(matrix: Matrix, canvas: Canvas) -> _Spot | None:
    """Where the unit square of a picture comes to lie, if its edges are straight and most of it is seen."""
    a, b, c, d, e, f = matrix
    if all(abs(value) < _STRAIGHT for value in (b, c)):
        signs = (_sign(a), 0, 0, _sign(-d))
    elif all(abs(value) < _STRAIGHT for value in (a, d)):
        signs = (0, _sign(b), _sign(-c), 0)
    else:
        return None
    xs, ys = (e, e + a + c), (f, f + b + d)
    # Outwards, as PDFium does, so that strips of a picture leave no gaps.
    box = (
        int(np.floor(min(xs) + 0.01)),
        int(np.floor(min(ys) + 0.01)),
        int(np.ceil(max(xs) - 0.01)),
        int(np.ceil(max(ys) - 0.01)),
    )
    wide, high = box[2] - box[0], box[3] - box[1]
    if wide < 1 or high < 1 or wide > 2 * WIDTH or high > 2 * canvas.height:
        return None
    if box[0] >= WIDTH or box[1] >= canvas.height or box[2] <= 0 or box[3] <= 0:
        return None
    return _Spot(box=box, turn=_TURNS[signs])


def _is_plain(item: int, bounds: Rectangle) -> bool:
    """Whether nothing about the object changes how its picture looks."""
    handle = _handle(item)
    if pdfium.FPDFPageObj_HasTransparency(handle) or not images.is_unclipped(item, bounds):
        return False
    return not may_be_off(handle)


def _has_parts(page: Page, item: int, picture: Image.Image) -> bool:
    """Whether the colour space has as many parts as the JPEG, and is one that a grey can be taken from."""
    facts = pdfium.FPDF_IMAGEOBJ_METADATA()
    parts = _COMPONENTS.get(picture.mode)
    if parts is None or not pdfium.FPDFImageObj_GetImageMetadata(_handle(item), page.handle, facts):
        return False
    wanted = _PLAIN.get(facts.colorspace)
    return wanted in (0, parts) and facts.bits_per_pixel == 8 * parts


def _jpeg(item: int, data: bytes) -> bytes | None:
    """The content of a picture that is stored as a JPEG and nothing else."""
    handle = _handle(item)
    if pdfium.FPDFImageObj_GetImageFilterCount(handle) != 1:
        return None
    name = ctypes.create_string_buffer(16)
    length = pdfium.FPDFImageObj_GetImageFilter(handle, 0, name, len(name))
    if not 0 < length <= len(name) or name.value not in (b"DCTDecode", b"DCT"):
        return None
    size = pdfium.FPDFImageObj_GetImageDataRaw(handle, None, 0)
    if not 0 < size <= len(data):
        return None
    content = ctypes.create_string_buffer(size)
    pdfium.FPDFImageObj_GetImageDataRaw(handle, content, size)
    raw = content.raw
    return raw if _is_alone(raw, data) else None


def _is_alone(content: bytes, data: bytes) -> bool:
    """Whether the dictionary before the content says nothing that changes the picture.

    PDFium does not tell of it, so the file is searched; what is not found there as it is, because it is
    encrypted, is left to PDFium.
    """
    at = -1
    found = False
    while (at := data.find(content[:_PROBE], at + 1)) >= 0:
        if data[at : at + len(content)] != content:
            continue
        head = data[max(0, at - _HEAD_BYTES) : at]
        begin = head.rfind(b"obj")
        if begin < 0 or _PECULIAR.search(head, begin):
            return False
        found = True
    return found


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _sign(value: float) -> int:
    return 1 if value > 0 else -1


def _handle(item: int) -> object:
    return ctypes.cast(item, pdfium.FPDF_PAGEOBJECT)
