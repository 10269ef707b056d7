"""The PDF of a sent fax as a provider may keep it: drawn anew, or at the resolution that it was sent with.

What VoIP.ms gives back nobody could confirm. A client must prove from it that the pages are its own.
"""

from __future__ import annotations

import enum
import io

import pypdfium2
from PIL import Image

_DPI = 200


class Kept(enum.StrEnum):
    """What `getFaxMessagePDF` gives back of a sent fax."""

    AS_SENT = "as_sent"
    REDRAWN = "redrawn"
    """Grey, 200 dpi, JPEG."""
    STANDARD = "standard"
    """Every other row of the page."""


def redraw(pdf: bytes, kept: Kept) -> bytes:
    """`pdf`, a file of our own line, in another form. Blocks for some 50 ms a page."""
    if kept is Kept.AS_SENT:
        return pdf
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [_standard(page) if kept is Kept.STANDARD else _redrawn(page) for page in document]
    finally:
        document.close()
    out = io.BytesIO()
    resolution = (204.0, 98.0) if kept is Kept.STANDARD else (float(_DPI), float(_DPI))
    pages[0].save(out, format="PDF", save_all=True, append_images=pages[1:], dpi=resolution)
    return out.getvalue()


def _redrawn(page: pypdfium2.PdfPage) -> Image.Image:
    drawn: Image.Image = page.render(scale=_DPI / 72, grayscale=True).to_pil()
    return drawn.convert("L")


def _standard(page: pypdfium2.PdfPage) -> Image.Image:
    (picture,) = page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=1)
    fine: Image.Image = picture.get_bitmap().to_pil().convert("1")
    return fine.resize((fine.width, fine.height // 2), Image.Resampling.NEAREST)
