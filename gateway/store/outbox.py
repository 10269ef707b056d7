"""Mails on their way out: queued exactly once by key, delivered at least once with a stable Message-ID."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateway import moves
from gateway.lifecycle import OutboxState
from gateway.model import MailKind, OutboxMail, Via
from gateway.moves import Trigger
from gateway.store import dialect, history, leases, rows, tables

_t = tables.outbox
_DUE = leases.Due.of(_t, tables.among(_t, tables.QUEUED))

ADMIN = "@admin"
"""A recipient that `mailout` replaces with the administrators of the configuration."""


def queue(
    tx: sa.Connection,
    *,
    key: str,
    kind: MailKind,
    recipient: str,
    facts: Mapping[str, Any],
    now: float,
    via: Via = Via.SMTP,
    received_id: str = "",
) -> bool:
    """Queue a mail unless its key exists already; tell whether it is new.

    Runs in the transaction of the move that it announces. Only the local part of the Message-ID is stored:
    the domain of the installation's address follows, the same on all nodes.
    """
    return dialect.insert_new(
        tx,
        _t,
        {
            "key": key,
            "kind": kind,
            "recipient": recipient,
            "facts": dict(facts),
            "message_id": f"{kind}.{hashlib.sha256(key.encode()).hexdigest()[:24]}",
            "state": OutboxState.QUEUED,
            "via": via,
            "received_id": received_id,
            "created": now,
            "run_at": now,
        },
        key="key",
    )


def claim(tx: sa.Connection, *, owner: str, now: float, seconds: float, limit: int) -> list[OutboxMail]:
    """Lease mails that are due."""
    found = leases.claim(tx, _DUE, owner=owner, now=now, seconds=seconds, limit=limit)
    return [rows.outbox(row) for row in found]


def next_due(tx: sa.Connection, *, now: float) -> float | None:
    """Epoch seconds when the next one that waits comes due."""
    return leases.next_due(tx, _DUE, now=now)


def move(
    tx: sa.Connection,
    mail: OutboxMail,
    target: OutboxState,
    trigger: Trigger,
    *,
    now: float,
    run_at: float | None = None,
    reason: str = "",
) -> None:
    """Record the result of a delivery attempt under the caller's lease."""
    moves.check(OutboxState.QUEUED, target, trigger)
    leases.write(
        tx,
        _t,
        mail.id,
        states=(OutboxState.QUEUED,),
        fence=mail.fence,
        values={
            **leases.FREE,
            "state": target,
            "attempts": mail.attempts + 1,
            "run_at": run_at,
            "reason": reason,
            "finished": None if target is OutboxState.QUEUED else now,
        },
    )
    history.append(
        tx,
        "outbox",
        mail.key,
        at=now,
        source=OutboxState.QUEUED,
        target=target,
        trigger=trigger,
        detail={"reason": reason},
    )


def of_received(tx: sa.Connection, received_id: str) -> list[OutboxMail]:
    """The mails that carry one received fax."""
    found = tx.execute(sa.select(_t).where(_t.c.received_id == received_id).order_by(_t.c.id))
    return [rows.outbox(row) for row in found]
