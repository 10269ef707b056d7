"""The SQLite file under its name: what is written to one that was removed or replaced is lost.

A process goes on writing to a file whose name is gone, and the next start would make an empty database
without a word. So the directory remembers that it has had one, and each COMMIT looks whether it is there.
"""

from __future__ import annotations

from pathlib import Path

from gateway.errors import GatewayError, temporary
from gateway.store.trouble import GONE, DatabaseGoneError


class DatabaseFile:
    """`expect` it before it is opened, tell when it is `opened`, and `check` it after each COMMIT."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark = path.with_name("lock")
        """Not empty once there has been a database. The lock outlives whatever happens to that."""
        self._is: tuple[int, int] | None = None

    @property
    def had(self) -> bool:
        """Whether there has been a database here."""
        return self._mark.exists() and self._mark.stat().st_size > 0

    def expect(self) -> None:
        """Raise `GatewayError` if there was a database, and there is none."""
        if self.had and not (self.path.exists() and self.path.stat().st_size > 0):
            raise self.lost()

    def opened(self) -> None:
        """From now on it must stay. Raises OSError."""
        self._is = self._found()
        if not self.had:
            self._mark.write_text(f"The database here is {self.path.name}.\n")

    def is_there(self) -> bool:
        """Whether the name still leads to the file that was opened."""
        return self._is is None or self._found() == self._is

    def check(self) -> None:
        """Raise `DatabaseGoneError` if it does not."""
        if not self.is_there():
            raise DatabaseGoneError(self.path.name)

    def lost(self) -> GatewayError:
        """For people."""
        return GatewayError(
            temporary(
                "4.3.5",
                f"The database {self.path} is gone, or another file has its name. Put it back, with its -wal "
                f"file, or restore a backup. To begin with an empty one, remove {self._mark}.",
                code=GONE,
            )
        )

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino
