"""Plain text as fax pages."""

from __future__ import annotations

import bisect
import itertools
import unicodedata
from collections.abc import Iterator, Sequence

from gateway.document import template
from gateway.document.formats import pdf, text
from gateway.document.formats.parts import Part, refuse, too_many_pages
from gateway.document.formats.text import Line
from gateway.document.geometry import Layout
from gateway.document.sheet import Sheet

_COLUMNS = 80
_MOST_COLUMNS = {"fine": 132, "standard": 100}
"""Characters a line at fixed pitch. A wider text is set smaller, a still wider one is wrapped."""
_LINE_POINTS = 493
_FIXED_PITCH = 0.602
"""Width of a letter of DejaVu Sans Mono, in its size."""
_LONGEST_WORD, _CHUNK = 60, 20
_LINES_A_PAGE = 5.2
"""An inch."""
_CHARACTERS_A_LINE = 220
"""More than fit on a line, even of the narrowest letters."""
_MOST_BOXES = 0.2
"""A text with a larger share of empty boxes than this says nothing to its recipient."""

_SOURCE = b"""
#let given = json(bytes(sys.inputs.given))
#set page(width: given.width * 1in, height: given.height * 1in, margin: (x: 0.8in, y: 0.7in))
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


def sheets(
    part: Part, *, layout: Layout, notes: list[str], redact: Sequence[str], most: int, inspect: bool
) -> Iterator[Sheet]:
    """Draw a text: `part.text`, or `part.data` in whatever charset it is. Nothing for a text without ink.

    `redact`: words that are blackened. Raises `GatewayError` for more than `most` pages and for a script
    that no font of this machine has.
    """
    written = part.text if part.text is not None else text.decode(part.data, part.charset)
    lines = lines_within(text.redact(written, redact), layout=layout, most=most)
    if not lines:
        return
    made = typeset_lines(lines, layout=layout)
    missing, total = template.missing_glyphs((line.text for line in lines), made)
    if missing > total * _MOST_BOXES:
        problem = "is written in a script for which the gateway has no font"
        refuse(part, problem, "Send it as a PDF", status="5.6.5", code="text_font")
    if missing:
        notes.append(f"{part.label}: {missing} characters without a font are shown as empty boxes.")
    drawn = Part(label=part.label, data=made)
    yield from pdf.sheets(drawn, layout=layout, notes=notes, inspect=inspect, most=most)


def lines_within(written: str, *, layout: Layout, most: int) -> list[Line]:
    """The lines of a text. Raises `GatewayError` at the first one that must be on more than `most` pages."""
    kept: list[Line] = []
    room = most * int(template.page_size(layout)[1] * _LINES_A_PAGE)
    for line in text.each_line(written):
        room -= len(line.text) // _CHARACTERS_A_LINE + 1
        if room < 0:
            too_many_pages(most)
        kept.append(line)
    return kept


def typeset_lines(lines: Sequence[Line], *, layout: Layout) -> bytes:
    """A PDF of `lines`, in a fixed pitch if they are aligned with spaces."""
    fixed_pitch = text.is_columnar(lines)
    columns = _columns_for(lines, _MOST_COLUMNS[layout.resolution])
    if fixed_pitch:
        lines = [Line(text=piece, rtl=line.rtl) for line in lines for piece in _wrapped(line.text, columns)]
    width, height = template.page_size(layout)
    given = {
        "width": width,
        "height": height,
        "size": min(10.0, _LINE_POINTS / columns / _FIXED_PITCH) if fixed_pitch else 11,
        "fonts": template.FIXED if fixed_pitch else template.PROPORTIONAL,
        "lines": [(_kept(line.text) if fixed_pitch else breakable(line.text), line.rtl) for line in lines],
    }
    return template.pdf(_SOURCE, given)


def _columns_for(lines: Sequence[Line], most: int) -> int:
    longest = max(_columns(line.text) for line in lines)
    return max(_COLUMNS, longest) if longest <= most else _COLUMNS


def _wrapped(line: str, columns: int) -> list[str]:
    """Cut a line at the last space before the margin, or in the word where there is none.

    typst breaks at spaces only, and there are none in a line of a table.
    """
    pieces = []
    used = [0, *itertools.accumulate(map(_columns, line))]
    """Columns before each character; a line may have millions, so each is measured once."""
    start = 0
    while used[-1] - used[start] > columns:
        end = bisect.bisect_right(used, used[start] + columns, start) - 1
        space = line.rfind(" ", start + (end - start) // 2, end + 1)
        cut = space if space > start else max(start + 1, end)
        pieces.append(line[start:cut].rstrip())
        start = cut
        while start < len(line) and line[start].isspace():
            start += 1
    return [*pieces, line[start:]]


def _columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def _kept(line: str) -> str:
    """All spaces as they are; typst would join them."""
    return line.replace(" ", "\u00a0")


def breakable(line: str) -> str:
    """Keep runs of spaces, and let words longer than a line break anywhere but before a combining mark."""
    kept = line.replace("  ", "\u00a0 ")
    if len(line) <= _LONGEST_WORD:
        return kept
    return " ".join("\u200b".join(_chunks(word)) for word in kept.split(" "))


def _chunks(word: str) -> list[str]:
    if len(word) <= _LONGEST_WORD:
        return [word]
    starts = [0]
    for index in range(1, len(word)):
        if index - starts[-1] >= _CHUNK and _is_loose(word[index - 1]) and _is_loose(word[index]):
            starts.append(index)
    return [word[start:end] for start, end in itertools.pairwise([*starts, len(word)])]


def _is_loose(character: str) -> bool:
    """Whether a line may be broken beside it: no mark, no joiner, and ideographs have rules of their own."""
    wide = unicodedata.east_asian_width(character) in "WF"
    return not wide and unicodedata.category(character)[0] not in "MC"
