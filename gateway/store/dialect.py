"""The few statements that SQLite and PostgreSQL do not share, behind one name each.

On SQLite one thread writes, so nothing can change between a look and the write after it. On PostgreSQL
several do, at READ COMMITTED: a verb that looks before it writes locks the row first (``with_for_update``,
which SQLite leaves out), inserts with ON CONFLICT, or takes a lock on a word.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

# In one order, or two transactions would wait for each other.
_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended(word, 0)) "
    "FROM (SELECT unnest(CAST(:words AS text[])) AS word ORDER BY 1 OFFSET 0) AS words"
)


def is_postgres(tx: sa.Connection) -> bool:
    """Whether the connection leads to PostgreSQL."""
    return tx.dialect.name == "postgresql"


def lock(tx: sa.Connection, words: Iterable[str]) -> None:
    """Let no other transaction go on that locks one of `words`, until this one ends."""
    if is_postgres(tx):
        tx.execute(_LOCK, {"words": sorted(set(words))})


def insert_new(tx: sa.Connection, table: sa.Table, values: Mapping[str, Any], *, key: str) -> bool:
    """Insert a row unless its unique `key` exists; tell whether it is new."""
    return tx.execute(_insert_new(tx.dialect.name, table, key), dict(values)).first() is not None


def upsert(tx: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or set its other columns where its primary key exists."""
    tx.execute(_upsert(tx.dialect.name, table), dict(values))


# Built once: a statement with its values inside costs six times as much.


@functools.cache
def _insert_new(dialect: str, table: sa.Table, key: str) -> Any:
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_nothing(index_elements=[key]).returning(sa.literal_column("1"))


@functools.cache
def _upsert(dialect: str, table: sa.Table) -> Any:
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {name: insert.excluded[name] for name in table.c.keys() if name not in keys}  # noqa: SIM118
    return insert.on_conflict_do_update(index_elements=keys, set_=rest)
