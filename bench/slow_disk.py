"""The environment of a process whose flushes to disk are slow: a small library in front of the C library."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.report import say

_SOURCE = Path(__file__).with_name("slow_fsync.c")


def environment(directory: Path, milliseconds: float) -> dict[str, str] | None:
    """What to add to a process' environment; None where the library cannot be compiled."""
    compiler = shutil.which("cc")
    if compiler is None:
        say("No figures for a slow disk: there is no C compiler (apt-get install gcc).")
        return None
    library = directory / "slow_fsync.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise RuntimeError(f"{_SOURCE.name} cannot be compiled: {done.stderr.strip()[-1000:]}")
    return {"LD_PRELOAD": str(library), "SLOW_FSYNC_US": f"{milliseconds * 1000:.0f}"}
