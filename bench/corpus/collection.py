"""The list of what there is to fax, and its files."""

from __future__ import annotations

import io
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pypdf

from bench.corpus import drawn, forms, photos, scans
from bench.corpus.pictures import Leaf, bound

Kind = Literal["letter", "invoice", "form", "paper", "slides", "brochure", "scan", "colour", "fax", "photo"]
TEXT: tuple[Kind, ...] = ("letter", "invoice", "form", "paper")
"""What counts as text where bytes are compared."""

_LETTER, _A4, _LEGAL = "us-letter", "a4", "us-legal"
LIST: dict[Kind, tuple[tuple[int, str], ...]] = {
    "letter": ((1, _LETTER), (3, _LETTER), (2, _A4), (4, _LEGAL)),
    "invoice": (
        *((1, _LETTER), (2, _LETTER), (5, _A4), (3, _LETTER), (8, _LETTER), (1, _A4), (4, _LETTER)),
        (3, _LEGAL),
    ),
    "form": ((2, _LETTER), (2, _LETTER), (3, _A4), (1, _LEGAL), (4, _LETTER)),
    "paper": ((4, _LETTER), (6, _A4), (8, _LETTER), (10, _LETTER), (12, _LETTER)),
    "slides": ((5, ""), (6, ""), (8, ""), (6, "")),
    "brochure": ((2, _LETTER), (3, _A4), (3, _LETTER), (2, _LETTER)),
    "scan": (*((3, _LETTER), (4, _LETTER), (2, _A4), (5, _LETTER), (3, _LEGAL), (4, _LETTER), (3, _A4)),),
    "colour": ((3, _LETTER), (2, _A4)),
    "fax": ((3, _LETTER), (4, _LETTER), (2, _LETTER)),
    "photo": ((1, ""), (3, ""), (2, ""), (3, "")),
}
"""Pages and paper of each document, by kind; of papers, sections of about a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One PDF on disk."""

    path: Path
    kind: Kind
    pages: int


def kinds() -> list[Kind]:
    """What each document is, in order."""
    return [kind for kind, some in LIST.items() for _ in some]


def write(directory: Path) -> list[Document]:
    """Make every document, on all cores there are."""
    # Fresh processes: PDFium and typst are not to be forked from a program with threads.
    context = multiprocessing.get_context("spawn")
    names = [directory / f"{number:02}-{kind}.pdf" for number, kind in enumerate(kinds())]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=context) as pool:
        counts = list(pool.map(_write, range(len(names)), names))
    return [
        Document(path=name, kind=kind, pages=pages)
        for name, kind, pages in zip(names, kinds(), counts, strict=True)
    ]


def make(number: int) -> bytes:
    """One document, by its place in the list."""
    kind = kinds()[number]
    seed = number - kinds().index(kind)
    pages, paper = LIST[kind][seed]
    match kind:
        case "letter":
            return drawn.letter(pages, seed=seed, paper=paper)
        case "invoice":
            return drawn.invoice(pages, seed=seed, paper=paper)
        case "form":
            return forms.form(pages, seed=seed, paper=paper, appearances=seed % 2 == 0)
        case "paper":
            return drawn.paper(pages, seed=seed, size=paper)
        case "slides":
            return drawn.slides(pages, seed=seed)
        case "brochure":
            return drawn.brochure(pages, seed=seed, paper=paper)
        case "scan" | "colour" | "fax":
            return scan(pages, seed=seed, dpi=(200, 300)[seed % 2], paper=paper, kind=kind)
        case "photo":
            return photo(pages, seed=seed)


def _write(number: int, path: Path) -> int:
    content = make(number)
    path.write_bytes(content)
    return len(pypdf.PdfReader(io.BytesIO(content)).pages)


def scan(
    pages: int, *, seed: int, dpi: int, paper: str, kind: Literal["scan", "colour", "fax"] = "scan"
) -> bytes:
    """A PDF of scanned letters and invoices in grey, in colour (which office machines choose unless they are
    told not to) or in black and white; every other document of two pages or more has one lying.

    A machine's own JPEG keeps little of the paper's grain: its pages have 200 to 900 kB.
    """
    source = drawn.invoice if seed % 2 else drawn.letter
    leaves = []
    for number, page in enumerate(scans.grey_pages(source(pages, seed=100 + seed, paper=paper), dpi)):
        flaws = scans.flaws(3 * seed + number)
        calm = replace(flaws, noise=flaws.noise / 4)
        picture = scans.scanned(page, calm, ("scan", seed, number))
        lies = seed % 2 == 0 and number == 1
        if lies:  # fed sideways, and stored so
            picture = picture.rotate(90, expand=True)
        if kind == "fax":
            picture = scans.black_and_white(picture)
        elif kind == "colour":
            picture = scans.in_colour(picture)
        leaves.append(Leaf(picture=picture, dpi=dpi, rotate=90 if lies else 0, quality=70 + 5 * (seed % 4)))
    return bound(leaves)


def photo(pages: int, *, seed: int) -> bytes:
    """A PDF of one photograph a page, in colour."""
    return bound(
        Leaf(picture=photos.picture(10 * seed + number, 1500, 2000), dpi=200, margin=18, quality=85)
        for number in range(pages)
    )
