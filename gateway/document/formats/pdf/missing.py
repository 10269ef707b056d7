"""What a page holds but PDFium does not draw, without a word: pictures and fonts that are damaged or unknown.

A page like that would go out with a hole in it, or be left out as blank.
"""

from __future__ import annotations

import ctypes

import pypdfium2.raw as pdfium

from gateway.document.formats.pdf import legibility
from gateway.document.formats.pdf.drawing import Page
from gateway.document.formats.pdf.images import Picture
from gateway.document.geometry import Placement
from gateway.document.raster import Box

_LARGE = 0.1
"""A picture that takes this share of the page is what the page is about."""
_SLOW = b"JPXDecode"
"""To ask about such a picture takes as long as to draw it."""
_MOST = 20
"""Pictures that are decoded once more to learn whether they can be."""


def is_large(box: Box, placement: Placement) -> bool:
    """Whether a picture is a large part of its page."""
    wide, high = box[2] - box[0], box[3] - box[1]
    return wide * high > _LARGE * placement.width * placement.height


def is_undrawable(page: Page, picture: Picture) -> bool:
    """Whether PDFium already knows that it cannot decode a picture. It learns more of some by trying."""
    item = ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT)
    if _filter(item) == _SLOW:
        return False
    facts = pdfium.FPDF_IMAGEOBJ_METADATA()
    known = pdfium.FPDFImageObj_GetImageMetadata(item, page.handle, facts)
    return not known or facts.bits_per_pixel == 0


def what_was_to_be_seen(page: Page, pictures: list[Picture]) -> str:
    """What a page that came out blank holds all the same, in words; empty if it really is blank."""
    for picture in pictures[:_MOST]:
        bitmap = pdfium.FPDFImageObj_GetBitmap(ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT))
        if not bitmap:
            return "a picture"
        pdfium.FPDFBitmap_Destroy(bitmap)
    return "text" if legibility.has_dark_letters(page) else ""


def _filter(item: object) -> bytes:
    """The last filter of a picture's data."""
    count = pdfium.FPDFImageObj_GetImageFilterCount(item)
    name = ctypes.create_string_buffer(32)
    fits = count > 0 and 0 < pdfium.FPDFImageObj_GetImageFilter(item, count - 1, name, len(name)) <= len(name)
    return name.value if fits else b""
