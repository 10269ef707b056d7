"""The halftone screen: the order in which the pixels of a tile turn black, as grey levels.

Two dots in each tile of 8 by 8 pixels, growing from their centres, lie on lines at 45 degrees, 36 to the
inch. A plain spiral would give one dot a tile, a coarser picture of the same length. Where rows are 98 to the
inch the tile is 8 by 4.
"""

from __future__ import annotations

import numpy as np

from gateway.document.raster.pixels import Bytes

_GAIN = 1.25
"""Print and scanner spread the dots: midtones are lightened so that they come out as meant."""
_CLIP = 0.02
"""What is that near to black or to white is it: dots or gaps of a pixel get lost on the way."""

_FINE = (
    (24, 10, 12, 26, 35, 47, 49, 37),
    (8, 0, 2, 14, 45, 59, 61, 51),
    (22, 6, 4, 16, 43, 57, 63, 53),
    (30, 20, 18, 28, 33, 41, 55, 39),
    (34, 46, 48, 36, 25, 11, 13, 27),
    (44, 58, 60, 50, 9, 1, 3, 15),
    (42, 56, 62, 52, 23, 7, 5, 17),
    (32, 40, 54, 38, 31, 21, 19, 29),
)
_STANDARD = (
    (8, 0, 4, 12, 23, 31, 27, 19),
    (14, 6, 2, 10, 17, 25, 29, 21),
    (22, 30, 26, 18, 9, 1, 5, 13),
    (16, 24, 28, 20, 15, 7, 3, 11),
)


def _levels(order: tuple[tuple[int, ...], ...]) -> Bytes:
    places = len(order) * len(order[0])
    tones = [[((place + 0.5) / places) ** _GAIN for place in row] for row in order]
    levels = [[round(255 * (_CLIP + (1 - 2 * _CLIP) * tone)) for tone in row] for row in tones]
    return np.array(levels, dtype=np.uint8)


FINE = _levels(_FINE)
STANDARD = _levels(_STANDARD)
