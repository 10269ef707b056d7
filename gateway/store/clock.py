"""One clock for all who share a database: the database's, carried on between two readings by one that no wall
clock moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_GOOD = 0.1
"""Seconds that a reading may take to be believed; half of it is the most that it can be wrong."""
_OLD = 60.0
"""Seconds after which a reading that took longer is better than none."""


def boottime() -> float:
    """Seconds since the machine started, suspended time included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


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
