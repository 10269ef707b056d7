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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One page as somebody made it."""

    maker: str
    file: Path
    dpi: int
    words: layouts.Words


def rows(directory: Path, *, count: int | None) -> list[Row]:
    """Recall on drawn pages and on grey scans of the same, of so many layouts (None: all there are)."""
    program = rasterisers.tesseract()
    count = count or layouts.COUNT
    drawn = layouts.drawn(layouts.spread(count))
    made: list[Row] = []
    for name, pages in (("text", drawn), ("grey scans", layouts.scanned(drawn))):
        found = _recalls(program, pages, directory / name.replace(" ", "-")) if program else {}
        made += _compared(f"word recall, {name}, {count} layouts", found)
    return made


def _compared(measure: str, found: dict[str, float]) -> list[Row]:
    ours, grey = found.pop(_OURS, None), found.pop(_GREY, None)
    best = max(found, key=lambda maker: found[maker], default=None)
    return [
        Row(
            measure=measure,
            value=ours,
            must=None if grey is None else grey - _SLACK,
            aim=grey,
            more=True,
            peer=None if grey is None else Peer(name=_GREY, value=grey),
        ),
        Row(
            measure=f"{measure}, over the best peer",
            value=None if ours is None or best is None else ours / found[best],
            must=1.0,
            more=True,
            peer=None if best is None else Peer(name=best, value=found[best]),
        ),
    ]


def _recalls(program: str, pages: layouts.Pages, directory: Path) -> dict[str, float]:
    """Mean recall of the pages, by who made them 1-bit."""
    directory.mkdir()
    source = directory / "source.pdf"
    source.write_bytes(pages.pdf)
    sheets = []
    for maker, dpi, pictures in _makers(source, directory):
        for number, (picture, words) in enumerate(zip(pictures, pages.words, strict=True)):
            file = directory / f"{maker.replace(' ', '-')}-{number}.tif"  # PNM puzzles tesseract at times
            picture.save(file)
            sheets.append(_Sheet(maker=maker, file=file, dpi=dpi, words=words))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        recalls = list(pool.map(lambda sheet: _recall(program, sheet), sheets))
    return {
        maker: statistics.mean(
            recall for recall, sheet in zip(recalls, sheets, strict=True) if sheet.maker == maker
        )
        for maker in dict.fromkeys(sheet.maker for sheet in sheets)
    }


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


def _recall(program: str, sheet: _Sheet) -> float:
    # More threads make tesseract slower, by much.
    ran = process.run(
        [program, str(sheet.file), "stdout", "--dpi", str(sheet.dpi)], environment={"OMP_THREAD_LIMIT": "1"}
    )
    return layouts.recall(sheet.words, layouts.words(ran.output))
