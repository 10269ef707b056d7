"""A grey page to packed rows: what is text, what is scanned, what is a photograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gateway.document.geometry import WIDTH
from gateway.document.raster import boxes, dots
from gateway.document.raster.kernel import KERNEL, Kernel
from gateway.document.raster.look import Box, Look, Raster
from gateway.document.raster.marks import despeckled
from gateway.document.raster.pictures import is_photograph
from gateway.document.raster.pixels import BLOCK, Bytes, Survey

_CLEAN = 0.3
"""A picture with this share of blocks of a single grey was drawn by a computer."""
_QUIET = 0.25
"""A page without pictures was drawn unless nearly every block is uneven."""
_UNEVEN = 2
_WHOLE = 0.5
"""Share of the page that scans cover to make it a scan."""


def to_bilevel(
    grey: Raster,
    height: int,
    pictures: Sequence[Box] = (),
    *,
    standard: bool = False,
    despeckle: bool = False,
    kernel: Kernel = KERNEL,
) -> tuple[bytes, Look]:
    """Make a page of 1728 by `height` grey pixels 1-bit, and tell how.

    `pictures` are the boxes of raster images on it, in any order and number. `standard` means that rows are
    98 to the inch and not 196. `despeckle` takes away marks of up to 2 by 2 pixels that stand alone.
    """
    page = np.frombuffer(grey, dtype=np.uint8).reshape(height, WIDTH)
    tall = BLOCK // 2 if standard else BLOCK
    survey = kernel.survey(page, tall)
    settled = boxes.settle(pictures, height)
    photographs: list[Box] = []
    scans: list[Box] = [(0, 0, WIDTH, height)] if not pictures and _is_noisy(survey) else []
    if settled or scans:
        mean, dark = kernel.quartered(page, tall)
        for box in settled:
            if is_photograph(mean[_cells_of(box, tall)]):
                photographs.append(box)
            elif not _is_clean(survey, box, tall):
                scans.append(box)
    if not scans:
        rows = kernel.threshold(page, kernel.drawn(survey), BLOCK, tall)
    else:
        if scans[0] == (0, 0, WIDTH, height):
            level = kernel.scanned(mean, dark)
        else:
            level = _with_scans(kernel, survey, (mean, dark), scans, tall)
        rows = kernel.threshold(page, level, BLOCK // 2, tall // 2)
    for box in photographs:
        kernel.screen(page, rows, box, dots.STANDARD if standard else dots.FINE)
    packed = rows.tobytes()
    if despeckle:
        packed = despeckled(packed, height)
    whole = any(boxes.area(box) > _WHOLE * WIDTH * height for box in scans)
    look = Look(base="scan" if whole else "drawn", photographs=tuple(photographs), scans=tuple(scans))
    return packed, look


def _with_scans(
    kernel: Kernel, survey: Survey, cells: tuple[Bytes, Bytes], scans: Sequence[Box], tall: int
) -> Bytes:
    """Levels of cells of half a block: those of scans in their boxes, those of the blocks elsewhere."""
    mean, dark = cells
    level = np.repeat(np.repeat(kernel.drawn(survey), 2, axis=0), 2, axis=1)[: len(mean)]
    for box in scans:
        area = _cells_of(box, tall)
        level[area] = kernel.scanned(mean[area], dark[area])
    return level


def _cells_of(box: Box, tall: int) -> tuple[slice, slice]:
    """The cells of a picture. Those on its edge are if it begins in them: its edge is mostly paper."""
    left, top, right, bottom = box
    across, down = BLOCK // 2, tall // 2
    return np.s_[top // down : -(-bottom // down), left // across : -(-right // across)]


def _is_clean(survey: Survey, box: Box, tall: int) -> bool:
    left, top, right, bottom = box
    area = np.s_[top // tall : -(-bottom // tall), left // BLOCK : -(-right // BLOCK)]
    low = survey.low[area]
    return int(np.count_nonzero(low == survey.high[area])) >= _CLEAN * low.size


def _is_noisy(survey: Survey) -> bool:
    return int(np.count_nonzero(survey.high - survey.low <= _UNEVEN)) < _QUIET * survey.low.size
