"""Pictures of any mode in 8-bit grey, with what is transparent as white paper. Ignores colour profiles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
"""TIFF 6.0."""
_BAND = 1 << 20
"""Pixels that are scaled at a time."""
_LIGHTNESS = {"LAB": "L", "YCbCr": "Y"}
"""Modes with a channel of their own for what a fax shows."""
_TRANSPARENT = {"LA", "PA", "RGBA", "La", "RGBa"}


def grey(picture: Image.Image) -> Image.Image:
    """Mode "L" of the same size."""
    mode = picture.mode
    if mode == "L" and not picture.has_transparency_data:
        return picture
    if mode.startswith("I") or mode == "F":
        return _scaled(picture)
    if mode in _LIGHTNESS:
        return picture.getchannel(_LIGHTNESS[mode])
    if mode in _TRANSPARENT or picture.has_transparency_data:
        return _on_paper(picture)
    return picture.convert("L")


def _on_paper(picture: Image.Image) -> Image.Image:
    if picture.mode not in ("LA", "RGBA"):
        picture = picture.convert("LA" if picture.mode == "La" else "RGBA")
    paper = Image.new("L", picture.size, 255)
    paper.paste(picture.convert("L"), mask=picture.getchannel("A"))
    return paper


def _scaled(picture: Image.Image) -> Image.Image:
    """More than 8 bits, or numbers, to 8 bits.

    White of an integer picture is the largest number of as many bits as its values take: devices of 10, 12 or
    14 bits write their values into 16 as they are. Of fractional numbers white is 1 or 255, whichever they
    keep to; else they are stretched.
    """
    lows, highs = zip(
        *((float(values.min()), float(values.max())) for _, values in _bands(picture)), strict=True
    )
    low, high = min(lows), max(highs)
    if picture.mode == "F":
        black, white = (low, high) if low < 0 or high > 255 else (0.0, 1.0 if high <= 1 else 255.0)
    else:
        black = min(low, 0.0)
        white = black + (1 << max(8, int(high - black).bit_length())) - 1
    made = np.empty((picture.height, picture.width), np.uint8)
    for top, values in _bands(picture):
        values -= black
        values *= 255 / ((white - black) or 1.0)
        made[top : top + len(values)] = np.clip(values, 0, 255)
    tags = getattr(picture, "tag_v2", {})
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow obeys it up to 8 bits only
        np.subtract(255, made, out=made)
    return Image.fromarray(made)


def _bands(picture: Image.Image) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """A picture piece by piece, with the row where each begins: all at once would be three times its size."""
    rows = max(1, _BAND // picture.width)
    for top in range(0, picture.height, rows):
        band = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        yield top, np.nan_to_num(np.asarray(band).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
