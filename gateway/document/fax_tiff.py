"""Write a fax TIFF around G4 strips: one strip and one directory a page, byte for byte the same every time.

RFC 3949 profile F (extended), RFC 2301, TIFF 6.0: little-endian, minimum-is-white, a directory before each
strip so that pages can be streamed. The total in PageNumber is 0, "unknown", for the same reason.
"""

from __future__ import annotations

import hashlib
import struct
from typing import BinaryIO

from gateway.document.geometry import DPI_X, DPI_Y, WIDTH, Resolution

_SHORT, _LONG, _RATIONAL = 3, 4, 5
_HEAD = struct.pack("<2sHI", b"II", 42, 8)
_ENTRY = struct.Struct("<HHII")


class FaxTiff:
    """Streams pages into `file`; `size` and `digest` tell what was written so far."""

    def __init__(self, file: BinaryIO, resolution: Resolution = "fine") -> None:
        self._file = file
        self._dpi_y = DPI_Y[resolution]
        self._sha256 = hashlib.sha256()
        self._waiting: tuple[bytes, int] | None = None
        """The last page: its directory says where the next one is, so it is written when that is known."""
        self._pages = 0
        self.size = 0
        self._write(_HEAD)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, hex."""
        return self._sha256.hexdigest()

    def add(self, strip: bytes, height: int) -> None:
        """Append one page: a T.6 strip 1728 pixels wide and `height` rows high."""
        self._flush(last=False)
        self._waiting = (strip, height)

    def finish(self) -> None:
        """Write the last page; no other follows."""
        self._flush(last=True)

    def _flush(self, *, last: bool) -> None:
        if self._waiting is None:
            return
        strip, height = self._waiting
        strip += b"\0" * (len(strip) % 2)  # directories begin on even offsets
        directory = self._directory(height, len(self._waiting[0]))
        following = 0 if last else self.size + len(directory) + len(strip)
        # The offset of the next directory stands between the entries and the values they refer to.
        at = 2 + 12 * struct.unpack_from("<H", directory)[0]
        self._write(directory[:at] + struct.pack("<I", following) + directory[at + 4 :] + strip)
        self._pages += 1
        self._waiting = None

    def _directory(self, height: int, length: int) -> bytes:
        """A directory with room for the next one's offset, then the two resolutions."""
        count = 16
        values = self.size + 2 + 12 * count + 4
        strip = values + 16
        entries = (
            (254, _LONG, 1, 2),  # NewSubfileType: a page of several
            (256, _LONG, 1, WIDTH),
            (257, _LONG, 1, height),
            (258, _SHORT, 1, 1),  # BitsPerSample
            (259, _SHORT, 1, 4),  # Compression: T.6
            (262, _SHORT, 1, 0),  # PhotometricInterpretation: minimum is white
            (266, _SHORT, 1, 1),  # FillOrder: most significant bit first
            (273, _LONG, 1, strip),
            (277, _SHORT, 1, 1),  # SamplesPerPixel
            (278, _LONG, 1, height),  # RowsPerStrip
            (279, _LONG, 1, length),
            (282, _RATIONAL, 1, values),
            (283, _RATIONAL, 1, values + 8),
            (293, _LONG, 1, 0),  # T6Options
            (296, _SHORT, 1, 2),  # ResolutionUnit: inch
            (297, _SHORT, 2, self._pages),  # PageNumber: number and total, two shorts in one field
        )
        packed = b"".join(_ENTRY.pack(*entry) for entry in entries)
        resolutions = struct.pack("<4I", DPI_X, 1, self._dpi_y, 1)
        return struct.pack("<H", count) + packed + b"\0" * 4 + resolutions

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self.size += len(data)
