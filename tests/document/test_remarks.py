"""What is told about a document, in few words."""

from __future__ import annotations

import pytest

from gateway.document import remarks

SCAN = 'The attachment "scan.pdf"'


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([2], "page 2 is blank and was left out."),
        ([2, 3], "pages 2 and 3 are blank and were left out."),
        ([2, 4, *range(6, 13)], "pages 2, 4 and 6 to 12 are blank and were left out."),
        (
            list(range(2, 1001, 2)),
            "pages 2, 4, 6, 8, 10, 12, 14, 16 and 492 more are blank and were left out.",
        ),
    ],
)
def test_blank_pages_are_listed(pages: list[int], said: str) -> None:
    assert list(remarks.blank_pages(f"{SCAN}, page {page}" for page in pages)) == [f"{SCAN}, {said}"]


def test_each_source_has_a_sentence() -> None:
    sources = ['The attachment "a, page 1"', SCAN]
    blank = [f"{sources[0]}, page 7", f"{SCAN}, page 2, part 3", f"{SCAN}, page 2, part 4", f"{SCAN}, page 3"]
    assert list(remarks.blank_pages(blank)) == [
        f"{sources[0]}, page 7 is blank and was left out.",
        f"{SCAN}, page 2, parts 3 and 4 are blank and were left out.",
        f"{SCAN}, page 3 is blank and was left out.",
    ]


def test_there_are_not_more_notes_than_are_believed() -> None:
    for count in (0, remarks.MOST):
        assert remarks.capped(["note"] * count) == ["note"] * count
    made = remarks.capped([str(number) for number in range(remarks.MOST + 100)])
    assert len(made) == remarks.MOST
    assert made[-2:] == [str(remarks.MOST - 2), "101 more notes are not shown."]
