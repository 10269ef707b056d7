"""What is done to every pixel of a page, and G4, by the C library. Same functions as in `pixels` and `g4`."""

from __future__ import annotations

import ctypes

import numpy as np

from gateway.document.geometry import WIDTH
from gateway.document.raster.look import Box
from gateway.document.raster.pixels import BLOCK, BLOCKS, ROW, Bytes, Survey
from gateway.document.raster.resize import weights


class InC:
    """The functions of one library, which knows no sizes: they are checked here."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def survey(self, grey: Bytes, tall: int) -> Survey:
        """See `pixels.survey`."""
        rows = _rows(grey, WIDTH)
        maps = np.empty((4, -(-rows // tall), BLOCKS), dtype=np.uint8)
        low, high, across, down = maps
        out = (low.ctypes.data, high.ctypes.data, across.ctypes.data, down.ctypes.data)
        self._library.fax_survey(grey.ctypes.data, rows, tall, *out)
        return Survey(low=low, high=high, across=across, down=down)

    def quartered(self, grey: Bytes, tall: int) -> tuple[Bytes, Bytes]:
        """See `pixels.quartered`."""
        rows = _rows(grey, WIDTH)
        mean, dark = np.empty((2, -(-rows // (tall // 2)), WIDTH // 4), dtype=np.uint8)
        self._library.fax_quartered(grey.ctypes.data, rows, tall // 4, mean.ctypes.data, dark.ctypes.data)
        return mean, dark

    def drawn(self, page: Survey) -> Bytes:
        """See `levels.drawn`."""
        maps = (page.low, page.high, page.across, page.down)
        rows = {_rows(values, BLOCKS) for values in maps}
        if len(rows) > 1:
            raise ValueError("the maps of a page have one size")
        level = np.empty_like(page.low)
        if not self._library.fax_drawn(*(each.ctypes.data for each in maps), rows.pop(), level.ctypes.data):
            raise MemoryError
        return level

    def scanned(self, mean: Bytes, dark: Bytes) -> Bytes:
        """See `levels.scanned`."""
        mean, dark = np.ascontiguousarray(mean), np.ascontiguousarray(dark)
        rows, columns = _rows(mean, mean.shape[1]), mean.shape[1]
        if mean.shape != dark.shape or not 0 < columns <= WIDTH // 4:
            raise ValueError("cells of one page, and no more")
        level = np.empty_like(mean)
        data = (mean.ctypes.data, dark.ctypes.data, rows, columns, level.ctypes.data)
        if not self._library.fax_scanned(*data):
            raise MemoryError
        return level

    def threshold(self, grey: Bytes, level: Bytes, wide: int, tall: int) -> Bytes:
        """See `pixels.threshold`."""
        rows = _rows(grey, WIDTH)
        level = np.ascontiguousarray(level)
        if _rows(level, WIDTH // wide) != -(-rows // tall):
            raise ValueError("there must be a level for each cell")
        out = np.empty((rows, ROW), dtype=np.uint8)
        self._library.fax_threshold(grey.ctypes.data, rows, level.ctypes.data, wide, tall, out.ctypes.data)
        return out

    def screen(self, grey: Bytes, rows: Bytes, box: Box, tile: Bytes) -> None:
        """See `pixels.screen`."""
        left, top, right, bottom = box
        inside = 0 <= left < right <= WIDTH and 0 <= top < bottom <= _rows(grey, WIDTH)
        if not inside or _rows(rows, ROW) != len(grey) or tile.shape[1] != BLOCK:
            raise ValueError("the box must lie on the page")
        self._library.fax_screen(
            grey.ctypes.data, rows.ctypes.data, left, top, right, bottom, tile.ctypes.data, _rows(tile, BLOCK)
        )

    def resized(self, grey: Bytes, high: int, wide: int) -> Bytes:
        """See `resize.resized`."""
        grey = np.ascontiguousarray(grey)
        columns = grey.shape[1]
        rows = _rows(grey, columns)
        if min(columns, high, wide) < 1:
            raise ValueError("a picture has at least one pixel")
        (top, down), (left, across) = weights(rows, high), weights(columns, wide)
        out = np.empty((high, wide), dtype=np.uint8)
        vertical = (top.ctypes.data, down.ctypes.data, down.shape[1])
        horizontal = (left.ctypes.data, across.ctypes.data, across.shape[1])
        data = (grey.ctypes.data, rows, columns, out.ctypes.data, high, wide)
        if not self._library.fax_resize(*data, *vertical, *horizontal):
            raise MemoryError
        return out

    def encode(self, rows: bytes, height: int) -> bytes:
        """See `g4.encode`."""
        if len(rows) != height * ROW:
            raise ValueError("rows have 216 bytes")
        out = np.empty(self._library.fax_g4_room(height), dtype=np.uint8)
        length = self._library.fax_g4(rows, height, out.ctypes.data, len(out))
        return out[:length].tobytes()


def _rows(array: Bytes, width: int) -> int:
    """Rows of an array that C can read."""
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != width or not array.flags.c_contiguous:
        raise ValueError("not an array of bytes of this width")
    if not len(array):
        raise ValueError("a page has at least one row")
    return len(array)
