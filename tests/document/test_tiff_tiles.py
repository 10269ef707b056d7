"""Tiled TIFFs: whole ones go out, and whatever tile is missing or too short is a reason."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from gateway.document.formats import picture
from gateway.document.formats.parts import Part
from gateway.document.formats.sniff import Format
from gateway.document.geometry import Layout
from gateway.errors import GatewayError

WIDE, HIGH, SIDE = 500, 400, 256
NOISE = np.random.default_rng(1).integers(0, 256, (4, SIDE, SIDE), np.uint8)


def saved(tile: np.ndarray, **how: object) -> bytes:
    out = io.BytesIO()
    grey = Image.fromarray(tile)
    bilevel = how.get("compression") == "group4"
    (grey.convert("1", dither=Image.Dither.NONE) if bilevel else grey).save(out, **how)
    return out.getvalue()


def group_4(tile: np.ndarray) -> bytes:
    made = saved(tile, format="TIFF", compression="group4", strip_size=1 << 30)
    with Image.open(io.BytesIO(made)) as tiff:
        (at,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]
    return made[at : at + length]


def jpeg(tile: np.ndarray) -> bytes:
    return saved(tile, format="JPEG")


TILES = {
    "plain": (1, 8, [tile.tobytes() for tile in NOISE]),
    "deflate": (8, 8, [zlib.compress(tile.tobytes()) for tile in NOISE]),
    "fax": (4, 1, [group_4(tile) for tile in NOISE]),
    "JPEG": (7, 8, [jpeg(tile) for tile in NOISE]),
}


def tiff(
    name: str,
    tiles: Sequence[bytes] | None = None,
    *,
    counts: Sequence[int] | None = None,
    offsets: Sequence[int] | None = None,
) -> bytes:
    """Four tiles of a picture (TIFF 6.0, section 15), which is a little smaller than they are."""
    compression, bits, usual = TILES[name]
    tiles = usual if tiles is None else tiles
    body, places = b"", []
    for tile in tiles:
        places.append(8 + len(body))
        body += tile + bytes(len(tile) % 2)
    entries = {
        256: [WIDE], 257: [HIGH], 258: [bits], 259: [compression], 262: [0 if bits == 1 else 1], 277: [1],
        322: [SIDE], 323: [SIDE], 324: offsets or places, 325: counts or [len(tile) for tile in tiles],
    }  # fmt: skip
    directory, more = struct.pack("<H", len(entries)), b""
    behind = 8 + len(body) + 2 + 12 * len(entries) + 4
    for tag, values in entries.items():
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(packed) > 4:
            packed, more = struct.pack("<I", behind + len(more)), more + packed
        directory += struct.pack("<HHI", tag, 4, len(values)) + packed
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + directory + bytes(4) + more


def draw(data: bytes) -> int:
    notes: list[str] = []
    part = Part(label="The file", data=data)
    drawn = list(picture.sheets(part, Format.TIFF, layout=Layout(), notes=notes, inspect=False, most=5))
    assert notes == []
    return len(drawn)


@pytest.mark.parametrize("name", TILES)
def test_whole_tiles_are_drawn(name: str) -> None:
    tiles = TILES[name][2]
    assert draw(tiff(name)) == draw(tiff(name, [*tiles[:3], tiles[3] + bytes(50)])) == 1


@pytest.mark.parametrize("name", TILES)
def test_a_tile_that_is_missing_or_too_short_is_a_reason(name: str) -> None:
    tiles = TILES[name][2]
    lengths = [len(tile) for tile in tiles]
    short = [*tiles[:3], tiles[3][: len(tiles[3]) // 2]]
    for data in (
        tiff(name, short),
        tiff(name, tiles[:3]),
        tiff(name, tiles[:3], offsets=[8, 8 + lengths[0], 8 + sum(lengths[:2]), 0], counts=lengths),
        tiff(name, counts=[*lengths[:3], 0]),
        tiff(name, offsets=[8, 8, 8, 10_000_000]),
    ):
        with pytest.raises(GatewayError, match="is damaged or incomplete") as caught:
            draw(data)
        assert caught.value.failure.code == "picture_damaged"


def test_strips_of_jpeg_that_break_off_are_a_reason() -> None:
    out = io.BytesIO()
    Image.fromarray(NOISE[0]).save(out, "TIFF", compression="jpeg")
    whole = out.getvalue()
    assert draw(whole) == 1
    with Image.open(io.BytesIO(whole)) as opened:
        length = struct.pack("<I", opened.tag_v2[279][-1])
    assert whole.count(length) == 1
    (half,) = struct.unpack("<I", length)
    with pytest.raises(GatewayError, match="is damaged or incomplete"):
        draw(whole.replace(length, struct.pack("<I", half // 2)))
