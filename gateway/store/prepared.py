"""Statements in the driver's own words, made once: for the few that are on the path of every mail.

SQLAlchemy finds a statement's text again each time that it is executed, which takes longer than SQLite needs
to execute it. The text and the conversion of values are SQLAlchemy's here as well, so they fit each database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler


@dataclass(frozen=True, slots=True)
class _Made:
    text: str
    values: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    """Names in the order of their places in the text, each with what its value goes through."""
    by_place: bool


class Prepared:
    """An INSERT, or a SELECT with named parameters. For every thread."""

    def __init__(self, statement: sa.Executable, *, columns: Sequence[str] | None = None) -> None:
        """`columns`: those that an INSERT gives values to."""
        self._statement: Any = statement
        self._columns = columns
        self._made: dict[str, _Made] = {}

    def execute(self, tx: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> sa.CursorResult[Any]:
        """Execute it once for each of `rows`, its values by name; results come of one only."""
        made = self._made.get(tx.dialect.name) or self._make(tx.dialect)
        return tx.exec_driver_sql(
            made.text,
            _arguments(made, rows[0]) if len(rows) == 1 else [_arguments(made, row) for row in rows],
        )

    def _make(self, dialect: sa.Dialect) -> _Made:
        compiled: SQLCompiler = self._statement.compile(dialect=dialect, column_keys=self._columns)
        names = compiled.positiontup if compiled.positional else list(compiled.binds)
        assert names is not None
        values = tuple(
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
        )
        made = self._made[dialect.name] = _Made(compiled.string, values, compiled.positional)
        return made


def _arguments(made: _Made, row: Mapping[str, Any]) -> Any:
    if made.by_place:
        return tuple(row[name] if convert is None else convert(row[name]) for name, convert in made.values)
    return {name: row[name] if convert is None else convert(row[name]) for name, convert in made.values}
