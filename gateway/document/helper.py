"""The daemon's end of the helper process: start it, have it fork children, learn how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.document import wire

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_MESSAGE_BYTES = 1 << 14
_KEPT = ("FAX_GATEWAY_NATIVE",)
"""The only variable that the helper inherits: it turns the native code off."""


_MEMORY = {
    "hugetlb": 1,
    "mmap_threshold": 1 << 28,
    "trim_threshold": 1 << 28,
}
"""How the C library gets memory (mallopt(3)): by pages of 2 MB, and without giving any back.

The kernel clears what a child touches first; by pages of 4 kB that takes a tenth of a child's short life.
"""


class HelperDied(Exception):  # noqa: N818  like RendererDied
    """The helper itself is gone or does not answer: nothing that a document is to blame for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One forked child: the daemon's end of its job socket, and how it ended, once it has."""

    job: int
    connection: socket.socket
    ended: asyncio.Future[wire.Exit]


def default_command(rooms: Iterable[str]) -> tuple[str, ...]:
    """How the helper is started: isolated from the environment, yet from the same copy of the package.

    `rooms`: see `gateway.document.renderer.main`.
    """
    root = str(Path(__file__).resolve().parents[2])
    code = (
        "import sys; sys.argv[1] in sys.path or sys.path.insert(0, sys.argv[1]); "
        "from gateway.document.renderer import main; main(int(sys.argv[-1]), sys.argv[2:-1])"
    )
    return (sys.executable, "-I", "-c", code, root, *rooms)


class Helper:
    """A running helper. When it dies, every child's `ended` raises `HelperDied`; it is not restarted here."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
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
    async def start(cls, command: Sequence[str]) -> Helper:
        """Start the helper and wait until it is ready to fork; raises `HelperDied` if it never is."""
        ours, theirs = _pair(socket.SOCK_SEQPACKET)
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    str(theirs.fileno()),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=_environment(),
                    cwd="/",
                    start_new_session=True,
                )
            except BaseException as error:
                ours.close()
                if isinstance(error, OSError):
                    raise HelperDied from error
                raise
        helper = cls(process, ours)
        try:
            await helper._ready()
        except BaseException:
            await helper.close()
            raise
        helper._reader = asyncio.create_task(helper._read(), name="renderer-control")
        return helper

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
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self.kill_helper()
            await self._process.wait()

    def kill_helper(self) -> None:
        """Kill the helper at once; the kernel kills its children with it (PR_SET_PDEATHSIG)."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

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


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    tunables = ":".join(f"glibc.malloc.{name}={value}" for name, value in _MEMORY.items())
    fixed = {"LC_ALL": "C.UTF-8", "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "GLIBC_TUNABLES": tunables}
    return fixed | kept


def _retrieved(future: asyncio.Future[wire.Exit]) -> None:
    if not future.cancelled():
        future.exception()
