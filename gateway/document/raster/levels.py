"""The level below which the pixels of a block are black: by local contrast."""

from __future__ import annotations

import numpy as np

from gateway.document.raster import fills
from gateway.document.raster.blocks import Words, around, spread
from gateway.document.raster.pixels import Bytes, Survey

# Shares are of 256, so that all arithmetic is of integers.
_BIAS = 160
"""Where between the darkest and the lightest nearby the level of a drawn page lies."""
_LINE = 215
"""On paper everything darker than this share of it is ink: even a grey line beside black words."""
_REVERSED = 90
"""The bias where the ground is dark, so that white words on it are not thinned."""
_FLAT = 6
"""Less contrast is none."""
_FAINT = 10
"""How much darker than the paper a rule is at least."""
_LONG = 5
"""Blocks: shorter is not a rule."""

_STROKE = 3
"""Cells of 4 pixels: what is thicker than twice that and one is no stroke but an area."""
_DEEP = 110
"""How much of the way from the paper to the darkest nearby ink begins."""
_DEEPEST = 80
"""What is darker than the paper by more than this share of it is ink whatever is nearby."""
_QUIET = 10
"""One cell in so many shows nothing but noise."""
_SCAN_FLAT = 8
"""The least contrast of ink, besides the noise."""
_SCAN_SOLID = 140
"""What is darker than this share of the sheet is ink, though it be an area."""


def drawn(page: Survey) -> Bytes:
    """Levels for what was drawn by a computer: exact greys, soft edges, no noise."""
    low, high = page.low, page.high
    low3, high3 = spread(low, 1, np.minimum), spread(high, 1, np.maximum)
    contrast = high3 - low3
    # On paper the mean lies above the middle, since words are mostly the paper between their strokes.
    middle: Words = np.add(spread(low3, 1, np.minimum), spread(high3, 1, np.maximum), dtype=np.uint16)
    paper = around(np.add(low, high, dtype=np.uint16), 2) >= middle * 25
    on_paper = np.maximum(low3 + _share(contrast, _BIAS), _share(high3, _LINE))
    level: Bytes = np.where(paper, on_paper, low3 + _share(contrast, _REVERSED))
    level = np.maximum(level, fills.SOLID)
    level[contrast < _FLAT] = fills.SOLID
    across = _rules(page.across, high)
    down = _rules(np.ascontiguousarray(page.down.T), np.ascontiguousarray(high.T)).T
    level = np.maximum(level, np.where(paper, np.maximum(across, down), 0))
    found = fills.find(low, high)
    if found is not None:
        # Beside an area that becomes paper its own grey is paper too, or its edge would be a line.
        limit = np.where(found.paper, low - (_FLAT - 1), 255).astype(np.uint8)
        level = np.minimum(level, spread(limit, 1, np.minimum))
        level[found.ink] = 255
    return level


def _rules(rule: Bytes, high: Bytes) -> Bytes:
    """Levels that keep faint rules beside black words, 0 where there are none; they run along the rows here.

    A block is crossed by a rule if that is darker than what lies on both sides of it (the edge of a shaded
    area is not) and if blocks beside it are too (the strokes of letters are short). A rule may lie on the
    border of two blocks.
    """
    rows, columns = rule.shape
    padded = np.pad(rule, ((2, 2), (0, 0)), constant_values=255)
    one, other = (np.maximum(padded[at : at + rows], padded[at + 1 : at + 1 + rows]) for at in (0, 3))
    light = np.minimum(one, other)
    most = light.copy()  # of three, since a letter may touch
    np.maximum(most[:, 1:], light[:, :-1], out=most[:, 1:])
    np.maximum(most[:, :-1], light[:, 1:], out=most[:, :-1])
    light = np.minimum(most, high)
    marked = light - np.minimum(light, _FAINT) > rule
    level = np.zeros_like(rule)
    if not marked.any() or columns < _LONG:
        return level
    starts = marked[:, : 1 - _LONG].copy()
    for step in range(1, _LONG):
        starts &= marked[:, step : columns - _LONG + 1 + step]
    for step in range(_LONG):
        level[:, step : columns - _LONG + 1 + step] |= starts
    return level * ((rule >> 1) + (light >> 1))


def scanned(mean: Bytes, dark: Bytes) -> Bytes:
    """Levels for scanned paper or a part of it, for each of its cells (see `pixels.quartered`).

    The paper is the picture without its strokes: what is left when all that is thin has been filled in with
    the lighter grey around it. So it follows shaded rows, folds and shadows. Ink is what lies well below it;
    how far at least is learnt from the quietest places, where there is nothing but noise.
    """
    paper = spread(spread(mean, _STROKE, np.maximum), _STROKE, np.minimum)
    paper = (around(paper.astype(np.uint16), 1) // 9).astype(np.uint8)
    depth = paper - np.minimum(spread(dark, 2, np.minimum), paper)
    quietest = np.cumsum(np.bincount(depth.reshape(-1), minlength=256)) * _QUIET > depth.size
    noise = 2 * int(quietest.argmax())
    below = np.maximum(_share(depth, _DEEP), min(noise, 255))
    level = paper - np.minimum(below, _share(paper, _DEEPEST))
    level = np.where(depth < noise + _SCAN_FLAT, 0, level).astype(np.uint8)
    return np.maximum(level, _share(_sheet(mean), _SCAN_SOLID))


def _sheet(mean: Bytes) -> Bytes:
    """How light the paper is around, without regard to dark areas on it of up to some 20 mm."""
    rows, columns = mean.shape
    padded = np.pad(mean, ((0, -rows % 8), (0, -columns % 8)), mode="edge")
    coarse = np.maximum.reduce(padded.reshape(padded.shape[0] // 8, 8, -1), axis=1)
    for _ in range(3):
        coarse = np.maximum(coarse[:, 0::2], coarse[:, 1::2])
    coarse = (around(spread(coarse, 3, np.maximum).astype(np.uint16), 3) // 49).astype(np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)[:rows, :columns]


def _share(values: Bytes, share: int) -> Bytes:
    return ((values.astype(np.uint16) * share) >> 8).astype(np.uint8)
