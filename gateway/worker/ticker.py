"""Something done every so often, or sooner when asked: polls, tracking, the rescue of expired leases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway import journal
from gateway.errors import GatewayError, StoppingError
from gateway.store import StoreUnavailableError


class Ticker:
    """Awaits `beat()` every `interval` seconds, never twice at a time.

    Expected trouble (`GatewayError`) is logged once per outage and the beat goes on; so is a bug in a beat,
    because one bad item must not stop the others.
    """

    def __init__(
        self,
        name: str,
        interval: float,
        beat: Callable[[], Awaitable[object]],
        *,
        answers: Callable[[], int] = lambda: 0,
    ) -> None:
        """`answers`: how often the provider has answered, for a beat that talks to it."""
        self.name = name
        self._answers = answers
        self._troubled = False
        self._interval = interval
        self._beat = beat
        self._bell = asyncio.Event()
        self._closing = False

    def wake(self) -> None:
        """Beat now."""
        self._bell.set()

    def close(self) -> None:
        """Finish the beat under way, then end."""
        self._closing = True
        self._bell.set()

    async def run(self) -> None:
        """Beat until `close`."""
        while not self._closing:
            self._bell.clear()
            answers = self._answers()
            try:
                await self._beat()
                # Only who met the trouble can tell that it is over, and only by a call.
                if self._troubled and self._answers() != answers:
                    self._troubled = False
                    journal.provider_recovered()
            except StoreUnavailableError as error:
                journal.store_trouble(reason=error.failure.code)
            except StoppingError:
                pass
            except GatewayError as error:
                self._troubled = True
                journal.provider_trouble(reason=error.failure.code or error.failure.status)
            except Exception as error:
                journal.crashed_item(stage=self.name, item_id="", error=error)
            try:
                async with asyncio.timeout(self._interval):
                    await self._bell.wait()
            except TimeoutError:
                pass
