"""How long one child may take, and when its document has to make room for others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.document.helper import Child, Helper
from gateway.document.lanes import Crowded, Place

_PATIENCE_SECONDS = 0.5
"""A document that takes longer gives way to the others: a fax of ten pages takes less."""
_SLOW_TIMES = 2
"""The time that is left when a document gives way is so often as long: others may take some of it."""


class Pace:
    """The clock of one child. Its own time only passes while it works, and more slowly when it gives way."""

    def __init__(self, helper: Helper, child: Child, place: Place) -> None:
        self._helper = helper
        self._child = child
        self._place = place
        self._clock = asyncio.timeout(None)
        self._is_crowded = False
        self._timer: asyncio.TimerHandle | None = None
        self._moving: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def keeping(self, seconds: float) -> AsyncIterator[None]:
        """Work for so long at most: else `TimeoutError`. `Crowded`: it has to end now and begin again."""
        try:
            async with self._clock:
                self._go_on(seconds)
                if self._place.is_slow:
                    self._give_way()
                yield
        except TimeoutError:
            if self._is_crowded:
                raise Crowded from None
            raise
        finally:
            self._hold()

    @contextlib.asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """The child's time goes on after this, if it goes on: it is not to blame for what others take."""
        left = self._left()
        self._hold()
        self._set(None)
        yield
        self._go_on(left)

    def _go_on(self, seconds: float) -> None:
        self._set(seconds)
        if self._place.gives_way and not self._place.is_slow:
            self._timer = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._move)

    def _hold(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._moving is not None:
            self._moving.cancel()

    def _set(self, seconds: float | None) -> None:
        if not self._clock.expired():
            self._clock.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)

    def _left(self) -> float:
        return max(0.0, (self._clock.when() or 0.0) - asyncio.get_running_loop().time())

    def _move(self) -> None:
        self._helper.slow_down(self._child)
        self._moving = asyncio.create_task(self._to_the_slow_lane(), name="slow-lane")

    async def _to_the_slow_lane(self) -> None:
        try:
            await self._place.to_the_slow_lane()
        except Crowded:
            self._is_crowded = True
            self._set(0.0)
        else:
            self._give_way()

    def _give_way(self) -> None:
        self._helper.slow_down(self._child)
        self._set(self._left() * _SLOW_TIMES)
