"""Pages that are 1-bit at fax resolution already: their pixels are copied, none is made anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.document.formats.picture.sizing import Size
from gateway.document.geometry import MOST_ROWS, WIDTH, Layout
from gateway.document.raster import Look
from gateway.document.sheet import Sheet

_Pixels = NDArray[np.uint8]

_STANDARD, _FINE = (90.0, 106.0), (185.0, 206.0)
"""Rows an inch, from and to, that count as a fax resolution: 98 and 100, 196 and 200."""
_ACROSS = (196.0, 210.0)
"""Dots an inch across."""
_MARGINS = 1.1
"""What is larger than the page by more than this cannot have all of that in white margins."""


def repeats(picture: Image.Image, size: Size, layout: Layout) -> int:
    """How often each row of a picture, not yet decoded, would be taken; 0 for what needs to be drawn."""
    if picture.mode != "1" or size.transpose is not None or size.dpi is None or picture.has_transparency_data:
        return 0
    if not _ACROSS[0] <= size.dpi[0] <= _ACROSS[1]:
        return 0
    times = _times(size.dpi[1], standard=layout.standard)
    rows = size.pixels[1] * times
    if size.is_fax:
        return times if rows <= MOST_ROWS else 0
    return times if size.pixels[0] <= WIDTH * _MARGINS and rows <= layout.height * _MARGINS else 0


def sheet(picture: Image.Image, size: Size, layout: Layout, times: int) -> Sheet | None:
    """A decoded page as it came in, each row `times`; None if there is no room for it.

    A fax page keeps its length and every pixel; its rows are doubled where it is in standard resolution and
    the document in fine. Other 1-bit scans of 200 dpi are centred as they are, where all of their ink fits on
    the page: more words can be read than after resampling, for which a scan that is 2 % smaller is no price.
    """
    ink = _ink(picture)
    if not size.is_fax:
        centred = _centred(ink, layout.height // times)
        if centred is None:
            return None
        ink = centred
    rows = np.packbits(ink, axis=1)
    if times > 1:
        rows = rows.repeat(times, axis=0)
    return Sheet(rows=rows.tobytes(), height=len(rows), look=Look(base="copied"))


def _times(dpi: float, *, standard: bool) -> int:
    """How often each row is taken; 0 where that is no answer."""
    if _STANDARD[0] <= dpi <= _STANDARD[1]:
        return 1 if standard else 2
    return 1 if _FINE[0] <= dpi <= _FINE[1] and not standard else 0


def _centred(ink: _Pixels, height: int) -> _Pixels | None:
    """The picture on a page of `height` rows, moved as little as it takes to keep all of its ink."""
    columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    if not rows.size:
        return np.zeros((height, WIDTH), np.uint8)
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    if right - left > WIDTH or bottom - top > height:
        return None
    x = min(max((WIDTH - ink.shape[1]) // 2, -left), WIDTH - right)
    y = min(max(0, -top), height - bottom)
    page = np.zeros((height, WIDTH), np.uint8)
    page[top + y : bottom + y, left + x : right + x] = ink[top:bottom, left:right]
    return page


def _ink(picture: Image.Image) -> _Pixels:
    """Rows of bytes, 1 for black."""
    pixels = np.frombuffer(picture.convert("L").tobytes(), np.uint8)
    ink: _Pixels = (pixels == 0).view(np.uint8)
    return ink.reshape(picture.height, picture.width)
