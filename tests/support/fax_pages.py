"""Fax pages in grey, made by Pillow, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gateway.document import raster

HEIGHT = 2156


def page(height: int = HEIGHT) -> Image.Image:
    """A white page."""
    return Image.new("L", (1728, height), 255)


def write(
    image: Image.Image, text: str, *, at: tuple[int, int] = (100, 100), fill: int = 0, size: int = 22
) -> Image.Image:
    """Write on a picture with soft edges; 22 pixels are 8 points."""
    ImageDraw.Draw(image).text(at, text, font=ImageFont.load_default(size), fill=fill)
    return image


def photograph(size: tuple[int, int] = (1728, HEIGHT)) -> Image.Image:
    """Something with the statistics of a photograph: smooth tones of two sizes, the same every time."""
    grains = np.random.default_rng(7)

    def tones(step: int) -> Image.Image:
        small = grains.integers(0, 256, (size[1] // step, size[0] // step), dtype=np.uint8)
        return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)

    return Image.blend(tones(60), tones(6), 0.4)


def bilevel(
    image: Image.Image, pictures: Sequence[raster.Box] = (), **options: Any
) -> tuple[bytes, raster.Look]:
    """`to_bilevel` of a picture."""
    return raster.to_bilevel(bytearray(image.tobytes()), image.height, pictures, **options)


def packed(image: Image.Image) -> bytes:
    """The rows of a picture that is black and white already."""
    return np.packbits(np.asarray(image) < 128, axis=1).tobytes()


def black(rows: bytes, box: raster.Box | None = None) -> float:
    """Share of black pixels on a page or in a box."""
    bits = np.unpackbits(np.frombuffer(rows, dtype=np.uint8)).reshape(-1, 1728)
    if box is not None:
        bits = bits[box[1] : box[3], box[0] : box[2]]
    return float(bits.mean())
