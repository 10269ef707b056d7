"""The append-only history: one event for each move, in the move's own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.store import tables
from gateway.store.prepared import Prepared

_INSERT = Prepared(
    sa.insert(tables.event), columns=("at", "subject", "subject_id", "source", "target", "detail")
)


def append(
    tx: sa.Connection,
    subject: str,
    subject_id: str,
    *,
    at: float,
    source: str,
    target: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record that `subject` (``fax``, ``document``, ``received``, ``outbox``) moved."""
    append_all(tx, [event(subject, subject_id, at=at, source=source, target=target, detail=detail)])


def event(
    subject: str,
    subject_id: str,
    *,
    at: float,
    source: str,
    target: str,
    detail: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """What `append_all` takes; arguments as `append`."""
    return {
        "at": at,
        "subject": subject,
        "subject_id": subject_id,
        "source": str(source),
        "target": str(target),
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
    return [{"at": row.at, "source": row.source, "target": row.target, "detail": row.detail} for row in rows]
