"""Whether data in a PDF's coding ends as the coding says it ends (ISO 32000-2, 7.4), or breaks off.

Programs may be coded several times, and in codings that decoders read as far as they can, without a word.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence

from gateway.document.formats.pdf.inflating import MOST_KEPT, Inflated, inflated

_SHORT = {
    b"Fl": b"FlateDecode",
    b"LZW": b"LZWDecode",
    b"A85": b"ASCII85Decode",
    b"AHx": b"ASCIIHexDecode",
}
_KNOWN = frozenset(_SHORT.values())
_MOST_CODED = 4 << 20
"""Bytes that are read one by one; a longer program is taken for whole."""
_END_OF_85, _END_OF_HEX = re.compile(rb"~[\s\0]*>?"), b">"
_BLANK = b" \t\r\n\f\0"
_CLEAR, _END, _FIRST = 256, 257, 258
_WIDEST = 12


def known(names: Sequence[bytes]) -> tuple[bytes, ...]:
    """The filters by their long names; empty where there is one whose end nobody here can tell."""
    full = tuple(_SHORT.get(name, name) for name in names)
    return full if full and _KNOWN.issuperset(full) and b"LZWDecode" not in full[:-1] else ()


def unpacked(data: bytes, names: Sequence[bytes], most: int, into: list[bytes]) -> Inflated:
    """What becomes of data in these codings, from the outside in; `into`: where its content goes, if known.

    Up to `most` bytes. What stands in codings beside Flate and is long is not looked at.
    """
    for index, name in enumerate(names):
        last = index == len(names) - 1
        if name == b"FlateDecode":
            pieces: list[bytes] = []
            made = inflated(data, most, into if last else pieces)
            if last or made.broken or made.found > MOST_KEPT:
                return made
            data = b"".join(pieces)
            continue
        if len(data) > _MOST_CODED:
            break
        if name == b"LZWDecode":
            breaks_off = all(_lzw_breaks_off(data, early) for early in (1, 0))
            return Inflated(len(data), broken=breaks_off, wrong=False)
        text, ends = _text_of(data, name)
        if text is None or (last and not ends):
            return Inflated(0, broken=True, wrong=False)
        data = text
        if last:
            into.append(data)
    return Inflated(len(data), broken=False, wrong=False)


def _text_of(data: bytes, name: bytes) -> tuple[bytes | None, bool]:
    """What is written in letters or digits, None where it is not; and whether its end is there."""
    if name == b"ASCII85Decode":
        end = _END_OF_85.search(data)
        body = data[: end.start()] if end else data
        try:
            return base64.a85decode(body, ignorechars=_BLANK), end is not None
        except ValueError:
            return None, False
    body, found, _ = data.partition(_END_OF_HEX)
    digits = body.translate(None, _BLANK)
    try:
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii")), bool(found)
    except ValueError:
        return None, False


def _lzw_breaks_off(data: bytes, early: int) -> bool:
    """Whether the code for its end is missing, or a code has no meaning yet. `early`: /EarlyChange."""
    width, entries, fresh = 9, _FIRST, True
    waiting = bits = 0
    for byte in data:
        waiting, bits = (waiting << 8 | byte) & 0xFFFFFF, bits + 8
        if bits < width:
            continue
        bits -= width
        code = waiting >> bits & (1 << width) - 1
        if code == _END:
            return False
        if code == _CLEAR:
            width, entries, fresh = 9, _FIRST, True
            continue
        if code > (_CLEAR if fresh else entries):
            return True
        entries += not fresh and entries < 1 << _WIDEST
        fresh = False
        if entries + early >= 1 << width and width < _WIDEST:
            width += 1
    return True


def is_cut_jpx(data: bytes) -> bool:
    """Whether a JPEG 2000 picture lacks tiles or parts of them (ISO/IEC 15444-1, A.4.2 and I.4)."""
    at = 0 if data.startswith(b"\xff\x4f") else _code_stream(data)
    if at < 0 or data[at : at + 4] != b"\xff\x4f\xff\x51" or len(data) < at + 42:
        return True
    wide, high, left, top, tile_wide, tile_high, tile_left, tile_top = struct.unpack_from(">8I", data, at + 8)
    if not tile_wide or not tile_high or wide <= left or high <= top:
        return False  # nothing that anybody could draw
    tiles: int = -(-(wide - tile_left) // tile_wide) * -(-(high - tile_top) // tile_high)
    seen: set[int] = set()
    at += 2
    while at + 4 <= len(data):
        marker, length = struct.unpack_from(">2H", data, at)
        if marker == 0xFFD9:
            break
        if marker == 0xFF90:
            if at + 12 > len(data):
                return True
            number, size = struct.unpack_from(">HI", data, at + 4)
            seen.add(number)
            if not size:  # the last one, to the end
                return data.rstrip(_BLANK)[-2:] != b"\xff\xd9"
            if at + size > len(data):
                return True
            at += size
        else:
            at += 2 + length
    return len(seen) < tiles


def _code_stream(data: bytes) -> int:
    """Where the code stream begins in a JP2 file; -1: nowhere."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 16 if size == 1 else 8
        if kind == b"jp2c":
            return at + head
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size < head:
            return -1
        at += size
    return -1


def is_cut_jbig2(data: bytes) -> bool:
    """Whether a segment of a JBIG2 picture, as PDF has them, is cut off (ISO/IEC 14492, 7.2)."""
    at, end = 0, len(data.rstrip(_BLANK))
    try:
        while at < end:
            at = _after_segment(data, at)
            if at > len(data):
                return True
    except struct.error:
        return True
    return False


def _after_segment(data: bytes, at: int) -> int:
    """Where the segment at `at` ends; raises `struct.error` where its header is cut off."""
    number, flags, count = struct.unpack_from(">IBB", data, at)
    if count >> 5 == 7:
        (long,) = struct.unpack_from(">I", data, at + 5)
        referred = long & 0x1FFFFFFF
        at += 9 + (referred + 8) // 8
    else:
        referred = count >> 5
        at += 6
    at += referred * (1 if number <= 256 else 2 if number <= 65_536 else 4)
    at += 4 if flags & 0x40 else 1
    (size,) = struct.unpack_from(">I", data, at)
    return len(data) if size == 0xFFFFFFFF else at + 4 + size  # of unknown length: to its own end
