"""The helper process: loads the libraries once, then forks a child for each document.

Started by `gateway.document.helper` with one descriptor, the control socket. It must stay single-threaded: a
fork copies only the calling thread, and a lock another thread held would stay locked in the child for ever.
So it renders nothing itself (a typst compilation starts threads), it only forks, kills and reaps. Each child
enters the sandbox before it reads its request.

It ends when the daemon closes the control socket or is gone; its children end with it (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any, NoReturn

from gateway.document import sandbox, wire

_POLL_MS = 1000
_IDLE_MS = 10
"""Without an order for so long, a spare child takes no time from anybody."""
_MESSAGE_BYTES = 1 << 14
_PR_SET_PDEATHSIG = 1  # prctl(2)
_PR_SET_NAME = 15
_PR_SET_NO_NEW_PRIVS = 38
_OPEN_FILES = 64
_NICE = 19
_STREAM_BYTES = 0  # a child writes to its socket only, never to a file


def main(fd: int, rooms: Iterable[str]) -> None:
    """Serve until the daemon goes away. `rooms`: what children find warm besides PDF and pictures.

    With any, this is no helper for one document, and keeps a spare child.
    """
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the daemon decides when; it may still be draining
    shut_in = sandbox.prepare()
    layers = _try(shut_in)  # while there is little to fork
    _preload(frozenset(rooms))
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        sys.exit("the renderer's libraries started a thread, so it cannot fork safely")
    gc.freeze()  # pages shared with the children stay shared
    gc.enable()
    os.set_inheritable(fd, False)
    zygote = _Zygote(socket.socket(fileno=fd), os.getppid(), shut_in, spare=bool(rooms))
    with contextlib.suppress(ConnectionError):  # the daemon has died: nobody is left to be told
        zygote.serve(layers)
    os._exit(os.EX_OK)  # taking the libraries apart is work for nothing


def _try(shut_in: sandbox.Sandbox) -> list[str]:
    """What the sandbox is made of here, found out by a child that enters it and ends."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            os.write(writing, "\n".join(shut_in.enter()).encode())
        finally:
            os._exit(os.EX_OK)
    os.close(writing)
    with os.fdopen(reading) as told:
        layers = told.read().splitlines()
    os.waitpid(pid, 0)
    return layers


def _preload(rooms: Set[str]) -> None:
    """Import what children need, so that each starts warm."""
    import PIL.GifImagePlugin
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin
    import PIL.TiffImagePlugin  # noqa: F401

    import gateway.document.rehearsal
    from gateway.document.formats import pdf

    pdf.prepare()

    if "text" in rooms:
        import gateway.document.cover
        import gateway.document.formats.html
        import gateway.document.formats.markdown
        import gateway.document.headline  # noqa: F401
        from gateway.document import template

        template.prepare()
    if "html" in rooms:
        from gateway.document.formats import html_page

        html_page.prepare()


class _Zygote:
    def __init__(self, control: socket.socket, parent: int, shut_in: sandbox.Sandbox, *, spare: bool) -> None:
        self._control = control
        self._parent = parent
        self._pid = os.getpid()
        self._pids: dict[int, int] = {}
        """Job number to process id, of the children not yet reaped."""
        self._slow: set[int] = set()
        """Those of them that give way to all others."""
        self._watched: dict[int, int] = {}
        """Descriptor of a child's pidfd to job number."""
        self._poll = select.poll()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._sandbox = shut_in
        self._size = _address_space()
        self._keeps_spare = spare
        self._spare: tuple[int, socket.socket] | None = None
        """Process id of a child that waits for its order, and the line it comes by."""

    def serve(self, layers: Sequence[str]) -> None:
        self._poll.register(self._control, select.POLLIN)
        self._tell({"event": "ready", "sandbox": list(layers)})
        # End-of-file alone is no proof: another process may hold a copy of the daemon's end.
        while os.getppid() == self._parent:
            lacks_spare = self._keeps_spare and self._spare is None and len(self._pids) == len(self._slow)
            events = self._poll.poll(_IDLE_MS if lacks_spare else _POLL_MS)
            for fd, _event in events:
                if fd in self._watched:
                    self._reap(fd)
                elif not self._obey():
                    return
            if lacks_spare and not events:
                self._prepare()

    def _obey(self) -> bool:
        message, fds, _flags, _address = socket.recv_fds(self._control, _MESSAGE_BYTES, 1)
        if not message:
            return False
        order = wire.read_control(message)
        if order["op"] == "fork" and fds:
            self._fork(order, fds[0])
        elif order["op"] == "kill" and order["job"] in self._pids:
            os.kill(self._pids[order["job"]], signal.SIGKILL)
        elif order["op"] == "nice" and order["job"] in self._pids:
            self._slow.add(order["job"])
            _give_way(self._pids[order["job"]])
        return True

    def _prepare(self) -> None:
        """Fork the next document's child ahead of it, so that the document need not wait for that."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                return
            if pid == 0:
                self._become_child(None, theirs.detach())
        self._spare = pid, ours

    def _fork(self, order: dict[str, Any], fd: int) -> None:
        try:
            pid = self._wake(order, fd) or os.fork()
        except OSError:
            os.close(fd)
            self._tell({"event": "unforked", "job": order["job"]})
            return
        if pid == 0:
            self._become_child(order, fd)
        os.close(fd)
        pidfd = os.pidfd_open(pid)
        self._pids[order["job"]], self._watched[pidfd] = pid, order["job"]
        self._poll.register(pidfd, select.POLLIN)

    def _wake(self, order: dict[str, Any], fd: int) -> int:
        """Process id of the spare child, which has the order now; 0: there is none."""
        if self._spare is None:
            return 0
        (pid, line), self._spare = self._spare, None
        with line:
            try:
                socket.send_fds(line, [wire.control_message(order)], [fd])
            except OSError:  # somebody killed it
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return 0
        return pid

    def _reap(self, pidfd: int) -> None:
        self._poll.unregister(pidfd)
        os.close(pidfd)
        job = self._watched.pop(pidfd)
        pid = self._pids.pop(job)
        self._slow.discard(job)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # where no sandbox kept it from forking
        _, status, usage = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._tell(
            {
                "event": "exit",
                "job": job,
                "code": code if code >= 0 else None,
                "signal": -code if code < 0 else None,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "peak_bytes": usage.ru_maxrss * 1024,
            }
        )

    def _tell(self, message: dict[str, Any]) -> None:
        self._control.send(wire.control_message(message))

    def _become_child(self, order: dict[str, Any] | None, fd: int) -> NoReturn:
        """In the child: give up everything but the job socket, set limits, enter the sandbox, do the job.

        Without an order, `fd` is where that comes from, with the job socket.
        """
        code = os.EX_SOFTWARE
        try:
            self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != self._pid:
                os._exit(code)  # the helper died before the line above
            self._libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            os.setpgid(
                0, 0
            )  # no session of its own: the kernel gives each the same time, however nice (sched(7))
            for restored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(restored, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)  # libraries print what they dislike about a page: content
            _close_all_but(fd, self._sandbox)
            from gateway.document import job

            size = self._size
            if order is None:
                order, fd = self._wait(fd)
                size = _address_space()
            self._libc.prctl(_PR_SET_NAME, b"fax-document", 0, 0, 0)
            _limit(size + order["memory_bytes"], order["cpu_seconds"])
            connection = socket.socket(fileno=fd)
            self._sandbox.enter()
            code = job.run(connection)
        finally:
            os._exit(code)

    def _wait(self, fd: int) -> tuple[dict[str, Any], int]:
        """In the spare child: make ready, and wait for the order."""
        from gateway.document import rehearsal

        self._libc.prctl(_PR_SET_NAME, b"fax-spare", 0, 0, 0)
        rehearsal.rehearse()
        with socket.socket(fileno=fd) as line:
            message, fds, _flags, _address = socket.recv_fds(line, _MESSAGE_BYTES, 1)
        return wire.read_control(message), fds[0]


def _give_way(pid: int) -> None:
    """Have a process run when no other wants to."""
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def _address_space() -> int:
    """Bytes of address space that are taken before any document comes; a child inherits them."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _close_all_but(fd: int, shut_in: sandbox.Sandbox) -> None:
    """Every descriptor beyond the standard streams, but this one and what `shut_in` closes itself."""
    kept = {fd} if shut_in.rules is None else {fd, shut_in.rules.fd}
    last = 2
    for number in sorted(kept):
        os.closerange(last + 1, number)
        last = number
    os.closerange(last + 1, 1 << 20)


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    for limit, soft, hard in (
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, _STREAM_BYTES, _STREAM_BYTES),
        (resource.RLIMIT_NOFILE, wire.MAX_FDS + _OPEN_FILES, wire.MAX_FDS + _OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(limit, (soft, hard))
