"""Landlock (landlock(7)): a process gives up all files and directories but those it names, and TCP.

Constants of include/uapi/linux/landlock.h; the numbers are the same on every architecture. Needs
PR_SET_NO_NEW_PRIVS, and binds the calling thread and what it starts.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""Version of the interface to the number of rights over files that it knows; all that are known are taken."""
_TCP_SINCE, _TCP = 4, 0b11  # bind and connect
_SCOPE_SINCE, _SCOPE = 6, 0b11  # abstract sockets and signals

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE, _MAKE_SOCKET = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 9
_MAKE_LINK, _REFER, _TRUNCATE = 1 << 12, 1 << 13, 1 << 14
READING = _READ_FILE | _READ_DIR
RUNNING = READING | _EXECUTE
USING = READING | _WRITE_FILE | _TRUNCATE
"""What is there: to read and to write."""
OWNING = USING | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE | _MAKE_SOCKET | _MAKE_LINK | _REFER
"""What is there and what will be: everything but to run it, and to make devices."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
"""Rights that a file can have; the others are a directory's."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a process is to keep: made once, enforced by each process that has inherited the descriptor."""

    version: int
    """Of Landlock, as far as it will be in force."""
    fd: int

    def enforce(self) -> bool:
        """Give up everything else, and close the descriptor; whether that worked."""
        done = not _call(_RESTRICT_SELF, self.fd, 0)
        os.close(self.fd)
        return done


def prepare(kept: Iterable[tuple[Path, int]]) -> Rules | None:
    """Rules that keep no right over files but those `kept` beneath each path that is there.

    None: there is no Landlock. A path stands for the file or directory that it names now.
    """
    version = _call(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return None
    rights = (1 << max(bits for since, bits in _FILE_RIGHTS.items() if since <= version)) - 1
    fields = [rights]
    fields += [_TCP] if version >= _TCP_SINCE else []
    fields += [_SCOPE] if version >= _SCOPE_SINCE else []
    fd = _call(_CREATE_RULESET, struct.pack(f"={len(fields)}Q", *fields), 8 * len(fields), 0)
    if fd < 0:
        return None
    if not all(_keep(fd, path, kept_rights & rights) for path, kept_rights in kept):
        os.close(fd)
        return None
    return Rules(version=version, fd=fd)


def restrict(kept: Iterable[tuple[Path, int]]) -> int:
    """Give up at once every right that `prepare` would not keep.

    Returns the version of Landlock that is now in force; 0: none.
    """
    rules = prepare(kept)
    return rules.version if rules is not None and rules.enforce() else 0


def _keep(rules: int, path: Path, rights: int) -> bool:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return True  # what is not there need not be reached
    try:
        wanted = rights if path.is_dir() else rights & _OF_FILES
        return not _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", wanted, beneath), 0)
    finally:
        os.close(beneath)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """syscall(2); every integer in a register's width, as a variadic function wants it."""
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return int(_libc.syscall(ctypes.c_long(number), *wide))
