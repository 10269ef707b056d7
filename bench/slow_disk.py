"""The environment of a process whose flushes to disk are slow, as on a disk without a cache.

A virtual disk often acknowledges a flush from its host's memory, and then nobody sees what flushes cost.
"""

from __future__ import annotations

from pathlib import Path

from bench import bad_day
from bench.report import say


def environment(directory: Path, milliseconds: float) -> dict[str, str] | None:
    """What to add to a process' environment; None where the library cannot be compiled."""
    if reason := bad_day.missing():
        say(f"No figures for a slow disk: {reason}.")
        return None
    with bad_day.BadDay(directory) as day:
        day.flushes(milliseconds=milliseconds)
        return day.environment
