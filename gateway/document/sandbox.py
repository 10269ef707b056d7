"""What a child gives up, for good, before it reads the first byte that somebody sent.

Two layers, each worth having without the other, since a kernel or a service manager may withhold either:

* Landlock (landlock(7)): files can only be read, and only where programs, libraries and fonts are. Nothing
  can be written, made or removed; no TCP; no signal and no abstract socket out of the child.
* seccomp (seccomp(2)): a list of system calls that drawing
  needs. All others fail with EPERM, those that a future kernel brings included: programs, processes, sockets,
  signals, ptrace, other processes' memory and limits, attributes of files, keys, namespaces, io_uring.

Both need PR_SET_NO_NEW_PRIVS, and a process with one thread.
"""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.document import landlock, seccomp
from gateway.document.seccomp import ANY_BIT, CLONE_THREAD, EQUAL, demand, refuse
from gateway.document.syscalls import ALLOWED, JUDGED

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_WRITE, _EXECUTE = 2, 4  # PROT_WRITE, PROT_EXEC of mmap(2)
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_{GET,SET}FD, F_{GET,SET}FL, F_DUPFD_CLOEXEC; not F_SETOWN
_IOCTL = (0x5401, 0x5421, 0x5451)  # TCGETS (isatty), FIONBIO, FIOCLEX; not FIOSETOWN
_PRCTL = (15, 16)  # PR_{SET,GET}_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The layers that there are, ready for every child: making them takes longer than a page."""

    rules: landlock.Rules | None
    filter: seccomp.Filter | None

    def enter(self) -> tuple[str, ...]:
        """Shut this process in; returns the layers that are in force from now on. Closes `rules`."""
        layers = []
        if self.rules is not None and self.rules.enforce():
            layers.append(f"landlock {self.rules.version}")
        if self.filter is not None and self.filter.load():
            layers.append("seccomp")
        return tuple(layers)


def prepare() -> Sandbox:
    """Never raises for a layer that is missing here."""
    return Sandbox(rules=_landlock(), filter=_seccomp())


def readable() -> list[Path]:
    """Where Python, this package, shared libraries and fonts are. Never a directory of somebody's files."""
    package = Path(__file__).resolve().parents[1]
    system = map(Path, ("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache"))
    return [package, Path(sys.prefix), Path(sys.base_prefix), *system]


def _landlock() -> landlock.Rules | None:
    return landlock.prepare((path, landlock.READING) for path in readable())


def _seccomp() -> seccomp.Filter | None:
    machine = seccomp.machine()
    if not machine:
        return None
    judged = {
        "clone": demand(0, ANY_BIT, CLONE_THREAD),  # threads, not processes
        "clone3": [seccomp.fail(errno.ENOSYS)],  # flags in memory; C libraries fall back to clone
        "fcntl": demand(1, EQUAL, *_FCNTL),
        "ioctl": demand(1, EQUAL, *_IOCTL),
        "mmap": seccomp.refuse_all(2, _EXECUTE, _WRITE),  # memory is for code or for data
        "mprotect": refuse(2, ANY_BIT, _EXECUTE),
        "open": refuse(1, ANY_BIT, _WRITING),
        "openat": refuse(2, ANY_BIT, _WRITING),
        "prctl": demand(0, EQUAL, *_PRCTL),
        "prlimit64": [*demand(0, EQUAL, 0), *demand(2, EQUAL, 0), *demand(2, EQUAL, 0, upper=True)],
        "tgkill": demand(0, EQUAL, seccomp.OWN_PROCESS),  # abort(3)
    }
    return seccomp.Filter(seccomp.allowing(ALLOWED | JUDGED, judged, machine))
