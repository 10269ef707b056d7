"""The least that drawing PDFs as fax pages can cost: ``python -m bench.raster_floor FILE...``.

PDFium's grey raster with the forms, a fixed threshold, G4 by the gateway's own coder: no sandbox, no choice
of what becomes of a grey, no file written. Pages that lie are turned, all are fitted to 1728 by 2156 pixels.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from gateway.document.raster import encode

WIDTH, HEIGHT = 1728, 2156
_DPI_X, _DPI_Y, _POINTS = 204, 196, 72
_MIDDLE = 128
_PIXELS = bytearray(WIDTH * HEIGHT)


def main(*files: str) -> None:
    """Draw every page of every file; print how many bytes came of it."""
    print(sum(size for file in files for size in sizes(Path(file))))


def sizes(file: Path) -> list[int]:
    """Bytes of the G4 strip of each page."""
    document = pypdfium2.PdfDocument(file)
    document.init_forms()
    try:
        return [len(_strip(grey(document, number, _PIXELS))) for number in range(len(document))]
    finally:
        document.close()


def grey(document: pypdfium2.PdfDocument, number: int, pixels: bytearray) -> bytearray:
    """Draw a page into pixels of a byte each; 0 is black."""
    page = document[number]
    shared = (ctypes.c_ubyte * len(pixels)).from_buffer(pixels)
    ctypes.memset(shared, 0xFF, len(pixels))
    bitmap = pdfium.FPDFBitmap_CreateEx(WIDTH, HEIGHT, pdfium.FPDFBitmap_Gray, shared, WIDTH)
    area = _placed(*page.get_size())
    pdfium.FPDF_RenderPageBitmap(bitmap, page.raw, *area, pdfium.FPDF_ANNOT)
    if document.formenv is not None:
        pdfium.FPDF_FFLDraw(document.formenv.raw, bitmap, page.raw, *area, pdfium.FPDF_ANNOT)
    pdfium.FPDFBitmap_Destroy(bitmap)
    page.close()
    return pixels


def _strip(pixels: bytearray) -> bytes:
    black = np.packbits(np.frombuffer(pixels, np.uint8) < _MIDDLE)
    return encode(black.tobytes(), HEIGHT)


def _placed(wide: float, high: float) -> tuple[int, int, int, int, int]:
    """Left, top, width, height and quarter turns."""
    turned = wide > high
    if turned:
        wide, high = high, wide
    across, down = wide * _DPI_X / _POINTS, high * _DPI_Y / _POINTS
    scale = min(WIDTH / across, HEIGHT / down, 1.02)
    return 0, 0, min(WIDTH, round(across * scale)), min(HEIGHT, round(down * scale)), int(turned)


if __name__ == "__main__":
    main(*sys.argv[1:])
