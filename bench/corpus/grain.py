"""Noise that is the same everywhere: NumPy promises that of no generator of its own."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]


def white(seed: object, height: int, width: int) -> Field:
    """Independent grains of mean 0 and deviation 1: the sum of two even ones."""
    source = random.Random(repr(seed))  # noqa: S311 - no secret
    one, other = np.frombuffer(source.randbytes(2 * height * width), np.uint8).reshape(2, height, width)
    return (one.astype(np.float32) + other - 255) / np.float32(104.5)


def clouds(seed: object, height: int, width: int, *, coarsest: int, roughness: float) -> Field:
    """Fractal noise between 0 and 1: octaves from `coarsest` cells across to one pixel in three."""
    total = np.zeros((height, width), np.float32)
    weight, cells = 1.0, coarsest
    while cells < width // 2:
        octave = white((seed, cells), max(2, cells * height // width), cells)
        grown = Image.fromarray(octave).resize((width, height), Image.Resampling.BICUBIC)
        total += np.float32(weight) * np.asarray(grown)
        weight, cells = weight * roughness, cells * 2
    low, high = np.percentile(total[::8, ::8], (0.5, 99.5))
    even: Field = np.clip((total - low) / (high - low), 0, 1).astype(np.float32)
    return even
