"""What is worth knowing about a document before it is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.document import airtime

if TYPE_CHECKING:
    from gateway.document import Rendered
    from gateway.document.values import PageReport

_DARK = 0.35
"""Share of black from which a page costs the recipient's toner; it need not take long to send."""
_SLOW = 60.0
"""Seconds of one page at 14,400 bit/s; a page of dense text takes some 30."""


def as_json(rendered: Rendered, *, resolution: str, price: float) -> dict[str, Any]:
    """Everything, with stable keys. Sizes in bytes, times in seconds by rate in bit/s.

    ``seconds`` is the data's time, ``call_seconds`` that of the call, by which ``cost`` goes.
    """
    calls = _calls(rendered)
    pages = [_page(number, report) for number, report in enumerate(rendered.reports, 1)]
    return {
        "pages": rendered.pages,
        "bytes": rendered.size,
        "digest": rendered.digest,
        "page_digests": rendered.page_digests,
        "paper": rendered.paper,
        "resolution": resolution,
        "seconds": _seconds(_size(rendered)),
        "call_seconds": {str(rate): round(duration, 2) for rate, duration in calls.items()},
        "cost": {
            "per_minute": price,
            **{str(rate): airtime.cost(duration, price) for rate, duration in calls.items()},
        },
        "warnings": list(_warnings(rendered)),
        "notes": rendered.notes,
        "accelerated": rendered.accelerated,
        "page": pages,
    }


def summary(rendered: Rendered, *, price: float) -> str:
    """One line."""
    slow, fast = _calls(rendered).values()
    plural = "" if rendered.pages == 1 else "s"
    return (
        f"{rendered.pages} page{plural}, {rendered.size} bytes; a call of about {slow:.0f} s "
        f"at 14,400 bit/s ({fast:.0f} s at 33,600), {airtime.cost(slow, price):.3f} at {price:g} a minute"
    )


def remarks(rendered: Rendered) -> Iterator[str]:
    """Warnings and notes, a line each."""
    yield from (f"Warning: {warning}" for warning in _warnings(rendered))
    yield from rendered.notes


def _warnings(rendered: Rendered) -> Iterator[str]:
    for number, report in enumerate(rendered.reports, 1):
        for warning in _of(report):
            yield f"page {number}: {warning}"


def _of(report: PageReport) -> Iterator[str]:
    yield from report.warnings
    if report.black > _DARK:
        yield f"{report.black:.0%} of the page is black: it takes much toner to print."
    slow = airtime.seconds(report.size, airtime.RATES[0])
    if slow > _SLOW:
        yield f"It takes {slow:.0f} s to send at 14,400 bit/s."


def _page(number: int, report: PageReport) -> dict[str, Any]:
    return {
        "number": number,
        "source": report.source,
        "rows": report.rows,
        "bytes": report.size,
        "seconds": _seconds(report.size),
        "black": report.black,
        "binarisation": {
            "base": report.base,
            "photographs": report.photographs,
            "scans": report.scans,
        },
        "warnings": list(_of(report)),
    }


def _size(rendered: Rendered) -> int:
    return sum(report.size for report in rendered.reports)


def _calls(rendered: Rendered) -> dict[int, float]:
    size = _size(rendered)
    return {rate: airtime.call_seconds(size, rendered.pages, rate) for rate in airtime.RATES}


def _seconds(size: int) -> dict[str, float]:
    return {str(rate): round(airtime.seconds(size, rate), 2) for rate in airtime.RATES}
