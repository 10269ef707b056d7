"""Small operations on maps of blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.document.raster.pixels import Bytes

Words = NDArray[np.uint16]


def spread(values: Bytes, reach: int, pick: np.ufunc) -> Bytes:
    """The least or greatest (numpy.minimum, numpy.maximum) within `reach` blocks each way."""
    neutral = 255 if pick is np.minimum else 0
    size = 2 * reach + 1
    rows, columns = values.shape
    wide = np.full((rows + 2 * reach, columns + 2 * reach), neutral, dtype=np.uint8)
    wide[reach : reach + rows, reach : reach + columns] = values
    done = 1  # what is there already are the extremes of so many, doubled each time
    while done < size:
        step = min(done, size - done)
        wide = pick(wide[:-step], wide[step:])
        wide = pick(wide[:, :-step], wide[:, step:])
        done += step
    return wide


def around(values: Words, reach: int) -> Words:
    """The sum within `reach` blocks each way; beyond the edge the edge goes on. Must fit in 16 bits."""
    rows, columns = values.shape
    padded = np.pad(values, reach, mode="edge")
    down = padded[:rows].copy()
    for step in range(1, 2 * reach + 1):
        down += padded[step : step + rows]
    total = down[:, :columns].copy()
    for step in range(1, 2 * reach + 1):
        total += down[:, step : step + columns]
    return total
