"""Whether a picture is a photograph, which is screened, or a document, which is not."""

from __future__ import annotations

import numpy as np

from gateway.document.raster.blocks import spread
from gateway.document.raster.pixels import Bytes

_SMALLEST = 64
"""Pixels: smaller pictures are logos and icons."""
_SAMPLES = 320
_RICH = 40
"""The least local contrast that has something to say."""
_GRAPHIC = 0.6
"""This share of all but the background in a few greys: a logo, a chart, a screenshot."""
_PAPER_WHITE = 240
_GREYS, _ALIKE = 4, 2
_SOFT = 16
"""The next pixel differs, yet by less than this: shading and grain, neither of which drawings have."""


def is_photograph(grey: Bytes) -> bool:
    """Whether a picture is a photograph, by shares of its pixels.

    Documents are mostly paper (near the lightest grey around) with little between paper and ink. Photographs
    have many tones well inside the local range, or areas that are dim as a whole. All is measured against
    the surroundings, so that uneven light does not count.
    """
    if min(grey.shape) < _SMALLEST:
        return False
    step = max(2, min(grey.shape) // _SAMPLES)  # means, so that noise is no tone
    sample = _reduced(grey, step)
    extreme = np.count_nonzero((sample < 32) | (sample > 223))
    if extreme > 0.9 * sample.size or _in_few_greys(sample):
        return False
    low = spread(sample, 12, np.minimum)
    high = spread(sample, 12, np.maximum)
    span = high - low
    over = (sample - low).astype(np.uint16) * 4
    inside = (over > span) & (over < span.astype(np.uint16) * 3) & (span > _RICH)
    light = high > int(high.max()) // 2
    paper = (high - sample < 24) & light
    beside = np.maximum(sample[:, 1:], sample[:, :-1]) - np.minimum(sample[:, 1:], sample[:, :-1])
    masks = (inside, paper, ~light, (beside > 0) & (beside < _SOFT))
    tones, flat, dim, soft = (int(np.count_nonzero(mask)) / sample.size for mask in masks)
    rough = flat < 0.6 and (flat < 0.15 or tones > 0.27 or dim > 0.15)
    smooth = flat < 0.85 and dim > 0.15 and soft > 0.4
    return rough or smooth


def _in_few_greys(sample: Bytes) -> bool:
    count = np.bincount(sample.reshape(-1), minlength=256)
    count[_PAPER_WHITE:] = 0
    total, found = int(count.sum()), 0
    for _ in range(_GREYS):
        around = np.convolve(count, np.ones(2 * _ALIKE + 1, dtype=count.dtype), "same")
        peak = int(around.argmax())
        found += int(around[peak])
        count[max(0, peak - _ALIKE) : peak + _ALIKE + 1] = 0
    return found >= _GRAPHIC * total


def _reduced(grey: Bytes, step: int) -> Bytes:
    """Means of `step` by `step` pixels."""
    rows, columns = grey.shape[0] // step, grey.shape[1] // step
    down = grey[: rows * step : step, : columns * step].astype(np.uint16)
    for row in range(1, step):
        down += grey[row : rows * step : step, : columns * step]
    total = down[:, 0::step].astype(np.uint32)
    for column in range(1, step):
        total += down[:, column::step]
    return (total // (step * step)).astype(np.uint8)
