"""What a step of the wall clock does to a store of one's own: whatever waits is carried along.

Waits, leases and deadlines are epoch seconds, and each was meant to last for some time, not until some date.
So when the clock steps they step with it, in one transaction. What has happened keeps its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.lifecycle import CLAIMANTS, SENDABLE, DocumentState, OutboxState, ReceivedState
from gateway.pause import Why
from gateway.store import facts, pauses, tables

_LEAPS = "clock.leaps"
_OFFSET = "clock.offset"
_KEPT = 20
"""Leaps that are remembered."""
_ON_ITS_WAY = (ReceivedState.SEEN, ReceivedState.FETCHED, ReceivedState.ROUTED, ReceivedState.MAILED)


def carry(tx: sa.Connection, by: float, *, deadlines: bool = True) -> None:
    """Move all that is to come by so many seconds; the deadlines of faxes only if `deadlines`."""
    fax = tables.fax
    waits = ("run_at", "lease_until")
    called = tables.among(fax, CLAIMANTS)
    for some in (tables.among(fax, SENDABLE), called):
        _move(tx, fax, some, by, *waits, *(["deadline"] if deadlines else []))
    calls = tables.attempt.c.fax_id.in_(sa.select(fax.c.id).where(called))
    _move(tx, tables.attempt, calls, by, "deadline", "outcome_at")  # it started by the provider's clock
    _move(tx, tables.document, tables.among(tables.document, {DocumentState.PENDING}), by, *waits)
    _move(tx, tables.received, tables.among(tables.received, _ON_ITS_WAY), by, *waits)
    _move(tx, tables.outbox, tables.among(tables.outbox, {OutboxState.QUEUED}), by, *waits, "created")
    pause = pauses.stored(tx)
    if pause is not None and pause.why is not Why.DAY_LIMIT:  # that one ends by the calendar
        pauses.postpone(tx, pause, by)


def _move(
    tx: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool], by: float, *columns: str
) -> None:
    moved: dict[str, Any] = {name: table.c[name] + by for name in columns}
    tx.execute(sa.update(table).where(where).values(moved))


def last_known(tx: sa.Connection) -> float | None:
    """When something happened last, as it was told then."""
    newest = sa.select(tables.event.c.at).order_by(tables.event.c.id.desc()).limit(1)
    at: float | None = tx.execute(newest).scalar()
    return at


def leaps(tx: sa.Connection) -> Sequence[tuple[float, float]]:
    """Steps forward: when (after it) and by how many seconds."""
    return [(at, by) for at, by in facts.get(tx, _LEAPS, ())]


def offset(tx: sa.Connection, *, boot: str) -> float | None:
    """`OwnClock.offset` as it was last, in this run of the machine; None in another one."""
    found = facts.get(tx, _OFFSET)
    return None if found is None or not boot or found["boot"] != boot else float(found["offset"])


def remember(tx: sa.Connection, known: Sequence[tuple[float, float]], offset: float, *, boot: str) -> None:
    """Write `leaps` and `offset` down for the next start."""
    facts.put(tx, _LEAPS, [list(leap) for leap in known[-_KEPT:]])
    facts.put(tx, _OFFSET, {"boot": boot, "offset": offset})
