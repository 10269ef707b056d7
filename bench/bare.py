"""The same statements, with the same values, in the driver alone: Python's sqlite3, in one thread."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from bench.verbs import Fax, clock
from gateway.store.engine import open_sqlite

_FILE = "gateway.sqlite3"
_Statements = list[tuple[str, Any]]


def record(directory: Path, cycles: int, began: float) -> Replay:
    """Take down what the store's verbs say to the driver for so many faxes; copy ``first`` for both sides."""
    for name in ("recorded", "ours", "bare"):
        shutil.copytree(directory / "first", directory / name)
    engine = open_sqlite(directory / "recorded" / _FILE)
    said: _Statements = []

    @sa.event.listens_for(engine, "do_connect")
    def _listen(_dialect: Any, _record: Any, _args: Any, arguments: dict[str, Any]) -> None:
        arguments["factory"] = functools.partial(_Recording, said)

    now, taken = clock(began), []
    for _ in range(cycles):
        fax = Fax(owner="bench", now=now())
        for verb in fax.verbs:
            with engine.connect() as connection, connection.begin():
                verb(connection)
        taken.append(said.copy())
        said.clear()
    with engine.connect() as connection, connection.begin():
        pragmas = [
            (name, connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("synchronous", "foreign_keys", "wal_autocheckpoint", "cache_size")
        ]
    engine.dispose()
    return Replay(directory / "bare" / _FILE, taken, pragmas)


class _Recording(sqlite3.Connection):
    """Takes down what it is told."""

    def __init__(self, said: _Statements, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._said = said

    def cursor(self, factory: Any = None) -> Any:
        cursor = super().cursor(factory or _RecordingCursor)
        cursor.said = self._said
        return cursor

    def commit(self) -> None:
        self._said.append(("COMMIT", ()))
        super().commit()


class _RecordingCursor(sqlite3.Cursor):
    said: _Statements

    def execute(self, text: str, values: Any = (), /) -> Self:
        self.said.append((text, values))
        super().execute(text, values)
        return self


class Replay:
    """The statements of many faxes, executed again on a copy of the store that they were made on."""

    def __init__(self, path: Path, faxes: list[_Statements], pragmas: list[tuple[str, Any]]) -> None:
        self._faxes: Iterator[_Statements] = iter(faxes)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        for name, value in pragmas:
            self._connection.execute(f"PRAGMA {name} = {value}")

    def run(self, count: int) -> None:
        """Do the next faxes."""
        execute = self._connection.execute
        for _ in range(count):
            for text, values in next(self._faxes):
                execute(text, values).fetchall()

    def counts(self) -> dict[str, int]:
        """Open faxes by state."""
        query = "SELECT state, count(*) FROM fax WHERE finished IS NULL GROUP BY state"
        return dict(self._connection.execute(query).fetchall())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
