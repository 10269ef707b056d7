"""What a PDF's bytes and its page tree say, beside what PDFium says.

PDFium believes a page tree's /Count. Whether that is true is told by a glance at the bytes, which takes less
than a millisecond where everything is in order. Only where something is not is the file read with pypdf,
whose import alone takes a sixth of a second.
"""

from __future__ import annotations

import bisect
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdf.generic import DictionaryObject, PdfObject

_MOST_UNPACKED = 64 << 20
"""Bytes of one object stream, and of all of them."""
_MOST_NODES = 500_000
_WORD = re.compile(
    rb"/(?:Type[ \t\r\n]*/(?:Page(?![A-Za-z])|ObjStm)|Subtype[ \t\r\n]*/(?:Image|FileAttachment)"
    rb"|UserUnit|Encrypt|Collection)"
)
_TAIL = 4096
"""Bytes at the end, where its last mark stands; mail systems add a line or two."""
_CATALOG = re.compile(rb"/Type[ \t\r\n]*/Catalog(?![A-Za-z])")
_ENCRYPTED = re.compile(rb"/Filter[ \t\r\n]*/Standard")
_OFFSET = re.compile(rb"startxref[ \t\r\n]*(\d{1,12})")
_TABLE = re.compile(rb"[ \t\r\n]*(?:xref|\d{1,10}[ \t\r\n]+\d{1,5}[ \t\r\n]+obj)")
_OBJECT = re.compile(rb"(\d{1,10})[ \t\r\n]+\d{1,5}[ \t\r\n]+obj")
_NUMBER = re.compile(rb"(\d+)\s+\d+\s+$")
_UPWARDS = ("/Parent", "/P", "/StructParents", "/Dest", "/A", "/Popup", "/IRT")
_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")  # ISO 32000-2, table 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is written in a PDF, wherever it stands. Objects that were replaced or removed count as well."""

    certain: bool
    """Whether everything could be looked at: encrypted object streams cannot."""
    pages: int
    """Different objects that are pages."""
    pictures: bool
    """Whether there is any picture at all. Tiny ones that stand in the page's own program do not count."""
    clipped_files: bool
    """Whether there are annotations that carry a file."""
    collection: bool
    """Whether it presents itself as a collection of files (ISO 32000-2, 12.3.5)."""
    units: bool
    """Whether pages have a unit of their own (UserUnit), which PDFium ignores."""
    ended: bool = True
    """Whether it ends as a PDF does: if not, something may have been cut off."""
    sound: bool = True
    """Whether its end points to where its table of objects is: if not, something was lost or put in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The page tree, as far as `most` pages."""

    pages: int
    broken: int
    """Entries that lead nowhere: pages that are lost."""
    units: tuple[float, ...]
    """The unit of each page, in 1/72 inch."""
    collection: bool


class Unreadable(Exception):  # noqa: N818  says what the file is
    """pypdf cannot make sense of the file either."""


def glance(data: bytes, most: int) -> Glance:
    """Look through the bytes of a PDF, but no further than there are more than `most` pages."""
    words: Counter[bytes] = Counter()
    pages: set[object] = set()
    certain, room = True, _MOST_UNPACKED
    packed = []
    for match in _WORD.finditer(data):
        word = match[0].rpartition(b"/")[2]
        words[word] += 1
        if word == b"Page":
            pages.add(_number_before(data, match.start()))
            if len(pages) > most:
                return _crowd(most)
        elif word == b"ObjStm":
            packed.append(match.start())
    for start in packed:
        unpacked = _object_stream(data, start, room)
        if unpacked is None:
            certain = False
            continue
        room -= len(unpacked)
        numbers = _numbers_inside(unpacked)
        for match in _WORD.finditer(unpacked):
            word = match[0].rpartition(b"/")[2]
            words[word] += 1
            if word == b"Page":
                pages.add(_number_inside(numbers, match.start()))
        if len(pages) > most:
            return _crowd(most)
    return Glance(
        certain=certain,
        pages=len(pages),
        pictures=words[b"Image"] > 0,
        clipped_files=words[b"FileAttachment"] > 0,
        collection=words[b"Collection"] > 0,
        units=words[b"UserUnit"] > 0,
        ended=b"%%EOF" in data.rstrip(b"\0\r\n\t ")[-_TAIL:],
        sound=_is_sound(data),
    )


def _is_sound(data: bytes) -> bool:
    at = data.rfind(b"startxref")
    stated = _OFFSET.match(data, at) if at >= 0 else None
    if stated is None:
        return False
    begin = int(stated[1])
    shifted = begin + max(data.find(b"%PDF-", 0, 1024), 0)  # by what stands before the file
    return any(_TABLE.match(data, offset) is not None for offset in (begin, shifted))


def _crowd(most: int) -> Glance:
    """More pages than wanted; all else may be."""
    return Glance(
        certain=False, pages=most + 1, pictures=True, clipped_files=True, collection=True, units=True
    )


def tree(data: bytes, most: int) -> Tree:
    """Walk the page tree with pypdf, up to one page more than `most`."""
    import pypdf

    with _pypdf_errors():
        root = pypdf.PdfReader(io.BytesIO(data)).root_object
        units, broken = [], 0
        for leaf, _inherited in _leaves(root["/Pages"]):
            if leaf is None:
                broken += 1
                continue
            unit = leaf.get("/UserUnit", 1.0)
            units.append(float(unit) if isinstance(unit, (int, float)) and unit > 0 else 1.0)
            if len(units) > most:
                break
        return Tree(pages=len(units), broken=broken, units=tuple(units), collection="/Collection" in root)


def with_trailer(data: bytes) -> bytes:
    """A file that has lost its end, given another one; raises `Unreadable` where nothing tells its catalog.

    What was encrypted stays so without the trailer, hence is not taken.
    """
    catalogs = [_number_before(data, match.start()) for match in _CATALOG.finditer(data)]
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
    lost = {_number_before(data, cut_at + 4)} if cut_at > 0 else set()
    with _pypdf_errors():
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

    with _pypdf_errors():
        reader = pypdf.PdfReader(io.BytesIO(data))
        pages = reader.root_object["/Pages"].get_object()
        if not isinstance(pages, DictionaryObject):
            raise Unreadable
        kids: list[PdfObject] = []
        for leaf, inherited in _leaves(pages):
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
def _pypdf_errors() -> Iterator[None]:
    """pypdf raises nearly anything on damaged files."""
    try:
        yield
    except (MemoryError, Unreadable):
        raise
    except Exception as error:
        raise Unreadable from error


def _leaves(root: Any) -> Iterator[tuple[DictionaryObject | None, dict[str, Any]]]:
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


def _object_stream(data: bytes, word: int, room: int) -> bytes | None:
    """The content of the object stream whose type stands at `word`; None if it cannot be had."""
    begin = data.find(b"stream", word, word + 4096)
    head = data[max(data.rfind(b"obj", max(0, word - 4096), word), 0) : begin]
    if begin < 0 or b"/Predictor" in head:
        return None
    begin += 6
    begin += 2 if data[begin : begin + 2] == b"\r\n" else 1
    end = data.find(b"endstream", begin)
    if b"/Filter" not in head:
        return data[begin:end]
    unpack = zlib.decompressobj()
    try:
        unpacked = unpack.decompress(data[begin:end], max(room, 1))
    except zlib.error:  # another filter, or encrypted
        return None
    return unpacked if unpack.eof else None


def _number_before(data: bytes, position: int) -> object:
    """Number of the object in which something stands."""
    at = data.rfind(b"obj", max(0, position - 65536), position)
    found = _NUMBER.search(data, max(0, at - 24), at) if at > 0 else None
    return int(found[1]) if found else (position,)


def _numbers_inside(unpacked: bytes) -> list[tuple[int, int]]:
    """Offset, from the first object on, and number of each object in an object stream."""
    words = unpacked[: unpacked.find(b"<")].split()
    try:
        pairs = [(int(offset), int(number)) for number, offset in zip(words[::2], words[1::2], strict=True)]
    except ValueError:
        return []
    first = unpacked.find(b"<") - min((offset for offset, _ in pairs), default=0)
    return sorted((first + offset, number) for offset, number in pairs)


def _number_inside(numbers: list[tuple[int, int]], position: int) -> object:
    index = bisect.bisect_right(numbers, (position, 1 << 40)) - 1
    return numbers[index][1] if index >= 0 else (position,)
