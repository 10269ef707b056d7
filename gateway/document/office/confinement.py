"""What the converter gives up before it loads LibreOffice.

Limits on time, on the size and number of files, and on memory once LibreOffice is there, and its rank among
those who want the processor; then the two layers of `gateway.document.sandbox`, here with one directory to
write to and a list of what is forbidden: no network, no other program or process, no file but programs,
libraries, fonts and what is in that directory. A document that takes the process over has nothing left to do
but to lie about the PDF.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
from pathlib import Path

from gateway.document import landlock, sandbox, seccomp
from gateway.document.office.forbidden import DENIED, JUDGED
from gateway.document.seccomp import ANY_BIT, CLONE_THREAD, EQUAL, demand, refuse

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_OPEN_FILES = 512
_DEAF_SECONDS = 5
_NICE = 10
_FCNTL = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX
_IOCTL = (0x8901, 0x8902, 0x5412)  # FIOSETOWN, SIOCSPGRP, TIOCSTI
_SYSTEM = (
    *("/etc/libreoffice", "/var/lib/libreoffice", "/var/spool/libreoffice"),  # linked to by Debian's
    *("/var/cache/fontconfig", "/dev/urandom"),
    # Without a user of its own it would put code into /tmp, where memory may not be both written and run.
    *("/etc/passwd", "/etc/nsswitch.conf"),
)


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(os.EX_SOFTWARE)  # it ended before the line above
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def limit(*, cpu_seconds: int, file_bytes: int) -> None:
    """Set the limits that the kernel keeps for one process, which gives way to all others from now on."""
    os.nice(_NICE)
    with contextlib.suppress(OSError):  # it is not everywhere; but where it is, it is what counts (sched(7))
        Path("/proc/self/autogroup").write_text(str(_NICE))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # which Python ignores; LibreOffice would fail silently
    end_when_told()
    # The signal first, which tells why it ends; the kernel kills whoever does not listen.
    _limit(resource.RLIMIT_CPU, cpu_seconds, deaf=_DEAF_SECONDS)
    for kind, most in (
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _limit(kind, most)


def end_when_told() -> None:
    """Let the signal for too much processor time end this process: LibreOffice takes it for a crash."""
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def limit_memory(statm: int, more_bytes: int) -> None:
    """Limit the address space to what is taken already and `more_bytes`. `statm`: proc(5), open."""
    pages = int(os.pread(statm, 100, 0).split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + more_bytes)


def _limit(kind: int, most: int, *, deaf: int = 0) -> None:
    _, hard = resource.getrlimit(kind)
    soft, last = (
        (most, most + deaf) if hard == resource.RLIM_INFINITY else (min(most, hard), min(most + deaf, hard))
    )
    resource.setrlimit(kind, (soft, last))


def enter(directory: Path, program: Path) -> tuple[str, ...]:
    """Give up all but `directory` and what LibreOffice in `program` reads; returns the layers in force."""
    return tuple(layer for layer in (_landlock(directory, program), _seccomp()) if layer)


def _landlock(directory: Path, program: Path) -> str | None:
    read = [*sandbox.readable(), program.parent, *map(Path, _SYSTEM)]
    kept = [(path, landlock.READING) for path in read]
    kept += [(Path(os.devnull), landlock.USING), (directory, landlock.OWNING)]
    version = landlock.restrict(kept)
    return f"landlock {version}" if version else None


def _seccomp() -> str | None:
    machine = seccomp.machine()
    if not machine:
        return None
    judged = {
        "clone": demand(0, ANY_BIT, CLONE_THREAD),
        "clone3": [seccomp.fail(errno.ENOSYS)],
        "fcntl": refuse(1, EQUAL, *_FCNTL),
        "ioctl": refuse(1, EQUAL, *_IOCTL),
        "prctl": refuse(0, EQUAL, _PR_SET_PDEATHSIG),
        "prlimit64": demand(0, EQUAL, 0),
        "sendto": [*demand(4, EQUAL, 0), *demand(4, EQUAL, 0, upper=True)],
        "tgkill": demand(0, EQUAL, os.getpid()),  # abort(3)
    }
    return "seccomp" if seccomp.load(seccomp.denying(DENIED | JUDGED, judged, machine)) else None
