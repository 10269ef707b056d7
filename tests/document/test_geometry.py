"""Where pages and pictures are put."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.geometry import DPI_Y, PAPERS, WIDTH, Layout, PaperName, Resolution, paper_for

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
def test_known_papers(wide: float, high: float, paper: PaperName, width: int, height: int) -> None:
    (placed,) = Layout(paper=paper).place_page(wide, high)
    assert (placed.width, placed.height) == (width, height)
    assert not placed.turned
    assert placed.left == (WIDTH - width) // 2


@pytest.mark.parametrize(
    ("paper", "resolution", "rows"),
    [("letter", "fine", 2156), ("a4", "fine", 2292), ("legal", "fine", 2744), ("letter", "standard", 1078)],
)
def test_rows_of_the_papers(paper: PaperName, resolution: Resolution, rows: int) -> None:
    assert Layout(paper=paper, resolution=resolution).height == rows
    assert Layout(paper=paper, resolution=resolution, band=44).height == rows - 44


def test_landscape_is_turned_only_if_it_is_too_wide() -> None:
    layout = Layout()
    assert layout.place_page(11, 8.5)[0].turned
    assert not layout.place_page(8.3, 5.8)[0].turned
    assert not layout.place(9, 8.9, enlarge=2)[0].turned


def test_tiny_pages_fill_half_the_paper() -> None:
    (placed,) = Layout().place_page(0.85, 1.0)
    assert placed.width == pytest.approx(WIDTH / 2, abs=1)


def test_small_pictures_are_enlarged_as_much_as_asked() -> None:
    assert Layout().place(1, 1, enlarge=2.0)[0].width == 408


def test_being_enlarged_makes_no_more_pages() -> None:
    (placed,) = Layout().place(9.4, 2.9, enlarge=2.0)  # a wide picture, turned
    assert placed.turned
    assert placed.height == Layout().height
    (strip,) = Layout().place_page(1.0, 10.0)
    assert strip.height == pytest.approx(1960, abs=1)


def test_what_is_too_wide_for_a_page_even_when_turned_is_not_enlarged() -> None:
    assert {placed.width for placed in Layout().place(31, 2, enlarge=2.0)} == {408}


@given(sizes, sizes, st.sampled_from(sorted(PAPERS)), st.sampled_from(sorted(DPI_Y)), st.floats(1, 10))
def test_everything_lands_on_the_page_in_its_shape(
    wide: float, high: float, paper: PaperName, resolution: Resolution, enlarge: float
) -> None:
    layout = Layout(paper=paper, resolution=resolution, tall="scale")
    for placed in (*layout.place(wide, high, enlarge=enlarge), *layout.place_page(wide, high)):
        assert placed.left >= 0
        assert placed.left + placed.width <= WIDTH
        assert 1 <= placed.height <= layout.height - placed.top
        shown = (placed.width / 204) / (placed.height / layout.dpi_y)
        meant = high / wide if placed.turned else wide / high
        if min(placed.width, placed.height) > 50:
            assert shown == pytest.approx(meant, rel=0.03)


@given(st.floats(0.5, 10), st.floats(20, 400))
def test_pieces_of_a_tall_page_overlap_and_miss_nothing(wide: float, high: float) -> None:
    layout = Layout(tall="split")
    pieces = layout.place_page(wide, high)
    assert pieces[0].top == 0
    assert len({(piece.left, piece.width, piece.height) for piece in pieces}) == 1
    for above, below in itertools.pairwise(pieces):
        assert above.top - below.top == layout.height - 49  # a quarter of an inch twice
    assert pieces[-1].top + pieces[-1].height <= layout.height
    if len(pieces) > 1:
        assert pieces[-2].top + pieces[-2].height > layout.height  # none of them is needless


def test_a_little_too_long_is_shrunk_and_not_cut() -> None:
    assert len(Layout(paper="letter", tall="split").place_page(8.5, 14)) == 1
    assert len(Layout(paper="letter", tall="split").place_page(8.5, 22)) == 3


@pytest.mark.parametrize(
    ("sizes_in", "paper"),
    [
        ([(8.27, 11.69)], "a4"),
        ([(11.69, 8.27), (8.5, 11)], "a4"),
        ([(8.5, 14), (8.5, 11), (8.5, 11)], "letter"),
        ([(3, 22), (6, 4)], "letter"),
        ([(8.5, 14)], "legal"),
        ([(math.nan, 3), (0, 0), (8.27, 11.69)], "a4"),
        ([], "letter"),
    ],
)
def test_the_majority_chooses_the_paper(sizes_in: list[tuple[float, float]], paper: str) -> None:
    assert paper_for(sizes_in) == paper


def test_millions_of_pieces_are_counted_and_not_listed() -> None:
    pieces = Layout().place(0.001, 1e9, enlarge=1.0)
    assert len(pieces) > 50_000_000
    assert pieces[-1].top < -10_000_000_000
    assert [piece.top for piece in pieces[1:3]] == [-2107, -4214]


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf])
def test_nonsense_is_not_placed(size: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Layout().place_page(size, 11)
