"""Keeps SQLite's write-ahead log short, at the least cost for those who wait for a COMMIT.

The log has to be copied into the database, which takes two flushes and as long as it takes to write all that
changed. Left to itself SQLite makes some COMMIT wait for that; here another thread copies meanwhile, and the
writer only adds the little that came since, after which SQLite begins the log anew.

It does so only while nobody reads from the log. Where one reader begins before the last one has ended, the
log grows with each write, and each reader takes longer. So the writer waits for the readers once in a while:
those that come later read the database alone, and are not in its way.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

MOST = 64 << 20
"""Bytes that the log may have in peace."""
_MORE = 16 << 20
"""By how much it grows until another try, after one in vain."""
_PATIENCE_MS = 1000
"""For readers; whoever wants to write waits as long."""
_COMMITS = 100
"""Transactions until the log is copied: some megabytes, with small mails."""


class WriteAheadLog:
    """The log of one database. `start` it once that is there; `close` it before the last connection."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-wal")
        self._limit = MOST
        self._commits = 0
        self._copier = _Copier(database)

    def start(self) -> None:
        """Let it be copied."""
        self._copier.start()

    def close(self) -> None:
        """Wait for the copy under way."""
        self._copier.close()

    def tidy(self, connection: sa.Connection) -> None:
        """Have the log copied, or empty it, if it is time. Between two transactions of the writer's."""
        self._commits += 1
        raw: Any = connection.connection.driver_connection
        with contextlib.suppress(FileNotFoundError):
            size = self._path.stat().st_size
            if size > self._limit:
                self._limit = MOST if _emptied(raw) else size + _MORE
        if self._copier.copied():
            _copy(raw)
        elif self._commits >= _COMMITS:
            self._commits = 0
            self._copier.wake()


def _emptied(raw: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.Error):  # a disk that fails is told by the next write
        ((patience,),) = raw.execute("PRAGMA busy_timeout").fetchall()
        raw.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        try:
            ((busy, _, _),) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.execute(f"PRAGMA busy_timeout = {patience}")
        return not busy
    return False


def _copy(raw: sqlite3.Connection) -> None:
    """As much as readers permit; waits for nobody."""
    with contextlib.suppress(sqlite3.Error):
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


class _Copier:
    """A thread with a connection of its own."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._thread = threading.Thread(target=self._run, name="store-copier", daemon=True)
        self._asked = threading.Event()
        self._copied = threading.Event()
        self._over = False

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Copy now."""
        self._asked.set()

    def copied(self) -> bool:
        """Whether it has done so since this was asked before."""
        if not self._copied.is_set():
            return False
        self._copied.clear()
        return True

    def close(self) -> None:
        self._over = True
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with contextlib.ExitStack() as stack:
            connection = None
            while True:
                self._asked.wait()
                self._asked.clear()
                if self._over:
                    return
                if connection is None and (connection := self._connect()) is not None:
                    stack.callback(connection.close)
                if connection is not None:
                    _copy(connection)
                    self._copied.set()

    def _connect(self) -> sqlite3.Connection | None:
        """Never makes a file: a database that is gone is somebody else's to notice."""
        try:
            connection = sqlite3.connect(f"{self._database.absolute().as_uri()}?mode=rw", uri=True)
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            return None
        return connection
