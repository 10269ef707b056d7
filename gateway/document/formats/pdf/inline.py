"""Pictures that stand in a program itself (ISO 32000-2, 8.9.7), and programs that one of them cuts off.

PDFium takes what comes after such a picture for the rest of it, so that whatever is drawn later is lost.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Callable

from gateway.document.formats import ccitt
from gateway.document.formats.pdf.inflating import MOST_KEPT
from gateway.document.formats.picture.jpeg import is_cut_jpeg

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
_LATE_END = re.compile(rb"(?:\s|(?<=\xff\xd9))EI(?!\S)")
_K, _COLUMNS = re.compile(rb"/K\s*(-?\d{1,9})"), re.compile(rb"/Columns\s+(\d{1,9})")
_ALIGN = re.compile(rb"/EncodedByteAlign\s+true")
_USUAL_COLUMNS = 1728
_MOST_ENDS = 8
_MORE = 1 << 16
_MOST = 200
"""Pictures of a program that are looked at."""


def is_cut(program: bytes) -> bool:
    """Whether a picture in a program has less data than it takes: plain, in Flate, as JPEG or fax."""
    at = 0
    for _ in range(_MOST):
        found = _PICTURE.search(program, at)
        if found is None:
            return False
        at = found.end()
        size = _size(found[1])
        coding = _FILTER.search(found[1])
        if coding is None:
            if size is None:
                continue
            if _is_short(program, at, size):
                return True
            at += size
            continue
        if bool(coding[1]) != bool(coding[3]):
            continue
        if coding[2] in (b"Fl", b"FlateDecode") and size is not None:
            if _is_cut_flate(program[at:], 1 if _PREDICTOR.search(found[1]) else size, most=size):
                return True
        elif coding[2] in (b"DCT", b"DCTDecode"):
            if _has_no_end(program, at, lambda data: not is_cut_jpeg(data)):
                return True
        elif coding[2] in (b"CCF", b"CCITTFaxDecode") and _has_no_end(program, at, _fax(found[1])):
            return True
    return False


def _has_no_end(program: bytes, at: int, whole: Callable[[bytes], bool]) -> bool:
    """Whether a picture is whole at none of the places where it may end: its data may say EI as well."""
    ends = itertools.islice(_LATE_END.finditer(program, at), _MOST_ENDS)
    return not any(whole(program[at : end.start()]) for end in ends)


def _fax(entries: bytes) -> Callable[[bytes], bool]:
    """What tells whether fax coding is whole, by the entries of its picture (ISO 32000-2, table 11)."""
    k, columns, high = _K.search(entries), _COLUMNS.search(entries), _NUMBERS[b"H|Height"].search(entries)

    def whole(data: bytes) -> bool:
        return high is None or not ccitt.is_damaged(
            data,
            columns=int(columns[1]) if columns else _USUAL_COLUMNS,
            rows=int(high[1]),
            k=int(k[1]) if k else 0,
            align=_ALIGN.search(entries) is not None,
        )

    return whole


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
