"""What preview says of pages that are dark, or slow to send."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import preview_report
from gateway.document import Rendered
from gateway.document.values import PageReport


def warnings(*, black: float, size: int) -> list[str]:
    page = PageReport(
        source="a page", base="drawn", photographs=(), scans=(), rows=2156, size=size, black=black
    )
    rendered = Rendered(
        path=Path("fax.pdf"), pages=1, digest="", size=size, page_digests=("",), reports=(page,)
    )
    shown = preview_report.as_json(rendered, resolution="fine", price=0.0)
    assert shown["warnings"] == [f"page 1: {warning}" for warning in shown["page"][0]["warnings"]]
    return list(shown["page"][0]["warnings"])


def test_a_dark_page_that_takes_no_time_is_not_said_to() -> None:
    assert warnings(black=0.74, size=11_000) == ["74% of the page is black: it takes much toner to print."]


def test_a_slow_page_is_told() -> None:
    assert warnings(black=0.2, size=320_000) == ["It takes 178 s to send at 14,400 bit/s."]


@pytest.mark.parametrize("size", [40_000, 100_000])
def test_an_ordinary_page_is_not(size: int) -> None:
    assert warnings(black=0.08, size=size) == []
