"""The disk that a conversion takes, watched while it runs: the kernel limits each file, not their number."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

_EVERY = 0.25
_RESERVE_BYTES = 64 << 20
"""Disk that stays free whatever LibreOffice does: also what it writes to files that have no name any more."""

Filled = Literal["room", "disk"]


def is_short(directory: Path, most_bytes: int) -> bool:
    """Whether the disk has no room for a conversion: to LibreOffice, a full one looks like a bad document."""
    return shutil.disk_usage(directory).free < most_bytes + _RESERVE_BYTES


async def filled(directory: Path, pid: int, most_bytes: int) -> Filled:
    """Return when a conversion has filled its room, `most_bytes`, or somebody has filled the disk."""
    while True:
        await asyncio.sleep(_EVERY)
        if await asyncio.to_thread(_used, directory, pid) > most_bytes:
            return "room"
        if is_short(directory, 0):
            return "disk"


def _used(directory: Path, pid: int) -> int:
    """Bytes of all files in `directory` and of those that process `pid` has open and nobody else can find."""
    return sum({(one.st_dev, one.st_ino): one.st_blocks * 512 for one in _files(directory, pid)}.values())


def _files(directory: Path, pid: int) -> Iterator[os.stat_result]:
    for place, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):  # gone again
                yield Path(place, name).lstat()
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found = entry.stat()
                if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                    yield found
