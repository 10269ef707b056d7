"""Lines of text to a PDF, set by typst: it knows fonts, shaping, right-to-left and line breaking."""

from __future__ import annotations

import io
import itertools
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pypdf
import typst
from pypdf.generic import ContentStream

from gateway.document.text import Line

PAPERS = {"letter": ("8.5in", "11in"), "a4": ("210mm", "297mm"), "legal": ("8.5in", "14in")}
_COLUMNS = 80
"""Characters a line at fixed pitch; longer lines are wrapped here, because typst breaks at spaces only."""
_LONGEST_WORD = 60
_LINES_A_PAGE = 52
_CHARACTERS_A_LINE = 220
"""More than fit on a line, even of the narrowest letters."""

_LAST_LATIN = 0x24F

_TEMPLATE = b"""
#let given = json(bytes(sys.inputs.document))
#set page(width: eval(given.width), height: eval(given.height), margin: (x: 0.8in, y: 0.8in))
#set text(size: given.size * 1pt, font: given.fonts, hyphenate: false)
#set par(leading: 0.5em, spacing: 0.5em, justify: false)
#for line in given.lines {
  if line.at(0) == "" { par(hide("x")) } else {
    set text(dir: if line.at(1) { rtl } else { ltr })
    set align(if line.at(1) { right } else { left })
    par(line.at(0))
  }
}
"""
_PROPORTIONAL = ("Liberation Sans", "DejaVu Sans", "Noto Sans", "Libertinus Serif")
_FIXED = ("DejaVu Sans Mono",)
"""Fonts in order of preference; typst brings the last of each. Sans serif keeps its thin strokes on a fax."""


def pages_at_least(lines: Sequence[Line]) -> int:
    """How many pages the lines take at least: known before any time is spent on them."""
    rows = sum(len(line.text) // _CHARACTERS_A_LINE + 1 for line in lines)
    return -(-rows // _LINES_A_PAGE)


def typeset(lines: Sequence[Line], *, paper: str, fixed_pitch: bool) -> bytes:
    """Set `lines` and return a PDF. Text travels as data, never as markup."""
    width, height = PAPERS[paper]
    if fixed_pitch:
        lines = [Line(text=piece, rtl=line.rtl) for line in lines for piece in _wrapped(line.text)]
    document = {
        "width": width,
        "height": height,
        "size": 10 if fixed_pitch else 11,
        "fonts": _FIXED if fixed_pitch else _PROPORTIONAL,
        "lines": [(_breakable(line.text, fixed_pitch=fixed_pitch), line.rtl) for line in lines],
    }
    nowhere = Path("/nonexistent")
    return typst.compile(
        _TEMPLATE,
        sys_inputs={"document": json.dumps(document)},
        format="pdf",
        pdf_tags=False,
        package_path=nowhere,
        package_cache_path=nowhere,
    )


def missing_glyphs(lines: Sequence[Line], made: bytes) -> tuple[int, int]:
    """How many of the characters set have no glyph in any font, and how many there are; (0, 0) when unasked.

    typst says nothing about them and draws empty boxes: glyph 0 of a font (OpenType, ".notdef"). Only texts
    that go beyond the Latin letters, which every font has, are looked at.
    """
    if not any(ord(character) > _LAST_LATIN for line in lines for character in line.text):
        return 0, 0
    reader = pypdf.PdfReader(io.BytesIO(made))
    missing = total = 0
    for page in reader.pages:
        for operands, operator in ContentStream(page["/Contents"].get_object(), reader).operations:
            shown = operands[0] if operator == b"TJ" else operands if operator == b"Tj" else ()
            for item in shown:
                coded = item if isinstance(item, bytes) else getattr(item, "original_bytes", b"")
                glyphs = [coded[start : start + 2] for start in range(0, len(coded), 2)]
                total += len(glyphs)
                missing += glyphs.count(b"\0\0")
    return missing, total


def _wrapped(line: str) -> list[str]:
    """Cut a line at the last space before the margin, or in the word where there is none."""
    pieces = []
    while _columns(line) > _COLUMNS:
        cut = _cut(line)
        pieces.append(line[:cut].rstrip())
        line = line[cut:].lstrip()
    return [*pieces, line]


def _cut(line: str) -> int:
    widths = itertools.accumulate(map(_columns, line))
    end = next(index for index, used in enumerate(widths) if used > _COLUMNS)
    space = line.rfind(" ", end // 2, end + 1)
    return space if space > 0 else max(1, end)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _breakable(line: str, *, fixed_pitch: bool) -> str:
    """Let long words break anywhere, and keep runs of spaces, which typst would join."""
    kept = line.replace(" ", "\u00a0") if fixed_pitch else line.replace("  ", "\u00a0 ")
    if len(line) <= _LONGEST_WORD or fixed_pitch:
        return kept
    return " ".join("\u200b".join(_chunks(word)) for word in kept.split(" "))


def _chunks(word: str) -> list[str]:
    if len(word) <= _LONGEST_WORD:
        return [word]
    return [word[start : start + 20] for start in range(0, len(word), 20)]
