"""A file on its way into a form field: read and base64-encoded piece by piece, never as a whole."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import BinaryIO, Protocol


class PayloadSource(Protocol):
    """A file to upload, of a size that is known and does not change."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def open(self) -> BinaryIO:
        """A new reader at the start; the caller closes it."""
        ...


class BytesPayload:
    """A file in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self._data)

    def open(self) -> BinaryIO:
        """A new reader at the start."""
        return io.BytesIO(self._data)


class FilePayload:
    """A file on disk, opened when it is sent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def size(self) -> int:
        """Bytes."""
        return self._path.stat().st_size

    def open(self) -> BinaryIO:
        """A new reader at the start."""
        return self._path.open("rb")


class Base64Reader(io.RawIOBase):
    """The base64 of a file as a file: no line breaks, no prefix. Seeks to its two ends only.

    That is what an HTTP library needs to learn the length and to read from the start.
    """

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._size = size
        self._taken = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """To its ends."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """To the start or the end (a file is also asked for its position by seeking by 0)."""
        here, end = _encoded(self._taken), _encoded(self._size)
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: here, io.SEEK_END: end}[whence]
        if target == 0:
            self._source.seek(0)
            self._taken = 0
        elif target == end:
            self._taken = self._size
        elif target != here:
            raise io.UnsupportedOperation("this reader only seeks to its ends")
        return target

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` characters (at least one group of four), all that are left if negative.

        Raises:
            OSError: the file is longer or shorter than it was said to be.
        """
        left = self._size - self._taken
        # Only whole groups of three bytes encode without padding, so a short read must not end a piece.
        wanted = left if size < 0 else min(left, max(size // 4, 1) * 3)
        raw = bytearray()
        while len(raw) < wanted and (piece := self._source.read(wanted - len(raw))):
            raw += piece
        if len(raw) < wanted or (wanted == left and self._source.read(1)):
            raise OSError("the file changed its size while it was sent")
        self._taken += wanted
        return base64.b64encode(raw)


def _encoded(size: int) -> int:
    """Characters of base64 for `size` bytes."""
    return (size + 2) // 3 * 4
