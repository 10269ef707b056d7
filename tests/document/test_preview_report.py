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


def test_the_call_takes_longer_than_its_data_and_is_what_is_paid() -> None:
    page = PageReport(
        source="a page", base="drawn", photographs=(), scans=(), rows=2156, size=18_000, black=0.1
    )
    rendered = Rendered(
        path=Path("fax.pdf"), pages=2, digest="", size=40_000, page_digests=("", ""), reports=(page, page)
    )
    shown = preview_report.as_json(rendered, resolution="fine", price=0.6)
    assert shown["seconds"]["14400"] == 20
    assert shown["call_seconds"]["14400"] == 15 + 2 * 3 + 20
    assert shown["cost"] == {"per_minute": 0.6, "14400": 0.41, "33600": pytest.approx(0.2957, abs=0.0001)}
    line = preview_report.summary(rendered, price=0.6)
    assert "a call of about 41 s at 14,400 bit/s (30 s at 33,600), 0.410 at 0.6 a minute" in line


def test_a_dark_page_that_takes_no_time_is_not_said_to() -> None:
    assert warnings(black=0.74, size=11_000) == ["74% of the page is black: it takes much toner to print."]


def test_a_slow_page_is_told() -> None:
    assert warnings(black=0.2, size=320_000) == ["It takes 178 s to send at 14,400 bit/s."]


@pytest.mark.parametrize("size", [40_000, 100_000])
def test_an_ordinary_page_is_not(size: int) -> None:
    assert warnings(black=0.08, size=size) == []
