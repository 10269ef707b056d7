"""Where pages and pictures are put."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.geometry import HEIGHTS, WIDTH, place, place_page

sizes = st.floats(0.001, 2000)


@pytest.mark.parametrize(
    ("wide", "high", "paper", "width", "height"),
    [
        (8.5, 11, "letter", 1728, 2149),
        (8.2677, 11.6929, "a4", 1687, 2292),
        (8.5, 14, "legal", 1728, 2735),
        (8.2677, 11.6929, "letter", 1587, 2156),
        (5.8, 8.3, "letter", 1183, 1627),
    ],
)
def test_known_papers(wide: float, high: float, paper: str, width: int, height: int) -> None:
    placed = place_page(wide, high, HEIGHTS[paper])
    assert (placed.width, placed.height) == (width, height)
    assert not placed.turned
    assert placed.left == (WIDTH - width) // 2


def test_landscape_is_turned_only_if_it_is_too_wide() -> None:
    assert place_page(11, 8.5, 2156).turned
    assert not place_page(8.3, 5.8, 2156).turned
    assert not place(9, 8.9, 2156, enlarge=2).turned


def test_tiny_pages_fill_half_the_paper() -> None:
    placed = place_page(0.85, 1.0, 2156)
    assert placed.width == pytest.approx(WIDTH / 2, abs=1)


def test_small_pictures_are_enlarged_as_much_as_asked() -> None:
    assert place(1, 1, 2156, enlarge=2.0).width == 408


@given(sizes, sizes, st.sampled_from(sorted(HEIGHTS.values())), st.floats(1, 10))
def test_everything_lands_on_the_page_in_its_shape(
    wide: float, high: float, rows: int, enlarge: float
) -> None:
    for placed in (place(wide, high, rows, enlarge=enlarge), place_page(wide, high, rows)):
        assert placed.left >= 0
        assert placed.left + placed.width <= WIDTH
        assert 1 <= placed.height <= rows - placed.top
        shown = (placed.width / 204) / (placed.height / 196)
        meant = high / wide if placed.turned else wide / high
        if min(placed.width, placed.height) > 50:
            assert shown == pytest.approx(meant, rel=0.03)


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf])
def test_nonsense_is_not_placed(size: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        place_page(size, 11, 2156)
