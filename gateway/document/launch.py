"""Starting the helper process. Takes no asyncio, so that a command can start it before all else it needs."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A helper on its way: the process, and our end of its control socket, which does not block."""

    process: subprocess.Popen[bytes]
    control: socket.socket


def command(rooms: Iterable[str]) -> tuple[str, ...]:
    """How the helper is started: isolated from the environment, yet from the same copy of the package.

    `rooms`: see `gateway.document.renderer.main`. Nothing that is imported is garbage, so none is looked for.
    """
    root = str(Path(__file__).resolve().parents[2])
    code = (
        "import gc, sys; gc.disable(); sys.argv[1] in sys.path or sys.path.insert(0, sys.argv[1]); "
        "from gateway.document.renderer import main; main(int(sys.argv[-1]), sys.argv[2:-1])"
    )
    return (sys.executable, "-I", "-c", code, root, *rooms)


def launch(words: Sequence[str]) -> Launched:
    """Run this command with its end of a new control socket as last argument; raises `OSError`."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own words
                [*words, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    return Launched(process=process, control=ours)


@contextlib.contextmanager
def launched(rooms: Iterable[str]) -> Iterator[Launched | None]:
    """A helper for the `Renderer` that takes it over; gone afterwards. None: that has to start one itself."""
    try:
        helper = launch(command(rooms))
    except OSError:
        yield None
        return
    try:
        yield helper
    finally:
        helper.control.close()
        helper.process.kill()  # where no renderer ended it
        helper.process.wait()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    tunables = ":".join(f"glibc.malloc.{name}={value}" for name, value in _MEMORY.items())
    fixed = {"LC_ALL": "C.UTF-8", "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "GLIBC_TUNABLES": tunables}
    return fixed | kept
