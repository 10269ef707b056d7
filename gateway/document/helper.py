"""The daemon's end of the helper process: start it, have it fork children, learn how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.document import wire
from gateway.document.launch import Launched, launch

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_MESSAGE_BYTES = 1 << 14


class HelperDied(Exception):  # noqa: N818  like RendererDied
    """The helper itself is gone or does not answer: nothing that a document is to blame for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One forked child: the daemon's end of its job socket, and how it ended, once it has."""

    job: int
    connection: socket.socket
    ended: asyncio.Future[wire.Exit]


class Helper:
    """A running helper. When it dies, every child's `ended` raises `HelperDied`; it is not restarted here."""

    def __init__(self, launched: Launched) -> None:
        self._process = launched.process
        self._control = launched.control
        self._ended: dict[int, asyncio.Future[wire.Exit]] = {}
        self._numbers = itertools.count(1)
        self._reader: asyncio.Task[None] | None = None
        self.alive = True
        self.sandbox: tuple[str, ...] = ()
        """Layers of the sandbox that the helper's children are in; see `gateway.document.sandbox`."""

    @property
    def pid(self) -> int:
        """Process id of the helper."""
        return self._process.pid

    @classmethod
    async def start(cls, helper: Sequence[str] | Launched) -> Helper:
        """Start the helper by its command, unless it was, and wait until it is ready to fork.

        Raises `HelperDied` if it never is.
        """
        try:
            started = cls(helper if isinstance(helper, Launched) else launch(helper))
        except OSError as error:
            raise HelperDied from error
        try:
            await started._ready()
        except BaseException:
            await started.close()
            raise
        started._reader = asyncio.create_task(started._read(), name="renderer-control")
        return started

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                first = await asyncio.get_running_loop().sock_recv(self._control, _MESSAGE_BYTES)
            message = wire.read_control(first)
            if message.get("event") == "ready":
                self.sandbox = tuple(map(str, message.get("sandbox", ())))
                return
        except (OSError, TimeoutError, wire.Malformed) as error:
            raise HelperDied from error
        raise HelperDied

    def fork(self, limits: wire.Limits) -> Child:
        """Have a child forked under `limits`. It waits on its job socket for a request."""
        if not self.alive:
            raise HelperDied
        job = next(self._numbers)
        ours, theirs = _pair(socket.SOCK_STREAM)
        with theirs:
            message = {
                "op": "fork",
                "job": job,
                "memory_bytes": limits.memory_bytes,
                "cpu_seconds": limits.cpu_seconds,
            }
            try:
                socket.send_fds(self._control, [wire.control_message(message)], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise HelperDied from error
        ended = asyncio.get_running_loop().create_future()
        ended.add_done_callback(_retrieved)
        self._ended[job] = ended
        return Child(job=job, connection=ours, ended=ended)

    def kill(self, child: Child) -> None:
        """Have the child killed. The helper does it, because only a parent never kills a stranger's pid."""
        if not child.ended.done():
            with contextlib.suppress(OSError):
                self._control.send(wire.control_message({"op": "kill", "job": child.job}))

    def slow_down(self, child: Child) -> None:
        """Have the child give way to all others from now on (nice(2))."""
        if not child.ended.done():
            with contextlib.suppress(OSError):
                self._control.send(wire.control_message({"op": "nice", "job": child.job}))

    async def close(self) -> None:
        """Close the control socket, upon which the helper kills its children and ends; or else kill it."""
        self._lost()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        self._control.close()
        await self._ended_within(_STOP_SECONDS)
        self.kill_helper()
        await self._ended_within(None)

    def kill_helper(self) -> None:
        """Kill the helper at once; the kernel kills its children with it (PR_SET_PDEATHSIG)."""
        self._process.kill()  # nothing, once it was waited for

    async def _ended_within(self, seconds: float | None) -> None:
        """Wait for the helper's end, by a descriptor of it (pidfd_open(2)) and so without a thread."""
        if self._process.poll() is not None:
            return
        try:
            pidfd = os.pidfd_open(self._process.pid)
        except OSError:  # no descriptors left
            await asyncio.to_thread(self._process.wait)
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(pidfd, ended.set)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ended.wait()
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)
        self._process.poll()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while message := await loop.sock_recv(self._control, _MESSAGE_BYTES):
                self._note(wire.read_control(message))
        except (OSError, wire.Malformed, KeyError, TypeError, ValueError):
            pass  # a helper that cannot be understood is as good as dead
        finally:
            self._lost()
            self.kill_helper()
        await self._ended_within(_STOP_SECONDS)  # leaves no zombie until somebody needs a helper again

    def _note(self, message: dict[str, object]) -> None:
        ended = self._ended.pop(int(str(message["job"])), None)
        if ended is None or ended.done():
            return
        if message["event"] == "exit":
            code, signal = message["code"], message["signal"]
            ended.set_result(
                wire.Exit(
                    code=code if isinstance(code, int) else None,
                    signal=signal if isinstance(signal, int) else None,
                    cpu_seconds=float(str(message["cpu_seconds"])),
                    peak_bytes=int(str(message["peak_bytes"])),
                )
            )
        else:
            ended.set_exception(HelperDied("the helper could not fork"))

    def _lost(self) -> None:
        self.alive = False
        for ended in self._ended.values():
            if not ended.done():
                ended.set_exception(HelperDied())
        self._ended.clear()


def _pair(kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    """Our end, which does not block, and the other's. Without descriptors left there is no helper either."""
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    except OSError as error:
        raise HelperDied from error
    ours.setblocking(False)
    return ours, theirs


def _retrieved(future: asyncio.Future[wire.Exit]) -> None:
    if not future.cancelled():
        future.exception()
