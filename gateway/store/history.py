"""The append-only history: one event for each move, in the move's own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gateway import moves
from gateway.lifecycle import State
from gateway.moves import Trigger
from gateway.store import tables
from gateway.store.prepared import Prepared

_INSERT = Prepared(
    sa.insert(tables.event), columns=("at", "subject", "subject_id", "source", "target", "trigger", "detail")
)


def append(
    tx: sa.Connection,
    subject: str,
    subject_id: str,
    *,
    at: float,
    source: State | None,
    target: State,
    trigger: Trigger,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record that `subject` (``fax``, ``document``, ``received``, ``outbox``) moved; no `source`: it is new.

    Raises `IllegalMoveError` for a move that is not in the table.
    """
    moved = event(subject, subject_id, at=at, source=source, target=target, trigger=trigger, detail=detail)
    append_all(tx, [moved])


def event(
    subject: str,
    subject_id: str,
    *,
    at: float,
    source: State | None,
    target: State,
    trigger: Trigger,
    detail: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """What `append_all` takes; arguments as `append`."""
    moves.check(source, target, trigger)
    return {
        "at": at,
        "subject": subject,
        "subject_id": subject_id,
        "source": "" if source is None else source.value,
        "target": target.value,
        "trigger": trigger.value,
        "detail": dict(detail or {}),
    }


def append_all(tx: sa.Connection, events: Sequence[Mapping[str, Any]]) -> None:
    """Record several moves."""
    _INSERT.execute(tx, events)


def of(tx: sa.Connection, subject: str, subject_id: str) -> list[dict[str, Any]]:
    """The events of one item, oldest first."""
    rows = tx.execute(
        sa.select(tables.event)
        .where(tables.event.c.subject == subject, tables.event.c.subject_id == subject_id)
        .order_by(tables.event.c.id)
    )
    keys = ("at", "source", "target", "trigger", "detail")
    return [{key: getattr(row, key) for key in keys} for row in rows]
