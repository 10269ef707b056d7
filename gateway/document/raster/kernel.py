"""Which implementation of the work on pixels and blocks runs: C if it was built, else numpy and Pillow."""

from __future__ import annotations

from typing import Final, Literal, Protocol

from gateway.document import native
from gateway.document.raster import g4, levels, resize
from gateway.document.raster import pixels as in_python
from gateway.document.raster.in_c import InC
from gateway.document.raster.look import Box
from gateway.document.raster.pixels import Bytes, Survey


class Kernel(Protocol):
    """What `InC` and `InPython` both are."""

    def survey(self, grey: Bytes, tall: int) -> Survey:
        """See `pixels.survey`, like the rest."""

    def quartered(self, grey: Bytes, tall: int) -> tuple[Bytes, Bytes]: ...

    def drawn(self, page: Survey) -> Bytes:
        """See `levels`."""

    def scanned(self, mean: Bytes, dark: Bytes) -> Bytes: ...

    def threshold(self, grey: Bytes, level: Bytes, wide: int, tall: int) -> Bytes: ...

    def screen(self, grey: Bytes, rows: Bytes, box: Box, tile: Bytes) -> None: ...

    def resized(self, grey: Bytes, high: int, wide: int) -> Bytes: ...

    def encode(self, rows: bytes, height: int) -> bytes: ...


class InPython:
    """The work by numpy, and G4 by Pillow's libtiff."""

    survey = staticmethod(in_python.survey)
    quartered = staticmethod(in_python.quartered)
    drawn = staticmethod(levels.drawn)
    scanned = staticmethod(levels.scanned)
    threshold = staticmethod(in_python.threshold)
    screen = staticmethod(in_python.screen)
    resized = staticmethod(resize.resized)
    encode = staticmethod(g4.encode)


KERNEL: Final[Kernel] = InC(native.LIBRARY) if native.LIBRARY is not None else InPython()
NATIVE: Final[Literal["native", "python"]] = "native" if native.LIBRARY is not None else "python"
