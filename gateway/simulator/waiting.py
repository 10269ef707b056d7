"""Waiting for a condition on one event loop, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Tells waiters that something changed. `notify` is called on the event loop's thread."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Let every waiter look again."""
        for waiter in self._waiters:
            waiter.set()

    async def until(self, look: Callable[[], T | None], timeout: float) -> T:
        """The first value of `look` that is neither None nor False.

        Raises:
            TimeoutError: nothing came within `timeout` seconds of real time.
        """
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(timeout):
                while (found := look()) is None or found is False:
                    await waiter.wait()
                    waiter.clear()
                return found
        finally:
            self._waiters.discard(waiter)
