"""Processes whose disk and clock have a bad day when told to: a library in front of the C library."""

from __future__ import annotations

import errno
import mmap
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final, Self

_SOURCE: Final = Path(__file__).with_name("bad_day.c")
_FLAGS: Final = ("-O2", "-Wall", "-Werror", "-shared", "-fPIC")
_DAY: Final = struct.Struct("=qqIiIiII1024s")
_SHIFT, _FROZEN, _FLUSH_US, _FLUSH_ERROR, _FLUSH_EVERY, _WRITE_ERROR, _REFUSED = 0, 8, 16, 20, 24, 28, 36
_SECOND: Final = 1_000_000_000


def missing() -> str:
    """Why there can be no bad days here, or ""."""
    return "" if shutil.which("cc") else "there is no C compiler (apt-get install gcc)"


class BadDay:
    """Steers processes that were started with its `environment`. Close it when they have ended.

    The faults of the disk meet only paths below `where`.
    """

    def __init__(self, directory: Path, where: Path | None = None, *, library: Path | None = None) -> None:
        """Puts its files into `directory`. `library` is what `compiled` has made.

        Raises RuntimeError if the library cannot be compiled.
        """
        self._library = library or compiled(directory)
        self._file = directory / "bad_day"
        self._file.write_bytes(_DAY.pack(0, 0, 0, 0, 1, 0, 0, 0, b"" if where is None else bytes(where)))
        with self._file.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _DAY.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shared.close()

    @property
    def environment(self) -> dict[str, str]:
        """What to add to a process' environment."""
        return {"LD_PRELOAD": str(self._library), "BAD_DAY": str(self._file)}

    @property
    def refused(self) -> int:
        """Calls that have failed for a fault so far."""
        return int(struct.unpack_from("=I", self._shared, _REFUSED)[0])

    def disk(self, error: int = 0) -> None:
        """From now on whatever would change the disk fails with `error` (`errno.ENOSPC`); 0: it works."""
        struct.pack_into("=i", self._shared, _WRITE_ERROR, error)

    def flushes(self, *, error: int = 0, every: int = 1, milliseconds: float = 0.0) -> None:
        """From now on each `every`-th flush fails with `error` (`errno.EIO`), and all take longer."""
        struct.pack_into("=IiI", self._shared, _FLUSH_US, round(milliseconds * 1000), error, every)

    def clock(self, ahead: float = 0.0) -> None:
        """From now on the wall clock is so many seconds ahead, and runs."""
        struct.pack_into("=qq", self._shared, _SHIFT, round(ahead * _SECOND), 0)

    def freeze(self, at: float) -> None:
        """From now on the wall clock stands at `at`, epoch seconds."""
        struct.pack_into("=q", self._shared, _FROZEN, round(at * _SECOND))

    def over(self) -> None:
        """No faults any more; the clock keeps what it has."""
        self.disk()
        self.flushes()


FULL: Final = errno.ENOSPC
READ_ONLY: Final = errno.EROFS
BROKEN: Final = errno.EIO


def compiled(directory: Path) -> Path:
    """Make the library in `directory`."""
    library = directory / "bad_day.so"
    command = ["cc", *_FLAGS, "-o", str(library), str(_SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise RuntimeError(f"{_SOURCE.name} cannot be compiled: {done.stderr.strip()[-1000:]}")
    return library
