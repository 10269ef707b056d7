"""A glance at the bytes of a PDF, which tells in less than a millisecond whether everything is in order."""

from __future__ import annotations

import bisect
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_MOST_UNPACKED = 64 << 20
"""Bytes of one object stream, and of all of them."""
_HEAD = 4096
"""Bytes of an object stream's dictionary before and after its type."""
_NEAR = 1 << 16
"""Bytes that an object's beginning and end are looked for."""
_WORD = re.compile(
    rb"/(?:Type[ \t\r\n]*/(?:Page(?![A-Za-z])|ObjStm)|Subtype[ \t\r\n]*/(?:Image|FileAttachment)"
    rb"|UserUnit|Encrypt|Collection|Kids(?![A-Za-z])|XObject[ \t\r\n]*<<)"
)
_MOST_NUMBERS = 1 << 22
"""Bytes of the numbers and places at the beginning of an object stream."""
_CHUNK = 1 << 16
_NOWHERE = 1 << 62
_MANY = 1 << 20
"""More than any count will be: somebody else has to look."""
_TAIL = 4096
"""Bytes at the end, where its last mark stands; mail systems add a line or two."""
_OFFSET = re.compile(rb"startxref[ \t\r\n]*(\d{1,12})")
_TABLE = re.compile(rb"[ \t\r\n]*(?:xref|\d{1,10}[ \t\r\n]+\d{1,5}[ \t\r\n]+obj)")
_OBJECT = re.compile(rb"[ \t\r\n]\d{1,10}[ \t\r\n]+\d{1,5}[ \t\r\n]+obj\b")
_COUNT = re.compile(rb"/Count(?![A-Za-z])")
_ARRAY = re.compile(rb"[ \t\r\n]*\[")
_REFERENCE = re.compile(rb"\d[ \t\r\n]+\d{1,5}[ \t\r\n]+R")
_LISTED = re.compile(rb"[ \t\r\n](\d{1,10})[ \t\r\n]+\d{1,5}[ \t\r\n]+R(?![A-Za-z])")
_DEFINED = re.compile(rb"obj")
_NUMBER = re.compile(rb"(\d+)\s+\d+\s+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is written in a PDF, wherever it stands. Objects that were replaced or removed count as well."""

    certain: bool
    """Whether everything could be looked at: encrypted object streams cannot."""
    pages: int
    """Different objects that are pages."""
    leaves: int
    """What the nodes of page trees lead to besides each other. Trees of other things state no /Count."""
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
    cut_off: bool = False
    """Whether it goes on after an end and has no other: an update, values of a form say, was cut off."""
    dangling: bool = False
    """Whether pictures and forms are listed that are nowhere in the file."""
    sound: bool = True
    """Whether its end points to where its table of objects is: if not, something was lost or put in."""


def glance(data: bytes, most: int) -> Glance:
    """Look through the bytes of a PDF, but no further than there are more than `most` pages."""
    words: Counter[bytes] = Counter()
    pages: set[object] = set()
    kids: dict[object, int] = {}
    packed = []
    drawn: set[int] = set()
    around = _Around(data)
    for match in _WORD.finditer(data):
        word = match[0].rpartition(b"/")[2]
        words[word] += 1
        if word == b"Page":
            pages.add(around.number(match.start()))
            if len(pages) > most:
                return _crowd(most)
        elif word == b"Kids":
            if around.has_count(match.start(), match.end()):
                kids[around.number(match.start())] = around.references(match.end())
        elif word == b"ObjStm":
            packed.append(match.start())
        elif word.endswith(b"<<"):
            drawn.update(around.listed(match.end()))
    certain = True
    for unpacked in _object_streams(data, packed):
        if unpacked is None:
            certain = False
            continue
        inside = _Inside(unpacked)
        for match in _WORD.finditer(unpacked):
            word = match[0].rpartition(b"/")[2]
            words[word] += 1
            if word == b"Page":
                pages.add(inside.number(match.start()))
            elif word == b"Kids" and inside.has_count(match.start(), match.end()):
                kids[inside.number(match.start())] = inside.references(match.end())
            elif word.endswith(b"<<"):
                drawn.update(inside.listed(match.end()))
        if len(pages) > most:
            return _crowd(most)
    return Glance(
        certain=certain,
        pages=len(pages),
        leaves=sum(kids.values()) - max(len(kids) - 1, 0),
        pictures=words[b"Image"] > 0,
        clipped_files=words[b"FileAttachment"] > 0,
        collection=words[b"Collection"] > 0,
        units=words[b"UserUnit"] > 0,
        ended=b"%%EOF" in data.rstrip(b"\0\r\n\t ")[-_TAIL:],
        cut_off=_is_cut_off(data),
        dangling=bool(drawn) and not drawn <= _defined(data),
        sound=_is_sound(data),
    )


def _defined(data: bytes) -> set[int]:
    """Numbers of the objects that stand in the file itself, as all pictures and forms do."""
    words = (
        _NUMBER.search(data, max(0, word.start() - 24), word.start()) for word in _DEFINED.finditer(data)
    )
    return {int(number[1]) for number in words if number}


def _is_cut_off(data: bytes) -> bool:
    end = data.rfind(b"%%EOF")
    return end >= 0 and _OBJECT.search(data, end) is not None and _OFFSET.search(data, end) is None


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
        certain=False,
        pages=most + 1,
        leaves=most + 1,
        pictures=True,
        clipped_files=True,
        collection=True,
        units=True,
    )


def _object_streams(data: bytes, words: list[int]) -> Iterator[bytes | None]:
    """The content of each object stream whose type stands at one of `words`; None if it cannot be had."""
    room, seen, ends = _MOST_UNPACKED, 0, Ahead(data, b"endstream")
    for word in words:
        before = max(0, word - _HEAD)
        begin = data.find(b"stream", word, word + _HEAD)
        head = data[max(data.rfind(b"obj", before, word), before) : begin]
        if begin < 0 or b"/Predictor" in head:
            yield None
            continue
        begin += 6
        if begin <= seen:
            continue  # there is one already that begins here
        seen = begin
        begin += 2 if data[begin : begin + 2] == b"\r\n" else 1
        end = min(ends.after(begin), len(data))
        if b"/Filter" in head:
            unpacked, whole = _unpacked(data, begin, end, room)
        else:
            unpacked, whole = data[begin : min(end, begin + room)], end - begin <= room
        room -= len(unpacked)
        yield unpacked if whole else None


def _unpacked(data: bytes, begin: int, end: int, room: int) -> tuple[bytes, bool]:
    """As much as can be unpacked into `room`, and whether that is all."""
    unpack, pieces = zlib.decompressobj(), []
    try:
        for at in range(begin, end, _CHUNK):
            piece = unpack.decompress(data[at : min(at + _CHUNK, end)], max(room, 1))
            pieces.append(piece)
            room -= len(piece)
            if unpack.eof or unpack.unconsumed_tail or room <= 0:
                break
    except zlib.error:  # another filter, or encrypted
        return b"".join(pieces), False
    return b"".join(pieces), unpack.eof


class Ahead:
    """The next place of a mark, asked for from positions that only grow: all of them take one pass."""

    def __init__(self, data: bytes, mark: bytes) -> None:
        self._data, self._mark, self._at = data, mark, -1

    def after(self, position: int) -> int:
        """Where the next one begins; beyond the end where there is none."""
        if self._at < position:
            found = self._data.find(self._mark, position)
            self._at = found if found >= 0 else _NOWHERE
        return self._at


class _Nodes:
    """What surrounds a word within its object, asked for from positions that only grow."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._brackets, self._names = Ahead(data, b"]"), Ahead(data, b"/")
        self._closing, self._listed = Ahead(data, b">>"), 0
        self._count: tuple[int, int] = (-1, -1)

    def references(self, at: int) -> int:
        """How many objects the array that begins there refers to."""
        array = _ARRAY.match(self._data, at)
        if array is None:
            return _MANY
        end = self._brackets.after(array.end())
        if end == _NOWHERE or self._names.after(array.end()) < end:  # pages that stand in the array itself
            return _MANY
        return len(_REFERENCE.findall(self._data, array.end(), end))

    def listed(self, at: int) -> list[int]:
        """Numbers of the objects that the dictionary of names which begins there refers to."""
        if at < self._listed:
            return []  # inside of the last one
        self._listed = min(self._closing.after(at), at + _NEAR, len(self._data))
        return [int(number) for number in _LISTED.findall(self._data, at, self._listed)]

    def _counts(self, begin: int, end: int) -> bool:
        """Whether a /Count stands between the two."""
        asked, found = self._count
        if asked < 0 or found < begin:
            match = _COUNT.search(self._data, begin)
            self._count = begin, match.start() if match else _NOWHERE
        return self._count[1] < end


class _Around(_Nodes):
    """Objects as they stand in the file."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._ends = Ahead(data, b"endobj")
        self._begin, self._seen = -1, 0

    def number(self, position: int) -> object:
        """Number of the object in which something stands."""
        begin = self._beginning(position)
        return _number_at(self._data, begin, position)

    def has_count(self, start: int, end: int) -> bool:
        """Whether the object in which something stands has a /Count, as far as it is near."""
        begin = max(self._beginning(start), start - _NEAR, 0)
        return self._counts(begin, min(self._ends.after(end), end + _NEAR))

    def _beginning(self, position: int) -> int:
        if position > self._seen:
            found = self._data.rfind(b"obj", max(self._seen - 2, 0), position)
            self._begin = found if found >= 0 else self._begin
            self._seen = position
        return self._begin


class _Inside(_Nodes):
    """Objects in an object stream."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._numbers = _numbers_inside(data)

    def number(self, position: int) -> object:
        """Number of the object in which something stands."""
        index = self._index(position)
        return self._numbers[index][1] if index >= 0 else (position,)

    def has_count(self, start: int, end: int) -> bool:
        """Whether the object in which something stands has a /Count."""
        index = self._index(start)
        after = index + 1
        size = self._numbers[after][0] if after < len(self._numbers) else len(self._data)
        return self._counts(self._numbers[index][0] if index >= 0 else 0, max(size, end))

    def _index(self, position: int) -> int:
        return bisect.bisect_right(self._numbers, (position, 1 << 40)) - 1


def number_before(data: bytes, position: int) -> object:
    """Number of the object in which something stands."""
    return _number_at(data, data.rfind(b"obj", max(0, position - _NEAR), position), position)


def _number_at(data: bytes, begin: int, position: int) -> object:
    near = position - _NEAR <= begin and begin > 0
    found = _NUMBER.search(data, max(0, begin - 24), begin) if near else None
    return int(found[1]) if found else (position,)


def _numbers_inside(unpacked: bytes) -> list[tuple[int, int]]:
    """Offset, from the first object on, and number of each object in an object stream."""
    head = unpacked.find(b"<")
    if head > _MOST_NUMBERS:
        return []
    words = unpacked[:head].split()
    try:
        pairs = [(int(offset), int(number)) for number, offset in zip(words[::2], words[1::2], strict=True)]
    except ValueError:
        return []
    first = head - min((offset for offset, _ in pairs), default=0)
    return sorted((first + offset, number) for offset, number in pairs)
