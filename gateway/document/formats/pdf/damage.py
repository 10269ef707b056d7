"""Pictures in a PDF of which a piece is missing, though PDFium draws what is left of them without a word.

Only their data is looked at, and of that no more than it takes to know. What ends as its coding says it ends
is whole, whatever height the file states: scanners state the paper's. A wrong checksum alone hides nothing.
"""

from __future__ import annotations

import ctypes
import re

import pypdfium2.raw as pdfium

from gateway.document.formats import ccitt
from gateway.document.formats.pdf import codings
from gateway.document.formats.pdf.drawing import Page
from gateway.document.formats.pdf.images import Picture
from gateway.document.formats.pdf.inflating import CHUNK, inflated
from gateway.document.formats.picture.jpeg import is_cut_jpeg

_HARDLY = 0.01
"""A picture that lacks this share of its rows, or two of them, shows what it is meant to show."""
_ROWS = 2
_MOST_DECODED = 64 << 20
"""Bytes of a picture whose coding PDFium has to be asked to undo: it does so in memory, all at once."""
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


def is_incomplete(page: Page, picture: Picture, data: bytes) -> bool:
    """Whether rows of a picture are missing that its data once had. `data` is the file."""
    item = ctypes.cast(picture.address, pdfium.FPDF_PAGEOBJECT)
    coding = filters(item)
    if coding in ((b"DCTDecode",), (b"DCT",)):
        return is_cut_jpeg(raw(item))
    if coding in ((b"CCITTFaxDecode",), (b"CCF",)):
        return _is_damaged_fax(raw(item), picture, data)
    if coding in ((b"JPXDecode",), (b"JBIG2Decode",)):
        content = raw(item)
        return codings.is_cut_jpx(content) if coding == (b"JPXDecode",) else codings.is_cut_jbig2(content)
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
        most = size + picture.high + CHUNK
        known = inflated(raw(item), most)
        if known.wrong:  # and not as many bytes as there should be, with a predictor for each row or without
            return not size <= known.found <= size + picture.high
        return known.broken and known.found < wanted
    if size > _MOST_DECODED:
        return False
    return int(pdfium.FPDFImageObj_GetImageDataDecoded(item, None, 0)) < wanted


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
