"""Whether a picture is a photograph, which is screened, or a document, which is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.document.raster.blocks import around, spread
from gateway.document.raster.pixels import Bytes

_SMALLEST = 16
"""Cells of 4 pixels: smaller pictures are logos and icons."""
_ENOUGH = 100
"""Cells: of larger pictures every other one each way is looked at."""
_AROUND = 48
"""Pixels each way that tones are compared with."""
_LEAST = 16
"""The least range of greys that shows anything."""
_OUTLIERS = 256
"""One sample in so many at both ends of the range is none of it."""
_NEAR = 24
"""What is that near the lightest around is ground. This and what follows is of a range of 255."""
_RICH = 40
"""The least local contrast that has something to say."""
_SOFT = 16
"""The next sample differs, yet by less than this: shading and grain, neither of which drawings have."""
_STILL = 2
_STROKE = 20
"""Pixels each way: what is thinner than twice that is filled in, and what is left are areas."""
_SHEET = 320
"""Pixels each way that areas are compared with: beyond shaded tables and panels."""
_DUSK = 153
"""Areas darker than this share (of 256) of the lightest around belong to no sheet of paper."""
_BACKGROUND = 240
_GRAPHIC = 0.7
"""This share of all but the background in a few greys: a logo, a chart, a screenshot."""
_GREYS, _ALIKE = 4, 2


def is_photograph(cells: Bytes) -> bool:
    """Whether a picture is a photograph, by the means of its cells (see `pixels.quartered`).

    Documents are mostly ground (near the lightest grey around) with little between it and ink. Photographs
    have many tones well inside the local range, or wide areas that are dark. All is measured against the
    range of the whole picture, so that dark and pale photographs are known too, and against the surroundings,
    so that a shadow on paper does not count; and the lightest around is that of means, so that the grain of
    a scan does not count either. In doubt it is none: a document that is screened cannot be read.
    """
    if min(cells.shape) < _SMALLEST:
        return False
    step = 2 if min(cells.shape) >= _ENOUGH else 1
    sample = _stretched(cells[::step, ::step])
    if sample is None:
        return False
    extreme = np.count_nonzero((sample < 32) | (sample > 223))
    if extreme > 0.9 * sample.size or _in_few_greys(sample):
        return False
    size = 4 * step
    smooth = (around(sample.astype(np.uint16), 1) // 9).astype(np.uint8)
    low, high = spread(sample, _AROUND // size, np.minimum), spread(smooth, _AROUND // size, np.maximum)
    high = np.maximum(high, low)
    here = np.minimum(sample, high)
    span = high - low
    above, quarter = here - low, span >> 2
    beside = np.maximum(sample[:, 1:], sample[:, :-1]) - np.minimum(sample[:, 1:], sample[:, :-1])
    masks = (
        high - here < _NEAR,
        (above > quarter) & (above < span - quarter) & (span > _RICH),
        _in_the_dark(smooth, size),
        (beside > 0) & (beside < _SOFT),
        beside <= _STILL,
    )
    ground, tones, dark, soft, still = (int(np.count_nonzero(mask)) / sample.size for mask in masks)
    if soft < 0.41 and still > 0.2:  # a logo, a diagram, a screenshot: edges between even colours
        return False
    if ground < 0.62 or dark > 0.3:
        return tones > 0.14
    return (ground < 0.66 and tones > 0.25) or (dark > 0.18 and tones > 0.16 and still > 0.45)


def _in_the_dark(smooth: Bytes, size: int) -> NDArray[np.bool_]:
    """What is far darker than the lightest area around, when everything thin has been filled in."""
    stroke = _STROKE // size
    areas = spread(spread(smooth, stroke, np.maximum), stroke, np.minimum)
    sheet = spread(areas, _SHEET // size, np.maximum)
    return areas < ((sheet.astype(np.uint16) * _DUSK) >> 8)


def _stretched(sample: Bytes) -> Bytes | None:
    """The greys as shares (of 255) of their range, None if that is too small."""
    count = np.cumsum(np.bincount(sample.reshape(-1), minlength=256)) * _OUTLIERS
    least, most = np.searchsorted(count, (sample.size, (_OUTLIERS - 1) * sample.size)).tolist()
    if most - least < _LEAST:
        return None
    greys = np.clip(np.arange(256), least, most) - least
    shares: Bytes = (greys * 255 // (most - least)).astype(np.uint8)[sample]
    return shares


def _in_few_greys(sample: Bytes) -> bool:
    count = np.bincount(sample.reshape(-1), minlength=256)
    count[_BACKGROUND:] = 0
    total, found = int(count.sum()), 0
    for _ in range(_GREYS):
        around = np.convolve(count, np.ones(2 * _ALIKE + 1, dtype=count.dtype), "same")
        peak = int(around.argmax())
        found += int(around[peak])
        count[max(0, peak - _ALIKE) : peak + _ALIKE + 1] = 0
    return found >= _GRAPHIC * total
