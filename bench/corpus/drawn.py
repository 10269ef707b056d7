"""Pages that a program draws: letters, invoices, papers, slides and brochures, set by typst."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.corpus import photos
from bench.corpus.typeset import SERIF, sans, typeset
from bench.corpus.words import Writer

_LETTER = """
#set page(paper: data.paper, margin: 2.2cm)
#set text(font: data.font, size: 11pt)
#set par(justify: true)
#for (index, page) in data.pages.enumerate() {
  if index > 0 { pagebreak() }
  [= #page.title]
  for part in page.parts { par(part) }
}
"""

_INVOICE = """
#set page(paper: data.paper, margin: 2cm)
#set text(font: data.font, size: 10pt)
#let logo = box(width: 3.2cm, height: 1.5cm, {
  place(rect(width: 1.5cm, height: 1.5cm, radius: 3mm, fill: gradient.linear(rgb(data.colour), white)))
  place(dx: 0.35cm, dy: 0.35cm, circle(radius: 0.4cm, fill: white))
  place(dx: 1.7cm, dy: 0.5cm, text(size: 12pt, weight: "bold", fill: rgb(data.colour), data.firm))
})
#for (index, page) in data.pages.enumerate() {
  if index > 0 { pagebreak() }
  grid(columns: (1fr, auto), logo, align(right)[#text(size: 18pt, weight: "bold")[Invoice #page.number] \
    #text(fill: luma(110), page.date)])
  v(2mm)
  line(length: 100%, stroke: 0.8pt + rgb(data.colour))
  block(inset: (y: 3mm), page.customer)
  table(
    columns: (auto, 1fr, auto, auto), inset: 4.5pt, align: (left, left, right, right),
    stroke: (_, row) => (bottom: data.line * 1pt + luma(150)),
    fill: (_, row) => if row == 0 { rgb(data.colour) } else if calc.even(row) { luma(data.shade) },
    ..("Item", "Description", "Pieces", "Price").map(head => text(fill: white, weight: "bold", head)),
    ..page.rows.flatten(),
  )
  align(right, box(fill: luma(data.shade), inset: 6pt, text(weight: "bold")[Total #page.total]))
  v(1fr)
  text(size: 7pt, fill: luma(105), page.small)
}
"""

_PAPER = """
#set page(paper: data.paper, margin: (x: 1.9cm, y: 2.3cm), columns: 2, numbering: "1")
#set text(font: "New Computer Modern", size: 9.5pt)
#set par(justify: true, leading: 0.5em, first-line-indent: 1em)
#set footnote.entry(gap: 0.4em)
#show footnote.entry: set text(size: 8pt)
#place(top + center, scope: "parent", float: true, clearance: 1.5em, {
  text(size: 17pt, weight: "bold", data.title)
  v(2mm)
  text(size: 10pt, style: "italic", data.authors)
})
#for section in data.sections {
  heading(level: 1, numbering: "1.", section.title)
  for (index, part) in section.parts.enumerate() {
    par[#part.text#if index == 1 { footnote(part.note) }]
    if index == 0 [$ hat(beta)_n = (sum_(i=1)^n w_i x_i y_i) / (sum_(i=1)^n w_i x_i^2 + lambda),
      quad integral_0^infinity e^(-t x^2) dif x = 1/2 sqrt(pi / t) $]
    if index == 2 { figure(caption: part.note, table(columns: 4, stroke: 0.3pt, inset: 3pt,
      ..part.cells)) }
    if index == 3 { figure(caption: part.note, box(width: 7cm, height: 3.4cm, stroke: 0.4pt, {
      for (n, high) in part.bars.enumerate() {
        place(bottom + left, dx: n * 0.46cm + 0.1cm,
          rect(width: 0.36cm, height: high * 3.1cm, stroke: 0.3pt, fill: luma(calc.rem(n, 3) * 60 + 90)))
      }
      place(curve(stroke: 0.5pt, curve.move((0cm, 3cm)),
        curve.cubic((2cm, 2.6cm), (4cm, 0.2cm), (7cm, 0.4cm))))
    })) }
  }
}
"""

_SLIDES = """
#set page(width: 33.87cm, height: 19.05cm, margin: 1.6cm)
#set text(font: data.font, size: 20pt)
#for (index, slide) in data.slides.enumerate() {
  let dark = calc.rem(index, 3) == 0
  let ink = if dark { white } else { luma(30) }
  let back = if dark { rgb(data.colour).darken(55%) } else if calc.rem(index, 3) == 1 {
    gradient.linear(white, rgb(data.colour).lighten(45%), angle: 65deg)
  } else { white }
  page(fill: back, {
    set text(fill: ink)
    text(size: 34pt, weight: "bold", slide.title)
    line(length: 100%, stroke: 2pt + rgb(data.colour))
    grid(columns: (1.2fr, 1fr), column-gutter: 1cm,
      list(spacing: 0.9em, ..slide.points),
      if calc.even(index) {
        grid(columns: 2, gutter: 5mm, ..slide.boxes.enumerate().map(((n, label)) => rect(
          width: 100%, height: 3.6cm, radius: 4mm, stroke: 1pt + ink,
          fill: rgb(data.colour).rotate(n * 70deg).lighten(n * 15%),
          align(center + horizon, text(fill: if n < 2 { white } else { black }, size: 18pt, label)))))
      } else {
        box(width: 100%, height: 9cm, stroke: (left: 1pt + ink, bottom: 1pt + ink), {
          for (n, high) in slide.bars.enumerate() {
            place(bottom + left, dx: n * 1.7cm + 0.3cm, rect(width: 1.3cm, height: high * 8.5cm,
              fill: gradient.linear(rgb(data.colour), rgb(data.colour).lighten(60%), angle: 90deg)))
          }
        })
      })
    place(bottom + right, text(size: 11pt, fill: luma(if dark { 180 } else { 120 }), slide.foot))
  })
}
"""

_BROCHURE = """
#set page(paper: data.paper, margin: 1.8cm)
#set text(font: data.font, size: 10.5pt)
#set par(justify: true)
#for (index, page) in data.pages.enumerate() {
  if index > 0 { pagebreak() }
  text(size: 22pt, weight: "bold", fill: rgb(data.colour), page.title)
  grid(columns: (1fr, 1fr), column-gutter: 8mm,
    { par(page.parts.at(0)); image(page.pictures.at(0), width: 100%)
      text(size: 8pt, fill: luma(90), page.caption) },
    { image(page.pictures.at(1), width: 100%); par(page.parts.at(1)); par(page.parts.at(2)) })
  block(fill: rgb(data.colour).lighten(80%), inset: 4mm, radius: 2mm, width: 100%, page.parts.at(3))
}
"""

_COLOURS = ("#1f4e79", "#7a1f3d", "#2e6b34", "#8a5a00", "#4b2e83")


def _colour(seed: int) -> str:
    return _COLOURS[seed % len(_COLOURS)]


def _font(seed: int) -> str:
    return sans() if seed % 2 else SERIF


def letter(pages: int, *, seed: int = 0, paper: str = "us-letter") -> bytes:
    """A PDF of dense text."""
    write = Writer(("letter", seed))
    return typeset(
        _LETTER,
        {
            "paper": paper,
            "font": _font(seed),
            "pages": [
                {"title": write.title(), "parts": [write.paragraph(75) for _ in range(5)]}
                for _ in range(pages)
            ],
        },
    )


def invoice(pages: int, *, seed: int = 1, paper: str = "us-letter") -> bytes:
    """A PDF of tables with shaded rows, thin lines, small grey print and a logo."""
    write = Writer(("invoice", seed))
    return typeset(
        _INVOICE,
        {
            "paper": paper,
            "font": _font(seed),
            "colour": _colour(seed),
            "firm": write.title(1),
            "shade": 215 + 8 * (seed % 4),
            "line": 0.25 + 0.15 * (seed % 3),
            "pages": [
                {
                    "number": write.number(6),
                    "date": write.date(),
                    "customer": f"{write.name()}, {write.number(3)} {write.title(1)} Street",
                    "rows": [
                        [f"A-{write.number(4)}", write.words(4), write.number(2), write.amount()]
                        for _ in range(24)
                    ],
                    "total": write.amount(),
                    "small": write.paragraph(70),
                }
                for _ in range(pages)
            ],
        },
    )


def paper(sections: int, *, seed: int, size: str = "us-letter") -> bytes:
    """A PDF of two dense columns with formulas, footnotes, tables and charts; about a page a section."""
    write = Writer(("paper", seed))
    return typeset(
        _PAPER,
        {
            "paper": size,
            "title": write.title(6),
            "authors": ", ".join(write.name() for _ in range(3)),
            "sections": [
                {
                    "title": write.title(2),
                    "parts": [
                        {
                            "text": write.paragraph(105),
                            "note": write.sentence(),
                            "cells": [write.number(4) for _ in range(20)],
                            "bars": [int(write.number(2)) / 100 for _ in range(15)],
                        }
                        for _ in range(6)
                    ],
                }
                for _ in range(sections)
            ],
        },
    )


def slides(count: int, *, seed: int) -> bytes:
    """A PDF of landscape slides: dark ones, ones with a gradient, coloured boxes, bars."""
    write = Writer(("slides", seed))
    return typeset(
        _SLIDES,
        {
            "font": sans(),
            "colour": _colour(seed),
            "slides": [
                {
                    "title": write.title(4),
                    "points": [write.words(7).capitalize() for _ in range(5)],
                    "boxes": [write.title(2) for _ in range(4)],
                    "bars": [int(write.number(2)) / 100 for _ in range(7)],
                    "foot": f"{write.date()} / {number + 1}",
                }
                for number in range(count)
            ],
        },
    )


def brochure(pages: int, *, seed: int, paper: str = "us-letter") -> bytes:
    """A PDF of text around photographs."""
    write = Writer(("brochure", seed))
    with tempfile.TemporaryDirectory() as directory:
        names = []
        for number in range(2 * pages):
            names.append(f"photo{number}.jpg")
            photos.picture(2 * pages * seed + number, 1200, 800).save(Path(directory) / names[-1], quality=85)
        return typeset(
            _BROCHURE,
            {
                "paper": paper,
                "font": _font(seed + 1),
                "colour": _colour(seed),
                "pages": [
                    {
                        "title": write.title(),
                        "parts": [write.paragraph(65) for _ in range(4)],
                        "caption": write.sentence(),
                        "pictures": names[2 * number : 2 * number + 2],
                    }
                    for number in range(pages)
                ],
            },
            root=Path(directory),
        )
