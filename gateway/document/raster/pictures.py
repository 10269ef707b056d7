"""Whether a picture is a photograph, which is screened, or a document, which is not."""

from __future__ import annotations

import numpy as np

from gateway.document.raster.blocks import spread
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
_BACKGROUND = 240
_GRAPHIC = 0.7
"""This share of all but the background in a few greys: a logo, a chart, a screenshot."""
_GREYS, _ALIKE = 4, 2


def is_photograph(cells: Bytes) -> bool:
    """Whether a picture is a photograph, by the means of its cells (see `pixels.quartered`).

    Documents are mostly ground (near the lightest grey around) with little between it and ink. Photographs
    have many tones well inside the local range. All is measured against the range of the whole picture, so
    that dark and pale photographs are known too, and against the surroundings, so that a shadow on paper does
    not count.
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
    reach = _AROUND // 4 // step
    low, high = spread(sample, reach, np.minimum), spread(sample, reach, np.maximum)
    span = high - low
    above, quarter = sample - low, span >> 2
    beside = np.maximum(sample[:, 1:], sample[:, :-1]) - np.minimum(sample[:, 1:], sample[:, :-1])
    masks = (
        high - sample < _NEAR,
        (above > quarter) & (above < span - quarter) & (span > _RICH),
        high < 128,
        (beside > 0) & (beside < _SOFT),
        beside <= _STILL,
    )
    ground, tones, dim, soft, still = (int(np.count_nonzero(mask)) / sample.size for mask in masks)
    if still > 0.65 and soft < 0.3:  # a screenshot
        return False
    return ground < 0.15 or (ground < 0.6 and tones > 0.27) or (ground < 0.7 and tones > 0.2 and dim > 0.2)


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
