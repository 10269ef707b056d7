"""Claim → step → outcome → one write, again and again, with a bounded number of steps at a time.

A wake-up is a hint; polling is the truth. Expected trouble is an outcome; an exception that escapes a step is
a bug in that one item's path: it is logged and counted, and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, TypeVar

from gateway import journal
from gateway.store import StoreUnavailableError
from gateway.store.leases import StaleError
from gateway.worker.lines import Line

W = TypeVar("W")

_POLL = 5.0
"""Seconds after which a crew looks for work even if nobody woke it."""
_AFTER_TROUBLE = 1.0
"""Seconds after which it looks again where the store was not there."""
_DOUBT = 60.0
"""Seconds in which a COMMIT without an answer may still come true."""


class Crew(Generic[W]):
    """Runs up to `size` steps of a line at a time; claims only what it can start at once.

    `aside` tells how many of those under way need no place among them at the moment.
    """

    def __init__(self, line: Line[W], *, size: int, aside: Callable[[], int] = lambda: 0) -> None:
        self.name = line.name
        self._line = line
        self._size = size
        self._aside = aside
        self._tasks: set[asyncio.Task[None]] = set()
        self._strikes: dict[str, int] = {}
        self._bell = asyncio.Event()
        self._closing = False
        self._in_hand: set[str] = set()
        self._doubt_until = 0.0

    def wake(self) -> None:
        """There may be work."""
        self._bell.set()

    def close(self) -> None:
        """Claim no more; `run` returns once the steps under way have ended."""
        self._closing = True
        self._bell.set()

    async def run(self) -> None:
        """Work until `close`."""
        while not self._closing:
            self._bell.clear()
            wait = await self._start_what_is_due()
            if wait <= 0 or self._closing:
                continue
            try:
                async with asyncio.timeout(wait):
                    await self._bell.wait()
            except TimeoutError:
                pass
        while self._tasks:
            await asyncio.wait(self._tasks, timeout=_POLL)
            try:
                await self._line.keep(self._in_hand)
            except StoreUnavailableError as error:
                journal.store_trouble(reason=error.failure.code)

    async def _start_what_is_due(self) -> float:
        """Claim and start steps; seconds to sleep then, 0 to look again at once."""
        now = asyncio.get_running_loop().time()
        try:
            free = self._size + self._aside() - len(self._tasks)
            if free <= 0:
                await self._line.keep(self._in_hand)
                return _POLL
            if now < self._doubt_until:
                await self._line.give_back(self._in_hand)
            works = await self._line.claim(free, idle=not self._tasks, in_hand=self._in_hand)
            due = None if works else await self._line.due()
        except StoreUnavailableError as error:
            journal.store_trouble(reason=error.failure.code)
            if not error.certain:  # it may have claimed what nobody here knows of
                self._doubt_until = now + _DOUBT
            return _AFTER_TROUBLE
        for work in works:
            self._in_hand.add(self._line.name_of(work))
            task = asyncio.create_task(self._one(work), name=self.name)
            self._tasks.add(task)
            task.add_done_callback(self._done)
        if len(works) == free:
            return 0.0
        return _POLL if due is None else min(_POLL, max(due, 0.001))

    async def cancel(self) -> None:
        """Cut off the steps under way. What was not in a call is as if it had not been taken up.

        Of a fax in a call the row tells the next start what may have happened.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(StoreUnavailableError):
            await self._line.give_back(())

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._bell.set()

    async def _one(self, work: W) -> None:
        name = self._line.name_of(work)
        try:
            await self._take_step(work, name)
        finally:
            self._in_hand.discard(name)

    async def _take_step(self, work: W, name: str) -> None:
        strikes = 0
        try:
            await self._line.handle(work)
            self._strikes.pop(name, None)
            return
        except StaleError:
            return  # a person or another start was faster; what they wrote stands
        except StoreUnavailableError as error:
            journal.store_trouble(reason=error.failure.code)
        except Exception as error:
            journal.crashed_item(stage=self.name, item_id=name, error=error)
            strikes = self._strikes[name] = self._strikes.get(name, 0) + 1
        try:
            await self._line.recover(work, strikes)
        except StaleError:
            pass
        except Exception as error:
            journal.crashed_item(stage=self.name, item_id=name, error=error)
