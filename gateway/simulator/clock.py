"""The simulator's time: a wall clock for dates, and line seconds that may run faster than real ones."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Two readings of one time.

    `now` is the date that rows carry: real time plus what was advanced by hand, so that a client's date
    windows fit however fast the line runs. `seconds` is the time of the line: `scale` seconds pass in each
    real one. Advancing by hand moves both.
    """

    def __init__(self, *, scale: float = 1.0, start: datetime | None = None) -> None:
        if scale <= 0:
            raise ValueError(f"a time scale is above zero, not {scale}")
        self.scale = scale
        self._base = start or datetime.now(UTC)
        self._started = time.monotonic()
        self._advanced = 0.0
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """Wall clock, aware, UTC."""
        return self._base.astimezone(UTC) + timedelta(seconds=self._elapsed() + self._advanced)

    def today(self, zone: str) -> date:
        """The server's day."""
        return self.now().astimezone(ZoneInfo(zone)).date()

    def seconds(self) -> float:
        """Line seconds since the start."""
        return self._elapsed() * self.scale + self._advanced

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once; sleepers whose time came wake up."""
        if seconds < 0:
            raise ValueError("time only goes forward")
        self._advanced += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep_until(self, moment: float) -> None:
        """Sleep until `seconds` reaches `moment`."""
        while (left := moment - self.seconds()) > 0:
            moved = self._moved
            try:
                async with asyncio.timeout(left / self.scale):
                    await moved.wait()
            except TimeoutError:
                continue

    async def sleep(self, seconds: float) -> None:
        """Sleep for line seconds."""
        await self.sleep_until(self.seconds() + seconds)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started


class Timeline:
    """What happens later: functions called at a line second, in order, on the event loop.

    `run` calls them as time passes; `run_due` catches up at once, so that a request never sees a past that
    has not happened yet.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._added = asyncio.Event()

    def at(self, moment: float, happen: Callable[[], None]) -> None:
        """Call `happen` when the clock reaches `moment`."""
        heapq.heappush(self._due, (moment, next(self._order), happen))
        self._added.set()

    def run_due(self) -> None:
        """Call all that is due, also what these calls make due."""
        while self._due and self._due[0][0] <= self._clock.seconds():
            _, _, happen = heapq.heappop(self._due)
            happen()

    def clear(self) -> None:
        """Forget everything planned."""
        self._due.clear()

    async def run(self) -> None:
        """Run for ever; cancel to stop."""
        while True:
            self.run_due()
            self._added.clear()
            if not self._due:
                await self._added.wait()
                continue
            sleeper = asyncio.ensure_future(self._clock.sleep_until(self._due[0][0]))
            added = asyncio.ensure_future(self._added.wait())
            try:
                await asyncio.wait({sleeper, added}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeper.cancel()
                added.cancel()
