"""The programs (content streams) that draw pages and what is on them, looked through for what breaks off.

PDFium draws as much of a damaged program as it can read, and says nothing. So all programs of a file are
unpacked once, which takes little beside drawing them; only where one is damaged does pypdf tell whose it is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.document.formats.pdf import codings, inline
from gateway.document.formats.pdf.glance import Ahead
from gateway.document.formats.pdf.inflating import MOST_KEPT
from gateway.document.formats.pdf.structure import Unreadable, leaves, pypdf_errors

_MOST_UNPACKED = 256 << 20
"""Bytes of all programs of a file."""
_HEAD = 4096
_DEEPEST, _MOST_FORMS = 8, 2000
_CODING = re.compile(rb"/Filter[ \t\r\n]*(?:/(\w+)|\[((?:[ \t\r\n]*/\w+){1,8})[ \t\r\n]*\])[ \t\r\n]*[/>]")
_NAME = re.compile(rb"/(\w+)")
_OTHER = re.compile(
    rb"/(?:Subtype[ \t\r\n]*/(?:Image|Type1C|CIDFontType0C|OpenType|XML)|FunctionType|ShadingType|CMapName"
    rb"|Type[ \t\r\n]*/(?:ObjStm|XRef|Metadata|EmbeddedFile)|Length[123][ \t\r\n]|N[ \t\r\n]+\d)"
)
"""What a stream's dictionary says that is no program."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What pages (from 0) lack."""

    pages: frozenset[int]
    """Pages whose own program, or that of a form it draws, breaks off."""
    marks: frozenset[int]
    """Pages with an annotation whose program does."""
    absent: frozenset[int]
    """Pages that draw something which is not in the file."""


NOTHING = Lost(frozenset(), frozenset(), frozenset())


def lost(data: bytes, *, dangling: bool) -> Lost:
    """Which pages of a PDF are drawn by programs that break off. Nothing is known where a password is needed.

    `dangling`: whether something is listed that is not in the file.
    """
    if not dangling and not any(_broken_streams(data)):
        return NOTHING
    try:
        return _pages(data)
    except Unreadable:
        return NOTHING


def _broken_streams(data: bytes) -> Iterator[bool]:
    """For each stream that may be a program whether it breaks off."""
    room, at, ends = _MOST_UNPACKED, 0, Ahead(data, b"endstream")
    while room > 0 and (at := data.find(b"stream", at)) >= 0:
        word, at = at, at + 6
        if data[word - 3 : word] == b"end":
            continue
        before = max(0, word - _HEAD)
        head = data[max(data.rfind(b"obj", before, word), before) : word]
        plain = b"/Filter" not in head
        names = () if plain else _codings(head)
        if _OTHER.search(head) or not (plain or names):
            continue
        at += 2 if data[at : at + 2] == b"\r\n" else 1
        end = min(ends.after(at), len(data))
        if plain:
            room -= end - at
            yield inline.is_cut(data[at:end])
        else:
            broken, unpacked = _is_broken(data[at:end], names, room)
            room -= unpacked
            yield broken
        at = end


def _codings(head: bytes) -> tuple[bytes, ...]:
    """The filters of a stream with such a dictionary; empty where their end cannot be told."""
    found = _CODING.search(head)
    return codings.known([found[1]] if found[1] else _NAME.findall(found[2])) if found else ()


def _is_broken(packed: bytes, names: tuple[bytes, ...], room: int) -> tuple[bool, int]:
    """Whether a coded program breaks off, or ends within a picture; and how many bytes it has."""
    pieces: list[bytes] = []
    known = codings.unpacked(packed, names, room, pieces)
    broken = known.broken and packed.strip() != b""
    if not broken and known.found <= MOST_KEPT:
        broken = inline.is_cut(b"".join(pieces))
    return broken, known.found


def _pages(data: bytes) -> Lost:
    import pypdf

    pages, marks, absent = set(), set(), set()
    with pypdf_errors():
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            return NOTHING
        known: dict[int, bool] = {}
        for number, (leaf, inherited) in enumerate(leaves(reader.root_object["/Pages"])):
            if leaf is None:
                continue
            resources = leaf.get("/Resources") or inherited.get("/Resources")
            if any(_breaks_off(item, known) for item in (*_programs(leaf), *_forms(resources, set(), 0))):
                pages.add(number)
            if any(_breaks_off(item, known) for item in _appearances(leaf)):
                marks.add(number)
            if _draws_what_is_absent(leaf, resources):
                absent.add(number)
    return Lost(frozenset(pages), frozenset(marks), frozenset(absent))


def _programs(leaf: Any) -> Iterator[Any]:
    content = leaf.get("/Contents")
    for piece in content if isinstance(content, list) else [content]:
        yield _object(piece)


def _forms(resources: Any, seen: set[int], depth: int) -> Iterator[Any]:
    """The forms that a page may draw, those inside of others included."""
    found = _object(_entry(resources, "/XObject"))
    for value in found.values() if isinstance(found, dict) else ():
        form = _object(value)
        if _entry(form, "/Subtype") != "/Form" or id(form) in seen or len(seen) >= _MOST_FORMS:
            continue
        seen.add(id(form))
        yield form
        if depth < _DEEPEST:
            yield from _forms(_entry(form, "/Resources"), seen, depth + 1)


def _draws_what_is_absent(leaf: Any, resources: Any) -> bool:
    listed = _object(_entry(resources, "/XObject"))
    names = [
        re.escape(name.encode())
        for name, value in (listed.items() if isinstance(listed, dict) else ())
        if not hasattr(_object(value), "get_data")
    ]
    if not names:
        return False
    drawn = re.compile(rb"(?:" + b"|".join(names) + rb")\s+Do\b")
    return any(hasattr(item, "get_data") and drawn.search(item.get_data()) for item in _programs(leaf))


def _appearances(leaf: Any) -> Iterator[Any]:
    annotations = _object(leaf.get("/Annots"))
    for item in annotations if isinstance(annotations, list) else ():
        normal = _object(_entry(_entry(_object(item), "/AP"), "/N"))
        if hasattr(normal, "get_data"):
            yield normal


def _breaks_off(stream: Any, known: dict[int, bool]) -> bool:
    if not hasattr(stream, "get_data"):
        return False
    if id(stream) not in known:  # pypdf keeps what it has read, so no other object gets this id
        packed, coding = bytes(stream._data), stream.get("/Filter")
        if coding is None:
            known[id(stream)] = inline.is_cut(packed)
        else:
            written = coding if isinstance(coding, list) else [coding]
            names = codings.known([str(name).removeprefix("/").encode() for name in written])
            known[id(stream)] = names != () and _is_broken(packed, names, _MOST_UNPACKED)[0]
    return known[id(stream)]


def _entry(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, dict) else None


def _object(item: Any) -> Any:
    return item.get_object() if hasattr(item, "get_object") else item
