"""TIFF in fax coding (TIFF 6.0, section 11) read once more: libtiff takes what is damaged for white."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import TiffImagePlugin as Tiff

from gateway.document.formats import ccitt

_COMPRESSION, _FILL_ORDER, _T4_OPTIONS, _T6_OPTIONS = 259, 266, 292, 293
_MODIFIED_HUFFMAN, _T4, _T6 = 2, 3, 4
_TWO_WAYS, _UNCOMPRESSED = 1, 2
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_LEAST_FIRST = 2
_ROW, _ROW_BY_OTHERS, _STRIP = 6, 1 / 4, 64
"""Bytes that a row of one colour takes at most: by itself for each thousand pixels, and by the row above it.
What a strip takes beside them."""


def are_damaged(data: bytes, picture: Tiff.TiffImageFile) -> bool:
    """Whether rows of the frame that was decoded last are missing, or its data is no picture at all."""
    tags = picture.tag_v2
    coding = int(tags.get(_COMPRESSION, 1))
    k = {_MODIFIED_HUFFMAN: 0, _T4: tags.get(_T4_OPTIONS, 0) & _TWO_WAYS, _T6: -1}.get(coding)
    options = {_T4: _T4_OPTIONS, _T6: _T6_OPTIONS}.get(coding, 0)
    if k is None or tags.get(options, 0) & _UNCOMPRESSED:
        return False
    columns, rows = int(tags[Tiff.IMAGEWIDTH]), int(tags[Tiff.IMAGELENGTH])
    lost = size = strips = 0
    for strip, high in _strips(data, tags, rows):
        lost += ccitt.lost(strip, columns=columns, rows=high, k=k, align=coding == _MODIFIED_HUFFMAN)
        size += len(strip) - strip.count(0)  # zeros may fill
        strips += 1
    if ccitt.is_much(lost, rows, k):
        return True
    darkest, lightest = picture.convert("L").getextrema()
    row = _ROW_BY_OTHERS if coding == _T6 else _ROW * (1 + columns // 1000)
    return darkest == lightest and size > rows * row + strips * _STRIP


def _strips(data: bytes, tags: Tiff.ImageFileDirectory_v2, rows: int) -> Iterator[tuple[bytes, int]]:
    """Each strip with its number of rows, most significant bits first. Tiles are left to libtiff."""
    each = int(tags.get(Tiff.ROWSPERSTRIP, rows)) or rows
    turned = tags.get(_FILL_ORDER) == _LEAST_FIRST
    places = zip(tags.get(Tiff.STRIPOFFSETS, ()), tags.get(Tiff.STRIPBYTECOUNTS, ()), strict=False)
    for index, (at, length) in enumerate(places):
        strip = data[at : at + length]
        yield strip.translate(_REVERSED) if turned else strip, max(min(each, rows - index * each), 0)
