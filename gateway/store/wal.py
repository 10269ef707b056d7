"""Keeps SQLite's write-ahead log short, also where one reader begins before the last one has ended.

SQLite copies the log into the database by itself, but begins it anew only when nobody reads from it. While
readers always overlap, it grows with each write, and each reader takes longer. So the writer waits for the
readers once in a while: those that come later read the database alone, and are not in its way.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

MOST = 64 << 20
"""Bytes that the log may have in peace."""
_MORE = 16 << 20
"""By how much it grows until another try, after one in vain."""
_PATIENCE_MS = 1000
"""For readers; whoever wants to write waits as long."""


class WriteAheadLog:
    """The log of one database. Not for two threads."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-wal")
        self._limit = MOST

    def tidy(self, connection: sa.Connection) -> None:
        """Empty the log if it is too long. Between two transactions of the writer's connection."""
        with contextlib.suppress(FileNotFoundError):
            size = self._path.stat().st_size
            if size > self._limit:
                self._limit = MOST if self._emptied(connection) else size + _MORE

    def _emptied(self, connection: sa.Connection) -> bool:
        raw: Any = connection.connection.driver_connection
        with contextlib.suppress(sqlite3.Error):  # a disk that fails is told by the next write
            ((patience,),) = raw.execute("PRAGMA busy_timeout").fetchall()
            raw.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
            try:
                ((busy, _, _),) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                raw.execute(f"PRAGMA busy_timeout = {patience}")
            return not busy
        return False
