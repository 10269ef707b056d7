"""Pages whose every word is known, for reading them back: twelve layouts in six settings of type.

Letters, columns, thin-lined and shaded tables, forms, panels, small print, white on dark, each in other fonts
and sizes from 8 points up, in black to middle grey. A page's words are those in its data: each layout puts
every text of it on the page, once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.corpus import scans
from bench.corpus.pictures import Leaf, bound
from bench.corpus.typeset import SERIF, families, sans, typeset
from bench.corpus.words import Writer

_SOURCE = """
#set page(paper: "us-letter", margin: 1.9cm)
#let head(d) = text(size: d.size * 1.6pt, weight: "bold", d.title)
#let letter(d) = { head(d); for part in d.parts { par(part) } }
#let columned(count) = d => { head(d); columns(count, gutter: 6mm, { for part in d.parts { par(part) } }) }
#let ruled(d) = { head(d); table(columns: (auto, 1fr, auto, auto), inset: 4pt, stroke: 0.25pt + luma(130),
  ..d.rows.flatten()) }
#let shaded(d) = { head(d); table(columns: (auto, 1fr, auto, auto), inset: 4.5pt, stroke: none,
  fill: (_, row) => if calc.odd(row) { luma(215) } else { white }, ..d.rows.flatten()) }
#let titled(d) = { head(d); table(columns: (auto, 1fr, auto, auto), inset: 4.5pt,
  stroke: (bottom: 0.3pt + luma(170)), fill: (_, row) => if row == 0 { luma(45) } else { none },
  ..d.rows.first().map(it => text(fill: white, weight: "bold", it)), ..d.rows.slice(1).flatten()) }
#let form(d) = { head(d); grid(columns: (1fr, 1fr), gutter: 5mm, ..d.rows.map(row => {
  text(size: 8pt, fill: luma(95), row.at(1)); v(-2mm)
  box(width: 100%, inset: 4pt, stroke: 0.35pt + luma(120), fill: luma(247))[
    #row.at(0) #row.at(2) #row.at(3)] })) }
#let panels(d) = { head(d); for (n, part) in d.parts.enumerate() {
  block(width: 100%, inset: 4mm, radius: 1mm,
    fill: (luma(225), rgb("#dbe7f5"), rgb("#f6e3c4")).at(calc.rem(n, 3)),
    part) } }
#let reversed(d) = { head(d); for (n, part) in d.parts.enumerate() {
  if calc.even(n) { block(width: 100%, inset: 4mm, fill: rgb("#23395d"), text(fill: white, part)) }
  else { par(part) } } }
#let small(d) = { head(d); for part in d.parts.slice(1) { par(part) }; v(1fr)
  line(length: 100%, stroke: 0.3pt + luma(140)); text(size: 8pt, fill: luma(100), d.parts.first()) }
#let listed(d) = { head(d); for row in d.rows {
  block(spacing: 0.8em)[#row.at(0) #row.at(1) #h(2mm) #box(width: 1fr, line(length: 100%,
    stroke: (paint: luma(140), thickness: 0.4pt, dash: "dotted"))) #h(2mm) #row.at(2) #h(6mm) #row.at(3)] } }
#let graded(d) = { head(d); block(width: 100%, inset: 5mm,
  fill: gradient.linear(white, luma(185), angle: 35deg), { for part in d.parts { par(part) } }) }
#let boxed(d) = { head(d); grid(columns: (1fr, 1fr), gutter: 4mm, ..d.parts.map(part =>
  box(width: 100%, stroke: 0.3pt + luma(150), inset: 3mm, part))) }
#let layouts = (letter: letter, columns2: columned(2), ruled: ruled, shaded: shaded, titled: titled,
  form: form, panels: panels, reversed: reversed, small: small, listed: listed, graded: graded, boxed: boxed)
#for (index, d) in data.enumerate() {
  if index > 0 { pagebreak() }
  set text(font: d.font, size: d.size * 1pt, fill: luma(d.ink))
  set par(justify: true, spacing: 1em)
  layouts.at(d.layout)(d)
}
"""
_PARAGRAPHS = ("letter", "columns2", "panels", "reversed", "small", "graded", "boxed")
_TABLES = ("ruled", "shaded", "titled", "form", "listed")
_LAYOUTS = tuple(sorted(_PARAGRAPHS + _TABLES))
_SETTINGS = ((8.0, 0), (10.0, 70), (8.0, 110), (9.0, 0), (8.5, 140), (11.0, 0))
"""Sizes in points, and levels of the ink (0 is black)."""
COUNT = len(_LAYOUTS) * len(_SETTINGS)
_STRIDE = 31
"""Has no divisor in common with `COUNT`, and leads to another kind and setting each time."""
_SERIFS = (SERIF, "New Computer Modern", "DejaVu Serif", "Nimbus Roman")
_SANS = ("DejaVu Sans", "Noto Sans", "Nimbus Sans Narrow")
_SCAN_DPI = (300, 200)
_WORD = re.compile(r"[^\W_]+")

Words = Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """A PDF and the words on each of its pages."""

    pdf: bytes
    words: tuple[Words, ...]


def words(text: str) -> Words:
    """The words of a text, whatever their case, order and punctuation."""
    return Counter(_WORD.findall(text.lower()))


def recall(truth: Words, read: Words) -> float:
    """Which share of the true words was read, each as often as it is there."""
    return (truth & read).total() / truth.total()


def drawn(which: Sequence[int]) -> Pages:
    """These layouts (numbers below `COUNT`), as a program draws them."""
    data = [_layout(number) for number in which]
    return Pages(pdf=typeset(_SOURCE, data), words=tuple(words(" ".join(_texts(layout))) for layout in data))


def scanned(pages: Pages) -> Pages:
    """The same as grey scans of 200 and 300 dpi."""
    leaves = []
    for number, page in enumerate(scans.grey_pages(pages.pdf, *_SCAN_DPI)):
        picture = scans.scanned(page, scans.flaws(number), ("layout", number))
        dpi = _SCAN_DPI[number % len(_SCAN_DPI)]
        leaves.append(Leaf(picture=picture, dpi=dpi, quality=(60, 75, 85)[number % 3]))
    return Pages(pdf=bound(leaves), words=pages.words)


def spread(count: int) -> list[int]:
    """So many of the layouts, as different as can be; all of them for `COUNT`."""
    return [index * _STRIDE % COUNT for index in range(count)]


def setting(number: int) -> tuple[str, str, float, int]:
    """How a layout is set: its kind, the font, its size in points, and the level of the ink."""
    turn, kind = divmod(number, len(_LAYOUTS))
    fonts = _fonts()
    size, ink = _SETTINGS[(turn + kind) % len(_SETTINGS)]
    return _LAYOUTS[kind], fonts[(turn + 2 * kind) % len(fonts)], size, ink


def _layout(number: int) -> dict[str, Any]:
    layout, font, size, ink = setting(number)
    write = Writer(("layout", number))
    page: dict[str, Any] = {
        "layout": layout,
        "font": font,
        "size": size,
        "ink": ink,
        "title": write.title(),
    }
    if layout in _PARAGRAPHS:
        page["parts"] = [write.paragraph(38) for _ in range(6)]
    else:
        page["rows"] = [_row(write) for _ in range(24)]
    return page


def _row(write: Writer) -> list[str]:
    return [write.number(5), write.words(3), write.amount(), write.date()]


def _fonts() -> list[str]:
    """Those of our fonts that the machine has: serif and sans serif in turns."""
    there = families()
    serifs = [font for font in _SERIFS if font in there]
    others = [sans(), *(font for font in _SANS if font in there), "DejaVu Sans Mono"]
    longer = max(len(serifs), len(others))
    return [
        font for index in range(longer) for font in (serifs[index % len(serifs)], others[index % len(others)])
    ]


def _texts(layout: dict[str, Any]) -> Iterator[str]:
    yield layout["title"]
    yield from layout.get("parts", ())
    for row in layout.get("rows", ()):
        yield from row
