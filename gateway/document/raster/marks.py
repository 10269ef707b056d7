"""Small marks on a 1-bit page: dust, and whether there is anything else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.document.geometry import WIDTH
from gateway.document.raster.pixels import ROW

_SPECK = 3
"""Pixels of the largest mark that may be dust. A full stop of 8 points has 6 to 9."""
_SPECKS = 150
"""More of them mean something."""
_APART = 12
"""Pixels: dust lies further apart than the dots of a line of dots."""
_SHADOW = 48
"""Pixels from the edge of the page that the shadow of the paper's edge may reach."""
_RUN = 200
"""Pixels along the edge from which it is a shadow."""
_GLANCE = 128
"""Rows."""
_STRIDE = WIDTH + 64
"""Bits of a row with white on both sides."""


def black(rows: bytes) -> int:
    """How many pixels are black."""
    return int(np.bitwise_count(np.frombuffer(rows, dtype=np.uint64)).sum(dtype=np.int64))


def is_blank(rows: bytes, height: int) -> bool:
    """Whether a page shows nothing but dust and the shadows of its edges. In doubt it does not."""
    if _is_inked(rows, height):
        return False
    packed = np.frombuffer(rows, dtype=np.uint8).reshape(height, ROW)
    if not packed.any():
        return True
    page = np.unpackbits(packed, axis=1).astype(bool)
    for side in (page, page[::-1], page.T, page.T[::-1]):
        if len(side) > 4 * _SHADOW:
            edge = side[:_SHADOW]
            edge &= ~(np.logical_and.accumulate(edge, axis=0) & _in_long_runs(edge[0]))
    down, across = np.nonzero(page)
    if len(down) > _SPECK * _SPECKS:
        return False
    sizes = _sizes(list(zip(down.tolist(), across.tolist(), strict=True)))
    return max(sizes, default=0) <= _SPECK


def _in_long_runs(line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a line is black for long: the shadow of an edge runs along it, bars and letters do not."""
    changes = np.flatnonzero(np.diff(line, prepend=False, append=False)).reshape(-1, 2)
    kept = np.zeros_like(line)
    for first, last in changes[changes[:, 1] - changes[:, 0] >= _RUN]:
        kept[first:last] = True
    return kept


def _is_inked(rows: bytes, height: int) -> bool:
    """Whether more is black, away from the edges, than dust could be: mostly seen on the first few lines."""
    words = np.frombuffer(rows, dtype=np.uint64).reshape(height, -1)[_SHADOW:-_SHADOW, 1:-1]  # _SHADOW < 64
    black = 0
    for top in range(0, len(words), _GLANCE):
        black += int(np.bitwise_count(words[top : top + _GLANCE]).sum(dtype=np.int64))
        if black > _SPECK * _SPECKS:
            return True
    return False


def _sizes(pixels: list[tuple[int, int]]) -> list[int]:
    """Pixels in each group whose members are near each other."""
    seen: dict[tuple[int, int], list[int]] = {}
    for index, (y, x) in enumerate(pixels):
        seen.setdefault((y // _APART, x // _APART), []).append(index)
    left = set(range(len(pixels)))
    sizes = []
    while left:
        waiting, size = [left.pop()], 0
        while waiting:
            y, x = pixels[waiting.pop()]
            size += 1
            cells = ((y // _APART + i, x // _APART + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
            near = [other for cell in cells for other in seen.get(cell, ()) if other in left]
            for other in near:
                if abs(pixels[other][0] - y) <= _APART and abs(pixels[other][1] - x) <= _APART:
                    left.discard(other)
                    waiting.append(other)
        sizes.append(size)
    return sizes


def despeckled(rows: bytes, height: int) -> bytes:
    """The page without black marks of up to 2 by 2 pixels that stand alone.

    The page is one long integer here; shifting it by a bit looks one pixel to the right, by `_STRIDE` bits
    one down. A mark is alone if the square around it is white but for itself.
    """
    packed = np.frombuffer(rows, dtype=np.uint8).reshape(height, ROW)
    room = np.zeros((height + 8, _STRIDE // 8), dtype=np.uint8)
    room[4 : 4 + height, 4 : 4 + ROW] = packed
    page = int.from_bytes(room.tobytes())
    pair, triple = _across(page, 2), _across(page, 3)
    band = _down(_across(page, 8), 3)
    sides = _down(triple, 2)
    ring = (band >> 3 * _STRIDE + 3) | (band << 2 * _STRIDE >> 3) | (sides >> 3) | (sides << 2)
    alone = _down(pair, 2) & ~ring
    alone |= alone >> 1
    alone |= alone >> _STRIDE
    room = np.frombuffer((page & ~alone).to_bytes(room.size), dtype=np.uint8).reshape(room.shape)
    return room[4 : 4 + height, 4 : 4 + ROW].tobytes()


def _across(page: int, wide: int) -> int:
    """Whether any of `wide` pixels from here on to the right is black."""
    result = page
    for step in range(1, wide):
        result |= page << step
    return result


def _down(page: int, tall: int) -> int:
    result = page
    for step in range(1, tall):
        result |= page << step * _STRIDE
    return result
