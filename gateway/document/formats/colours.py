"""Which colours a fax cannot tell apart: the one rule for PDFs and pictures. Pure."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from itertools import combinations

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
_STRONG = 80
"""A colour has its channels at least this far apart; what is less is a grey with a tinge."""
_APART = 1 / 8
_ALIKE = 0.2
"""Of the circle of hues, and of white: hues further apart than the first, lumas nearer than the second."""
_MOST = 100
"""Colours that are compared with each other."""


def luma(red: int, green: int, blue: int) -> float:
    """How light a colour is, from 0 to 1 (ITU-R BT.601, as Pillow and JPEG have it)."""
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def is_strong(colour: Colour) -> bool:
    """Whether it is a colour that may mean something, not a kind of grey."""
    return max(colour) - min(colour) > _STRONG


def confusable(colours: Iterable[Colour]) -> set[Colour]:
    """Those of the strong colours that look like another one of them in black and white."""
    strong = [colour for colour in colours if is_strong(colour)][:_MOST]
    return {colour for pair in combinations(strong, 2) if _look_alike(*pair) for colour in pair}


def hue(colour: Colour) -> float:
    """Its place on the circle of hues: 0 is red, a third is green."""
    return colorsys.rgb_to_hls(*(part / 255 for part in colour))[0]


def _look_alike(one: Colour, other: Colour) -> bool:
    apart = abs(hue(one) - hue(other))
    return min(apart, 1 - apart) > _APART and abs(luma(*one) - luma(*other)) < _ALIKE
