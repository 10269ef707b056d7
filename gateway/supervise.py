"""Start order, signals, drain, and the service manager's protocol.

Parts start in the order given and stop in the opposite one. The first SIGTERM or SIGINT drains: intake
closes, steps under way finish, uploads are awaited to their limit, because an upload cut off is a fax nobody
can tell the fate of. A second signal forces. A part that ends by itself is a bug and stops the daemon, which
systemd starts again.
"""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway import journal, notify
from gateway.errors import GatewayError, temporary
from gateway.worker.crew import Crew
from gateway.worker.ticker import Ticker


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that is started and stopped. `stop` gets the seconds it may take to finish its work."""

    name: str
    start: Callable[[], Awaitable[object]]
    stop: Callable[[float], Awaitable[object]]
    run: Callable[[], Awaitable[object]] | None = None
    """Runs from `start` until `stop`; ending earlier is a failure."""
    force: Callable[[], Awaitable[object]] | None = None
    """Cuts off what `stop` waits for."""


async def _nothing(*_: object) -> None:
    return None


def crew_part(crew: Crew[Any]) -> Part:
    """A crew as a part: stop means no more claims and a drain."""

    async def stop(_grace: float) -> None:
        crew.close()

    return Part(name=crew.name, start=_nothing, stop=stop, run=crew.run, force=crew.cancel)


def ticker_part(ticker: Ticker) -> Part:
    """A ticker as a part."""

    async def stop(_grace: float) -> None:
        ticker.close()

    return Part(name=ticker.name, start=_nothing, stop=stop, run=ticker.run)


class PartEndedError(Exception):
    """A part ended although nobody stopped it."""


class Supervisor:
    """Runs the parts of one gateway."""

    def __init__(self, parts: Sequence[Part], *, drain: float) -> None:
        self._parts = parts
        self._drain = drain
        self._started: list[Part] = []
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._stopping = asyncio.Event()
        self._forced = asyncio.Event()
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Start every part in order; if one fails, stop those that had started and raise."""
        try:
            for part in self._parts:
                await part.start()
                self._started.append(part)
                if part.run is not None:
                    task = asyncio.ensure_future(part.run())
                    self._tasks[part.name] = task
                    task.add_done_callback(functools.partial(self._ended, part.name))
        except OSError as error:
            await self.stop()
            sentence = f"The gateway cannot start ({part.name}): {error.strerror or error}."
            raise GatewayError(temporary("4.3.0", sentence, code="cannot_start")) from error
        except BaseException:
            await self.stop()
            raise

    def _ended(self, name: str, task: asyncio.Task[object]) -> None:
        if self._stopping.is_set():
            return
        cause = None if task.cancelled() else task.exception()
        self._failure = PartEndedError(f"{name} ended unexpectedly")
        self._failure.__cause__ = cause
        journal.service_ended(service=name, error=cause)
        self._stopping.set()

    def request_stop(self) -> None:
        """The first call drains, the second one forces."""
        if self._stopping.is_set():
            self._forced.set()
        self._stopping.set()

    async def stop(self) -> None:
        """Stop the parts in the opposite order, draining; raises what ended a part unexpectedly."""
        self._stopping.set()
        while self._started:
            part = self._started.pop()
            finishing = asyncio.ensure_future(self._finish(part))
            forced = asyncio.ensure_future(self._forced.wait())
            await asyncio.wait({finishing, forced}, return_when=asyncio.FIRST_COMPLETED)
            forced.cancel()
            if not finishing.done():
                finishing.cancel()
                await asyncio.wait({finishing})
                await self._cut_off(part)
            elif (error := finishing.exception()) is not None:
                journal.crashed_item(stage=part.name, item_id="", error=error)
        if self._failure is not None:
            raise self._failure

    async def _finish(self, part: Part) -> None:
        try:
            async with asyncio.timeout(self._drain):
                await part.stop(self._drain)
                if task := self._tasks.get(part.name):
                    await asyncio.wait({task})
        except TimeoutError:
            await self._cut_off(part)

    async def _cut_off(self, part: Part) -> None:
        if part.force is not None:
            await part.force()
        else:
            await part.stop(0.0)
        if (task := self._tasks.get(part.name)) is not None:
            task.cancel()
            await asyncio.wait({task})

    async def run(self, *, ready: Callable[[], None]) -> None:
        """Start, serve until a signal or a failure, drain. For the daemon's main coroutine."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        try:
            await self.start()
            watchdog = asyncio.ensure_future(_watch(notify.watchdog_interval()))
            notify.ready()
            ready()
            await self._stopping.wait()
            notify.stopping()
            journal.draining(reason="signal" if self._failure is None else "failure")
            await self.stop()
            watchdog.cancel()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


async def _watch(interval: float | None) -> None:
    """Tell the service manager that the loop turns."""
    while interval is not None:
        notify.watchdog()
        await asyncio.sleep(interval)
