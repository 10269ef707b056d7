"""What is done to every pixel of a page, in numpy. `gateway.document.native` has the same in C, bit for bit.

Grey is a contiguous array of rows (one or more) by 1728, 8 bit, 0 black. A block is 8 pixels wide and `tall`
rows high: 8, or 4 where rows are 98 to the inch, so that it is about square. The last row may be cut short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.document.geometry import WIDTH

Bytes = NDArray[np.uint8]

BLOCK = 8
BLOCKS = WIDTH // BLOCK
ROW = WIDTH // 8
"""Bytes of a packed row."""
_STRIP = 128
"""Rows that are done at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What levels are chosen by, for each block of a page."""

    low: Bytes
    """The darkest pixel."""
    high: Bytes
    """The lightest pixel."""
    across: Bytes
    """The lightest of the columns' darkest pixels: how dark a rule is that runs across the block."""
    down: Bytes
    """The lightest of the darkest pixels of two of its rows: the same of a rule that runs down."""


def survey(grey: Bytes, tall: int) -> Survey:
    """Look over a page once."""
    dark, light = _bands(grey, tall, np.minimum), _bands(grey, tall, np.maximum)
    tops = np.arange(0, len(grey), tall)
    rows = (grey[np.minimum(tops + step, len(grey) - 1)] for step in (tall // 4, tall // 4 * 3))
    first, second = (_columns(row, np.minimum) for row in rows)
    return Survey(
        low=_columns(dark, np.minimum),
        high=_columns(light, np.maximum),
        across=_columns(dark, np.maximum),
        down=np.maximum(first, second),
    )


def quartered(grey: Bytes, tall: int) -> tuple[Bytes, Bytes]:
    """Of cells of 4 pixels by half a block: the mean, and the darkest of the means of its four quarters.

    What is below the last row repeats it.
    """
    down = tall // 4
    halves = _means(grey, down)
    below = np.concatenate((halves, halves[-1:])) if len(halves) % 2 else halves
    pairs = np.minimum(below[0::2], below[1::2])
    return _means(halves, 2), np.minimum(pairs[:, 0::2], pairs[:, 1::2])


def _means(grey: Bytes, down: int) -> Bytes:
    """Rounded means of 2 by `down` (1 or 2) pixels."""
    sums = grey[0::down].astype(np.uint16)
    if down == 2:
        below = grey[1::2]
        sums[: len(below)] += below
        sums[len(below) :] *= 2
    sums = sums[:, 0::2] + sums[:, 1::2]
    sums += down
    sums >>= down
    return sums.astype(np.uint8)


def threshold(grey: Bytes, level: Bytes, wide: int, tall: int) -> Bytes:
    """Packed rows: a pixel is black (1) if it is darker than the level of its cell of wide by tall."""
    height = len(grey)
    rows = np.empty((height, ROW), dtype=np.uint8)
    black = np.empty((_STRIP, WIDTH), dtype=bool)  # small enough to stay in the cache
    for top in range(0, height, _STRIP):
        part = grey[top : top + _STRIP]
        across = np.repeat(level[top // tall : -(-(top + len(part)) // tall)], wide, axis=1)
        whole = len(part) // tall
        cells = (whole, tall, WIDTH)
        np.less(
            part[: whole * tall].reshape(cells),
            across[:whole, None],
            out=black[: whole * tall].reshape(cells),
        )
        np.less(part[whole * tall :], across[whole : whole + 1], out=black[whole * tall : len(part)])
        rows[top : top + len(part)] = np.packbits(black[: len(part)].reshape(-1)).reshape(-1, ROW)
    return rows


def screen(grey: Bytes, rows: Bytes, box: tuple[int, int, int, int], tile: Bytes) -> None:
    """Halftone a box of the page, in place: black where darker than a tile laid over the page."""
    left, top, right, bottom = box
    first, last = left // 8, (right + 7) // 8
    part = grey[top:bottom, first * 8 : last * 8]
    tall = len(tile)
    down = np.resize(np.roll(tile, -(top % tall), axis=0), (bottom - top, 8))
    black = part.reshape(bottom - top, -1, 8) < down[:, None, :]
    packed = np.packbits(black.reshape(-1)).reshape(bottom - top, last - first)
    keep = _edges(left, right)
    area = rows[top:bottom, first:last]
    area &= keep
    area |= packed & ~keep


def _edges(left: int, right: int) -> Bytes:
    """The bits outside of left to right in the bytes that these touch."""
    inside = np.zeros(((right + 7) // 8 - left // 8) * 8, dtype=bool)
    inside[left % 8 : left % 8 + right - left] = True
    return ~np.packbits(inside)


def _bands(grey: Bytes, tall: int, pick: np.ufunc) -> Bytes:
    """Of each column in each row of blocks. Before the columns, since whole rows are contiguous."""
    whole = len(grey) // tall
    bands = np.empty((-(-len(grey) // tall), WIDTH), dtype=np.uint8)
    pick.reduce(grey[: whole * tall].reshape(whole, tall, WIDTH), axis=1, out=bands[:whole])
    if whole < len(bands):
        pick.reduce(grey[whole * tall :], axis=0, out=bands[whole])
    return bands


def _columns(bands: Bytes, pick: np.ufunc) -> Bytes:
    """Of each 8 columns."""
    while bands.shape[1] > BLOCKS:
        bands = pick(bands[:, 0::2], bands[:, 1::2])
    return bands
