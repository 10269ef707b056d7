"""Start order, signals, drain, and the service manager's protocol.

Parts start in the order given and stop in the opposite one. The first SIGTERM or SIGINT drains: at once
nobody takes anything new; then each part finishes what it has, all within one deadline. Uploads are awaited
to their limit, because an upload cut off is a fax nobody can tell the fate of. A second signal forces. A part
that ends by itself is a bug and stops the daemon, which systemd starts again.
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

INTAKE_GRACE = 30.0
"""Seconds that listeners and mailboxes get to finish what is coming in: its sender will try again."""
_CUT = 5.0
"""Seconds that cutting a part off may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that is started and stopped."""

    name: str
    start: Callable[[], Awaitable[object]]
    stop: Callable[[float], Awaitable[object]]
    """Finishes its work in the seconds given."""
    run: Callable[[], Awaitable[object]] | None = None
    """Runs from `start` until `stop`; ending earlier is a failure."""
    close: Callable[[], object] | None = None
    """Called for every part before the first `stop`: take nothing new."""
    force: Callable[[], Awaitable[object]] | None = None
    """Cuts off what `stop` waits for."""
    grace: float | None = None
    """Seconds that `stop` gets at most; None: what is left of the drain."""


async def _nothing(*_: object) -> None:
    return None


def crew_part(crew: Crew[Any]) -> Part:
    """A crew as a part: it is closed with all others, and its stop is the end of its steps."""
    return Part(
        name=crew.name, start=_nothing, stop=_nothing, run=crew.run, close=crew.close, force=crew.cancel
    )


def ticker_part(ticker: Ticker) -> Part:
    """A ticker as a part; a beat under way is not waited for longer than a moment."""
    return Part(
        name=ticker.name,
        start=_nothing,
        stop=_nothing,
        run=ticker.run,
        close=ticker.close,
        grace=INTAKE_GRACE,
    )


class PartEndedError(Exception):
    """A part ended although nobody stopped it."""


class Supervisor:
    """Runs the parts of one gateway. `drain` is the seconds that a stop may take altogether."""

    def __init__(self, parts: Sequence[Part], *, drain: float) -> None:
        self._parts = parts
        self._drain = drain
        self._started: list[Part] = []
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._stopping = asyncio.Event()
        self._forced = asyncio.Event()
        self._failure: BaseException | None = None

    @property
    def draining(self) -> bool:
        """Whether a stop was asked for: nothing that takes long should be begun."""
        return self._stopping.is_set()

    async def start(self) -> None:
        """Start every part in order; if one fails, stop those that had started and raise.

        A stop that is asked for meanwhile ends the start; the caller's `stop` does the rest.
        """
        for part in self._parts:
            starting = asyncio.ensure_future(part.start())
            asked = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if not starting.done():
                starting.cancel()
                await asyncio.wait({starting}, timeout=_CUT)
                return
            if (error := starting.exception()) is not None:
                await self.stop()
                raise _explained(part, error)
            self._started.append(part)
            if part.run is not None:
                task = asyncio.ensure_future(part.run())
                self._tasks[part.name] = task
                task.add_done_callback(functools.partial(self._ended, part.name))

    def _ended(self, name: str, task: asyncio.Task[object]) -> None:
        if self._stopping.is_set():
            return
        cause = None if task.cancelled() else task.exception()
        if isinstance(cause, GatewayError):  # no bug: it says what happened and what to do
            self._failure = cause
        else:
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
        """Close every part, then stop them in the opposite order; raises what ended a part unexpectedly."""
        self._stopping.set()
        for part in self._started:
            if part.close is not None:
                part.close()
        deadline = asyncio.get_running_loop().time() + self._drain
        while self._started:
            part = self._started.pop()
            finishing = asyncio.ensure_future(self._finish(part, deadline))
            forced = asyncio.ensure_future(self._forced.wait())
            await asyncio.wait({finishing, forced}, return_when=asyncio.FIRST_COMPLETED)
            forced.cancel()
            if not finishing.done():
                finishing.cancel()
                await asyncio.wait({finishing}, timeout=_CUT)
            if not finishing.done() or finishing.cancelled() or finishing.exception() is not None:
                error = finishing.exception() if finishing.done() and not finishing.cancelled() else None
                if error is not None and not isinstance(error, TimeoutError):
                    journal.crashed_item(stage=part.name, item_id="", error=error)
                await self._cut_off(part)
        if self._failure is not None:
            raise self._failure

    async def _finish(self, part: Part, deadline: float) -> None:
        left = max(deadline - asyncio.get_running_loop().time(), 0.0)
        grace = left if part.grace is None else min(part.grace, left)
        async with asyncio.timeout(grace + _CUT):
            await part.stop(grace)
            if task := self._tasks.get(part.name):
                await asyncio.wait({task})

    async def _cut_off(self, part: Part) -> None:
        """Whatever it does, it may not keep the others from stopping."""
        cutting = asyncio.ensure_future(part.stop(0.0) if part.force is None else part.force())
        await asyncio.wait({cutting}, timeout=_CUT)
        if not cutting.done():
            cutting.cancel()
        elif not cutting.cancelled() and (error := cutting.exception()) is not None:
            journal.crashed_item(stage=part.name, item_id="", error=error)
        if (task := self._tasks.get(part.name)) is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=_CUT)

    async def run(self, *, ready: Callable[[], None]) -> None:
        """Start, serve until a signal or a failure, drain. For the daemon's main coroutine."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        watchdog = asyncio.ensure_future(_watch(notify.watchdog_interval()))
        try:
            await self.start()
            if not self._stopping.is_set():
                notify.ready()
                ready()
            await self._stopping.wait()
            notify.stopping()
            journal.draining(reason="signal" if self._failure is None else "failure")
            await self.stop()
        finally:
            watchdog.cancel()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def _explained(part: Part, error: BaseException) -> BaseException:
    """An address that is taken, a directory that is not ours: for people."""
    if not isinstance(error, OSError):
        return error
    sentence = f"The gateway cannot start ({part.name}): {error.strerror or error}."
    explained = GatewayError(temporary("4.3.0", sentence, code="cannot_start"))
    explained.__cause__ = error
    return explained


async def _watch(interval: float | None) -> None:
    """Tell the service manager that the loop turns."""
    while interval is not None:
        notify.watchdog()
        await asyncio.sleep(interval)
