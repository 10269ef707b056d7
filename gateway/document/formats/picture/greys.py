"""Pictures of any mode in 8-bit grey, with what is transparent as white paper. Ignores colour profiles."""

from __future__ import annotations

import numpy as np
from PIL import Image

_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
"""TIFF 6.0."""
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
    values = np.asarray(picture).astype(np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F":
        black, white = (low, high) if low < 0 or high > 255 else (0.0, 1.0 if high <= 1 else 255.0)
    else:
        black = min(low, 0.0)
        white = black + (1 << max(8, int(high - black).bit_length())) - 1
    values -= black
    values *= 255 / ((white - black) or 1.0)
    made = np.clip(values, 0, 255).astype(np.uint8)
    tags = getattr(picture, "tag_v2", {})
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow obeys it up to 8 bits only
        made = 255 - made
    return Image.fromarray(made)
