"""What the recipient of a PDF page may not be able to read: looked for in previews only."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from gateway.document.formats.colours import Colour, confusable, hue, luma
from gateway.document.formats.pdf.drawing import Canvas, Page
from gateway.document.formats.pdf.images import Matrix, apply, page_to_pixels
from gateway.document.formats.pdf.marks import may_be_off
from gateway.document.geometry import DPI_X, WIDTH, Layout, Placement

_SMALL = 6.0
"""Points on the paper: 16 rows from one baseline to the next in fine."""
_SMALL_STANDARD = 9.0
_LIGHT = 0.75
_WHITE = 0.98
"""Share of white; a grey up to the first comes out, one from the second on is not meant to be seen."""
_PAPER = 240
_THIN = 250
"""Font weight; regular is 400."""
_THIN_BELOW = 10.0
_SHRUNK = 0.8
_MOST_CHARACTERS = 50_000
_MOST_OBJECTS = 20_000
_FEW = 3
_FINE = 10_000
_INVISIBLE = 3  # text rendering mode: recognised text behind a scan


@dataclass(frozen=True, slots=True)
class _Letter:
    size: float
    """Points on the fax page."""
    luma: float
    weight: int
    on_white: bool


def warnings(
    page: Page, canvas: Canvas, placement: Placement, layout: Layout, unit: float
) -> tuple[str, ...]:
    """One sentence for each thing that may be lost. `unit` is that of the page in inches.

    The canvas holds the page as it was drawn.
    """
    along = page.high if placement.turned else page.wide
    scale = placement.width / (along * unit * DPI_X)
    background = _Background(canvas, page_to_pixels(page, placement))
    letters = list(_letters(page, scale * unit * 72, background))
    return (
        *_about_size(letters, layout),
        *_about_tone(letters),
        *_about_colour(page),
        *_about_scale(scale),
    )


def has_dark_letters(page: Page) -> bool:
    """Whether something stands written on a page, in a dark colour, within its edges, and on no layer."""
    text = pdfium.FPDFText_LoadPage(page.handle)
    if not text:
        return False
    try:
        return any(
            _luma_of(text, index) < _LIGHT
            and _is_on(page, text, index)
            and _is_shown(pdfium.FPDFText_GetTextObject(text, index))
            for index in _written(text)
        )
    finally:
        pdfium.FPDFText_ClosePage(text)


def _is_shown(item: Any) -> bool:
    return pdfium.FPDFTextObj_GetTextRenderMode(item) != _INVISIBLE and not may_be_off(item)


def _about_size(letters: list[_Letter], layout: Layout) -> Iterator[str]:
    least = _SMALL_STANDARD if layout.standard else _SMALL
    small = [letter.size for letter in letters if letter.size < least]
    if len(small) > _FEW:
        sizes = f"{min(small):.1f} to {max(small):.1f} points"
        yield f"Small text: {len(small)} characters are {sizes} high on the fax."


def _about_tone(letters: list[_Letter]) -> Iterator[str]:
    light = [letter.luma for letter in letters if _LIGHT < letter.luma < _WHITE and letter.on_white]
    if len(light) > _FEW:
        percent = round(100 * (1 - min(light)))
        yield f"Light text: {len(light)} characters on white are at most {percent} % black."
    thin = [
        letter for letter in letters if letter.weight and letter.weight <= _THIN and letter.size < _THIN_BELOW
    ]
    if len(thin) > _FEW:
        yield f"Thin text: {len(thin)} characters below {_THIN_BELOW:.0f} points are drawn with hairlines."


def _about_scale(scale: float) -> Iterator[str]:
    if scale < _SHRUNK:
        yield f"The page is drawn at {round(100 * scale)} % of its size."


def _about_colour(page: Page) -> Iterator[str]:
    """Colours that carry a meaning which a fax loses."""
    found: dict[Colour, None] = {}
    for index in range(min(pdfium.FPDFPage_CountObjects(page.handle), _MOST_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(page.handle, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            fill, stroke = ctypes.c_int(), ctypes.c_int()
            pdfium.FPDFPath_GetDrawMode(item, fill, stroke)
            for wanted, ask in (
                (fill.value, pdfium.FPDFPageObj_GetFillColor),
                (stroke.value, pdfium.FPDFPageObj_GetStrokeColor),
            ):
                parts = [ctypes.c_uint() for _ in range(4)]
                if wanted and ask(item, *parts) and parts[3].value:
                    found[parts[0].value, parts[1].value, parts[2].value] = None
        elif kind == pdfium.FPDF_PAGEOBJ_TEXT:
            parts = [ctypes.c_uint() for _ in range(4)]
            if pdfium.FPDFPageObj_GetFillColor(item, *parts):
                found[parts[0].value, parts[1].value, parts[2].value] = None
    alike = confusable(found)
    if alike:
        names = ", ".join(sorted({_colour_name(rgb) for rgb in alike}))
        yield f"Colours that look the same in black and white: {names}."


@dataclass(frozen=True, slots=True)
class _Background:
    """What stands around something on the page."""

    canvas: Canvas
    to_pixels: Matrix

    def is_white(self, corners: tuple[tuple[float, float], ...]) -> bool:
        """Whether the page is white at all of these points (page coordinates); one outside is not."""
        for corner in corners:
            x, y = map(round, apply(self.to_pixels, corner))
            if not (0 <= x < WIDTH and 0 <= y < self.canvas.height):
                return False
            if self.canvas.grey[y * WIDTH + x] < _PAPER:
                return False
        return True


def _letters(page: Page, points: float, background: _Background) -> Iterator[_Letter]:
    """What stands written on a page; `points` on the fax make one unit of the page."""
    text = pdfium.FPDFText_LoadPage(page.handle)
    if not text:
        return
    try:
        modes: dict[int, int] = {}
        for index in _written(text):
            item = pdfium.FPDFText_GetTextObject(text, index)
            key = ctypes.cast(item, ctypes.c_void_p).value or 0
            if key not in modes:
                modes[key] = pdfium.FPDFTextObj_GetTextRenderMode(item)
            if modes[key] == _INVISIBLE:
                continue
            matrix = pdfium.FS_MATRIX()
            pdfium.FPDFText_GetMatrix(text, index, matrix)
            size = pdfium.FPDFText_GetFontSize(text, index) * math.hypot(matrix.c, matrix.d) * points
            light = _luma_of(text, index)
            on_white = light > _LIGHT and background.is_white(_corners(text, index))
            yield _Letter(size, light, pdfium.FPDFText_GetFontWeight(text, index), on_white)
    finally:
        pdfium.FPDFText_ClosePage(text)


def _written(text: Any) -> Iterator[int]:
    """Which characters of a page were put there and are to be seen, of the first many."""
    for index in range(min(pdfium.FPDFText_CountChars(text), _MOST_CHARACTERS)):
        character = chr(min(pdfium.FPDFText_GetUnicode(text, index), 0x10FFFF))
        if not character.isspace() and pdfium.FPDFText_IsGenerated(text, index) <= 0:
            yield index


def _luma_of(text: Any, index: int) -> float:
    """How light a character is on white."""
    parts = [ctypes.c_uint() for _ in range(4)]
    pdfium.FPDFText_GetFillColor(text, index, *parts)
    red, green, blue, alpha = (part.value for part in parts)
    return 1 - (1 - luma(red, green, blue)) * alpha / 255


def _is_on(page: Page, text: Any, index: int) -> bool:
    """Whether a character's middle lies on the page as it is shown."""
    corners = _corners(text, index)
    x, y = ((corners[0][axis] + corners[-1][axis]) / 2 for axis in (0, 1))
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.handle, 0, 0, _FINE, _FINE, 0, x, y, across, down)
    return 0 <= across.value < _FINE and 0 <= down.value < _FINE


def _corners(text: Any, index: int) -> tuple[tuple[float, float], ...]:
    """The corners of a character's cell."""
    cell = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text, index, cell)
    return tuple((x, y) for x in (cell.left, cell.right) for y in (cell.bottom, cell.top))


_NAMES = (
    "red",
    "orange",
    "yellow",
    "green",
    "green",
    "green",
    "cyan",
    "blue",
    "blue",
    "violet",
    "pink",
    "red",
)


def _colour_name(colour: Colour) -> str:
    return _NAMES[round(hue(colour) * 12) % 12]
