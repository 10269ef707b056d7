"""What a scanner makes of paper: drawn pages turned a little, unevenly lit, blurred, grained, dimmed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter

from bench.corpus.grain import white

_POINTS = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaws:
    """How bad a scan is."""

    skew: float
    """Degrees."""
    blur: float
    """Pixels, of a Gaussian."""
    noise: float
    """Deviation in levels of 256."""
    dim: float
    """How much darker the paper is where the least light falls, as a share."""
    paper: int = 238
    """Level of the paper; ink is 25 and darker."""


def flaws(number: int) -> Flaws:
    """Some of each, by number."""
    return Flaws(
        skew=(-0.9, 0.4, 1.3, -0.3, 0.8, 0.0)[number % 6],
        blur=(0.6, 0.8, 1.0)[number % 3],
        noise=(5.0, 9.0, 7.0, 12.0)[number % 4],
        dim=(0.05, 0.15, 0.1, 0.2, 0.0)[number % 5],
        paper=(240, 228, 236)[number % 3],
    )


def grey_pages(pdf: bytes, *dpis: float) -> Iterator[Image.Image]:
    """Every page in grey, at the resolutions given in turns."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        for page, dpi in zip(document, itertools.cycle(dpis), strict=False):
            yield page.render(scale=dpi / _POINTS, grayscale=True).to_pil().convert("L")
    finally:
        document.close()


def scanned(page: Image.Image, how: Flaws, seed: object) -> Image.Image:
    """The page as it comes from a scanner, in grey."""
    if how.skew:
        page = page.rotate(how.skew, Image.Resampling.BILINEAR, fillcolor=255)
    page = page.filter(ImageFilter.GaussianBlur(how.blur))
    wide, high = page.size
    levels = np.asarray(page, np.float32) * np.float32((how.paper - 22) / 255) + np.float32(22)
    down = np.linspace(0, math.pi, high, dtype=np.float32)[:, None]
    across = np.linspace(0, 2, wide, dtype=np.float32)[None, :]
    levels *= 1 - np.float32(how.dim) * (0.5 + 0.5 * np.cos(down + across))
    levels += np.float32(how.noise) * white(seed, high, wide)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def in_colour(page: Image.Image) -> Image.Image:
    """A scan on paper that is a little yellow, as an office machine makes it in colour."""
    return Image.merge(
        "RGB", [page, page.point(lambda grey: grey * 0.99), page.point(lambda grey: grey * 0.94)]
    )


def black_and_white(page: Image.Image) -> Image.Image:
    """A scan as an office machine makes it black and white."""
    return page.point([0] * 150 + [255] * 106, "1")
