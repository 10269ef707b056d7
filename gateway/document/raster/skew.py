"""How far a scan is askew, and turning it straight."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from gateway.document.geometry import DPI_X, DPI_Y, WIDTH
from gateway.document.raster.kernel import KERNEL
from gateway.document.raster.look import Raster

_MOST = 4.0
_STEP = 0.1
"""Degrees."""
_LEAST = 0.25
"""Less is not worth a resampling."""
_STRIP = 64
_SURE = 1.25
"""How much more orderly the rows must be at the angle found than at the others."""


def skew(grey: Raster, height: int, *, standard: bool = False) -> float:
    """Degrees that the lines of a grey page fall to the right (clockwise); 0.0 where that is not clear.

    Text rows and rules make some rows of pixels dark and others white. The angle at which that is most
    pronounced is that of the lines: the squares of differences between neighbouring rows are greatest there.
    """
    tall = 4 if standard else 8
    page = np.frombuffer(grey, dtype=np.uint8).reshape(height, WIDTH)
    level = KERNEL.scanned(*KERNEL.quartered(page, tall))
    rows = KERNEL.threshold(page, level, 4, tall // 2)
    strips = np.bitwise_count(rows).reshape(height, -1, _STRIP // 8).sum(axis=2, dtype=np.int32).T
    ratio = _slope_ratio(standard)
    most = math.ceil(math.tan(math.radians(_MOST)) * WIDTH * ratio) + 1
    padded = np.pad(strips, ((0, 0), (most, most)))
    angles = np.arange(-_MOST, _MOST + _STEP / 2, _STEP)
    scores = np.array(
        [_order(padded, math.tan(math.radians(angle)) * ratio, most, height) for angle in angles]
    )
    best = int(scores.argmax())
    others = np.median(scores)
    angle = round(float(angles[best]), 2)
    sure = 0 < best < len(angles) - 1 and scores[best] > _SURE * others
    return angle if sure and abs(angle) >= _LEAST else 0.0


def straightened(grey: Raster, height: int, degrees: float, *, standard: bool = False) -> bytearray:
    """A grey page turned back by as much as `skew` found; what comes in from outside is white."""
    ratio = _slope_ratio(standard)
    page = Image.frombuffer("L", (WIDTH, height), bytes(grey), "raw", "L", 0, 1)
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    x, y = WIDTH / 2, height / 2
    across = (cosine, -sine / ratio, x - cosine * x + sine / ratio * y)
    down = (sine * ratio, cosine, y - sine * ratio * x - cosine * y)
    turned = page.transform(
        page.size, Image.Transform.AFFINE, across + down, Image.Resampling.BICUBIC, fillcolor=255
    )
    return bytearray(turned.tobytes())


def _slope_ratio(standard: bool) -> float:
    """Rows down for as many columns across at 45 degrees: pixels are not square."""
    return DPI_Y["standard" if standard else "fine"] / DPI_X


def _order(strips: np.ndarray, slope: float, margin: int, height: int) -> float:
    rows = np.zeros(height, dtype=np.int32)
    for index, strip in enumerate(strips):
        start = margin + round(slope * ((index + 0.5) * _STRIP - WIDTH / 2))
        rows += strip[start : start + height]
    return float(np.square(np.diff(rows.astype(np.int64))).sum())
