"""Strips and tiles of a TIFF (TIFF 6.0, sections 3 and 15) read once more where decoders pass over damage.

libtiff takes damaged fax coding for white and fills up JPEGs that break off; Pillow reads plain tiles from
wherever they are said to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import TiffImagePlugin as Tiff

from gateway.document.formats import ccitt
from gateway.document.formats.picture.jpeg import is_cut_jpeg

_COMPRESSION, _FILL_ORDER, _T4_OPTIONS, _T6_OPTIONS = 259, 266, 292, 293
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTE_COUNTS, _JPEG_TABLES = 322, 323, 324, 325, 347
_PLAIN, _MODIFIED_HUFFMAN, _T4, _T6, _JPEG = 1, 2, 3, 4, 7
_SEPARATE = 2
_END = b"\xff\xd9"
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
    if coding == _PLAIN:
        return _TILE_OFFSETS in tags and _lacks_tiles(data, tags)
    if coding == _JPEG:
        tables = bytes(tags.get(_JPEG_TABLES, b"")).removesuffix(_END)
        return any(is_cut_jpeg(_with(tables, piece.data)) for piece in _pieces(data, tags))
    return _is_damaged_fax(data, picture, coding)


def _is_damaged_fax(data: bytes, picture: Tiff.TiffImageFile, coding: int) -> bool:
    tags = picture.tag_v2
    k = {_MODIFIED_HUFFMAN: 0, _T4: tags.get(_T4_OPTIONS, 0) & _TWO_WAYS, _T6: -1}.get(coding)
    options = {_T4: _T4_OPTIONS, _T6: _T6_OPTIONS}.get(coding, 0)
    if k is None or tags.get(options, 0) & _UNCOMPRESSED:
        return False
    lost = size = pieces = rows = most = 0
    turned = tags.get(_FILL_ORDER) == _LEAST_FIRST
    for piece in _pieces(data, tags):
        content = piece.data.translate(_REVERSED) if turned else piece.data
        align = coding == _MODIFIED_HUFFMAN
        lost += ccitt.lost(content, columns=piece.columns, rows=piece.rows, k=k, align=align)
        size += len(content) - content.count(0)  # zeros may fill
        rows += piece.rows
        most = max(most, piece.columns)
        pieces += 1
    if ccitt.is_much(lost, rows, k):
        return True
    darkest, lightest = picture.convert("L").getextrema()
    row = _ROW_BY_OTHERS if coding == _T6 else _ROW * (1 + most // 1000)
    return darkest == lightest and size > rows * row + pieces * _STRIP


@dataclass(frozen=True, slots=True)
class _Piece:
    """A strip or a tile, and the pixels it is for."""

    data: bytes
    columns: int
    rows: int


def _pieces(data: bytes, tags: Tiff.ImageFileDirectory_v2) -> Iterator[_Piece]:
    """Each strip, or each tile, which has all its rows even where the picture has fewer."""
    columns, rows = int(tags[Tiff.IMAGEWIDTH]), int(tags[Tiff.IMAGELENGTH])
    if _TILE_OFFSETS in tags:
        for at, length in _places(tags, _TILE_OFFSETS, _TILE_BYTE_COUNTS):
            yield _Piece(data[at : at + length], int(tags[_TILE_WIDTH]), int(tags[_TILE_LENGTH]))
        return
    each = int(tags.get(Tiff.ROWSPERSTRIP, rows)) or rows
    for index, (at, length) in enumerate(_places(tags, Tiff.STRIPOFFSETS, Tiff.STRIPBYTECOUNTS)):
        yield _Piece(data[at : at + length], columns, max(min(each, rows - index * each), 0))


def _places(tags: Tiff.ImageFileDirectory_v2, offsets: int, counts: int) -> Iterator[tuple[int, int]]:
    return zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)


def _lacks_tiles(data: bytes, tags: Tiff.ImageFileDirectory_v2) -> bool:
    """Whether there are too few tiles, or one has too few bytes, of a picture that is not compressed."""
    wide, high = int(tags[_TILE_WIDTH]), int(tags[_TILE_LENGTH])
    if not wide or not high:
        return True
    bits = tags.get(Tiff.BITSPERSAMPLE, (1,))
    planes = 1
    if tags.get(Tiff.PLANAR_CONFIGURATION, 1) == _SEPARATE:
        planes, bits = len(bits), bits[:1]
    columns, rows = int(tags[Tiff.IMAGEWIDTH]), int(tags[Tiff.IMAGELENGTH])
    wanted = -(-columns // wide) * -(-rows // high) * planes
    least = -(-wide * sum(bits) // 8) * high
    places = list(_places(tags, _TILE_OFFSETS, _TILE_BYTE_COUNTS))
    return len(places) < wanted or any(
        min(length, len(data) - at) < least or not at for at, length in places[:wanted]
    )


def _with(tables: bytes, content: bytes) -> bytes:
    """A JPEG with the tables that all pieces of a TIFF share (TIFF Technical Note 2)."""
    return tables + content[2:] if tables else content
