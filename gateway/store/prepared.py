"""Statements in the driver's own words, made once: for those that are on the path of every mail and fax.

SQLAlchemy finds a statement's text again each time that it is executed, which takes longer than SQLite needs
to execute it. The text and the conversion of values are SQLAlchemy's here as well, so they fit each database;
to SQLite they go without a detour, and its errors come as SQLAlchemy's.
"""

from __future__ import annotations

import operator
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Made:
    text: str
    names: tuple[str, ...]
    """Of the values, in the order of their places in the text."""
    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    """The values of `names`."""
    converts: tuple[tuple[int, _Convert], ...]
    """Places among the values, each with what its value goes through."""
    own: Mapping[str, Any]
    """Values that the statement brings along, such as SQLite's OFFSET to a LIMIT."""
    by_place: bool
    results: tuple[tuple[int, _Convert], ...]
    """As `converts`, for the rows that come back from SQLite."""


class Prepared:
    """A statement with named parameters. For every thread; call it in a transaction."""

    def __init__(
        self,
        statement: sa.Executable,
        *,
        columns: Sequence[str] | None = None,
        returns: Sequence[sa.ColumnElement[Any]] = (),
    ) -> None:
        """`columns`: those that an INSERT or an UPDATE gives values to. `returns`: those that come back."""
        self._statement: Any = statement
        self._columns = columns
        self._returns = returns
        self._row: Any = namedtuple("_Row", [column.name for column in returns])  # type: ignore[misc]
        self._made: dict[str, _Made] = {}

    def execute(self, tx: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute it once for each of `rows`, its values by name; how many rows of the table it met."""
        made = self._made.get(tx.dialect.name) or self._make(tx.dialect)
        values = _arguments(made, rows[0]) if len(rows) == 1 else [_arguments(made, row) for row in rows]
        met: int
        if tx.dialect.name == "sqlite":
            met = direct(tx, made.text, values).rowcount
        else:
            met = tx.exec_driver_sql(made.text, values).rowcount
        return met

    def fetch(self, tx: sa.Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """Execute it; rows whose attributes are called as the columns."""
        made = self._made.get(tx.dialect.name) or self._make(tx.dialect)
        if tx.dialect.name != "sqlite":  # its driver returns values as they are to be
            return [self._row._make(row) for row in tx.exec_driver_sql(made.text, _arguments(made, values))]
        found = direct(tx, made.text, _arguments(made, values)).fetchall()
        return [self._row._make(_converted(row, made.results)) for row in found]

    def _make(self, dialect: sa.Dialect) -> _Made:
        compiled: SQLCompiler = self._statement.compile(dialect=dialect, column_keys=self._columns)
        names = compiled.positiontup if compiled.positional else list(compiled.params)
        assert names is not None
        types = [compiled.binds[name].type.dialect_impl(dialect) for name in names]
        results = [column.type.dialect_impl(dialect) for column in self._returns]
        made = self._made[dialect.name] = _Made(
            text=compiled.string,
            names=tuple(names),
            pick=_picking(names),
            converts=_some(one.bind_processor(dialect) for one in types),
            own={name: value for name, value in compiled.params.items() if value is not None},
            by_place=compiled.positional,
            results=_some(one.result_processor(dialect, None) for one in results)
            if dialect.name == "sqlite"
            else (),
        )
        return made


def direct(tx: sa.Connection, text: str, values: Any = ()) -> sqlite3.Cursor:
    """Say something to SQLite's driver itself; a list of values says it for each of them."""
    cursor: Any = tx.connection.cursor()
    try:
        if isinstance(values, list):
            cursor.executemany(text, values)
        else:
            cursor.execute(text, values)
    except sqlite3.Error as error:
        kind: type[sa.exc.DBAPIError] = getattr(sa.exc, type(error).__name__)
        raise kind(text, None, error, hide_parameters=True) from error
    found: sqlite3.Cursor = cursor
    return found


def _picking(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return operator.itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def _some(converts: Iterable[_Convert | None]) -> tuple[tuple[int, _Convert], ...]:
    return tuple((place, convert) for place, convert in enumerate(converts) if convert is not None)


def _arguments(made: _Made, row: Mapping[str, Any]) -> Any:
    values = _converted(made.pick({**made.own, **row} if made.own else row), made.converts)
    return values if made.by_place else dict(zip(made.names, values, strict=True))


def _converted(row: Sequence[Any], converts: Sequence[tuple[int, _Convert]]) -> Sequence[Any]:
    if not converts:
        return row
    values = list(row)
    for place, convert in converts:
        values[place] = convert(values[place])
    return tuple(values)
