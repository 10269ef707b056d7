"""How much of a page can still be read: tesseract's word recall on pages whose words are known."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from bench import process, rasterisers
from bench.corpus import layouts, scans
from bench.report import Peer, Row

_OURS, _GREY = "ours", "grey, 300 dpi"
_FINE, _FAX = 300, 200
_SLACK = 0.02
_AT_A_TIME = 2
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One page as somebody made it."""

    maker: str
    file: Path
    dpi: int
    words: layouts.Words


def rows(directory: Path, *, count: int | None) -> list[Row]:
    """Recall on drawn pages and on grey scans of the same, of so many layouts (None: all there are).

    On the scans peers get only the first third of the layouts: tesseract works on their dithered noise for a
    minute a page and more, and is stopped before that. What it has not read by then counts as not read,
    whoever made the page; a peer's name says how many those are.
    """
    program = rasterisers.tesseract()
    count = count or layouts.COUNT
    drawn = layouts.drawn(layouts.spread(count))
    made: list[Row] = []
    for name, pages, shared in (
        ("text", drawn, count),
        ("grey scans", layouts.scanned(drawn), -(-count // 3)),
    ):
        found = _recalls(program, pages, directory / name.replace(" ", "-"), shared) if program else {}
        made += _compared(f"word recall, {name}", count, found, shared)
    return made


def _compared(measure: str, count: int, read: dict[str, list[float | None]], shared: int) -> list[Row]:
    """`read`: recall of each page (None: not in time) by who made it, of the `shared` first for peers."""
    late = {maker: recalls.count(None) for maker, recalls in read.items()}
    found = {maker: [recall or 0.0 for recall in recalls] for maker, recalls in read.items()}
    ours, grey = found.pop(_OURS, None), found.pop(_GREY, None)
    means = {maker: statistics.mean(recalls) for maker, recalls in found.items()}
    best = max(means, key=lambda maker: means[maker], default=None)
    least = statistics.mean(grey) if grey else None
    return [
        Row(
            measure=f"{measure}, {count} layouts",
            value=statistics.mean(ours) if ours else None,
            must=None if least is None else least - _SLACK,
            aim=least,
            more=True,
            peer=None if least is None else Peer(name=_GREY, value=least),
        ),
        Row(
            measure=f"{measure}, {shared} layouts, over the best peer",
            value=None if ours is None or best is None else statistics.mean(ours[:shared]) / means[best],
            must=1.0,
            more=True,
            peer=None if best is None else Peer(name=_named(best, late[best]), value=means[best]),
        ),
    ]


def _named(maker: str, late: int) -> str:
    return f"{maker} ({late} pages not read within {_PATIENCE:.0f} s)" if late else maker


def _recalls(
    program: str, pages: layouts.Pages, directory: Path, shared: int
) -> dict[str, list[float | None]]:
    """Recall of each page, by who made it; peers' of the `shared` first pages only."""
    directory.mkdir()
    source = directory / "source.pdf"
    source.write_bytes(pages.pdf)
    sheets = []
    for maker, dpi, pictures in _makers(source, directory):
        for number, (picture, words) in enumerate(zip(pictures, pages.words, strict=True)):
            if maker in (_OURS, _GREY) or number < shared:
                file = directory / f"{maker}-{number}.tif"  # PNM puzzles tesseract at times
                picture.save(file)
                sheets.append(_Sheet(maker=maker, file=file, dpi=dpi, words=words))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        recalls = list(pool.map(lambda sheet: _recall(program, sheet), sheets))
    found: dict[str, list[float | None]] = {}
    for recall, sheet in zip(recalls, sheets, strict=True):
        found.setdefault(sheet.maker, []).append(recall)
    return found


def _makers(source: Path, directory: Path) -> Iterator[tuple[str, int, Iterator[Image.Image]]]:
    yield _OURS, _FAX, _ours(source, directory)
    yield _GREY, _FINE, scans.grey_pages(source.read_bytes(), _FINE)
    for number, peer in enumerate(
        (rasterisers.ghostscript(), rasterisers.poppler(), rasterisers.mupdf(mono=True))
    ):
        if peer is not None:
            target = directory / f"peer{number}"
            target.mkdir()
            yield peer.name, _FAX, peer.drawn(source, target)


def _ours(source: Path, directory: Path) -> Iterator[Image.Image]:
    """The rasters of the fax that the gateway makes, bit by bit."""
    target = directory / "fax"
    target.mkdir()
    process.run(process.module("drawing", "corpus", 1, target, source))
    document = pypdfium2.PdfDocument(target / source.name)
    try:
        for page in document:
            (item,) = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE])
            yield item.get_bitmap().to_pil().convert("1")
    finally:
        document.close()


def _recall(program: str, sheet: _Sheet) -> float | None:
    command = [program, str(sheet.file), "stdout", "--dpi", str(sheet.dpi)]
    try:  # more threads make tesseract slower, by much
        ran = process.run(command, environment={"OMP_THREAD_LIMIT": "1"}, patience=_PATIENCE)
    except TimeoutError:
        return None
    return layouts.recall(sheet.words, layouts.words(ran.output))
