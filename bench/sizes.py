"""How many bytes a page takes, and so how long it is on the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pypdfium2
from PIL import Image

from bench import raster_floor, rasterisers
from bench.corpus import TEXT, Document, Kind
from bench.corpus.pictures import g4
from bench.report import Peer, Row


def rows(documents: Sequence[Document], ours: Mapping[str, int], directory: Path) -> list[Row]:
    """Text and grey scans against Ghostscript's TIFF, photographs against Floyd-Steinberg in bare G4."""
    gs = rasterisers.ghostscript()
    made = []
    for name, kinds, must, aim in (("text", TEXT, 0.75, 0.65), ("grey scans", ("scan",), 0.3, 0.2)):
        some = _of(documents, kinds)
        theirs = None if gs is None else _ghostscript(gs, some, directory)
        made.append(
            _row(f"{name}, bytes over gs tiffg4", some, ours, gs.name if gs else "", theirs, must, aim)
        )
    photos = _of(documents, ("photo",))
    diffused = sum(_error_diffused(document) for document in photos)
    made.append(
        _row("photographs, bytes over Floyd-Steinberg", photos, ours, "Floyd-Steinberg", diffused, 0.3, 0.25)
    )
    return made


def _of(documents: Sequence[Document], kinds: Sequence[Kind]) -> list[Document]:
    return [document for document in documents if document.kind in kinds]


def _row(
    measure: str,
    documents: Sequence[Document],
    ours: Mapping[str, int],
    peer: str,
    theirs: int | None,
    must: float,
    aim: float,
) -> Row:
    pages = sum(document.pages for document in documents)
    size = sum(ours[document.path.name] for document in documents)
    return Row(
        measure=measure,
        value=None if theirs is None else size / theirs,
        must=must,
        aim=aim,
        peer=None if theirs is None else Peer(name=f"{peer}, bytes/page", value=theirs / pages),
    )


def _ghostscript(gs: rasterisers.Rasteriser, documents: Sequence[Document], directory: Path) -> int:
    gs.seconds([document.path for document in documents], directory)
    return (directory / "gs.tif").stat().st_size


def _error_diffused(document: Document) -> int:
    pdf = pypdfium2.PdfDocument(document.path)
    try:
        return sum(len(g4(_grey(pdf, number).convert("1"))) for number in range(len(pdf)))
    finally:
        pdf.close()


def _grey(pdf: pypdfium2.PdfDocument, number: int) -> Image.Image:
    size = (raster_floor.WIDTH, raster_floor.HEIGHT)
    pixels = raster_floor.grey(pdf, number, bytearray(size[0] * size[1]))
    return Image.frombuffer("L", size, pixels, "raw", "L", 0, 1)
