"""Colours that a fax cannot tell apart, by one rule for PDFs and pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.formats.colours import confusable, luma

RED, GREEN, BLUE, YELLOW, GREY = (224, 48, 48), (32, 128, 64), (48, 112, 192), (240, 224, 96), (90, 90, 110)
CHANNEL = st.integers(0, 255)


@pytest.mark.parametrize(
    ("colours", "meant"),
    [
        ([RED, GREEN, YELLOW, GREY], {RED, GREEN}),
        ([RED, (64, 0, 0)], set()),
        ([BLUE, (52, 116, 196)], set()),
        ([RED, GREY], set()),
        ([RED], set()),
    ],
)
def test_colours(colours: list[tuple[int, int, int]], meant: set[tuple[int, int, int]]) -> None:
    assert confusable(colours) == meant


@given(st.lists(st.tuples(CHANNEL, CHANNEL, CHANNEL), max_size=8))
def test_no_colour_is_confused_with_itself_or_alone(colours: list[tuple[int, int, int]]) -> None:
    alike = confusable(colours)
    assert len(alike) != 1
    assert alike == confusable(reversed(colours))


def test_luma_is_a_share_of_white() -> None:
    assert (luma(0, 0, 0), luma(255, 255, 255)) == (0, pytest.approx(1))
