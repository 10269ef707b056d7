"""Even grey areas: which become paper, and which ink.

A page has no grey, so a shaded cell must become white, or the words on it drown; but a dark bar with white
words on it must become black, and a grey bar of a chart or a large grey letter must not vanish. That is
decided for each connected even area as a whole, by its grey and by what is drawn on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.document.raster.blocks import spread
from gateway.document.raster.pixels import Bytes

Mask = NDArray[np.bool_]

SOLID = 96
"""What is darker is ink in any case."""
_PALE = 225
"""What is lighter is paper in any case."""
_MIDDLE = 170
"""Darker areas are ink unless something still darker is drawn on them; lighter ones the other way round."""
_LIGHTEST = 250
_EVEN = 6
"""Greys within a block, or of neighbours, that are taken as the same."""
_DISTINCT = 40
"""How much something on an area differs from it."""
_THICK = 4
_LONG = 40
"""Blocks: an area nowhere thicker and nowhere longer is a shape or a large letter, not a background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """Blocks of even grey areas."""

    paper: Mask
    ink: Mask


def find(low: Bytes, high: Bytes) -> Fills | None:
    """Judge the even grey areas of a page by the extremes of its blocks; None if there are none."""
    flat = high - low <= _EVEN
    even = flat & (low >= SOLID) & (high <= _LIGHTEST)
    if not even.any():
        return None
    at = np.flatnonzero(even)
    area = _areas(even, low)  # number of the area of each of `at`
    count = int(area.max()) + 1

    def counted(where: Mask) -> NDArray[np.intp]:
        return np.bincount(area[where.reshape(-1)[at]], minlength=count)

    blocks = np.bincount(area)
    grey = np.bincount(area, weights=low.reshape(-1)[at])  # the sum, exact in floats
    darker = spread(low, 1, np.minimum) < np.maximum(low, _DISTINCT) - _DISTINCT
    lighter = spread(high, 1, np.maximum) > np.minimum(high, 255 - _DISTINCT) + _DISTINCT
    # Where the area meets a lighter one, that is its edge and not something drawn on it.
    beside = spread(np.where(flat, low, 0), 2, np.maximum) > np.minimum(high, 255 - _EVEN) + _EVEN
    drawn_dark = counted(darker & ~lighter)
    drawn_light = counted(lighter & ~darker & ~beside)

    thick = counted(spread(even.view(np.uint8), _THICK // 2, np.minimum).view(bool)) > 0
    rows, columns = np.divmod(at, even.shape[1])
    small = (_extent(area, rows, count) <= _LONG) & (_extent(area, columns, count) <= _LONG)

    ink = np.where(grey < _MIDDLE * blocks, drawn_dark <= drawn_light, drawn_light > drawn_dark)
    ink |= small & ~thick & (drawn_dark == 0)
    ink &= grey < _PALE * blocks
    chosen = np.zeros(even.shape, dtype=bool)
    chosen.reshape(-1)[at] = ink[area]
    return Fills(paper=even & ~chosen, ink=chosen)


def _extent(area: NDArray[np.intp], places: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    first = np.full(count, np.iinfo(np.intp).max)
    last = np.zeros(count, dtype=np.intp)
    np.minimum.at(first, area, places)
    np.maximum.at(last, area, places)
    extent: NDArray[np.intp] = last - first + 1
    return extent


def _areas(even: Mask, level: Bytes) -> NDArray[np.intp]:
    """Number the connected areas (by edges, where the grey goes on) from 0, for each even block in order.

    Runs of each row are joined with those of the row above that they touch.
    """
    begins = even.copy()
    begins[:, 1:] &= ~even[:, :-1] | (_apart(level[:, 1:], level[:, :-1]) > _EVEN)
    run = np.cumsum(begins.reshape(-1), dtype=np.int32).reshape(even.shape) - 1
    touch = even[1:] & even[:-1] & (_apart(level[1:], level[:-1]) <= _EVEN)
    below, above = run[1:][touch], run[:-1][touch]
    new = np.ones(len(below), dtype=bool)  # blocks of the same two runs lie side by side
    new[1:] = (below[1:] != below[:-1]) | (above[1:] != above[:-1])
    parent = list(range(int(run[-1, -1]) + 1))

    def root(of: int) -> int:
        while parent[of] != of:
            parent[of] = of = parent[parent[of]]
        return of

    for one, other in zip(below[new].tolist(), above[new].tolist(), strict=True):
        parent[root(one)] = root(other)
    _, numbers = np.unique([root(of) for of in range(len(parent))], return_inverse=True)
    return numbers[run[even]]


def _apart(one: Bytes, other: Bytes) -> Bytes:
    return np.maximum(one, other) - np.minimum(one, other)
