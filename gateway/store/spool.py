"""Bytes too large for a row: files that are complete and on disk before a row names them.

A file is written under a temporary name, fsynced, renamed, and its directory fsynced; only then may a
transaction mention it. What a crash leaves without a row is swept at start.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from gateway.model import Content

INLINE = 64 * 1024
"""Content up to this size lives in the row (measured: faster up to about 100 kB)."""


def fsync_directory(path: Path) -> None:
    """Make the names in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_directory(path: Path) -> None:
    """Make `path` a directory for its owner alone, also one that exists and was open to others."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


class Spool:
    """The directory of content files. Methods block; call them from a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        private_directory(root)

    def path(self, name: str) -> Path:
        """Where the file called `name` is; `name` never leaves the directory."""
        if "/" in name or name.startswith("."):
            raise ValueError("a spool name is one plain word")
        return self.root / name

    def draft(self) -> Draft:
        """Start content of unknown size."""
        return Draft(self)

    def keep(self, name: str, data: bytes) -> Content:
        """Store `data` under `name`, or inline when it is small; durable on return."""
        with self.draft() as draft:
            draft.write(data)
            return draft.keep(name)

    def adopt(self, name: str) -> Content:
        """Make a file durable that something else wrote at `path(name)`."""
        with self.path(name).open("rb") as stream:
            os.fsync(stream.fileno())
            size = os.fstat(stream.fileno()).st_size
        fsync_directory(self.root)
        return Content(size=size, file=name)

    def read(self, content: Content) -> bytes:
        """The bytes, wherever they are."""
        if content.data is not None:
            return content.data
        if content.file is None:
            return b""
        return self.path(content.file).read_bytes()

    def discard(self, name: str) -> None:
        """Forget a file; a missing one is fine."""
        self.path(name).unlink(missing_ok=True)

    def sweep(self, known: Iterable[str]) -> list[str]:
        """Remove files that no row names (left by a crash); return their names. Call before intake starts."""
        kept = set(known)
        orphans = [entry.name for entry in self.root.iterdir() if entry.is_file() and entry.name not in kept]
        for name in orphans:
            (self.root / name).unlink(missing_ok=True)
        return orphans


class Draft:
    """Content under construction: in memory up to `INLINE` bytes, then in a temporary file."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self.size = 0

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, chunk: bytes) -> None:
        """Append; blocks on disk only once the content is large."""
        self.size += len(chunk)
        if self._file is None:
            self._memory += chunk
            if len(self._memory) <= INLINE:
                return
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by keep or discard
                dir=self._spool.root, prefix=".draft-", delete=False
            )
            self._file.write(self._memory)
            self._memory.clear()
            return
        self._file.write(chunk)

    def keep(self, name: str) -> Content:
        """Make the content durable and return what a row stores."""
        if self._file is None:
            return Content(size=self.size, data=bytes(self._memory))
        self._file.flush()
        os.fsync(self._file.fileno())
        temporary = self._file.name
        self._file.close()
        self._file = None
        Path(temporary).rename(self._spool.path(name))
        fsync_directory(self._spool.root)
        return Content(size=self.size, file=name)

    def discard(self) -> None:
        """Throw away what was not kept."""
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None
        self._memory.clear()
