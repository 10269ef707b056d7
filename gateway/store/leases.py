"""Claiming: who works on a row, until when, and the fence that ends a late worker's power."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.lifecycle import FaxState
from gateway.store import tables
from gateway.store.rows import Row


class StaleError(Exception):
    """The row is not what the caller thought: another lease, another state. Its work must not be written."""


def claim(
    tx: sa.Connection,
    table: sa.Table,
    ready: sa.ColumnElement[bool],
    *,
    owner: str,
    now: float,
    seconds: float,
    limit: int,
) -> list[Row]:
    """Lease up to `limit` due rows for `seconds`; each gets a new fence. Oldest due first."""
    due = (
        sa.select(table.c.id)
        .where(
            ready,
            table.c.run_at <= now,
            sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now),
        )
        .order_by(table.c.run_at, table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(tx.execute(due).scalars())
    if not ids:
        return []
    leased = (
        sa.update(table)
        .where(table.c.id.in_(ids))
        .values(lease_owner=owner, lease_until=now + seconds, fence=table.c.fence + 1)
        .returning(*table.c)
    )
    rows = {row.id: row for row in tx.execute(leased)}
    return [rows[id_] for id_ in ids]


def next_due(
    tx: sa.Connection, table: sa.Table, ready: sa.ColumnElement[bool], *, now: float
) -> float | None:
    """Epoch seconds when the next row that waits for its time comes due."""
    query = sa.select(sa.func.min(table.c.run_at)).where(ready, table.c.run_at > now)
    due: float | None = tx.execute(query).scalar()
    return due


FREE: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}
"""Values that give a lease back."""


def write(
    tx: sa.Connection,
    table: sa.Table,
    id_: Any,
    *,
    states: tuple[str, ...],
    fence: int,
    values: Mapping[str, Any],
    guards: Sequence[sa.ColumnElement[bool]] = (),
) -> None:
    """The one guarded update: id, state and fence as the caller saw them, and the move's own `guards`.

    Raises `StaleError` if it does not meet exactly one row.
    """
    where = [table.c.id == id_, table.c.state.in_(states), table.c.fence == fence, *guards]
    result = tx.execute(sa.update(table).where(*where).values(**values))
    if result.rowcount != 1:
        raise StaleError(f"{table.name} {id_}: not in {'/'.join(states)} under this lease")


def release(tx: sa.Connection, table: sa.Table, id_: Any, *, fence: int, run_at: float | None = None) -> None:
    """Give a lease back without a move; quietly does nothing if it was lost meanwhile."""
    values = dict(FREE) if run_at is None else {**FREE, "run_at": run_at}
    tx.execute(sa.update(table).where(table.c.id == id_, table.c.fence == fence).values(**values))


def renew(
    tx: sa.Connection,
    table: sa.Table,
    *,
    owner: str,
    key: sa.Column[str],
    keep: Collection[str],
    until: float,
) -> None:
    """Give what `owner` still has, of the rows whose `key` is among `keep`, until then.

    But for Faxes in a call: theirs was made for the call, which ends with it.
    """
    mine = table.c.lease_owner == owner, key.in_(list(keep)), ~_calling(table)
    tx.execute(sa.update(table).where(*mine).values(lease_until=until))


def _calling(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.state == sa.literal_column(f"'{FaxState.SUBMITTING}'")


def give_back(
    tx: sa.Connection, table: sa.Table, *, owner: str, key: sa.Column[str], keep: Collection[str]
) -> None:
    """Free what `owner` has leased but for the rows whose `key` is among `keep`, and Faxes in a call.

    After a claim whose COMMIT got no answer: the rows may be leased, and nobody works on them.
    """
    others = table.c.lease_owner == owner, key.not_in(list(keep)), ~_calling(table)
    tx.execute(sa.update(table).where(*others).values(**FREE))


def of_node(table: sa.Table, node: str) -> sa.ColumnElement[bool]:
    """Rows that a process of `node` has leased; "" is every node. See `Store.owner`."""
    leased = table.c.lease_owner.is_not(None)
    return sa.and_(leased, table.c.lease_owner.startswith(f"{node}:", autoescape=True)) if node else leased


def reclaim(tx: sa.Connection, *, node: str = "") -> None:
    """At start: whoever held a lease of this `node` ("": of any) is dead.

    Documents are left out: `documents.recover` also asks what killed the daemon. A Fax that was being
    submitted stays on the line until its attempt's deadline; see `attempts.rescue`.
    """
    for table in (tables.fax, tables.received, tables.outbox):
        tx.execute(sa.update(table).where(of_node(table, node)).values(**FREE))
