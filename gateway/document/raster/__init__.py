"""From grey to the 1-bit page that is sent: levels for text, a screen for photographs, G4.

Grey is 8 bit, 0 black. A 1-bit page is packed rows of 216 bytes, most significant bit first, with 1 for
black, as T.4/T.6 count and as the page digest is defined. Everything is integer arithmetic, and what touches
every pixel exists twice, in numpy and in C, with the same outcome bit for bit: `NATIVE` tells which runs.
"""

from __future__ import annotations

from gateway.document.raster.alike import alike
from gateway.document.raster.bilevel import to_bilevel
from gateway.document.raster.g4 import digest
from gateway.document.raster.kernel import KERNEL, NATIVE
from gateway.document.raster.look import Box, Look, Raster
from gateway.document.raster.marks import black, is_blank
from gateway.document.raster.skew import skew, straightened

encode = KERNEL.encode
resized = KERNEL.resized

__all__ = [
    "NATIVE",
    "Box",
    "Look",
    "Raster",
    "alike",
    "black",
    "digest",
    "encode",
    "is_blank",
    "resized",
    "skew",
    "straightened",
    "to_bilevel",
]
