"""Bytes too large for a row: files that are complete and on disk before a row names them.

A file is written under a temporary name, fsynced, renamed, and its directory fsynced; only then may a
transaction mention it. What a crash leaves without a row is swept at start.

Where several nodes share a database, the files are kept there (`blobs`), and these here are a cache: not
synced, fetched when missing, trimmed when they lay idle.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable
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


Source = Callable[[str, Callable[[bytes], object]], bool]
"""Feeds the file of a name, in pieces, to the function given; False if there is none. May raise OSError."""


class Spool:
    """The directory of content files. Methods block; call them from a thread."""

    def __init__(self, root: Path, *, source: Source | None = None) -> None:
        """`source`: where the files are kept; without one, this directory is the place."""
        self.root = root
        self._source = source
        private_directory(root)

    @property
    def cache(self) -> bool:
        """Whether the files are kept somewhere else."""
        return self._source is not None

    def path(self, name: str) -> Path:
        """Where the file called `name` is, if it is here; `name` never leaves the directory."""
        if "/" in name or name.startswith("."):
            raise ValueError("a spool name is one plain word")
        return self.root / name

    def get(self, name: str) -> Path:
        """Where the file called `name` is, after fetching it if need be.

        Raises OSError: FileNotFoundError if it is nowhere, another one if nobody can tell just now.
        """
        path = self.path(name)
        if self._source is None:
            return path
        try:
            os.utime(path)  # it is in use: see `trim`
        except FileNotFoundError:
            with self.draft() as draft:
                if not self._source(name, draft.write):
                    raise
                draft.place(name)
        return path

    def draft(self) -> Draft:
        """Start content of unknown size."""
        return Draft(self)

    def keep(self, name: str, data: bytes) -> Content:
        """Store `data` under `name`, or inline when it is small; durable on return."""
        with self.draft() as draft:
            draft.write(data)
            return draft.keep(name)

    def adopt(self, name: str) -> Content:
        """Make a file durable that something else wrote at `path(name)`. After an OSError it is gone.

        After a flush that failed nobody knows what is on the disk, and the next one may well succeed.
        """
        with self.path(name).open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if not self.cache:
                try:
                    os.fsync(stream.fileno())
                except OSError:
                    self._withdraw(name)
                    raise
        if not self.cache:
            self.settle(name)
        return Content(size=size, file=name)

    def settle(self, name: str) -> None:
        """Make the name of a file durable, or remove the file and raise OSError."""
        try:
            fsync_directory(self.root)
        except OSError:
            self._withdraw(name)
            raise

    def _withdraw(self, name: str) -> None:
        with contextlib.suppress(OSError):  # no row names it: the next start sweeps it
            self.discard(name)

    def read(self, content: Content) -> bytes:
        """The bytes, wherever they are. Raises OSError as `get` does."""
        if content.data is not None:
            return content.data
        if content.file is None:
            return b""
        return self.get(content.file).read_bytes()

    def matches(self, content: Content, digest: str) -> bool:
        """Whether the bytes have this SHA-256. Raises OSError as `get` does.

        A cached file that has not may be what became of work that came too late, so the kept one is fetched.
        """
        if content.file is None:
            return hashlib.sha256(content.data or b"").hexdigest() == digest
        if _digest(self.get(content.file)) == digest:
            return True
        if not self.cache:
            return False
        self.discard(content.file)
        return _digest(self.get(content.file)) == digest

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

    def trim(self, idle: float) -> None:
        """Remove files of a cache that nobody used for `idle` seconds."""
        oldest = time.time() - idle
        for entry in self.root.iterdir() if self.cache else ():
            try:
                if entry.stat().st_mtime < oldest:
                    entry.unlink()
            except FileNotFoundError:
                continue


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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

    def fits(self, chunk: bytes) -> bool:
        """Whether `chunk` can be written without touching the disk."""
        return self._file is None and len(self._memory) + len(chunk) <= INLINE

    def write(self, chunk: bytes) -> None:
        """Append; blocks on disk only once the content is large."""
        self.size += len(chunk)
        if self._file is None:
            self._memory += chunk
            if len(self._memory) <= INLINE:
                return
            self._open()
            return
        self._file.write(chunk)

    def _open(self) -> None:
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by _rename or discard
            dir=self._spool.root, prefix=".draft-", delete=False
        )
        self._file.write(self._memory)
        self._memory.clear()

    def _rename(self, name: str) -> None:
        assert self._file is not None
        self._file.close()
        Path(self._file.name).rename(self._spool.path(name))
        self._file = None

    def keep(self, name: str) -> Content:
        """Make the content durable and return what a row stores. After an OSError there is no such file."""
        if self._file is None:
            return Content(size=self.size, data=bytes(self._memory))
        self._file.flush()
        if not self._spool.cache:
            os.fsync(self._file.fileno())
        self._rename(name)
        if not self._spool.cache:
            self._spool.settle(name)
        return Content(size=self.size, file=name)

    def place(self, name: str) -> None:
        """Make the content a file called `name`, however small it is, without making it durable."""
        if self._file is None:
            self._open()
        self._rename(name)

    def discard(self) -> None:
        """Throw away what was not kept."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # the next start sweeps it
                Path(file.name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it flushes, and fails again where the disk is full
                file.close()
        self._memory.clear()
