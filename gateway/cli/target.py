"""Where a command's output file goes: checked before the work, replaced whole after it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gateway.cli.exits import CommandError, Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A regular file, or the name of a new one, in a directory that takes new files."""

    shown: Path
    """As it was typed."""
    place: Path
    """Without symbolic links: a link to a file stays, and the file is replaced."""
    old: os.stat_result | None
    """What is there now; its permissions are kept."""

    @classmethod
    def at(cls, path: Path, inputs: Sequence[Path]) -> Self:
        """Raises `CommandError` (EX_CANTCREAT) for what must not or cannot be replaced.

        Devices, FIFOs and directories are refused: a rename would remove what others rely on. So is every
        one of `inputs`.
        """
        old = _look(path)
        place = Path(os.path.realpath(path))
        if old is not None:
            if stat.S_ISDIR(old.st_mode):
                raise _refused(path, "is a directory; name a file in it")
            if not stat.S_ISREG(old.st_mode):
                raise _refused(path, "is not a regular file; - writes to standard output")
            if any(os.path.samestat(old, file.stat()) for file in inputs):
                raise _refused(path, "is one of the files to fax; name another output")
            if not os.access(place, os.W_OK):
                raise _refused(path, "is write-protected")
        elif not place.parent.is_dir():
            raise _refused(path, f"cannot be made: there is no directory {place.parent}")
        if not os.access(place.parent, os.W_OK | os.X_OK):
            raise _refused(path, f"cannot be made: the directory {place.parent} is not writable")
        return cls(shown=path, place=place, old=old)

    def replace_with(self, content: Path) -> None:
        """Put a copy of `content` there: readers see the old file or the whole new one.

        Raises `CommandError`: EX_CANTCREAT, or EX_IOERR when the disk does not take it.
        """
        part = self.place.with_name(f".{self.place.name[:200]}.{secrets.token_hex(4)}.part")
        try:
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise _refused(self.shown, f"cannot be made: {error.strerror}") from error
        try:
            with os.fdopen(fd, "wb") as file, content.open("rb") as source:
                shutil.copyfileobj(source, file)
                file.flush()
                if self.old is not None:
                    _inherit(fd, self.old)
                os.fsync(fd)
            part.replace(self.place)
        except OSError as error:
            raise CommandError(f"{self.shown} cannot be written: {error.strerror}.", Exit.IOERR) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, f"cannot be written: {error.strerror}") from error


def _inherit(fd: int, old: os.stat_result) -> None:
    """Owner and mode of the file that is replaced, as far as we may."""
    with contextlib.suppress(PermissionError):
        os.fchown(fd, old.st_uid, old.st_gid)
    os.fchmod(fd, stat.S_IMODE(old.st_mode) & 0o777)


def _refused(path: Path, why: str) -> CommandError:
    return CommandError(f"{path} {why}.", Exit.CANTCREAT)
