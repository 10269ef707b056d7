"""A glance at the bytes of a PDF, which tells in less than a millisecond whether everything is in order."""

from __future__ import annotations

import bisect
import re
import zlib
from collections import Counter
from dataclasses import dataclass

_MOST_UNPACKED = 64 << 20
"""Bytes of one object stream, and of all of them."""
_NEAR = 1 << 16
"""Bytes that an object's beginning and end are looked for."""
_WORD = re.compile(
    rb"/(?:Type[ \t\r\n]*/(?:Page(?![A-Za-z])|ObjStm)|Subtype[ \t\r\n]*/(?:Image|FileAttachment)"
    rb"|UserUnit|Encrypt|Collection|Kids(?![A-Za-z]))"
)
_MANY = 1 << 20
"""More than any count will be: somebody else has to look."""
_TAIL = 4096
"""Bytes at the end, where its last mark stands; mail systems add a line or two."""
_OFFSET = re.compile(rb"startxref[ \t\r\n]*(\d{1,12})")
_TABLE = re.compile(rb"[ \t\r\n]*(?:xref|\d{1,10}[ \t\r\n]+\d{1,5}[ \t\r\n]+obj)")
_OBJECT = re.compile(rb"[ \t\r\n]\d{1,10}[ \t\r\n]+\d{1,5}[ \t\r\n]+obj\b")
_COUNT = re.compile(rb"/Count(?![A-Za-z])")
_ARRAY = re.compile(rb"[ \t\r\n]*\[([^\]]*)\]")
_REFERENCE = re.compile(rb"\d[ \t\r\n]+\d{1,5}[ \t\r\n]+R")
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
    sound: bool = True
    """Whether its end points to where its table of objects is: if not, something was lost or put in."""


def glance(data: bytes, most: int) -> Glance:
    """Look through the bytes of a PDF, but no further than there are more than `most` pages."""
    words: Counter[bytes] = Counter()
    pages: set[object] = set()
    kids: dict[object, int] = {}
    certain, room = True, _MOST_UNPACKED
    packed = []
    for match in _WORD.finditer(data):
        word = match[0].rpartition(b"/")[2]
        words[word] += 1
        if word == b"Page":
            pages.add(number_before(data, match.start()))
            if len(pages) > most:
                return _crowd(most)
        elif word == b"Kids":
            if _COUNT.search(data, *_span_around(data, match)):
                kids[number_before(data, match.start())] = _references(data, match.end())
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
            elif word == b"Kids" and _COUNT.search(
                unpacked, *_span_inside(numbers, match.start(), len(unpacked))
            ):
                kids[_number_inside(numbers, match.start())] = _references(unpacked, match.end())
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
        sound=_is_sound(data),
    )


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


def _references(data: bytes, at: int) -> int:
    """How many objects the array that begins there refers to."""
    array = _ARRAY.match(data, at)
    if array is None or b"<<" in array[1]:  # pages that stand in the array itself
        return _MANY
    return len(_REFERENCE.findall(array[1]))


def _span_around(data: bytes, match: re.Match[bytes]) -> tuple[int, int]:
    """Where the object in which something stands begins and ends, as far as it is near."""
    begin = data.rfind(b"obj", max(0, match.start() - _NEAR), match.start())
    end = data.find(b"endobj", match.end(), match.end() + _NEAR)
    return max(begin, 0), end if end >= 0 else match.end() + _NEAR


def number_before(data: bytes, position: int) -> object:
    """Number of the object in which something stands."""
    at = data.rfind(b"obj", max(0, position - _NEAR), position)
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


def _span_inside(numbers: list[tuple[int, int]], position: int, size: int) -> tuple[int, int]:
    """Where the object in which something stands begins and ends."""
    index = bisect.bisect_right(numbers, (position, 1 << 40))
    begin = numbers[index - 1][0] if index else 0
    return begin, numbers[index][0] if index < len(numbers) else size
