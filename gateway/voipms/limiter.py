"""A client-side rate limit, so that the provider's own (size unpublished) is not met."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.errors import StoppingError

_ROUNDING = 1e-6
"""Part of a token."""


class Limiter:
    """A token bucket: `per_minute` calls on average, a quarter of them at once.

    Callers are served in the order they came. One that is cancelled while it waits takes no token.
    """

    def __init__(
        self,
        per_minute: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._rate = per_minute / 60.0
        self._capacity = max(1.0, per_minute / 4.0)
        self._clock = clock
        self._sleep = sleep
        self._tokens = self._capacity
        self._filled_at = clock()
        self._closed_until = self._filled_at
        self._turn = asyncio.Lock()
        self._sleeping: asyncio.Future[object] | None = None
        self._stopped = False

    async def take(self) -> None:
        """Wait for a turn and use it up. Raises `StoppingError` after `stop`."""
        async with self._turn:
            while not self._stopped and (wait := self._wait()) > 0:
                self._sleeping = asyncio.ensure_future(self._sleep(wait))
                try:
                    await self._sleeping
                except asyncio.CancelledError:
                    if not self._stopped:
                        raise
            if self._stopped:
                raise StoppingError
            self._tokens -= 1.0

    def stop(self) -> None:
        """No more turns: nobody waits any longer."""
        self._stopped = True
        if self._sleeping is not None:
            self._sleeping.cancel()

    def pause(self, seconds: float) -> None:
        """No turn for anybody in the next `seconds`, and no burst after them."""
        now = self._clock()
        self._closed_until = max(self._closed_until, now + seconds)
        self._tokens = 0.0
        self._filled_at = self._closed_until

    def _wait(self) -> float:
        """Seconds until the next token; fills the bucket on the way."""
        now = self._clock()
        if now < self._closed_until:
            return self._closed_until - now
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        missing = 1.0 - self._tokens
        # A sleep that ends a rounding error early must not be followed by sleeps too short to move a clock.
        return missing / self._rate if missing > _ROUNDING else 0.0
