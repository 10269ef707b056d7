"""Clocks for leases, deadlines and retries: epoch seconds, carried on by one that no step of another moves.

Nodes that share a database read its clock. A store of its own reads this machine's, and when that one steps,
the waits in the store step with it (`steps`), so that they last as long as they were meant to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

_GOOD = 0.1
"""Seconds that a reading may take to be believed; half of it is the most that it can be wrong."""
_OLD = 60.0
"""Seconds after which a reading that took longer is better than none."""


def boottime() -> float:
    """Seconds since the machine started, suspended time included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """A word for this run of the machine: `boottime` counts from its start."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class SharedClock:
    """Epoch seconds as another clock tells them. Threads may share it."""

    def __init__(self, *, ticking: Callable[[], float] = boottime) -> None:
        self._ticking = ticking
        self._offset: float | None = None
        self._set_at = 0.0

    def now(self) -> float:
        """Epoch seconds. Until the first reading this machine's own."""
        return time.time() if self._offset is None else self._ticking() + self._offset

    def read(self, clock: Callable[[], float]) -> None:
        """Compare with `clock`, which takes its time to answer."""
        before = self._ticking()
        reading = clock()
        after = self._ticking()
        if self._offset is None or after - before <= _GOOD or after - self._set_at > _OLD:
            self._offset = reading - (before + after) / 2
            self._set_at = after


class OwnClock:
    """Epoch seconds as this machine tells them, but for steps, which come when it is told to follow."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, ticking: Callable[[], float] = boottime
    ) -> None:
        self._wall = wall
        self._ticking = ticking
        self._offset = wall() - ticking()
        self._leaps: tuple[tuple[float, float], ...] = ()

    def now(self) -> float:
        """Epoch seconds."""
        return self._ticking() + self._offset

    @property
    def offset(self) -> float:
        """Seconds between the epoch and the start of the clock that nobody sets."""
        return self._offset

    def ahead(self) -> float:
        """Seconds that the wall clock has stepped forward (or back: negative) since it was last followed."""
        return self._wall() - self.now()

    def follow(self, by: float) -> None:
        """Step by so many seconds."""
        self._offset += by

    @property
    def leaps(self) -> Sequence[tuple[float, float]]:
        """Steps forward that are known: when (after it) and by how many seconds."""
        return self._leaps

    @leaps.setter
    def leaps(self, leaps: Sequence[tuple[float, float]]) -> None:
        self._leaps = tuple(leaps)

    def skipped(self, since: float) -> float:
        """Seconds since then that nobody lived through, because the clock leapt over them."""
        return sum(by for at, by in self._leaps if at > since)
