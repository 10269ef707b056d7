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
from pathlib import Path

from gateway.document import landlock, seccomp
from gateway.document.seccomp import ANY_BIT, CLONE_THREAD, EQUAL, demand, refuse
from gateway.document.syscalls import ALLOWED, JUDGED

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_WRITE, _EXECUTE = 2, 4  # PROT_WRITE, PROT_EXEC of mmap(2)
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_{GET,SET}FD, F_{GET,SET}FL, F_DUPFD_CLOEXEC; not F_SETOWN
_IOCTL = (0x5401, 0x5421, 0x5451)  # TCGETS (isatty), FIONBIO, FIOCLEX; not FIOSETOWN
_PRCTL = (15, 16)  # PR_{SET,GET}_NAME


def apply() -> tuple[str, ...]:
    """Enter the sandbox; returns the layers that are in force from now on. Never raises for a missing one."""
    return tuple(layer for layer in (_landlock(), _seccomp()) if layer)


def readable() -> list[Path]:
    """Where Python, this package, shared libraries and fonts are. Never a directory of somebody's files."""
    package = Path(__file__).resolve().parents[1]
    system = map(Path, ("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache"))
    return [package, Path(sys.prefix), Path(sys.base_prefix), *system]


def _landlock() -> str | None:
    version = landlock.restrict((path, landlock.READING) for path in readable())
    return f"landlock {version}" if version else None


def _seccomp() -> str | None:
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
        "tgkill": demand(0, EQUAL, os.getpid()),  # abort(3)
    }
    return "seccomp" if seccomp.load(seccomp.allowing(ALLOWED | JUDGED, judged, machine)) else None
