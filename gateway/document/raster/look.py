"""How a page became 1-bit, for people who ask (`preview --json`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Raster = bytes | bytearray | memoryview
"""Grey pixels, row by row."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the fax page; right and bottom lie outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a page and the pictures on it were taken for."""

    base: Literal["drawn", "scan", "copied"]
    """The page as a whole. "copied" is a fax page that was taken as it is."""
    photographs: tuple[Box, ...] = ()
    """Screened with a clustered dot."""
    scans: tuple[Box, ...] = ()
    """Pictures that were taken for scanned paper or line art."""
