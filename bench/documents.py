"""What becomes of documents: how fast, how small, how legible and how safely, beside other rasterisers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench import corpus, limits, reading, report, sizes, speed
from bench.report import Row

_QUICK_ROUNDS, _ROUNDS = 3, 7
_QUICK_FAXES, _FAXES = 16, 60
_QUICK_OTHERS, _OTHERS = 200, 800
_QUICK_LAYOUTS = 9


async def run(directory: Path, *, quick: bool) -> list[Row]:
    """Time, bytes, legibility and memory of mixed documents, against Ghostscript, poppler, MuPDF and a floor.

    Time is that of whole processes on one core: the gateway's (a fresh Python that starts its helper, which
    forks a sandboxed child for each document; PDFs on disk), and each peer's over the same files (Ghostscript
    and MuPDF in one process, poppler in one for each file, since it takes one). The floor is `raster_floor`.
    """
    return await asyncio.to_thread(_rows, directory, quick)


def _rows(directory: Path, quick: bool) -> list[Row]:
    made = directory / "corpus"
    made.mkdir()
    documents = corpus.write(made)
    pages = sum(document.pages for document in documents)
    report.say(f"The corpus: {len(documents)} PDFs, {pages} pages.")
    rendered = speed.corpus(documents, directory, rounds=_QUICK_ROUNDS if quick else _ROUNDS)
    faxes = _QUICK_FAXES if quick else _FAXES
    return [
        *rendered.rows,
        *speed.one_page(documents, directory, faxes=faxes),
        *sizes.rows(documents, rendered.sizes, directory),
        *reading.rows(directory, count=_QUICK_LAYOUTS if quick else None),
        *limits.memory(rendered.peak, directory),
        *limits.bad_input(directory, faxes=_QUICK_OTHERS if quick else _OTHERS),
    ]
