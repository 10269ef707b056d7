"""Pictures that stand in a program itself (ISO 32000-2, 8.9.7), and programs that one of them cuts off.

PDFium takes what comes after such a picture for the rest of it, so that whatever is drawn later is lost.
"""

from __future__ import annotations

import re
import zlib

from gateway.document.formats.pdf.damage import MOST_KEPT

_PICTURE = re.compile(rb"BI(?<!\SBI)(?=[\s/])([^()]{1,1000}?)\sID\s")  # letters first: they are found fast
_NUMBERS = {
    name: re.compile(rb"/(?:" + name + rb")\s+(\d{1,6})(?!\d)")
    for name in (b"W|Width", b"H|Height", b"BPC|BitsPerComponent")
}
_MASK = re.compile(rb"/(?:IM|ImageMask)\s+true")
_SPACE = re.compile(rb"/(?:CS|ColorSpace)\s*\[?\s*/(\w+)")
_PARTS = {
    b"G": 1,
    b"DeviceGray": 1,
    b"I": 1,
    b"Indexed": 1,
    b"RGB": 3,
    b"DeviceRGB": 3,
    b"CMYK": 4,
    b"DeviceCMYK": 4,
}
_FILTER = re.compile(rb"/(?:F|Filter)\s*(\[?)\s*/(\w+)\s*(\]?)")
_PREDICTOR = re.compile(rb"/Predictor")
_END = re.compile(rb"\s*EI(?!\S)")
_EARLY_END = re.compile(rb"\sEI\s")
_MORE = 1 << 16
_MOST = 200
"""Pictures of a program that are looked at."""


def is_cut(program: bytes) -> bool:
    """Whether a picture in a program has less data than it takes, plain or in Flate."""
    at = 0
    for _ in range(_MOST):
        found = _PICTURE.search(program, at)
        if found is None:
            return False
        at = found.end()
        size = _size(found[1])
        coding = _FILTER.search(found[1])
        if size is None:
            continue
        if coding is None:
            if _is_short(program, at, size):
                return True
            at += size
            continue
        flate = coding[2] in (b"Fl", b"FlateDecode") and bool(coding[1]) == bool(coding[3])
        if flate and _is_cut_flate(program[at:], 1 if _PREDICTOR.search(found[1]) else size, most=size):
            return True
    return False


def _is_cut_flate(packed: bytes, least: int, most: int) -> bool:
    """Whether it breaks off; also without its checksum, for which PDFium takes the end of the picture."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = len(unpack.decompress(packed[2:], 2 * most + _MORE))
    except zlib.error:
        return True
    return not unpack.eof or found < least or _END.match(unpack.unused_data) is not None


def _size(entries: bytes) -> int | None:
    """Bytes of the picture; None where its colour space stands elsewhere, or it is too large to be one."""
    wide, high, bits = (pattern.search(entries) for pattern in _NUMBERS.values())
    mask, space = _MASK.search(entries), _SPACE.search(entries)
    parts = 1 if mask else _PARTS.get(space[1]) if space else None
    if wide is None or high is None or parts is None or not (mask or bits):
        return None
    size = -(-int(wide[1]) * (1 if mask or bits is None else int(bits[1])) * parts // 8) * int(high[1])
    return size if size <= MOST_KEPT else None


def _is_short(program: bytes, at: int, size: int) -> bool:
    if len(program) < at + size:
        return True
    return _END.match(program, at + size) is None and _EARLY_END.search(program, at, at + size) is not None
