"""Fax pages inside of PDFs: pictures 1728 pixels wide that are taken pixel by pixel."""

from __future__ import annotations

import ctypes
import io
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from gateway.document.formats.pdf.drawing import Canvas, Page
from gateway.document.formats.pdf.images import Picture
from gateway.document.geometry import DPI_X, DPI_Y, MOST_ROWS, WIDTH, Layout, Placement
from gateway.document.raster import Raster
from gateway.document.sheet import ROW_BYTES

_CLOSE = 0.06
"""Share by which a resolution may differ from that of a fax."""
_EDGE = 1.0
"""Points by which a picture may miss the edges of its page."""


def fax_rows(page: Page, picture: Picture, layout: Layout, unit: float) -> bytes | None:
    """Rows of a page that shows nothing but one fax page, at the layout's resolution.

    `unit` is that of the page in inches. The picture is drawn pixel by pixel, so it does not matter how it is
    coded; it must come out in black and white. A standard page is doubled in a fine layout. Else None.
    """
    if (
        picture.wide != WIDTH
        or not 0 < picture.high <= MOST_ROWS
        or page.rotation
        or not _fills(page, picture)
    ):
        return None
    across, down = WIDTH / (page.wide * unit), picture.high / (page.high * unit)
    if abs(across / DPI_X - 1) > _CLOSE:
        return None
    times = 1
    if abs(down / layout.dpi_y - 1) > _CLOSE:
        times = 2
        if layout.standard or abs(down / DPI_Y["standard"] - 1) > _CLOSE or picture.high * 2 > MOST_ROWS:
            return None
    canvas = Canvas(picture.high)
    try:
        canvas.clear()
        page.draw(canvas, Placement(left=0, top=0, width=WIDTH, height=picture.high, turned=False))
        rows = _packed(canvas.grey)
    finally:
        canvas.close()
    if rows is None or times == 1:
        return rows
    return np.repeat(np.frombuffer(rows, np.uint8).reshape(-1, ROW_BYTES), times, axis=0).tobytes()


def stored_rows(picture: Picture) -> bytes | None:
    """Rows of a picture that is a fax page, as they are in the file; None if it is none."""
    if picture.wide != WIDTH or not 0 < picture.high <= MOST_ROWS:
        return None
    bitmap = pdfium.FPDFImageObj_GetBitmap(ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT))
    if not bitmap:
        return None
    found: Any = pypdfium2.PdfBitmap.from_raw(bitmap)
    try:
        grey: Image.Image = found.to_pil().convert("L")
    finally:
        found.close()
    return _packed(grey.tobytes()) if grey.size == (picture.wide, picture.high) else None


def png(rows: bytes, dpi: tuple[int, int]) -> bytes:
    """Rows as a PNG of the same pixels."""
    out = io.BytesIO()
    picture = Image.frombytes("1", (WIDTH, len(rows) // ROW_BYTES), rows, "raw", "1;I")
    picture.save(out, "PNG", dpi=dpi)
    return out.getvalue()


def _packed(grey: Raster) -> bytes | None:
    """1-bit rows of a grey raster that knows only black and white."""
    pixels = np.frombuffer(grey, np.uint8)
    black = pixels == 0
    if not np.array_equal(black, pixels != 0xFF):
        return None
    return np.packbits(black).tobytes()


def _fills(page: Page, picture: Picture) -> bool:
    across, down = [x for x, _ in picture.corners], [y for _, y in picture.corners]
    sides = (max(across) - min(across) - page.wide, max(down) - min(down) - page.high)
    return all(abs(side) <= _EDGE for side in sides)
