"""Single facts that outlive a restart, by key."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gateway.store import dialect, tables


def get(tx: sa.Connection, key: str, default: Any = None) -> Any:
    """The value stored under `key`."""
    row = tx.execute(sa.select(tables.fact.c.value).where(tables.fact.c.key == key)).first()
    return default if row is None else row.value


def put(tx: sa.Connection, key: str, value: Any) -> None:
    """Store `value` (JSON) under `key`."""
    dialect.upsert(tx, tables.fact, {"key": key, "value": value})


def delete(tx: sa.Connection, key: str) -> None:
    """Forget `key`."""
    tx.execute(sa.delete(tables.fact).where(tables.fact.c.key == key))
