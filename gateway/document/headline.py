"""The line on top of every page: whom the fax is from, when, and which page of how many (47 CFR 68.318(d)).

It is drawn once, without the page's number; the number's digits are put in from a row of ten.
"""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Sequence

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from gateway.document import template
from gateway.document.formats import text
from gateway.document.geometry import DPI_X, WIDTH, Layout
from gateway.document.sheet import Sheet
from gateway.document.values import HeaderLine

_FONTS = (*template.PROPORTIONAL[:-1], *template.FIXED)
_LONGEST_NAME, _LONGEST = 200, 40
_INK = 150
"""What is darker becomes black: strokes of this size come out two pixels wide."""
_MARGIN = 72
_CELL = 14
"""Pixels from an edge, and of a digit."""
_SOURCE = b"""
#let given = json(bytes(sys.inputs.given))
#let px = 72pt / given.dpi
#set page(width: given.width * px, height: given.height * 1in, margin: (x: given.margin * px, y: 0in))
#set text(size: 8pt, font: given.fonts, top-edge: 0.93em, bottom-edge: -0.24em, hyphenate: false)
#let gap = 10pt
#let cells(characters) = box(characters.map(it => box(width: given.cell * px, align(center, it))).join())
#let name-of(person, room) = {
  // what is too long loses its end
  let wide = measure(person.text).width
  let side = if person.rtl { right } else { left }
  box(width: calc.max(0pt, calc.min(wide, room)), clip: true, align(side, box(width: wide, person.text)))
}
#let page-number(digits) = [Page #h(2pt)#cells((" ",) * digits + ("/",) + given.pages.clusters())]
#let line(digits) = layout(space => {
  let last = box(width: measure(page-number(given.pages.len())).width, align(right, page-number(digits)))
  let shown = (given.number, given.time, last)
  let rest = shown.map(it => measure(it).width + gap).sum()
  let left-side = if given.sender.text == "" { given.number } else {
    name-of(given.sender, space.width - rest)
    h(gap)
    given.number
  }
  grid(columns: (auto, 1fr, auto), column-gutter: gap, left-side, align(center, given.time), last)
})
#let one(it) = page(place(left + horizon, it))
#one(cells("0123456789".clusters()))
#for digits in range(1, given.pages.len() + 1) {
  one(block(width: 100%, line(digits)))
}
"""

_Grey = NDArray[np.uint8]


def add(sheets: Sequence[Sheet], header: HeaderLine, layout: Layout) -> list[Sheet]:
    """Put `layout.band` rows with the line on top of every sheet. Nothing else about a sheet changes."""
    if not sheets or not layout.band:
        return list(sheets)
    digits, *lines = _drawn(header, len(sheets), layout)
    return [
        dataclasses.replace(
            sheet,
            rows=_numbered(lines, digits, number, len(sheets)) + sheet.rows,
            height=layout.band + sheet.height,
        )
        for number, sheet in enumerate(sheets, 1)
    ]


def _drawn(header: HeaderLine, pages: int, layout: Layout) -> list[_Grey]:
    """Ten digits, then the line with room for a number of one digit, of two, and so on."""
    sender = _line(header.sender, _LONGEST_NAME)
    number, time = _line(header.number, _LONGEST), _line(header.time, _LONGEST)
    given = {
        "dpi": DPI_X,
        "width": WIDTH,
        "height": layout.band / layout.dpi_y,
        "margin": _MARGIN,
        "cell": _CELL,
        "fonts": _FONTS,
        "sender": {"text": sender.text, "rtl": sender.rtl},
        "number": number.text,
        "time": time.text,
        "pages": str(pages),
    }
    return _rastered(template.pdf(_SOURCE, given), layout.band)


def _line(written: str, longest: int) -> text.Line:
    lines = text.lines(" ".join(written[:longest].split()))
    return lines[0] if lines else text.Line(text="", rtl=False)


def _rastered(made: bytes, height: int) -> list[_Grey]:
    drawn = []
    document = pypdfium2.PdfDocument(made)
    try:
        for page in document:
            grey = np.full((height, WIDTH), 255, np.uint8)
            pixels = grey.ctypes.data_as(ctypes.c_void_p)
            bitmap = pdfium.FPDFBitmap_CreateEx(WIDTH, height, pdfium.FPDFBitmap_Gray, pixels, WIDTH)
            pdfium.FPDF_RenderPageBitmap(bitmap, page.raw, 0, 0, WIDTH, height, 0, 0)
            pdfium.FPDFBitmap_Destroy(bitmap)
            drawn.append(grey)
    finally:
        document.close()
    return drawn


def _numbered(lines: Sequence[_Grey], digits: _Grey, number: int, pages: int) -> bytes:
    """The packed rows of one page's line."""
    shown = str(number)
    grey = lines[len(shown) - 1].copy()
    left = WIDTH - _MARGIN - _CELL * (len(shown) + 1 + len(str(pages)))
    for place, digit in enumerate(shown):
        source, target = _MARGIN + _CELL * int(digit), left + _CELL * place
        grey[:, target : target + _CELL] = digits[:, source : source + _CELL]
    return np.packbits(grey < _INK, axis=1).tobytes()
