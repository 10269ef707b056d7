"""What people and scripts see of the queue and the inbox: plain dictionaries with stable keys."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gateway.store import history, pauses, tables

_LIMIT = 200
_PAUSE = ("why", "code", "reason", "since", "until")


def queue_list(tx: sa.Connection, *, everything: bool = False, limit: int = _LIMIT) -> list[dict[str, Any]]:
    """Faxes, newest first; only open ones unless `everything`."""
    query = (
        sa.select(
            tables.fax,
            tables.submission.c.identity,
            tables.submission.c.subject,
            tables.document.c.pages.label("document_pages"),
        )
        .join(tables.submission, tables.submission.c.id == tables.fax.c.submission_id)
        .join(tables.document, tables.document.c.id == tables.fax.c.submission_id)
        .order_by(tables.fax.c.id.desc())
        .limit(limit)
    )
    if not everything:
        query = query.where(tables.among(tables.fax, tables.OPEN))
    return [_fax(row) for row in tx.execute(query)]


def queue_show(tx: sa.Connection, fax_id: str) -> dict[str, Any] | None:
    """One Fax with its attempts and history."""
    row = tx.execute(
        sa.select(
            tables.fax,
            tables.submission.c.identity,
            tables.submission.c.subject,
            tables.submission.c.source,
            tables.submission.c.message_id,
            tables.submission.c.purged,
            tables.document.c.pages.label("document_pages"),
            tables.document.c.state.label("document_state"),
            tables.document.c.notes,
        )
        .join(tables.submission, tables.submission.c.id == tables.fax.c.submission_id)
        .join(tables.document, tables.document.c.id == tables.fax.c.submission_id)
        .where(tables.fax.c.id == fax_id)
    ).first()
    if row is None:
        return None
    calls = tx.execute(
        sa.select(tables.attempt).where(tables.attempt.c.fax_id == fax_id).order_by(tables.attempt.c.ordinal)
    )
    return {
        **_fax(row),
        "source": row.source,
        "message_id": row.message_id,
        "purged": row.purged,
        "document": {"state": row.document_state, "pages": row.document_pages, "notes": row.notes},
        "calls": [
            {
                "attempt": call.ordinal,
                "started": call.started,
                "outcome": call.outcome,
                "outcome_at": call.outcome_at,
                "provider_id": call.provider_id,
            }
            for call in calls
        ],
        "history": history.of(tx, "fax", fax_id),
    }


def faxes_of(tx: sa.Connection, submission_id: str) -> list[str]:
    """Ids of the Faxes of one Submission."""
    return list(
        tx.execute(
            sa.select(tables.fax.c.id)
            .where(tables.fax.c.submission_id == submission_id)
            .order_by(tables.fax.c.id)
        ).scalars()
    )


def inbox_list(tx: sa.Connection, *, limit: int = _LIMIT) -> list[dict[str, Any]]:
    """Received faxes, newest first."""
    found = tx.execute(sa.select(tables.received).order_by(tables.received.c.id.desc()).limit(limit))
    return [_received(row) for row in found]


def inbox_show(tx: sa.Connection, received_id: str) -> dict[str, Any] | None:
    """One received fax with its mails and history."""
    row = tx.execute(sa.select(tables.received).where(tables.received.c.id == received_id)).first()
    if row is None:
        return None
    mails = tx.execute(
        sa.select(tables.outbox)
        .where(tables.outbox.c.received_id == received_id)
        .order_by(tables.outbox.c.id)
    )
    return {
        **_received(row),
        "digest": row.digest,
        "file": row.content_file,
        "purged": row.purged,
        "mails": [
            {
                "recipient": mail.recipient,
                "via": mail.via,
                "state": mail.state,
                "attempts": mail.attempts,
                "reason": mail.reason,
            }
            for mail in mails
        ],
        "history": history.of(tx, "received", received_id),
    }


def spool_names(tx: sa.Connection) -> dict[str, set[str]]:
    """Files that rows name, by spool directory: what a sweep must keep."""
    named = {}
    for directory, table in (
        ("spool", tables.submission),
        ("pages", tables.document),
        ("inbox", tables.received),
    ):
        found = tx.execute(sa.select(table.c.content_file).where(table.c.content_file.is_not(None)))
        named[directory] = set(found.scalars())
    return named


def paused(tx: sa.Connection, *, now: float) -> dict[str, Any] | None:
    """Why nothing is sent, since when and until when at least (epoch seconds); None if faxes go out."""
    pause = pauses.current(tx, now=now)
    return None if pause is None else {key: getattr(pause, key) for key in _PAUSE}


def counts(tx: sa.Connection) -> dict[str, int]:
    """Open Faxes by state."""
    found = tx.execute(
        sa.select(tables.fax.c.state, sa.func.count())
        .where(tables.among(tables.fax, tables.OPEN))
        .group_by(tables.fax.c.state)
    )
    return {row.state: row[1] for row in found}


def _fax(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "state": row.state,
        "sender": row.identity,
        "subject": row.subject,
        "pages_sent": row.document_pages,
        "pages": row.pages,
        "seconds": row.seconds,
        "cost": row.cost,
        "attempts": row.attempts,
        "reason": row.reason,
        "code": row.code,
        "created": row.created,
        "run_at": row.run_at,
        "finished": row.finished,
        "provider_id": row.provider_id,
        "retry_of": row.retry_of,
    }


def _received(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "provider_id": row.provider_id,
        "did": row.did,
        "caller": row.caller,
        "caller_name": row.caller_name,
        "pages": row.pages,
        "seconds": row.seconds,
        "received_at": row.received_at,
        "folder": row.folder,
        "state": row.state,
        "reason": row.reason,
    }
