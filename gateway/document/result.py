"""The last frame of a conversation: what the child says about the pages that it sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gateway.document import wire
from gateway.document.geometry import PAPERS, PaperName
from gateway.document.values import PageReport

_MOST_BOXES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a child says at the end about the pages that it sent."""

    notes: tuple[str, ...]
    paper: PaperName
    accelerated: bool
    reports: tuple[PageReport, ...]


def frame(result: Result) -> bytes:
    """A result as a frame."""
    return wire.json_frame(wire.RESULT, asdict(result))


def read(payload: bytes, pages: Sequence[tuple[int, int]], *, most: int) -> Result:
    """Decode a result with at most `most` notes. `pages`: rows and bytes of each page that came."""
    value = wire.read_object(payload)
    paper, reports = value.get("paper"), value.get("reports")
    if paper not in PAPERS or not isinstance(reports, list) or len(reports) != len(pages):
        raise wire.Malformed("result of another shape")
    return Result(
        notes=wire.texts(value.get("notes", []), most),
        paper=paper,
        accelerated=value.get("accelerated") is True,
        reports=tuple(
            _report(report, rows, size) for report, (rows, size) in zip(reports, pages, strict=True)
        ),
    )


def _report(value: object, rows: int, size: int) -> PageReport:
    if not isinstance(value, dict) or value.get("base") not in ("drawn", "scan", "copied"):
        raise wire.Malformed("report of another shape")
    source, black = value.get("source"), value.get("black")
    if not isinstance(source, str) or not isinstance(black, int | float) or not 0 <= black <= 1:
        raise wire.Malformed("report of another shape")
    return PageReport(
        source=wire.displayed(source, 200),
        base=value["base"],
        photographs=_boxes(value.get("photographs")),
        scans=_boxes(value.get("scans")),
        rows=rows,
        size=size,
        black=float(black),
        warnings=wire.texts(value.get("warnings", []), 50),
    )


def _boxes(value: object) -> tuple[tuple[int, int, int, int], ...]:
    if not isinstance(value, list) or len(value) > _MOST_BOXES:
        raise wire.Malformed("boxes of another shape")
    for box in value:
        if not (isinstance(box, list) and len(box) == 4 and all(type(edge) is int for edge in box)):
            raise wire.Malformed("boxes of another shape")
    return tuple(tuple(box) for box in value)
