"""Photographs, or what stands for them: synthetic. Nobody took one.

Each has what a photograph gives a halftone to do and a picture of paper does not have: soft shading over
large parts, detail of every size, a whole range of greys, little that is plain white or plain black.
Landscapes are fractal noise under a sky, still lifes are lit balls on a table, portraits are an ellipse of
skin with eyes, hair and a blurred background. Grain is added as a sensor does it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.corpus.grain import Field, clouds, white
from bench.corpus.words import Writer


def picture(seed: int, width: int, height: int) -> Image.Image:
    """A colour picture of `width` by `height` pixels: landscapes, still lifes and portraits in turns."""
    kinds = (_landscape, _still_life, _portrait)
    bands = kinds[seed % len(kinds)](seed, height, width)
    grain = 0.02 * white(("grain", seed), height, width)
    whole = np.stack([np.clip(band + grain, 0, 1) for band in bands], axis=-1)
    return Image.fromarray((whole * 255).astype(np.uint8), "RGB")


def _grid(height: int, width: int) -> tuple[Field, Field]:
    """Down and across, from 0 to 1 down the page and in the same unit across."""
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    return down / np.float32(height), across / np.float32(height)


def _landscape(seed: int, height: int, width: int) -> tuple[Field, Field, Field]:
    down, _ = _grid(height, width)
    sky = clouds(("sky", seed), height, width, coarsest=3, roughness=0.55)
    land = clouds(("land", seed), height, width, coarsest=6, roughness=0.68)
    shade = 0.55 + 0.45 * down + 0.35 * (sky - 0.5)
    red, green, blue = 0.75 * shade, 0.82 * shade, 0.95 * shade
    for ridge in range(3):  # the nearer the darker and rougher
        line = clouds(("ridge", seed, ridge), 2, width, coarsest=4, roughness=0.5)[0]
        below = down > (0.35 + 0.17 * ridge + 0.16 * (line - 0.5))[None, :]
        light = (0.62 - 0.15 * ridge) * (0.55 + 0.75 * land) * (1.15 - 0.3 * down)
        red = np.where(below, light * 0.95, red)
        green = np.where(below, light * 1.05, green)
        blue = np.where(below, light * 0.75, blue)
    return red, green, blue


def _still_life(seed: int, height: int, width: int) -> tuple[Field, Field, Field]:
    lot = Writer(("still life", seed))
    down, across = _grid(height, width)
    cloth = clouds(("cloth", seed), height, width, coarsest=8, roughness=0.7)
    table = (0.35 + 0.4 * down) * (0.75 + 0.4 * cloth)
    red, green, blue = table * 0.9, table * 0.75, table * 0.6
    for ball in range(5):
        radius = 0.1 + int(lot.number(2)) / 900
        x = int(lot.number(3)) / 1000 * width / height
        y = 0.35 + 0.12 * ball
        inside = (across - x) ** 2 + (down - y) ** 2
        shadow = np.exp(-((across - x - 0.08) ** 2 + 4 * (down - y - radius) ** 2) / (radius * radius))
        red, green, blue = (band * (1 - 0.5 * shadow) for band in (red, green, blue))
        depth = np.sqrt(np.maximum(0, 1 - inside / (radius * radius)))
        light = 0.12 + 0.7 * np.clip(
            (depth * 0.7 - (across - x) / radius * 0.45 - (down - y) / radius * 0.5), 0, 1
        )
        light = light + 0.5 * np.clip(light - 0.72, 0, 1) + 0.06 * (cloth - 0.5)
        tint = [0.4 + int(lot.number(2)) / 160 for _ in range(3)]
        mask = inside < radius * radius
        red, green, blue = (
            np.where(mask, light * part, band) for band, part in zip((red, green, blue), tint, strict=True)
        )
    return red, green, blue


def _portrait(seed: int, height: int, width: int) -> tuple[Field, Field, Field]:
    down, across = _grid(height, width)
    middle = width / height / 2
    room = clouds(("room", seed), height, width, coarsest=3, roughness=0.35)
    hair = clouds(("hair", seed), height, width, coarsest=40, roughness=0.8)
    back = 0.3 + 0.4 * room
    red, green, blue = back * 0.8, back * 0.9, back

    def within(x: float, y: float, wide: float, high: float) -> Field:
        """Positive inside an ellipse, 1 at its centre."""
        return 1 - ((across - middle - x) / wide) ** 2 - ((down - y) / high) ** 2

    body = within(0, 1.15, 0.5, 0.45) > 0
    for mask, light, tint in (
        (body, 0.25 + 0.25 * hair * (1.3 - down), (0.8, 0.85, 1.2)),
        (within(0, 0.4, 0.29, 0.36) > 0, 0.1 + 0.35 * hair, (1.0, 0.8, 0.6)),
    ):
        red, green, blue = (
            np.where(mask, light * part, band) for band, part in zip((red, green, blue), tint, strict=True)
        )
    face = within(0, 0.46, 0.22, 0.29)
    skin = 0.45 + 0.4 * np.clip(face, 0, 1) - 0.35 * (across - middle) + 0.05 * (hair - 0.5)
    for x, y, wide, high, dark in (
        (-0.09, 0.42, 0.04, 0.018, 0.5),
        (0.09, 0.42, 0.04, 0.018, 0.5),
        (-0.09, 0.38, 0.06, 0.012, 0.3),
        (0.09, 0.38, 0.06, 0.012, 0.3),
        (0.02, 0.52, 0.03, 0.05, 0.12),
        (0.0, 0.61, 0.075, 0.02, 0.3),
    ):
        skin = skin * (1 - dark * np.clip(3 * within(x, y, wide, high), 0, 1))
    red, green, blue = (
        np.where(face > 0, skin * part, band)
        for band, part in zip((red, green, blue), (1.1, 0.9, 0.78), strict=True)
    )
    return red, green, blue
