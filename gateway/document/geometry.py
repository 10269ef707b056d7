"""Fax geometry and how something of a given size is put on a fax page. Pure.

ITU-T T.4 / T.30: a line is 1728 pixels whatever the paper; "fine" is 204 by 196 dpi. Pixels are not square,
so every length is scaled for each axis by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH = 1728
DPI_X, DPI_Y = 204, 196
HEIGHTS = {"letter": 2156, "a4": 2292, "legal": 2744}
"""Rows of a page at 196 dpi, by paper."""

_TURN_FROM = 1.15
"""Wider than high by this much counts as landscape; nearly square things stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where something goes on the page, in pixels; `turned` means a quarter turn clockwise first."""

    left: int
    top: int
    width: int
    height: int
    turned: bool


def place(wide: float, high: float, page_height: int, *, enlarge: float) -> Placement:
    """Put something of `wide` by `high` inches on a page of `page_height` rows.

    Landscape too wide for the paper is turned. It is shrunk until it fits, and enlarged to at most `enlarge`
    times its physical size. Centred across, at the top.
    """
    if not (math.isfinite(wide) and math.isfinite(high) and wide > 0 and high > 0):
        raise ValueError("a size must be a positive number")
    turned = wide > high * _TURN_FROM and wide * DPI_X > WIDTH
    if turned:
        wide, high = high, wide
    natural_width, natural_height = wide * DPI_X, high * DPI_Y
    fit = min(WIDTH / natural_width, page_height / natural_height)
    scale = min(fit, enlarge)
    width = max(1, min(WIDTH, round(natural_width * scale)))
    height = max(1, min(page_height, round(natural_height * scale)))
    return Placement(left=(WIDTH - width) // 2, top=0, width=width, height=height, turned=turned)


def place_page(wide: float, high: float, page_height: int) -> Placement:
    """Place a page that states its own size in inches: physical scale, but never less than half the paper."""
    fit = place(wide, high, page_height, enlarge=math.inf)
    scale = fit.width / ((high if fit.turned else wide) * DPI_X)
    return place(wide, high, page_height, enlarge=max(1.0, scale / 2))
