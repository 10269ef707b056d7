"""HTML mail to plain text: what a reader sees, line by line. No pictures, no layout, no network."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from gateway.document.formats import text

_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table", "pre"})
_BREAKING = frozenset(
    {"address", "article", "aside", "body", "center", "dd", "div", "dl", "dt", "figure", "footer", "form"}
    | {"header", "html", "main", "nav", "section", "tr"}
    | _SPACED
)
_UNSEEN = ("script", "style", "head", "title", "template", "noscript", "object", "svg")
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)

_ENDS = (
    ("<!--", re.compile(r"--!?\s*>")),
    ("<![", re.compile(r"\]\s*>")),
    ("<", re.compile(">")),
)
"""Beginnings of markup, and where it ends for one version of the library or another."""


def to_text(data: bytes, charset: str) -> str:
    """Text of an HTML document in the declared or its own charset."""
    soup = BeautifulSoup(_without_open_ends(text.decode_html(data, charset)), "html.parser")
    written = _without_blanks_at_ends("".join(_pieces(soup)))
    return re.sub(r"\n{3,}", "\n\n", written).strip("\n")


def _without_open_ends(source: str) -> str:
    """The source with what begins like markup and never ends marked as the text that it is taken for.

    The library would look for the end of each to the end of the document.
    """
    for begin, end in _ENDS:
        last = max((found.end() for found in end.finditer(source)), default=0)
        source = source[:last] + source[last:].replace(begin, "&lt;" + begin[1:])
    return source


def _without_blanks_at_ends(written: str) -> str:
    """Without blanks before and after line breaks."""
    first, *others = written.split("\n")
    lines = [first, *(line.lstrip(" \t") for line in others)]
    return "\n".join([*(line.rstrip(" \t") for line in lines[:-1]), lines[-1]])


def _pieces(soup: BeautifulSoup) -> list[str]:
    """Walk without recursion: mails nest tables hundreds deep."""
    pieces: list[str] = []
    stack: list[tuple[Tag | NavigableString | str, bool]] = [(soup, False)]
    """With whether its blanks are kept."""
    while stack:
        node, kept = stack.pop()
        if isinstance(node, Tag):
            kept = kept or node.name == "pre"
            stack += [(inner, kept) for inner in reversed(_open_tag(node))]
        elif not isinstance(node, NavigableString):
            pieces.append(node)
        elif not isinstance(node, PreformattedString):  # comments, doctype, processing instructions
            pieces.append(str(node) if kept else re.sub(r"\s+", " ", node))
    return pieces


def _open_tag(tag: Tag) -> list[Tag | NavigableString | str]:
    """What a tag turns into: its children, with the line breaks, bullets and cell gaps around them."""
    if tag.name in _UNSEEN or tag.has_attr("hidden") or HIDDEN.search(str(tag.get("style", ""))):
        return []
    if tag.name == "br":
        return ["\n"]
    children = [child for child in tag.children if isinstance(child, (Tag, NavigableString))]
    gap = "\n\n" if tag.name in _SPACED else "\n"
    if tag.name == "hr":
        return ["\n", "_" * 40, "\n"]
    if tag.name == "li":
        return ["\n", "• ", *children, "\n"]
    if tag.name in ("td", "th"):
        return [*children, "   "]
    return [gap, *children, gap] if tag.name in _BREAKING else list(children)
