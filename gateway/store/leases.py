"""Claiming: who works on a row, until when, and the fence that ends a late worker's power."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.lifecycle import FaxState
from gateway.store import tables
from gateway.store.prepared import Prepared
from gateway.store.rows import Row


class StaleError(Exception):
    """The row is not what the caller thought: another lease, another state. Its work must not be written."""


@dataclass(frozen=True, slots=True)
class Due:
    """The rows of a table that are worked on once their time has come; its statements are built once."""

    claim: Prepared
    next: Prepared

    @classmethod
    def of(cls, table: sa.Table, ready: sa.ColumnElement[bool]) -> Due:
        """Those that are `ready`, which is written as the table's partial index has it."""
        now = sa.bindparam("claim_now", type_=table.c.run_at.type)
        free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now)
        due = (
            sa.select(table.c.id)
            .where(ready, table.c.run_at <= now, free)
            .order_by(table.c.run_at, table.c.id)
            .limit(sa.bindparam("claim_limit", type_=sa.Integer))
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        leased = {
            "lease_owner": sa.bindparam("claim_owner"),
            "lease_until": sa.bindparam("claim_until"),
            "fence": table.c.fence + sa.literal_column("1"),
        }
        claim = sa.update(table).where(table.c.id.in_(sa.select(due.c.id))).values(leased)
        first = sa.func.min(table.c.run_at).label("run_at")
        return cls(
            claim=Prepared(claim.returning(*table.c), returns=tuple(table.c)),
            next=Prepared(sa.select(first).where(ready, table.c.run_at > now), returns=(first,)),
        )


def claim(tx: sa.Connection, due: Due, *, owner: str, now: float, seconds: float, limit: int) -> list[Row]:
    """Lease up to `limit` due rows for `seconds`; each gets a new fence. Oldest due first."""
    values = {
        "claim_owner": owner,
        "claim_now": now,
        "claim_until": now + seconds,
        "claim_limit": limit,
    }
    return sorted(due.claim.fetch(tx, values), key=lambda row: (row.run_at, row.id))


def next_due(tx: sa.Connection, due: Due, *, now: float) -> float | None:
    """Epoch seconds when the next row that waits for its time comes due."""
    ((at,),) = due.next.fetch(tx, {"claim_now": now})
    return None if at is None else float(at)


NOW: sa.BindParameter[float] = sa.bindparam("of_now", type_=sa.Double())
"""For guards: the time of the write."""
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
    guards: tuple[sa.ColumnElement[bool], ...] = (),
    now: float | None = None,
) -> None:
    """The one guarded update: id, state and fence as the caller saw them, and the move's own `guards`.

    Those are the same objects each time for the same move; what they compare with `NOW` has `now` there.

    Raises `StaleError` if it does not meet exactly one row.
    """
    statement = _guarded(table, len(states), guards, *sorted(values))
    seen = {f"of_state{number}": str(state) for number, state in enumerate(states)}
    if statement.execute(tx, [{**values, **seen, "of_id": id_, "of_fence": fence, "of_now": now}]) != 1:
        raise StaleError(f"{table.name} {id_}: not in {'/'.join(states)} under this lease")


@functools.cache  # built each time, it would take ten times as long
def _guarded(
    table: sa.Table, states: int, guards: tuple[sa.ColumnElement[bool], ...], *names: str
) -> Prepared:
    id_ = sa.bindparam("of_id", type_=table.c.id.type)
    state: list[sa.BindParameter[Any]] = [sa.bindparam(f"of_state{number}") for number in range(states)]
    where = table.c.id == id_, table.c.state.in_(state), table.c.fence == sa.bindparam("of_fence"), *guards
    return Prepared(sa.update(table).where(*where), columns=names)


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
