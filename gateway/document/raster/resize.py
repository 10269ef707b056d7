"""Resampling of grey pictures by area, with the weights of a triangle, as Pillow's bilinear filter does it.

Rows come first: that leaves less for the columns, which take longer. The outcome is Pillow's, bit for bit
(`Image.resize`, once down and once across); the C code has only to add up what `weights` says.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.document.raster.pixels import Bytes

Weights = tuple[NDArray[np.int32], NDArray[np.int32]]

_ONE = 1 << 22
"""A weight of all there is: 8 bits for the grey, two for sums on the way, the rest of 32 are for weights."""


def resized(grey: Bytes, high: int, wide: int) -> Bytes:
    """A picture of other rows and columns."""
    picture = Image.fromarray(grey).resize((grey.shape[1], high), Image.Resampling.BILINEAR)
    return np.asarray(picture.resize((wide, high), Image.Resampling.BILINEAR))


def weights(given: int, wanted: int) -> Weights:
    """For each of `wanted` pixels made of `given`: which is the first to count, and by how much each counts.

    All have as many weights, at the end noughts; they may reach beyond the last pixel.
    """
    scale = given / wanted
    reach = max(scale, 1.0)
    centre = (np.arange(wanted) + 0.5) * scale
    first = np.maximum(np.trunc(centre - reach + 0.5), 0.0)
    last = np.minimum(np.trunc(centre + reach + 0.5), given)
    at = first[:, None] + np.arange(2 * math.ceil(reach) + 1)
    share = np.maximum(1.0 - np.abs((at - centre[:, None] + 0.5) * (1.0 / reach)), 0.0)
    share[at >= last[:, None]] = 0.0
    total = np.add.accumulate(share, axis=1)[:, -1:]  # in order, which decides the last bit of a sum
    fixed = np.trunc(share / total * _ONE + 0.5).astype(np.int32)
    used = int(np.flatnonzero(fixed.any(axis=0))[-1]) + 1
    return first.astype(np.int32), np.ascontiguousarray(fixed[:, :used])
