"""Single facts that outlive a restart, by key."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gateway.store import dialect, tables
from gateway.store.prepared import Prepared

_SELECT = Prepared(
    sa.select(tables.fact.c.value).where(tables.fact.c.key == sa.bindparam("key")),
    returns=(tables.fact.c.value,),
)


def get(tx: sa.Connection, key: str, default: Any = None) -> Any:
    """The value stored under `key`."""
    found = _SELECT.fetch(tx, {"key": key})
    return found[0].value if found else default


def put(tx: sa.Connection, key: str, value: Any) -> None:
    """Store `value` (JSON) under `key`."""
    dialect.upsert(tx, tables.fact, {"key": key, "value": value})


def delete(tx: sa.Connection, key: str) -> None:
    """Forget `key`."""
    tx.execute(sa.delete(tables.fact).where(tables.fact.c.key == key))
