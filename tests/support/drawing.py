"""Draw a PDF in this process and look at the pages."""

from __future__ import annotations

from typing import Any

from PIL import Image

from gateway.document.formats import pdf
from gateway.document.formats.parts import Part
from gateway.document.geometry import WIDTH, Layout
from gateway.document.sheet import Sheet

LABEL = 'The attachment "a.pdf"'


def draw(
    data: bytes, *, layout: Layout | None = None, most: int = 100, inspect: bool = False
) -> tuple[list[Sheet], list[str]]:
    """The sheets of a PDF and the notes about it."""
    notes: list[str] = []
    part = Part(label=LABEL, data=data)
    sheets = pdf.sheets(part, layout=layout or Layout(), notes=notes, inspect=inspect, most=most)
    return list(sheets), notes


def picture(sheet: Sheet) -> Image.Image:
    """A sheet with its ink in white, as Pillow's box functions want it."""
    return Image.frombytes("1", (WIDTH, sheet.height), sheet.rows)


def extent(sheet: Sheet) -> tuple[int, int, int, int]:
    """The box of all ink."""
    box = picture(sheet).getbbox()
    assert box is not None, "the page is blank"
    return box


def ink(sheet: Sheet, points: tuple[float, float, float, float] | None = None) -> float:
    """Share of ink, of a rectangle in points from the lower left of a Letter page."""
    shown = picture(sheet)
    if points is not None:
        left, bottom, right, top = points
        across, down = WIDTH / 612, 2149 / 792
        shown = shown.crop(
            (
                round(left * across),
                round((792 - top) * down),
                round(right * across),
                round((792 - bottom) * down),
            )
        )
    histogram: Any = shown.convert("L").histogram()
    return float(sum(histogram[128:]) / (shown.width * shown.height))
