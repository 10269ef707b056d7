"""What a child gives up, for good, before it reads the first byte that somebody sent.

Two layers, each worth having without the other, since a kernel or a service manager may withhold either:

* Landlock (landlock(7)): files can only be read, and only where programs, libraries and fonts are. Nothing
  can be written, made or removed; no TCP; no signal and no abstract socket out of the child.
* seccomp (seccomp(2), Documentation/userspace-api/seccomp_filter.rst): a list of system calls that drawing
  needs. All others fail with EPERM, those that a future kernel brings included: programs, processes, sockets,
  signals, ptrace, other processes' memory and limits, attributes of files, keys, namespaces, io_uring.

Both need PR_SET_NO_NEW_PRIVS, and a process with one thread.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from gateway.document.syscalls import ALLOWED, JUDGED, MACHINES

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def apply() -> tuple[str, ...]:
    """Enter the sandbox; returns the layers that are in force from now on. Never raises for a missing one."""
    return tuple(layer for layer in (_landlock(_readable()), _seccomp()) if layer)


# Landlock. Constants of include/uapi/linux/landlock.h; the numbers are the same on every architecture.

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""Version of the interface to the number of rights over files that it knows; all that are known are taken."""
_TCP_SINCE, _TCP = 4, 0b11  # bind and connect
_SCOPE_SINCE, _SCOPE = 6, 0b11  # abstract sockets and signals


def _readable() -> list[Path]:
    """Where Python, this package, shared libraries and fonts are. Never a directory of somebody's files."""
    package = Path(__file__).resolve().parents[1]
    system = map(Path, ("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache"))
    return [package, Path(sys.prefix), Path(sys.base_prefix), *system]


def _landlock(readable: Iterable[Path]) -> str | None:
    version = _call(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return None
    rights = (1 << max(bits for since, bits in _FILE_RIGHTS.items() if since <= version)) - 1
    fields = [rights]
    fields += [_TCP] if version >= _TCP_SINCE else []
    fields += [_SCOPE] if version >= _SCOPE_SINCE else []
    rules = _call(_CREATE_RULESET, struct.pack(f"={len(fields)}Q", *fields), 8 * len(fields), 0)
    if rules < 0:
        return None
    try:
        done = all(_allow_reading(rules, path) for path in readable) and not _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return f"landlock {version}" if done else None


def _allow_reading(rules: int, path: Path) -> bool:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return True  # what is not there need not be read
    try:
        rights = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
        return not _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, beneath), 0)
    finally:
        os.close(beneath)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """syscall(2); every integer in a register's width, as a variadic function wants it."""
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return int(_libc.syscall(ctypes.c_long(number), *wide))


# seccomp. Constants of include/uapi/linux/{seccomp,filter,audit,prctl}.h.

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2  # prctl(2) and not seccomp(2), which @system-service lacks
_ARCHITECTURE = dict(zip(MACHINES, (0xC000003E, 0xC00000B7), strict=True))
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _FAIL, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000

_CLONE_THREAD = 0x10000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_{GET,SET}FD, F_{GET,SET}FL, F_DUPFD_CLOEXEC; not F_SETOWN
_IOCTL = (0x5401, 0x5421, 0x5451)  # TCGETS (isatty), FIONBIO, FIOCLEX; not FIOSETOWN
_PRCTL = (15, 16)  # PR_{SET,GET}_NAME


class _Filter(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _seccomp() -> str | None:
    machine = platform.machine()
    if machine not in MACHINES or sys.maxsize < 1 << 32:
        return None
    program = _program(machine)
    loaded = _Filter(len(program), b"".join(program))
    done = _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(loaded), 0, 0)
    return "seccomp" if done == 0 else None


def _program(machine: str) -> list[bytes]:
    """The filter in classic BPF. What comes by the x32 or a 32-bit table is no such number or machine."""
    column = MACHINES.index(machine)
    judged = {
        "clone": _demand(0, _ANY_BIT, _CLONE_THREAD),  # threads, not processes
        "clone3": [_step(_RETURN, _FAIL | errno.ENOSYS)],  # flags in memory; C libraries fall back to clone
        "fcntl": _demand(1, _EQUAL, *_FCNTL),
        "ioctl": _demand(1, _EQUAL, *_IOCTL),
        "open": _refuse(1, _ANY_BIT, _WRITING),
        "openat": _refuse(2, _ANY_BIT, _WRITING),
        "prctl": _demand(0, _EQUAL, *_PRCTL),
        "prlimit64": [*_demand(0, _EQUAL, 0), *_demand(2, _EQUAL, 0), *_demand(2, _EQUAL, 0, upper=True)],
        "tgkill": _demand(0, _EQUAL, os.getpid()),  # abort(3)
    }
    program = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_EQUAL, _ARCHITECTURE[machine], yes=1),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _NUMBER_AT),
    ]
    for name, numbers in (ALLOWED | JUDGED).items():
        number = numbers[column]
        if number is not None:
            block = [*judged.get(name, []), _step(_RETURN, _ALLOW)]
            program += [_step(_EQUAL, number, no=len(block)), *block]
    return [*program, _step(_RETURN, _FAIL | errno.EPERM)]


def _demand(argument: int, test: int, *values: int, upper: bool = False) -> list[bytes]:
    """Go on if an argument's lower (or upper) 32 bits pass the test with one of `values`; else EPERM."""
    load = _step(_LOAD, _ARGUMENTS_AT + 8 * argument + 4 * upper)  # both machines are little-endian
    tests = [_step(test, value, yes=len(values) - index) for index, value in enumerate(values)]
    return [load, *tests, _step(_RETURN, _FAIL | errno.EPERM)]


def _refuse(argument: int, test: int, value: int) -> list[bytes]:
    """The opposite of `_demand`."""
    load = _step(_LOAD, _ARGUMENTS_AT + 8 * argument)
    return [load, _step(test, value, no=1), _step(_RETURN, _FAIL | errno.EPERM)]


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """struct sock_filter: an operation, and how many steps to skip by its outcome."""
    return struct.pack("=HBBI", code, yes, no, value)
