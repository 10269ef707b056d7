"""What a PDF's page tree says, beside what PDFium says, and files rewritten so that both say the same.

PDFium believes a page tree's /Count. Only where a glance at the bytes (see `glance`) finds something out of
order is the file read with pypdf, whose import alone takes a sixth of a second.
"""

from __future__ import annotations

import io
import itertools
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.document.formats.pdf.glance import number_before
from gateway.document.formats.pdf.inflating import inflated

if TYPE_CHECKING:
    from pypdf.generic import DictionaryObject, PdfObject

_MOST_NODES = 500_000
_CATALOG = re.compile(rb"/Type[ \t\r\n]*/Catalog(?![A-Za-z])")
_ENCRYPTED = re.compile(rb"/Filter[ \t\r\n]*/Standard")
_OBJECT = re.compile(rb"(\d{1,10})[ \t\r\n]+\d{1,5}[ \t\r\n]+obj")
_PAINTS = re.compile(rb"(?<![A-Za-z/#])(?:T[jJ]|Do|BI|sh|[fFBbSs]\*?)(?![A-Za-z])")
"""Operators that leave something on a page (ISO 32000-2, annex A)."""
_SOME = 40
"""Bytes of a packed stream that holds more than white space."""
_MOST_CONTENT = 1 << 20
_MOST_CATALOGS = 100
_UPWARDS = ("/Parent", "/P", "/StructParents", "/Dest", "/A", "/Popup", "/IRT")
_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")  # ISO 32000-2, table 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The page tree, as far as `most` pages."""

    pages: int
    broken: int
    """Entries that lead nowhere."""
    units: tuple[float, ...]
    """The unit of each page, in 1/72 inch."""
    collection: bool


class Unreadable(Exception):  # noqa: N818  says what the file is
    """pypdf cannot make sense of the file either."""


def tree(data: bytes, most: int) -> Tree:
    """Walk the page tree with pypdf, up to one page more than `most`."""
    import pypdf

    with pypdf_errors():
        root = pypdf.PdfReader(io.BytesIO(data)).root_object
        units, broken = [], 0
        for leaf, _inherited in leaves(root["/Pages"]):
            if leaf is None:
                broken += 1
                continue
            unit = leaf.get("/UserUnit", 1.0)
            units.append(float(unit) if isinstance(unit, (int, float)) and unit > 0 else 1.0)
            if len(units) > most:
                break
        return Tree(pages=len(units), broken=broken, units=tuple(units), collection="/Collection" in root)


def has_lost_its_content(data: bytes, number: int) -> bool:
    """Whether a page (from 0) on which PDFium finds nothing at all has a program that draws something."""
    import pypdf
    from pypdf.generic import NullObject

    try:
        with pypdf_errors():
            root = pypdf.PdfReader(io.BytesIO(data)).root_object
            pages = (leaf for leaf, _inherited in leaves(root["/Pages"]) if leaf is not None)
            leaf = next(itertools.islice(pages, number, None), None)
            if leaf is None or "/Contents" not in leaf:
                return False
            content = leaf["/Contents"]
            if content is None or isinstance(content, NullObject):
                return True  # it refers to something that is not there
            pieces = content if isinstance(content, list) else [content]
            return any(_would_draw(piece.get_object()) for piece in pieces)
    except Unreadable:
        return False  # nobody can tell


def _would_draw(stream: Any) -> bool:
    if not hasattr(stream, "get_data"):
        return True
    packed = bytes(stream._data)  # before its filters: pypdf, too, unpacks no more than it can
    try:
        content = bytes(stream.get_data())
    except Exception:  # see `pypdf_errors`
        return bool(packed.strip())
    if not packed.strip():
        return False
    if stream.get("/Filter") == "/FlateDecode" and inflated(packed, _MOST_CONTENT).broken:
        return True
    return _PAINTS.search(content) is not None or (not content.strip() and len(packed.strip()) > _SOME)


def with_trailer(data: bytes) -> bytes:
    """A file that has lost its end, given another one; raises `Unreadable` where nothing tells its catalog.

    What was encrypted stays so without the trailer, hence is not taken.
    """
    last = deque(_CATALOG.finditer(data), _MOST_CATALOGS)
    catalogs = [number_before(data, match.start()) for match in last]
    numbers = [number for number in catalogs if isinstance(number, int)]
    if not numbers or _ENCRYPTED.search(data):
        raise Unreadable
    size = 1 + max(int(number) for number in _OBJECT.findall(data))
    return data + b"\nendobj\ntrailer<</Root %d 0 R/Size %d>>\nstartxref\n0\n%%%%EOF\n" % (numbers[-1], size)


def is_incomplete(data: bytes) -> bool:
    """Whether a damaged file has lost something that its pages refer to."""
    import pypdf
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject

    cut_at = data.rfind(b" obj", data.rfind(b"endobj"))
    lost = {number_before(data, cut_at + 4)} if cut_at > 0 else set()
    with pypdf_errors():
        seen: set[int] = set()
        waiting: list[object] = [pypdf.PdfReader(io.BytesIO(data)).root_object.raw_get("/Pages")]
        while waiting and len(seen) < _MOST_NODES:
            item = waiting.pop()
            if isinstance(item, IndirectObject):
                if item.idnum in seen:
                    continue
                seen.add(item.idnum)
                item = item.get_object() if item.idnum not in lost else None
                if item is None or isinstance(item, NullObject):
                    return True
            if isinstance(item, DictionaryObject):
                waiting += [item.raw_get(key) for key in item if key not in _UPWARDS]
            elif isinstance(item, ArrayObject):
                waiting += list(item)
    return False


def rewritten(data: bytes, most: int) -> tuple[bytes, int]:
    """The file as pypdf understands it, with a flat and true page tree, and the number of its pages.

    Raises `Unreadable` where that would lose a page of the tree, or has more than `most`.
    """
    import pypdf
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

    with pypdf_errors():
        reader = pypdf.PdfReader(io.BytesIO(data))
        pages = reader.root_object["/Pages"].get_object()
        if not isinstance(pages, DictionaryObject):
            raise Unreadable
        kids: list[PdfObject] = []
        for leaf, inherited in leaves(pages):
            if leaf is None or len(kids) >= most:
                raise Unreadable
            for key, value in inherited.items():
                leaf.setdefault(NameObject(key), value)
            leaf[NameObject("/Parent")] = reader.root_object.raw_get("/Pages")
            kids.append(leaf.indirect_reference or leaf)
        pages[NameObject("/Kids")] = ArrayObject(kids)
        pages[NameObject("/Count")] = NumberObject(len(kids))
        out = io.BytesIO()
        pypdf.PdfWriter(clone_from=reader).write(out)
        return out.getvalue(), len(kids)


@contextmanager
def pypdf_errors() -> Iterator[None]:
    """pypdf raises nearly anything on damaged files."""
    try:
        yield
    except (MemoryError, Unreadable):
        raise
    except Exception as error:
        raise Unreadable from error


def leaves(root: Any) -> Iterator[tuple[DictionaryObject | None, dict[str, Any]]]:
    """Each page of a tree in order with what it inherits, or None for an entry that leads nowhere.

    Nodes within the tree are entered once, so that a tree that contains itself ends.
    """
    from pypdf.generic import ArrayObject, DictionaryObject

    entered: set[int] = set()
    waiting: list[tuple[Any, dict[str, Any]]] = [(root, {})]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        entry, inherited = waiting.pop()
        node = entry.get_object() if entry is not None else None
        if not isinstance(node, DictionaryObject):
            yield None, inherited
        elif "/Kids" not in node:
            yield node, inherited
        elif id(node) not in entered:
            entered.add(id(node))  # pypdf keeps what it has read, so no other object gets this id
            own = {key: node.raw_get(key) for key in _INHERITED if key in node}
            kids = node["/Kids"]
            if isinstance(kids, ArrayObject):
                waiting += [(kid, inherited | own) for kid in reversed(list(kids))]
    raise Unreadable
