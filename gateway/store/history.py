"""The append-only history: one event for each move, in the move's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateway.store import tables

_INSERT = sa.insert(tables.event)
"""Built once: a statement with its values inside costs six times as much."""


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
    tx.execute(
        _INSERT,
        {
            "at": at,
            "subject": subject,
            "subject_id": subject_id,
            "source": source,
            "target": target,
            "detail": dict(detail or {}),
        },
    )


def of(tx: sa.Connection, subject: str, subject_id: str) -> list[dict[str, Any]]:
    """The events of one item, oldest first."""
    rows = tx.execute(
        sa.select(tables.event)
        .where(tables.event.c.subject == subject, tables.event.c.subject_id == subject_id)
        .order_by(tables.event.c.id)
    )
    return [{"at": row.at, "source": row.source, "target": row.target, "detail": row.detail} for row in rows]
