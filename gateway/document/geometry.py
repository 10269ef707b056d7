"""Fax geometry and how something of a given size is put on fax pages. Pure.

ITU-T T.4 / T.30: a line is 1728 pixels whatever the paper; "fine" is 204 by 196 dpi, "standard" 204 by 98.
Pixels are not square, so every length is scaled for each axis by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, overload

PaperName = Literal["letter", "a4", "legal"]
Resolution = Literal["fine", "standard"]

WIDTH = 1728
DPI_X = 204
DPI_Y: dict[Resolution, int] = {"fine": 196, "standard": 98}
PAPERS: dict[PaperName, tuple[float, float]] = {
    "letter": (8.5, 11.0),
    "a4": (210 / 25.4, 297 / 25.4),
    "legal": (8.5, 14.0),
}
"""Inches."""
MOST_ROWS = 2 * 2744
"""Rows of the longest page there is: twice Legal. Fax pages taken as they are keep their length."""
BAND = 44
"""Rows (fine) of the header line above the page: 5.7 mm."""

_TURN_FROM = 1.15
"""Wider than high by this much counts as landscape; nearly square things stay as they are."""
_SPLIT_FROM = 1.5
"""Higher than the page by this much, at the width of the page, is cut into pieces; less is scaled."""
_OVERLAP = 0.25
"""Inches that two pieces of a tall page share."""
_MOST_PIECES = 1 << 40
"""More than anybody will draw, and a number of things that Python can count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where something goes on one page, in pixels; `turned` means a quarter turn clockwise first.

    The pieces of a tall thing have the same size and different `top`: what lies outside of the page is cut.
    """

    left: int
    top: int
    width: int
    height: int
    turned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The page that everything in one document is drawn for."""

    paper: PaperName = "letter"
    resolution: Resolution = "fine"
    tall: Literal["split", "scale"] = "split"
    band: int = 0
    """Rows that the header line takes: they are added above what is drawn, so drawings have so much less."""
    despeckle: bool = False
    deskew: bool = False

    @property
    def dpi_y(self) -> int:
        """Rows an inch."""
        return DPI_Y[self.resolution]

    @property
    def height(self) -> int:
        """Rows of a page without its header line: what is drawn."""
        return round(PAPERS[self.paper][1] * self.dpi_y) - self.band

    @property
    def standard(self) -> bool:
        """Whether rows are twice as high as in fine."""
        return self.resolution == "standard"

    def place(self, wide: float, high: float, *, enlarge: float) -> Sequence[Placement]:
        """Put something of `wide` by `high` inches on as many pages as it takes.

        Landscape too wide for the paper is turned. It is shrunk until it fits, and enlarged to at most
        `enlarge` times its physical size, but never beyond the one page that it fits on. Centred across, at
        the top. What is much higher than the page is cut into pieces with some overlap, if the layout says
        so, and shrunk in its width only; turned, it is not enlarged for that. There may be millions of
        pieces, which take no memory: whoever draws them asks first how many.
        """
        if not (math.isfinite(wide) and math.isfinite(high) and wide > 0 and high > 0):
            raise ValueError("a size must be a positive number")
        turned = wide > high * _TURN_FROM and wide * DPI_X > WIDTH
        if turned:
            wide, high = high, wide
        natural_width, natural_height = wide * DPI_X, high * self.dpi_y
        by_width = min(WIDTH / natural_width, enlarge)
        by_height = self.height / natural_height
        if turned or by_height >= 1:
            by_width = min(by_width, max(1.0, by_height))
        split = self.tall == "split" and natural_height * by_width > self.height * _SPLIT_FROM
        scale = by_width if split else min(by_width, by_height)
        width = max(1, min(WIDTH, round(natural_width * scale)))
        height = max(1, round(natural_height * scale))
        first = Placement(
            left=(WIDTH - width) // 2,
            top=0,
            width=width,
            height=height if split else min(height, self.height),
            turned=turned,
        )
        return _Pieces(first, self._step, self._pieces(height) if split else 1)

    def place_page(self, wide: float, high: float) -> Sequence[Placement]:
        """Place a page that states its own size in inches: physical scale, but at least half the paper."""
        fit = self.place(wide, high, enlarge=math.inf)
        scale = fit[0].width / ((high if fit[0].turned else wide) * DPI_X)
        return self.place(wide, high, enlarge=max(1.0, scale / 2))

    @property
    def _step(self) -> int:
        return self.height - round(_OVERLAP * self.dpi_y)

    def _pieces(self, height: int) -> int:
        return min(max(1, -((self.height - height) // self._step) + 1), _MOST_PIECES)


class _Pieces(Sequence[Placement]):
    """The first piece, and each of the others `step` rows further down."""

    def __init__(self, first: Placement, step: int, pieces: int) -> None:
        self._first = first
        self._tops = range(0, -step * pieces, -step)

    def __len__(self) -> int:
        return len(self._tops)

    @overload
    def __getitem__(self, index: int) -> Placement: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Placement]: ...

    def __getitem__(self, index: int | slice) -> Placement | Sequence[Placement]:
        if isinstance(index, slice):
            return [replace(self._first, top=top) for top in self._tops[index]]
        return replace(self._first, top=self._tops[index])


def paper_for(sizes: Iterable[tuple[float, float]]) -> PaperName:
    """The paper most of these pages (inches) were made for, whichever way they lie; Letter where none tells.

    Each page votes for the paper nearest in height at equal width; photographs and receipts, nearer to no
    paper at all, do not vote.
    """
    votes: Counter[PaperName] = Counter()
    for wide, high in sizes:
        short, long = min(wide, high), max(wide, high)
        if not (math.isfinite(long) and short > 0):
            continue
        for name, (paper_wide, paper_high) in PAPERS.items():
            if abs(short / paper_wide - 1) < _ALIKE and abs(long / paper_high - 1) < _ALIKE:
                votes[name] += 1
                break
    return votes.most_common(1)[0][0] if votes else "letter"


_ALIKE = 0.02
"""Letter and A4 differ by 3 and 6 percent."""
