"""Markdown (CommonMark with tables) as fax pages, by way of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from markdown_it import MarkdownIt

from gateway.document.formats import html_page, pdf, text, typeset
from gateway.document.formats.parts import Part
from gateway.document.geometry import Layout
from gateway.document.sheet import Sheet

_TYPES = ("text/markdown", "text/x-markdown")
_ENDINGS = (".md", ".markdown")
_STYLE = """
table { margin: 0.8em 0 } td, th { border: 0.75pt solid; padding: 0.15em 0.5em; text-align: left }
blockquote { border-left: 2pt solid; margin-left: 0; padding-left: 1em }
pre { border: 0.75pt solid; padding: 0.5em; font-size: 9pt }
h1 { font-size: 17pt } h2 { font-size: 14pt } h3, h4, h5, h6 { font-size: 12pt }
hr { border: none; border-top: 0.75pt solid }
"""


def is_markdown(part: Part) -> bool:
    """Whether a part that reads as text says that it is Markdown; nothing in it tells."""
    return part.declared in _TYPES or part.name.lower().endswith(_ENDINGS)


def sheets(
    part: Part, *, layout: Layout, notes: list[str], redact: Sequence[str], most: int, inspect: bool
) -> Iterator[Sheet]:
    """Draw Markdown; where web pages cannot be laid out, as the plain text that it is."""
    written = part.text if part.text is not None else text.decode(part.data, part.charset)
    made = None
    if is_tangled(written):
        notes.append(f"{part.label} cannot be laid out and is shown as plain text.")
    else:
        source = f"<!doctype html><style>{_STYLE}</style>{_to_html(written)}"
        made = html_page.laid_out(part, source, layout=layout, notes=notes, redact=redact, most=most)
    if made is not None:
        yield from pdf.sheets(
            replace(part, data=made, text=None), layout=layout, notes=notes, inspect=inspect, most=most
        )
    else:
        plain = replace(part, text=written)
        yield from typeset.sheets(
            plain, layout=layout, notes=notes, redact=redact, most=most, inspect=inspect
        )


def is_tangled(written: str) -> bool:
    """Whether brackets are open over so much text that the library, which reads it for each, takes too long.

    A bracket is open to its end, else to the end of its paragraph.
    """
    read = 0
    waiting: list[int] = []
    for found in _BRACKET.finditer(written + "\n\n"):
        if found[0] == "[":
            waiting.append(found.start())
        elif found[0] == "]":
            read += found.start() - waiting.pop() if waiting else 0
        else:
            read += sum(found.start() - start for start in waiting)
            waiting.clear()
        if read > _MOST_READ:
            return True
    return False


_BRACKET = re.compile(r"[\[\]]|\n[ \t]*\n")
_MOST_READ = 100_000_000
"""Characters: seconds."""
_DEEPEST = 100
"""Levels; the library leaves out what is deeper, from 20 on unless it is told."""


def _to_html(written: str) -> str:
    """HTML of Markdown. HTML in it is shown as it is written, not obeyed."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(
        ["table", "strikethrough"]
    )
    made: str = parser.render(written)
    return made
