"""Whether two pages are the same page, coded or drawn anew on its way: a proof, not a likeness.

A provider may store what it sent in its own way: another coding, another resolution, a margin more. Where its
page differs from ours, it must differ as drawing anew does and as no other text does: its ink lies where ours
lies, to within one pixel at every place, or its rows are ours at half the resolution, bit for bit. A digit
that was replaced by another puts ink elsewhere, down to print of 6 points, below which a fax hardly shows the
difference. What drawing anew changes more than that (a photograph's screen, hairlines at a lower resolution,
a line that was stamped on the page) is no proof.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.document.geometry import WIDTH

_SCALE = 0.1
"""Share by which the page may have been scaled."""

Ink = NDArray[np.bool_]


def alike(ours: bytes, theirs: bytes, faint: bytes | None = None) -> bool:
    """Compare two pages of packed rows (1 is black). A page without ink proves nothing.

    `faint`: theirs with all that is grey, where a hairline of ours is when it was drawn anew.
    """
    page, other = _unpacked(ours), _unpacked(theirs)
    mine, within = _cut(page), _margins(other)
    if mine is None or within is None:
        return False
    if faint is None and any(
        np.array_equal(cut, other[within]) for half in _halves(page) if (cut := _cut(half)) is not None
    ):
        return True
    dark = other[within]
    if any(abs(a / b - 1) > _SCALE for a, b in zip(dark.shape, mine.shape, strict=True)):
        return False
    grey = dark if faint is None else _unpacked(faint)[within]
    return _covers(mine, _scaled(dark, mine.shape)) and _covers(_scaled(grey, mine.shape), mine)


def _unpacked(rows: bytes) -> Ink:
    return np.unpackbits(np.frombuffer(rows, np.uint8)).reshape(-1, WIDTH).astype(np.bool_)


def _margins(page: Ink) -> tuple[slice, slice] | None:
    """Where the ink is."""
    down, across = np.flatnonzero(page.any(axis=1)), np.flatnonzero(page.any(axis=0))
    return (slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)) if down.size else None


def _cut(page: Ink) -> Ink | None:
    """What lies within the margins."""
    within = _margins(page)
    return None if within is None else page[within]


def _halves(page: Ink) -> tuple[Ink, ...]:
    """The ways to make a standard page of a fine one: every other row, or two in one."""
    even, odd = page[: len(page) // 2 * 2 : 2], page[1::2]
    return even, odd, even | odd


def _scaled(page: Ink, shape: tuple[int, ...]) -> Ink:
    if page.shape == shape:
        return page
    grey = Image.fromarray(page.astype(np.uint8) * 255)
    return np.asarray(grey.resize((shape[1], shape[0]), Image.Resampling.BILINEAR)) >= 128


def _covers(page: Ink, other: Ink) -> bool:
    """Whether all ink of `other` is ink of `page`, or stands beside, above or below it."""
    near = page.copy()
    near[:, 1:] |= page[:, :-1]
    near[:, :-1] |= page[:, 1:]
    near[1:] |= page[:-1]
    near[:-1] |= page[1:]
    return not bool((other & ~near).any())
