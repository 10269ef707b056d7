"""Codings of streams in PDFs that no library here writes."""

from __future__ import annotations

import io
import struct

from PIL import Image


def run_lengths(data: bytes) -> bytes:
    return b"".join(b"\x7f" + data[at : at + 128] for at in range(0, len(data), 128))


def lzw(data: bytes) -> bytes:
    """Every byte as a code of its own, with a clear before the codes grow (ISO 32000-2, 7.4.4)."""
    codes: list[int] = []
    for at in range(0, len(data), 200):
        codes += [256, *data[at : at + 200]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    return int(bits, 2).to_bytes(-(-len(bits) // 8), "big") if not len(bits) % 8 else _padded(bits)


def _padded(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def jpx(picture: Image.Image, *, tiles: tuple[int, int] | None, bare: bool) -> bytes:
    """JPEG 2000 without loss, in a JP2 file or as the `bare` code stream."""
    out = io.BytesIO()
    picture.save(out, "JPEG2000", tile_size=tiles, no_jp2=bare)
    return out.getvalue()


def jbig2(picture: Image.Image) -> bytes:
    """A 1-bit picture as the segments PDF takes: the page, and a region in MMR (ISO/IEC 14492, 7.4)."""
    out = io.BytesIO()
    picture.save(out, "TIFF", compression="group4", strip_size=1 << 30)
    with Image.open(io.BytesIO(out.getvalue())) as tiff:
        (at,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]
    mmr = out.getvalue()[at : at + length]
    page = struct.pack(">4IBH", *picture.size, 0, 0, 0, 0)
    region = struct.pack(">4IBB", *picture.size, 0, 0, 0, 1) + mmr
    return _segment(0, 48, page) + _segment(1, 38, region)


def _segment(number: int, kind: int, data: bytes) -> bytes:
    return struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
