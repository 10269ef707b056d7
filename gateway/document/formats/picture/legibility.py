"""What the recipient of a picture may not be able to read. Looked for in previews only; changes no pixel."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gateway.document.formats.colours import Colour, confusable, is_strong
from gateway.document.formats.parts import Part
from gateway.document.formats.picture.sizing import Size
from gateway.document.formats.sniff import Format
from gateway.document.geometry import DPI_X, WIDTH, Placement
from gateway.document.raster import Box, Look

_FEW_DOTS = 90
"""An inch on the page: at this, 8-point letters are 5 dots high."""
_SHRUNK = 0.5
"""Shrunk by this much, 12-point letters become 6-point ones."""
_LEAST_SPAN, _CLEAR_SPAN = 12, 80
"""Greys between ink and paper: below the one nothing is there, from the other on it is clear."""
_SAMPLE = 256
"""Pixels each way that are looked at for colours."""
_FREQUENT = 0.01
"""A colour counts if it covers this share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What can only be seen before a picture is grey and on the page."""

    dots: int
    """An inch across, on the page."""
    shrunk: float
    """Scale on the page of what states its size."""
    confusable: bool
    """Whether colours that mean different things may look the same."""


def examine(part: Part, kind: Format, picture: Image.Image, size: Size, place: Placement) -> Seen:
    """Look at a decoded picture; a JPEG, which is decoded without colours, is opened once more."""
    across = size.pixels[1] if place.turned else size.pixels[0]
    stated = size.inches[1] if place.turned else size.inches[0]
    if kind is Format.JPEG:
        with Image.open(io.BytesIO(part.data), formats=["JPEG"]) as coloured:
            coloured.draft("RGB", (_SAMPLE, _SAMPLE))
            colours = _colours(coloured)
    else:
        colours = _colours(picture)
    return Seen(
        dots=round(across * DPI_X / place.width),
        shrunk=place.width / DPI_X / stated if size.dpi else 1.0,
        confusable=bool(confusable(colours)),
    )


def sentences(label: str, seen: Seen, page: bytearray, box: Box, look: Look) -> tuple[str, ...]:
    """What to tell about one page that shows a picture in `box`."""
    found = []
    if not look.photographs:
        if seen.dots < _FEW_DOTS:
            found.append(f"is only {seen.dots} dots an inch on the page: small text will not be legible.")
        elif seen.shrunk < _SHRUNK:
            found.append(f"is shrunk to {seen.shrunk:.0%} of its size: small text will not be legible.")
        if seen.confusable:
            found.append("has colours that look alike on a fax: they cannot carry meaning.")
        if _LEAST_SPAN <= _span(page, box) < _CLEAR_SPAN:
            found.append("has little contrast: what is pale may be lost.")
    return tuple(f"{label} {sentence}" for sentence in found)


def _span(page: bytearray, box: Box) -> int:
    """Greys between the ground, light or dark, and what stands out most on it, dust aside."""
    left, top, right, bottom = box
    area = np.frombuffer(page, np.uint8).reshape(-1, WIDTH)[top:bottom, left:right]
    dark, ground, light = (int(level) for level in np.percentile(area, (0.3, 75, 99.7)))
    return max(ground - dark, light - ground)


def _colours(picture: Image.Image) -> Sequence[Colour]:
    """The strong colours that cover something, in steps of 16."""
    if picture.mode in ("1", "L", "LA", "F") or picture.mode.startswith("I"):
        return ()
    size = (min(picture.width, _SAMPLE), min(picture.height, _SAMPLE))
    sample = np.asarray(picture.resize(size, Image.Resampling.NEAREST).convert("RGB")) >> 4
    colours, counts = np.unique(sample.reshape(-1, 3), axis=0, return_counts=True)
    frequent = colours[counts > _FREQUENT * sample.shape[0] * sample.shape[1]].astype(int) * 16 + 8
    return [(r, g, b) for r, g, b in frequent.tolist() if is_strong((r, g, b))]
