"""A parsed web page before it is drawn: code words are blackened, what must not act is taken out. Pure."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from gateway.document.formats import text
from gateway.document.formats.html import HIDDEN

_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins"}
    | {"kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"}
    | {"tspan", "tt", "u", "var", "wbr", ""}
)
"""Elements that do not end a word; comments have no name."""
_TAKEN_OUT = frozenset(
    {"base", "bgsound", "embed", "frame", "frameset", "iframe", "link", "noscript", "object", "script"}
    | {"template"}
)
"""What has no place on paper, changes where things come from, or brings in other documents."""
_UNSEEN = frozenset({"head", "style", "title", "option"})
_BOXES = re.compile(r"(?<![\w-])(?:inline-(?:block|table)|(?:inline-)?(?:flex|grid))(?![\w-])", re.I)
"""Ways of being displayed that set things side by side."""
_MANY_LETTERS = 20_000
_TRACKER = 2
"""Pixels: smaller pictures are there to be fetched, not to be seen."""
_UNSEEN_ATTRIBUTES = frozenset({"src", "href", "style", "class", "id", "width", "height", "bgcolor", "color"})
_EMPTY = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track"}
    | {"wbr"}
)
"""Elements that hold nothing (HTML, 13.1.2)."""
_SIBLINGS = {
    name: frozenset(group)
    for group in (
        ("p",),
        ("li",),
        ("dt", "dd"),
        ("option",),
        ("tr",),
        ("td", "th"),
        ("thead", "tbody", "tfoot"),
    )
    for name in group
}
"""Elements whose end tag may be left out (HTML, 13.1.2.4), and what ends them."""
_NEAR = 16
"""Open elements among which such a one is looked for."""
_TAG = re.compile(r"<(/?)([a-z][^\s/>]*)([^<>]*)", re.I)
_COMMENT_END = re.compile(r"--!?>")
_Slot = tuple[Element, str]


def may_be_deeper(source: str, most: int) -> bool:
    """Whether more than `most` elements seem to lie in each other, by the tags alone: before time is spent.

    Parsers take time for each level that something lies in. Elements that may stay open are closed by the
    next of their kind, as parsers do.
    """
    waiting: list[str] = []
    count: Counter[str] = Counter()
    for found in _TAG.finditer(_without_comments(source)):
        name = found[2].lower()
        if found[1]:
            ended = name if count[name] else ""
        elif name in _EMPTY or (found[3].endswith("/") and (count["svg"] or count["math"])):
            continue
        else:
            siblings = _SIBLINGS.get(name, frozenset())
            ended = next((other for other in waiting[: -_NEAR - 1 : -1] if other in siblings), "")
        while ended:
            last = waiting.pop()
            count[last] -= 1
            ended = "" if last == ended else ended
        if not found[1]:
            waiting.append(name)
            count[name] += 1
        if len(waiting) > most:
            return True
    return False


def _without_comments(source: str) -> str:
    pieces, at = [], 0
    while (begin := source.find("<!--", at)) >= 0:
        pieces.append(source[at:begin])
        end = _COMMENT_END.search(source, begin + 2)
        if end is None:
            return "".join(pieces)
        at = end.end()
    return "".join([*pieces, source[at:]])


def is_deeper(root: Element, most: int) -> bool:
    """Whether more than `most` elements lie in each other somewhere."""
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > most:
            return True
        level = [child for element in level for child in element]
    return False


def count_letters(written: str) -> int:
    """Letters and digits; signs, hyphens say, come and go with the layout."""
    return sum(map(str.isalnum, written))


def letters(root: Element) -> int:
    """How many letters and digits are there to be seen, as far as the tree tells."""
    count, waiting = 0, [root]
    while waiting:
        element = waiting.pop()
        count += count_letters(element.tail or "")
        if not _is_hidden(element):
            count += count_letters(element.text or "")
            waiting += element
    return count


def unroll(root: Element) -> None:
    """Make boxes that stand side by side blocks, in place."""
    for element in root.iter():
        if element.get("style"):
            element.set("style", _BOXES.sub("block", element.get("style", "")))
        if element.tag == "style":
            element.text = _BOXES.sub("block", element.text or "")


def settle_columns(root: Element) -> None:
    """Make tables of one column with very many letters as wide as the page, in place.

    They would become so anyway, but only after each word of them was measured.
    """
    sizes: dict[Element, int] = {}
    for element in reversed(list(root.iter())):  # what lies in it comes first
        own = len(element.text or "") + len(element.tail or "")
        sizes[element] = own + sum(sizes[child] for child in element)
        if element.tag == "table" and sizes[element] > _MANY_LETTERS and _is_one_column(element):
            element.set("style", f"{element.get('style', '')};table-layout:fixed;width:100%")


def _is_one_column(table: Element) -> bool:
    waiting = list(table)
    while waiting:
        element = waiting.pop()
        if element.tag == "tr" and sum(cell.tag in ("td", "th") for cell in element) > 1:
            return False
        if element.tag in ("thead", "tbody", "tfoot"):
            waiting += element
    return True


def clean(root: Element, redact: Sequence[str]) -> None:
    """Change the tree in place."""
    for parent in list(root.iter()):
        _take_out(parent)
    pattern = text.code_words(redact)
    if pattern is None:
        return
    _redact_text(root, pattern, hidden=True)
    _redact_text(root, pattern, hidden=False)  # what nobody sees may cut a word in two
    for element in root.iter():
        for name, value in element.attrib.items():  # texts in place of pictures; style sheets may show others
            if name not in _UNSEEN_ATTRIBUTES:
                element.set(name, text.redact(value, redact))


def _take_out(parent: Element) -> None:
    """Take out the children that must go, and leave the texts that follow them."""
    kept: list[Element] = []
    for child in parent:
        if _name(child) not in _TAKEN_OUT and not _is_tracker(child):
            kept.append(child)
        elif kept:
            kept[-1].tail = (kept[-1].tail or "") + (child.tail or "")
        else:
            parent.text = (parent.text or "") + (child.tail or "")
    parent[:] = kept


def _redact_text(root: Element, pattern: re.Pattern[str], *, hidden: bool) -> None:
    """Blacken words, also those that change their look half-way: ``48<b>39</b>20``.

    `hidden`: look at what is hidden as well.
    """
    whole: list[str] = []
    slots: list[tuple[int, Element, str, str]] = []
    length = 0
    for slot in _slots(root, hidden=hidden):
        written = "\n" if slot is None else text.joined(getattr(*slot) or "")
        if slot is not None:
            slots.append((length, *slot, written))
        whole.append(written)
        length += len(written)
    spans = [found.span() for found in pattern.finditer("".join(whole))]
    ends = [end for _start, end in spans]
    for start, element, name, written in slots:
        shown, place = [], 0
        at = bisect.bisect_right(ends, start)
        while at < len(spans) and spans[at][0] < start + len(written):
            (first, end), at = spans[at], at + 1
            shown.append(written[place : max(0, first - start)] + (text.REDACTED if first >= start else ""))
            place = end - start
        if shown:
            setattr(element, name, "".join(shown) + written[place:])


def _slots(root: Element, *, hidden: bool) -> Iterator[_Slot | None]:
    """Every text of the tree in the order of reading, as (element, attribute); None where a word ends.

    With or without what is `hidden`. Without recursion: mails nest tables hundreds deep.
    """
    waiting = [(root, False)]
    while waiting:
        element, closing = waiting.pop()
        if not hidden and not closing and _is_hidden(element):
            yield element, "tail"
            continue
        if _name(element) not in _INLINE:
            yield None
        if closing:
            yield element, "tail"
        else:
            if isinstance(element.tag, str):  # a comment has none
                yield element, "text"
            waiting.append((element, True))
            waiting += [(child, False) for child in reversed(element)]


def _name(element: Element) -> str:
    """The tag without its namespace: SVG has one. A comment's tag is a function."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _is_hidden(element: Element) -> bool:
    """Whether the tree tells that nobody sees it; style sheets may hide more."""
    hidden = "hidden" in element.attrib or HIDDEN.search(element.get("style", "")) is not None
    return hidden or element.tag in _UNSEEN


def _is_tracker(element: Element) -> bool:
    sizes = [_number(element.get(name, "")) for name in ("width", "height")]
    return element.tag == "img" and any(size is not None and size <= _TRACKER for size in sizes)


def _number(written: str) -> float | None:
    found = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*(?:px)?\s*", written)
    return float(found[1]) if found else None
