"""Where raster pictures lie on a PDF page, those inside of form XObjects included.

This runs for every page of every document that has a picture at all, so the functions of PDFium that are
called for each object take and return plain addresses: the bindings of pypdfium2 make a Python object of each
pointer, which takes twice as long.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pypdfium2.raw as pdfium

from gateway.document.formats.pdf.drawing import Page
from gateway.document.geometry import Placement
from gateway.document.raster import Box

Matrix = tuple[float, float, float, float, float, float]
"""As in PDF: x' = a x + c y + e, y' = b x + d y + f."""
Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top in page coordinates (points)."""

_MOST_OBJECTS = 50_000
_DEEPEST = 8
_MOST_PICTURES = 2_000
_LARGEST = 1 << 31
"""Bytes; PDFium leaves out, without an error, a picture that needs more once it is unpacked."""
_SURELY_SMALL = _LARGEST // 8
"""Pixels of a picture that is not too large with whatever number of bits."""
_MOST_CLIPS, _MOST_CORNERS = 4, 64
_EDGE = 0.5
"""Points by which a clip may miss the edges of what it is meant to let through."""
_FINE = 1 << 20
_SAMPLE = 1000.0
"""Page coordinates are turned into pixels of a huge page at this distance: PDFium gives whole numbers."""


def _plain(function: Any, *kinds: Any) -> Callable[..., Any]:
    """A function of PDFium without pypdfium2's types: result and arguments."""
    return ctypes.PYFUNCTYPE(*kinds)(ctypes.cast(function, ctypes.c_void_p).value or 0)


_address, _int, _out = ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
_count = _plain(pdfium.FPDFPage_CountObjects, _int, _address)
_get = _plain(pdfium.FPDFPage_GetObject, _address, _address, _int)
_count_inside = _plain(pdfium.FPDFFormObj_CountObjects, _int, _address)
_get_inside = _plain(pdfium.FPDFFormObj_GetObject, _address, _address, ctypes.c_ulong)
_type = _plain(pdfium.FPDFPageObj_GetType, _int, _address)
_matrix = _plain(pdfium.FPDFPageObj_GetMatrix, _int, _address, _out)
_bounds = _plain(pdfium.FPDFPageObj_GetBounds, _int, _address, _out, _out, _out, _out)
_pixels = _plain(pdfium.FPDFImageObj_GetImagePixelSize, _int, _address, _out, _out)
_clip = _plain(pdfium.FPDFPageObj_GetClipPath, _address, _address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture on a page."""

    address: int
    """Of its page object."""
    wide: int
    high: int
    """Its own pixels."""
    corners: tuple[tuple[float, float], ...]
    """Of its visible part, in page coordinates (points)."""

    def too_large(self, page: Page) -> bool:
        """Whether PDFium will leave it out."""
        if self.wide * self.high <= _SURELY_SMALL:
            return False
        facts = pdfium.FPDF_IMAGEOBJ_METADATA()
        item = ctypes.cast(self.address, pdfium.FPDF_PAGEOBJECT)
        if not pdfium.FPDFImageObj_GetImageMetadata(item, page.handle, facts):
            return True
        return bool(self.wide * self.high * (facts.bits_per_pixel or 24) // 8 >= _LARGEST)


def pictures(page: Page) -> list[Picture]:
    """All pictures of a page, in drawing order, bounded."""
    handle = ctypes.cast(page.handle, _address).value
    left = [_MOST_OBJECTS]
    found: list[Picture] = []
    for picture in _pictures(handle, _count, _get, (1, 0, 0, 1, 0, 0), 0, left):
        found.append(picture)
        if len(found) >= _MOST_PICTURES:
            break
    return found


def only_picture(page: Page) -> Picture | None:
    """The picture of a page that shows nothing else."""
    handle = ctypes.cast(page.handle, _address).value
    if _count(handle) != 1 or page.annotations():
        return None
    found = pictures(page)
    return found[0] if len(found) == 1 and _type(_get(handle, 0)) == pdfium.FPDF_PAGEOBJ_IMAGE else None


def boxes(page: Page, found: list[Picture], placement: Placement) -> list[Box]:
    """Boxes of pictures in pixels of the fax page; they may lie outside of it."""
    if not found:
        return []
    device = page_to_pixels(page, placement)
    made = []
    for picture in found:
        points = [apply(device, corner) for corner in picture.corners]
        across, down = [x for x, _ in points], [y for _, y in points]
        made.append((round(min(across)), round(min(down)), round(max(across)), round(max(down))))
    return made


def objects(page: Page, most: int) -> Iterator[tuple[int, int]]:
    """Address and type of the first objects of a page itself, in drawing order."""
    handle = ctypes.cast(page.handle, _address).value
    for index in range(min(_count(handle), most)):
        item = _get(handle, index)
        yield item, _type(item)


def bounds(item: int) -> Rectangle | None:
    """Where an object lies."""
    edges = [ctypes.c_float() for _ in range(4)]
    if not _bounds(item, *map(ctypes.byref, edges)):
        return None
    left, bottom, right, top = (edge.value for edge in edges)
    return left, bottom, right, top


def pixels(item: int) -> tuple[int, int] | None:
    """Width and height of a picture's own raster."""
    wide, high = ctypes.c_uint(), ctypes.c_uint()
    return (wide.value, high.value) if _pixels(item, ctypes.byref(wide), ctypes.byref(high)) else None


def placed(item: int, matrix: Matrix) -> Matrix | None:
    """An object's own matrix, then another one."""
    own = pdfium.FS_MATRIX()
    if not _matrix(item, ctypes.byref(own)):
        return None
    return _chain((own.a, own.b, own.c, own.d, own.e, own.f), matrix)


def is_unclipped(item: int, around: Rectangle) -> bool:
    """Whether an object is clipped by nothing but rectangles that it lies in, edges included."""
    clip = ctypes.cast(_clip(item), pdfium.FPDF_CLIPPATH)
    paths = pdfium.FPDFClipPath_CountPaths(clip) if clip else 0
    if paths > _MOST_CLIPS:
        return False
    left, bottom, right, top = around
    for path in range(paths):
        points = _points(clip, path)
        across, down = [x for x, _ in points], [y for _, y in points]
        if not points or any(x not in (min(across), max(across)) for x in across):
            return False
        if any(y not in (min(down), max(down)) for y in down):
            return False
        if min(across) > left + _EDGE or min(down) > bottom + _EDGE:
            return False
        if max(across) < right - _EDGE or max(down) < top - _EDGE:
            return False
    return True


def _pictures(
    parent: int | None, count: Any, get: Any, matrix: Matrix, depth: int, left: list[int]
) -> Iterator[Picture]:
    number = min(count(parent), left[0])
    left[0] -= number
    items = list(map(get, repeat(parent, number), range(number)))
    for item, kind in zip(items, map(_type, items), strict=True):
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            picture = _picture(item, matrix)
            if picture is not None:
                yield picture
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            inner = placed(item, matrix)
            if inner is not None:
                yield from _pictures(item, _count_inside, _get_inside, inner, depth + 1, left)


def _picture(item: int, matrix: Matrix) -> Picture | None:
    size, box = pixels(item), bounds(item)
    if size is None or box is None:
        return None
    left, bottom, right, top = box
    clip = _clip_box(item)
    if clip is not None:
        left, bottom = max(left, clip[0]), max(bottom, clip[1])
        right, top = min(right, clip[2]), min(top, clip[3])
    corners = tuple(apply(matrix, (x, y)) for x in (left, right) for y in (bottom, top))
    if not all(-_FINE < value < _FINE for corner in corners for value in corner):
        corners = ()  # absurd, or not a number
    if not corners or right <= left or top <= bottom:
        corners = ((0.0, 0.0),) * 4
    return Picture(address=item, wide=size[0], high=size[1], corners=corners)


def _clip_box(item: int) -> Rectangle | None:
    """The box that is left of a picture by simple clipping paths."""
    clip = ctypes.cast(_clip(item), pdfium.FPDF_CLIPPATH)
    if not clip:
        return None
    box = (-float(_FINE), -float(_FINE), float(_FINE), float(_FINE))
    for path in range(min(pdfium.FPDFClipPath_CountPaths(clip), _MOST_CLIPS)):
        points = _points(clip, path)
        if 3 < len(points) < _MOST_CORNERS:
            across, down = [x for x, _ in points], [y for _, y in points]
            box = (
                max(box[0], min(across)),
                max(box[1], min(down)),
                min(box[2], max(across)),
                min(box[3], max(down)),
            )
    return box


def _points(clip: Any, path: int) -> list[tuple[float, float]]:
    """The points of a clipping path, of the first few."""
    points = []
    for index in range(min(pdfium.FPDFClipPath_CountPathSegments(clip, path), _MOST_CORNERS)):
        x, y = ctypes.c_float(), ctypes.c_float()
        segment = pdfium.FPDFClipPath_GetPathSegment(clip, path, index)
        if pdfium.FPDFPathSegment_GetPoint(segment, x, y):
            points.append((x.value, y.value))
    return points


def page_to_pixels(page: Page, placement: Placement) -> Matrix:
    """From page coordinates to pixels of the fax page."""
    points = []
    for x, y in ((0.0, 0.0), (_SAMPLE, 0.0), (0.0, _SAMPLE)):
        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page.handle, 0, 0, _FINE, _FINE, page.turns(placement), x, y, across, down)
        points.append((across.value * placement.width / _FINE, down.value * placement.height / _FINE))
    (x0, y0), (x1, y1), (x2, y2) = points
    a, b, c, d = (x1 - x0) / _SAMPLE, (y1 - y0) / _SAMPLE, (x2 - x0) / _SAMPLE, (y2 - y0) / _SAMPLE
    return a, b, c, d, x0 + placement.left, y0 + placement.top


def apply(matrix: Matrix, point: tuple[float, float]) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    x, y = point
    return a * x + c * y + e, b * x + d * y + f


def _chain(first: Matrix, second: Matrix) -> Matrix:
    """One matrix after another."""
    a, b, c, d, e, f = first
    origin = apply(second, (e, f))
    p, q, r, s, _, _ = second
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, *origin
