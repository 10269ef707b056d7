"""A daemon that is killed, stopped and started again, as long as the campaign lasts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from support.bad_day import BROKEN, FULL, READ_ONLY, BadDay
from support.process import Outside


class Node:
    """One daemon. `point` names where the next one kills itself, or ""."""

    def __init__(self, world: Outside, day: BadDay, *, point: Callable[[], str]) -> None:
        self.world = world
        self._day = day
        world.environment = day.environment
        self.deaths = 0
        self._point = point
        self._keeper: asyncio.Task[None] | None = None
        self._keeping = True
        self._alive = asyncio.Event()

    async def start(self) -> None:
        """Start it, and start it again whenever it dies."""
        self._keeper = asyncio.create_task(self._keep())
        await self._alive.wait()

    async def _keep(self) -> None:
        while self._keeping:
            point = self._point()
            with contextlib.suppress(AssertionError):  # it may die before it is ready
                await self.world.start(point)
                self._alive.set()
            assert self.world.process is not None
            await self.world.process.wait()
            self.deaths += 1

    def _signal(self, number: signal.Signals) -> None:
        process = self.world.process
        if process is not None and process.returncode is None:
            process.send_signal(number)

    def kill(self) -> None:
        """Power off."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """A stop as by the service manager."""
        self._signal(signal.SIGTERM)

    def kill_renderer(self) -> None:
        """Kill the helper that forks the children, and these with it."""
        process = self.world.process
        if process is None or process.returncode is not None:
            return
        for pid in _children(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def pause(self, seconds: float) -> None:
        """Stop the daemon (not its helper) for a while, as a machine that is suspended."""
        process = self.world.process
        if process is None or process.returncode is not None:
            return
        self._signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)

    async def bad_disk(self, kind: str, seconds: float) -> None:
        """What the disk does for a while, also to a daemon that starts meanwhile."""
        match kind:
            case "slow disk":
                self._day.flushes(milliseconds=30)
            case "broken disk":
                self._day.flushes(error=BROKEN, every=3)
            case "full disk":
                self._day.disk(FULL)
            case _:
                self._day.disk(READ_ONLY)
        await asyncio.sleep(seconds)
        self._day.over()

    async def bad_clock(self, ahead: float, seconds: float) -> None:
        """Set the wall clock, and set it right again after a while."""
        self._day.clock(ahead)
        await asyncio.sleep(seconds)
        self._day.clock()

    async def settle(self) -> None:
        """No more faults: a daemon runs that nobody kills."""
        self._point = lambda: ""
        self.kill()  # it may be armed
        self._alive.clear()
        await self._alive.wait()

    async def stop(self) -> None:
        """An orderly end."""
        self._keeping = False
        self.terminate()
        await self.end()

    async def end(self) -> None:
        """Whatever it does, it is gone afterwards."""
        self._keeping = False
        if self._keeper is not None:
            await asyncio.wait([self._keeper], timeout=20)
            self.kill()
            await asyncio.wait([self._keeper])


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
