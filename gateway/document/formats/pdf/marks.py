"""Marked content (ISO 32000-2, 14.6): what an object of a page is said to belong to."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pypdfium2.raw as pdfium

_LAYER = "OC"


def marks(item: object) -> Iterator[str]:
    """Names of the marked content that an object belongs to; empty for long ones."""
    for index in range(pdfium.FPDFPageObj_CountMarks(item)):
        mark = pdfium.FPDFPageObj_GetMark(item, index)
        name, length = (pdfium.FPDF_WCHAR * 8)(), ctypes.c_ulong()
        fits = pdfium.FPDFPageObjMark_GetName(mark, name, ctypes.sizeof(name), length)
        yield bytes(name)[: length.value - 2].decode("utf-16-le", "replace") if fits else ""


def may_be_off(item: object) -> bool:
    """Whether an object is on a layer (optional content), so that it may be hidden. PDFium does not tell."""
    return _LAYER in marks(item)
