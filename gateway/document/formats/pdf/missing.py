"""What a page holds but PDFium does not draw, without a word: pictures and fonts that are damaged or unknown.

A page like that would go out with a hole in it, or be left out as blank.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from gateway.document.formats.pdf import damage, legibility, structure
from gateway.document.formats.pdf.drawing import Page
from gateway.document.formats.pdf.images import Picture
from gateway.document.geometry import Placement
from gateway.document.raster import Box

_LARGE = 0.1
"""A picture that takes this share of the page is what the page is about."""
_SLOW = b"JPXDecode"
"""To ask about such a picture takes as long as to draw it."""
_RIM, _EVEN = 2, 2
"""Pixels at the edges, and levels that may differ."""
_MOST_HEAD = 4096
"""Bytes of tables and metadata that any picture may have."""
_MOST_IF_EVEN = {
    b"DCTDecode": 3 * 1.5 / 64,
    b"JPXDecode": 1 / 500,
    b"JBIG2Decode": 1 / 500,
    b"CCITTFaxDecode": 1 / 200,
}
"""Bytes for each pixel that a picture of one colour may take: JPEG spends some bits on each block of 64."""
_MOST_UNKNOWN = 3.0
_BYTES = {pdfium.FPDFBitmap_Gray: 1, pdfium.FPDFBitmap_BGR: 3}
_MOST_SMALL = 500
"""Small pictures of a page that are looked at."""
_MOST = 20
"""Pictures that are decoded once more to learn whether they can be."""


Broken = Callable[[bool], None]
"""Hears of a picture that is damaged, and whether it is a large part of its page. May raise."""


def look_at(
    page: Page, data: bytes, found: list[Picture], boxes: list[Box], placement: Placement, broken: Broken
) -> None:
    """Tell `broken` which pictures on a page cannot be decoded, or not all of them. `data` is the file."""
    small = _MOST_SMALL
    for picture, box in zip(found, boxes, strict=True):
        if not picture.wide * picture.high or not _is_on(box, placement):
            continue
        large = is_large(box, placement)
        small -= not large
        if (large or small > 0) and (
            is_undrawable(page, picture) or damage.is_incomplete(page, picture, data)
        ):
            broken(large)


def _is_on(box: Box, placement: Placement) -> bool:
    left, top, right, bottom = box
    return max(left, placement.left) < min(right, placement.left + placement.width) and max(
        top, placement.top
    ) < min(bottom, placement.top + placement.height)


def is_large(box: Box, placement: Placement) -> bool:
    """Whether a picture is a large part of its page."""
    wide, high = box[2] - box[0], box[3] - box[1]
    return wide * high > _LARGE * placement.width * placement.height


def is_undrawable(page: Page, picture: Picture) -> bool:
    """Whether PDFium already knows that it cannot decode a picture. It learns more of some by trying."""
    item = ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT)
    if _filter(item) == _SLOW:
        return False
    if not pdfium.FPDFImageObj_GetImageDataRaw(item, None, 0):
        return True
    facts = pdfium.FPDF_IMAGEOBJ_METADATA()
    known = pdfium.FPDFImageObj_GetImageMetadata(item, page.handle, facts)
    return not known or facts.bits_per_pixel == 0


def came_out_even(picture: Picture, seen: NDArray[np.uint8]) -> bool:
    """Whether a picture is of one colour where it lies, although there is more data of it than that takes.

    Not if it is not: then it is hidden, behind something else, by its mask, or because its layer is off.
    """
    inside = seen[_RIM:-_RIM, _RIM:-_RIM]  # its edges may share pixels with what is around
    if not inside.size or _range(inside[::16]) > _EVEN or _range(inside) > _EVEN:
        return False
    return is_more_than_even(picture) and not _has_contrast(picture)


def comes_out_white(page: Page, picture: Picture) -> bool:
    """Whether a picture that is all of a page, which came out white, is damaged."""
    return is_undrawable(page, picture) or (is_more_than_even(picture) and not _has_contrast(picture))


def _has_contrast(picture: Picture) -> bool:
    """Whether PDFium can decode a picture, and finds more than one colour in it."""
    bitmap = pdfium.FPDFImageObj_GetBitmap(ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT))
    if not bitmap:
        return False
    try:
        wide, high = pdfium.FPDFBitmap_GetWidth(bitmap), pdfium.FPDFBitmap_GetHeight(bitmap)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        bytes_a_pixel = _BYTES.get(pdfium.FPDFBitmap_GetFormat(bitmap), 4)
        at = pdfium.FPDFBitmap_GetBuffer(bitmap)
        content = np.ctypeslib.as_array(ctypes.cast(at, ctypes.POINTER(ctypes.c_uint8)), (high, stride))
        colours = content[:, : wide * bytes_a_pixel].reshape(high, wide, bytes_a_pixel)[..., :3]
        inside = colours[_RIM:-_RIM, _RIM:-_RIM]
        return inside.size > 0 and any(_range(inside[..., part]) > _EVEN for part in range(inside.shape[2]))
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)


def is_more_than_even(picture: Picture) -> bool:
    """Whether there is more data of a picture than one of a single colour takes."""
    item = ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT)
    size = int(pdfium.FPDFImageObj_GetImageDataRaw(item, None, 0))
    most = _MOST_IF_EVEN.get(_filter(item), _MOST_UNKNOWN)
    return size > _MOST_HEAD + most * picture.wide * picture.high


def _range(values: NDArray[np.uint8]) -> int:
    return int(values.max()) - int(values.min())


def what_was_to_be_seen(data: bytes, number: int, page: Page, pictures: list[Picture]) -> str:
    """What a page that came out blank holds all the same, in words; empty if it really is blank.

    `data` is the file, `number` that of the page, from 0.
    """
    if not pdfium.FPDFPage_CountObjects(page.handle):
        return "a drawing" if structure.has_lost_its_content(data, number) else ""
    for picture in pictures[:_MOST]:
        bitmap = pdfium.FPDFImageObj_GetBitmap(ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT))
        if not bitmap:
            return "a picture"
        pdfium.FPDFBitmap_Destroy(bitmap)
    return "text" if legibility.has_dark_letters(page) else ""


def _filter(item: object) -> bytes:
    """The last filter of a picture's data."""
    return (damage.filters(item) or (b"",))[-1]
