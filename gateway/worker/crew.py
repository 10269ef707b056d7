"""Claim → step → outcome → one write, again and again, with a bounded number of steps at a time.

A `Crew` owns one kind of item. A wake-up is a hint; polling is the truth. Expected trouble is an outcome; an
exception that escapes a step is a bug in that one item's path: it is logged, the item's lease runs out, and
the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from gateway import journal
from gateway.store import StoreUnavailableError

W = TypeVar("W")


class Crew(Generic[W]):
    """Runs up to `size` steps at a time; claims only what it can start at once.

    `due` tells the seconds until the next item that waits for its time, `poll` the longest sleep.
    """

    def __init__(
        self,
        name: str,
        *,
        claim: Callable[[int], Awaitable[Sequence[W]]],
        handle: Callable[[W], Awaitable[None]],
        due: Callable[[], Awaitable[float | None]],
        size: int,
        poll: float,
        name_of: Callable[[W], str],
    ) -> None:
        self.name = name
        self._name_of = name_of
        self._claim = claim
        self._handle = handle
        self._due = due
        self._size = size
        self._poll = poll
        self._tasks: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()
        self._closing = False
        self._paused_until = 0.0

    @property
    def busy(self) -> int:
        """Steps under way."""
        return len(self._tasks)

    def wake(self) -> None:
        """There may be work."""
        self._bell.set()

    def pause(self, seconds: float) -> None:
        """Claim nothing for a while: whatever the next item is, it would meet the same trouble."""
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)

    def close(self) -> None:
        """Claim no more; `run` returns once the steps under way have ended."""
        self._closing = True
        self._bell.set()

    async def run(self) -> None:
        """Work until `close`."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            self._bell.clear()
            wait = self._poll
            free = self._size - len(self._tasks)
            if self._paused_until > loop.time():
                wait = self._paused_until - loop.time()
            elif free > 0:
                try:
                    works = await self._claim(free)
                    if not works and (seconds := await self._due()) is not None:
                        wait = min(wait, max(seconds, 0.0))
                    journal.store_recovered()
                except StoreUnavailableError as error:
                    journal.store_trouble(reason=error.failure.code)
                    works = []
                for work in works:
                    task = asyncio.create_task(self._one(work), name=self.name)
                    self._tasks.add(task)
                    task.add_done_callback(self._done)
                if works and len(works) == free:
                    continue
            try:
                async with asyncio.timeout(wait):
                    await self._bell.wait()
            except TimeoutError:
                pass
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def cancel(self) -> None:
        """Cut off the steps under way: their rows tell the next start what may have happened."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._bell.set()

    async def _one(self, work: W) -> None:
        try:
            await self._handle(work)
        except StoreUnavailableError as error:
            journal.store_trouble(reason=error.failure.code)
        except Exception as error:
            journal.crashed_item(stage=self.name, item_id=self._name_of(work), error=error)
