"""Pictures in a PDF of which a piece is missing, though PDFium draws what is left of them without a word.

Only their data is looked at, and of that no more than it takes to know. What ends as its coding says it ends
is whole, whatever height the file states: scanners state the paper's. A wrong checksum alone hides nothing.
"""

from __future__ import annotations

import ctypes
import io
import re
import zlib
from dataclasses import dataclass

import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from gateway.document.formats import ccitt
from gateway.document.formats.pdf.drawing import Page
from gateway.document.formats.pdf.images import Picture
from gateway.document.formats.picture.strict import strictly

_HARDLY = 0.01
"""A picture that lacks this share of its rows, or two of them, shows what it is meant to show."""
_ROWS = 2
_CHUNK = 1 << 18
MOST_KEPT = 16 << 20
"""Bytes of a stream that are given to whoever wants to read them."""
_MOST_DECODED = 64 << 20
"""Bytes of a picture whose coding PDFium has to be asked to undo: it does so in memory, all at once."""
_END, _TAIL = b"\xff\xd9", 1024
"""JPEG's end of image, and how much may stand behind it."""
_HEAD, _PROBE = 4096, 256
_PARAMETERS = (
    re.compile(rb"/K[ \t\r\n]+([-+]?\d{1,9})"),
    re.compile(rb"/Columns[ \t\r\n]+(\d{1,9})"),
    re.compile(rb"/EncodedByteAlign[ \t\r\n]+true"),
)
"""ISO 32000-2, table 11."""
_DATA = re.compile(rb"(?:(?!stream).)*stream[ \t]*\r?\n\Z", re.DOTALL)
_USUAL_COLUMNS = 1728
_ELSEWHERE = re.compile(
    rb"/(?:DecodeParms|DP|K|Columns|EncodedByteAlign)[ \t\r\n\[]+\d+[ \t\r\n]+\d+[ \t\r\n]+R|#"
)
"""Parameters that stand in another object, or may."""
_FILLING = bytes(range(1, 250, 2)) * 4
_FLUSHED, _BLANK = b"\x00\x00\xff\xff", b"\r\n\t "
"""How a Flate stream ends that was flushed and not closed, as some writers leave it (RFC 1979, 2.1)."""
_SMALL = (256, 256)


def is_incomplete(page: Page, picture: Picture, data: bytes) -> bool:
    """Whether rows of a picture are missing that its data once had. `data` is the file."""
    item = ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT)
    coding = filters(item)
    if coding in ((b"DCTDecode",), (b"DCT",)):
        return _is_cut_jpeg(raw(item))
    if coding in ((b"CCITTFaxDecode",), (b"CCF",)):
        return _is_damaged_fax(raw(item), picture, data)
    if coding and coding[-1] not in (*_FLATE, *_OTHERS):
        return False
    facts = pdfium.FPDF_IMAGEOBJ_METADATA()
    if not pdfium.FPDFImageObj_GetImageMetadata(item, page.handle, facts) or not facts.bits_per_pixel:
        return False
    row = -(-picture.wide * int(facts.bits_per_pixel) // 8)
    size = row * picture.high
    wanted = size - max(_ROWS * row, int(size * _HARDLY))
    if wanted <= 0:
        return False
    if len(coding) == 1 and coding[0] in _FLATE:
        most = size + picture.high + _CHUNK
        known = inflated(raw(item), most)
        if known.wrong:  # and not as many bytes as there should be, with a predictor for each row or without
            return not size <= known.found <= size + picture.high
        return known.broken and known.found < wanted
    if size > _MOST_DECODED:
        return False
    return int(pdfium.FPDFImageObj_GetImageDataDecoded(item, None, 0)) < wanted


@dataclass(frozen=True, slots=True)
class Inflated:
    """What became of a Flate stream."""

    found: int
    """Bytes that could be unpacked, as far as they were wanted."""
    broken: bool
    """Whether it breaks off before as many as were wanted, instead of ending."""
    wrong: bool
    """Whether it ends with a checksum that is not that of its content. None at all is not wrong."""


def inflated(packed: bytes, most: int, into: list[bytes] | None = None) -> Inflated:
    """Unpack a Flate stream (RFC 1950) for the sake of knowing whether it can be, up to `most` bytes.

    `into`: where what is found goes, unless that is much.
    """
    if len(packed) < 2 or packed[0] & 0x0F != zlib.DEFLATED or int.from_bytes(packed[:2]) % 31:
        return Inflated(0, broken=True, wrong=False)
    unpack, found, checksum = zlib.decompressobj(-zlib.MAX_WBITS), 0, 1
    try:
        for at in range(2, len(packed), _CHUNK):
            waiting = packed[at : at + _CHUNK]
            while waiting or unpack.unconsumed_tail:
                piece = unpack.decompress(waiting, _CHUNK)
                found += len(piece)
                checksum = zlib.adler32(piece, checksum)
                if into is not None and found <= MOST_KEPT:
                    into.append(piece)
                if unpack.eof:
                    stated = (unpack.unused_data + packed[at + _CHUNK : at + _CHUNK + 4])[:4]
                    wrong = len(stated) == 4 and int.from_bytes(stated) != checksum
                    return Inflated(found, broken=False, wrong=wrong)
                if found > most:
                    return Inflated(found, broken=False, wrong=False)
                waiting = unpack.unconsumed_tail
        found += len(unpack.flush())
        if unpack.eof or packed.rstrip(_BLANK).endswith(_FLUSHED):
            return Inflated(found, broken=False, wrong=False)
    except zlib.error:
        pass
    return Inflated(found, broken=found < most, wrong=False)


def filters(item: object) -> tuple[bytes, ...]:
    """How a picture's data is coded, from the outside in."""
    names = []
    name = ctypes.create_string_buffer(32)
    for index in range(min(pdfium.FPDFImageObj_GetImageFilterCount(item), 8)):
        length = pdfium.FPDFImageObj_GetImageFilter(item, index, name, len(name))
        names.append(name.value if 0 < length <= len(name) else b"?")
    return tuple(names)


def raw(item: object) -> bytes:
    """A picture's data as it is in the file, decrypted."""
    size = pdfium.FPDFImageObj_GetImageDataRaw(item, None, 0)
    content = ctypes.create_string_buffer(size)
    pdfium.FPDFImageObj_GetImageDataRaw(item, content, size)
    return content.raw


def _is_damaged_fax(content: bytes, picture: Picture, data: bytes) -> bool:
    """Whether a picture in fax coding is damaged. PDFium keeps the parameters to itself: the file tells."""
    at = data.find(content[:_PROBE]) if content else -1
    head = data[max(0, at - _HEAD) : max(at, 0)]
    begin = head.rfind(b"obj")
    if begin < 0 or not data.startswith(content, at) or _ELSEWHERE.search(head, begin):
        return False
    if _DATA.match(head[begin:]) is None:  # a picture in a program, with others before it
        return False
    k, columns, align = (pattern.search(head, begin) for pattern in _PARAMETERS)
    return ccitt.is_damaged(
        content,
        columns=int(columns[1]) if columns else _USUAL_COLUMNS,
        rows=picture.high,
        k=int(k[1]) if k else 0,
        align=align is not None,
    )


def _is_cut_jpeg(content: bytes) -> bool:
    """Whether a JPEG without an end lacks more than that: what is put behind it becomes part of it."""
    if _END in content[-_TAIL:]:
        return False
    try:
        with _decoded(content + _END) as ended, _decoded(content + _FILLING + _END) as filled:
            return ImageChops.difference(ended, filled).getbbox() is not None
    except OSError:
        return True


def _decoded(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content), formats=["JPEG"])
    picture.draft("L", _SMALL)
    with strictly():
        picture.load()
    return picture


_FLATE = (b"FlateDecode", b"Fl")
_OTHERS = (
    b"LZWDecode",
    b"LZW",
    b"RunLengthDecode",
    b"RL",
    b"ASCII85Decode",
    b"A85",
    b"ASCIIHexDecode",
    b"AHx",
)
