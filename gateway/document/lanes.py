"""Who may have a child, and when: documents that take long or wait for LibreOffice stop no others.

Every document begins in the quick lane. One that takes longer than most goes on in the slow lane, and one
that LibreOffice works for has a desk; both leave their place in the quick lane to the next document. Each
lane has as many places as there are workers, and there are as many desks: so the number of children is
bounded, and their memory with it. Where there is no place, a document ends its child, waits without one and
begins again. Whoever waits for a desk holds nothing; whoever waits for a lane holds a desk at most, which
nobody in a lane waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Self

from gateway.document.office.allowance import Budget
from gateway.errors import GatewayError, temporary

_MOST_WAITING = 16
"""Documents that wait without a child; others are tried again later. Each holds its files open."""
_STAY_SECONDS = 1.5
"""How long a document stays where it is while the slow lane is full: most are ready by then."""


class Crowded(Exception):  # noqa: N818  not an error: it begins again
    """There is no place for a document to go on: its child has to end. See `Place.wait`."""


class Lanes:
    """Places for documents: so many in each lane, and as many desks.

    `moved` is called when a document leaves the quick lane, or ends elsewhere. `give_way`: whether those that
    take long make room for others; where nobody waits, none need to.
    """

    def __init__(self, places: int, *, moved: Callable[[], None], give_way: bool = True) -> None:
        self.give_way = give_way
        self.quick = asyncio.Semaphore(places)
        self.slow = asyncio.Semaphore(places)
        self.desks = asyncio.Semaphore(places)
        self.waiting = 0
        """Documents that wait without a child."""
        self.aside = 0
        """Documents under way that left the quick lane."""
        self._moved = moved

    def count(self, change: int) -> None:
        """A document went aside (1), or came back or ended (-1)."""
        self.aside += change
        self._moved()


class Place:
    """Where one document is at the moment; an asynchronous context manager, which begins in the quick lane.

    `patience`: seconds that it waits for others once it has begun. Then `GatewayError`, a temporary one.
    """

    def __init__(self, lanes: Lanes, patience: Budget) -> None:
        self._lanes = lanes
        self._patience = patience
        self._lane = self._goes_to = lanes.quick
        self._is_in = self._has_desk = self._wants_desk = self._is_aside = False

    @property
    def is_slow(self) -> bool:
        """Whether it belongs in the slow lane."""
        return self._lane is self._lanes.slow

    @property
    def gives_way(self) -> bool:
        """Whether it makes room for others if it takes long."""
        return self._lanes.give_way

    async def __aenter__(self) -> Self:
        await self._lane.acquire()
        self._is_in = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        if self._has_desk:
            self._lanes.desks.release()
        self._count_aside(False)

    async def to_the_slow_lane(self) -> None:
        """Move there; raises `Crowded` if there is no place for some time."""
        try:
            async with asyncio.timeout(_STAY_SECONDS):
                await self._lanes.slow.acquire()
        except TimeoutError:
            self._goes_to = self._lanes.slow
            raise Crowded from None
        self._leave()
        self._lane = self._goes_to = self._lanes.slow
        self._is_in = True

    @contextlib.asynccontextmanager
    async def at_a_desk(self) -> AsyncIterator[None]:
        """Be in no lane meanwhile, with a desk that it keeps; raises `Crowded` if there is none."""
        if not self._has_desk:
            if self._lanes.desks.locked():
                self._wants_desk = True
                raise Crowded
            await self._take_desk()
        self._leave()
        yield
        await self._enter()  # only if its child goes on

    async def wait(self) -> None:
        """After `Crowded`, and without a child: leave, and return when there is a place to begin again."""
        self._leave()
        self._lane = self._goes_to
        if self._lanes.waiting >= _MOST_WAITING:
            raise GatewayError(_BUSY)
        self._lanes.waiting += 1
        try:
            if self._wants_desk:
                with self._patience.spending() as seconds:
                    await _within(seconds, self._take_desk())
            await self._enter()
        finally:
            self._lanes.waiting -= 1

    async def _take_desk(self) -> None:
        await self._lanes.desks.acquire()
        self._has_desk, self._wants_desk = True, False

    async def _enter(self) -> None:
        with self._patience.spending() as seconds:
            await _within(seconds, self._take_place())

    async def _take_place(self) -> None:
        await self._lane.acquire()
        self._is_in = True
        self._count_aside(self.is_slow)

    def _leave(self) -> None:
        if self._is_in:
            self._is_in = False
            self._lane.release()
            self._count_aside(True)

    def _count_aside(self, is_aside: bool) -> None:
        if is_aside is not self._is_aside:
            self._is_aside = is_aside
            self._lanes.count(1 if is_aside else -1)


async def _within(seconds: float, taking: Coroutine[None, None, None]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await taking
    except TimeoutError:
        raise GatewayError(_BUSY) from None


_BUSY = temporary(
    "4.3.0",
    "The document could not be drawn: other documents are before it. It is tried again.",
    code="renderer_busy",
)
