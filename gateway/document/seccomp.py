"""Filters of system calls in classic BPF (seccomp(2), Documentation/userspace-api/seccomp_filter.rst).

Constants of include/uapi/linux/{seccomp,filter,audit,prctl}.h. Needs PR_SET_NO_NEW_PRIVS; binds the calling
thread and what it starts. A call that is not allowed fails with EPERM. A call judged by its arguments has a
block of steps that ends in a refusal, or falls through to where the call is allowed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Mapping

from gateway.document.syscalls import MACHINES, Numbers

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2  # prctl(2) and not seccomp(2), which @system-service lacks
_ARCHITECTURE = dict(zip(MACHINES, (0xC000003E, 0xC00000B7), strict=True))
_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _JUMP_FROM, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _FAIL, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_X32 = 0x40000000

EQUAL, ANY_BIT = _JUMP_EQUAL, _JUMP_ANY_BIT
OWN_PROCESS = 0xFFFFFFFF
"""In the steps of a `Filter`: the id of the process that loads it. No process has this one."""
Block = list[bytes]

CLONE_THREAD = 0x10000
_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class Filter:
    """A filter made once, for every process forked from this one."""

    def __init__(self, program: Block) -> None:
        self._steps = len(program)
        self._before, self._after = b"".join(program).split(_number(OWN_PROCESS))

    def load(self) -> bool:
        """Put it in force, for good."""
        return _load(self._steps, self._before + _number(os.getpid()) + self._after)


def machine() -> str:
    """This machine's column in the tables, or ``""``."""
    name = os.uname().machine
    return name if name in MACHINES and sys.maxsize > 1 << 32 else ""


def load(program: Block) -> bool:
    """Put a filter in force, for good."""
    return _load(len(program), b"".join(program))


def _load(steps: int, instructions: bytes) -> bool:
    loaded = _Program(steps, instructions)
    return not _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(loaded), 0, 0)


def allowing(allowed: Numbers, judged: Mapping[str, Block], machine: str) -> Block:
    """A filter that allows nothing else, so also no call that comes by the x32 or a 32-bit table."""
    column = MACHINES.index(machine)
    program = _beginning(machine)
    for name, numbers in allowed.items():
        number = numbers[column]
        if number is not None:
            block = [*judged.get(name, []), _step(_RETURN, _ALLOW)]
            program += [_step(_JUMP_EQUAL, number, no=len(block)), *block]
    return [*program, fail(errno.EPERM)]


def denying(denied: Numbers, judged: Mapping[str, Block], machine: str) -> Block:
    """A filter that allows everything else, but no call that comes by the x32 or a 32-bit table."""
    column = MACHINES.index(machine)
    program = [*_beginning(machine), _step(_JUMP_FROM, _X32, no=1), fail(errno.EPERM)]
    for name, numbers in denied.items():
        number = numbers[column]
        if number is not None:
            block = [*judged[name], _step(_RETURN, _ALLOW)] if name in judged else [fail(errno.EPERM)]
            program += [_step(_JUMP_EQUAL, number, no=len(block)), *block]
    return [*program, _step(_RETURN, _ALLOW)]


def demand(argument: int, test: int, *values: int, upper: bool = False) -> Block:
    """Go on if an argument's lower (or upper) 32 bits pass the test with one of `values`; else EPERM."""
    load = _step(_LOAD, _ARGUMENTS_AT + 8 * argument + 4 * upper)  # both machines are little-endian
    tests = [_step(test, value, yes=len(values) - index) for index, value in enumerate(values)]
    return [load, *tests, fail(errno.EPERM)]


def refuse(argument: int, test: int, *values: int) -> Block:
    """The opposite of `demand`."""
    load = _step(_LOAD, _ARGUMENTS_AT + 8 * argument)
    tests = [step for value in values for step in (_step(test, value, no=1), fail(errno.EPERM))]
    return [load, *tests]


def refuse_all(argument: int, *bits: int) -> Block:
    """EPERM if an argument has all of these bits."""
    load = _step(_LOAD, _ARGUMENTS_AT + 8 * argument)
    tests = [_step(_JUMP_ANY_BIT, bit, no=len(bits) - index) for index, bit in enumerate(bits)]
    return [load, *tests, fail(errno.EPERM)]


def fail(error: int) -> bytes:
    """The call fails with this errno."""
    return _step(_RETURN, _FAIL | error)


def _beginning(machine: str) -> Block:
    return [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_JUMP_EQUAL, _ARCHITECTURE[machine], yes=1),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _NUMBER_AT),
    ]


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """struct sock_filter: an operation, and how many steps to skip by its outcome."""
    return struct.pack("=HBB", code, yes, no) + _number(value)


def _number(value: int) -> bytes:
    return struct.pack("=I", value)
