"""Forgetting the content of what is over: mails, their pages, received faxes. The rows stay, as history.

What is due is looked for by reading, which holds up nobody. Forgetting takes a few rows at a time, locks
them, and looks again, because a person may be sending one again. Their files are removed after the commit: a
crash in between leaves files that no row names, for the sweep at the next start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.lifecycle import FINAL, DocumentState, OutboxState, ReceivedState
from gateway.model import Via
from gateway.store import blobs, dialect, tables

_fax, _document, _outbox = tables.fax, tables.document, tables.outbox
_EMPTY = {"content": None, "content_file": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What one slice emptied."""

    items: int
    files: tuple[tuple[str, str], ...] = ()
    """Names of files that no row names any more, each with its room; to be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One table whose content is forgotten."""

    table: sa.Table
    over: Callable[[float], sa.ColumnElement[bool]]
    """Epoch seconds → whether a row's content is not needed since then at the latest."""
    since: sa.Column[Any]
    """Oldest first by this."""
    rooms: tuple[tuple[str, sa.Table], ...]
    """Where its files are, with the table that names them by the same id."""


def _notices() -> sa.ColumnElement[bool]:
    """A notice of the Fax that has not left, also one that was given up."""
    attempts = sa.cast(_fax.c.attempts, sa.Text)
    keys = (
        sa.literal("fax:").concat(_fax.c.id).concat(":final"),
        sa.literal("fax:").concat(_fax.c.id).concat(":held:").concat(attempts),
        sa.literal("alert:fax:")
        .concat(_fax.c.id)
        .concat(":")
        .concat(_fax.c.state)
        .concat(":")
        .concat(attempts),
    )
    return sa.exists().where(_outbox.c.key.in_(keys), _outbox.c.state != OutboxState.SENT)


def _sent(before: float) -> sa.ColumnElement[bool]:
    """Every Fax of the Submission ended before then, those sent again too, and their notices have left."""
    table = tables.submission
    unfinished = sa.or_(
        _fax.c.state.not_in(sorted(FINAL)), _fax.c.finished.is_(None), _fax.c.finished > before, _notices()
    )
    pending = sa.exists().where(_document.c.id == table.c.id, _document.c.state == DocumentState.PENDING)
    return sa.and_(
        table.c.purged.is_(None),
        table.c.received_at <= before,
        ~sa.exists().where(_fax.c.submission_id == table.c.id, unfinished),
        ~pending,
    )


def _mailed(before: float) -> sa.ColumnElement[bool]:
    """A mail server took it before then, and nothing is left to do.

    What only the provider mailed is kept: that proves no acceptance.
    """
    table = tables.received
    mail = _outbox.c.received_id == table.c.id
    accepted = sa.exists().where(mail, _outbox.c.via == Via.SMTP, _outbox.c.state == OutboxState.SENT)
    under_way = sa.or_(
        _outbox.c.state == OutboxState.QUEUED, _outbox.c.finished.is_(None), _outbox.c.finished > before
    )
    return sa.and_(
        table.c.purged.is_(None),
        table.c.created <= before,
        table.c.state == ReceivedState.ACKNOWLEDGED,
        accepted,
        ~sa.exists().where(mail, under_way),
    )


SUBMISSIONS = Kind(
    table=tables.submission,
    over=_sent,
    since=tables.submission.c.received_at,
    rooms=(("spool", tables.submission), ("pages", tables.document)),
)
RECEIVED = Kind(
    table=tables.received,
    over=_mailed,
    since=tables.received.c.created,
    rooms=(("inbox", tables.received),),
)


def due(tx: sa.Connection, kind: Kind, *, before: float, limit: int) -> list[str]:
    """Ids of rows whose content may go, oldest first: those that were over at `before` (epoch seconds)."""
    id_ = kind.table.c.id
    return list(tx.scalars(sa.select(id_).where(kind.over(before)).order_by(kind.since, id_).limit(limit)))


def forget(tx: sa.Connection, kind: Kind, ids: Sequence[str], *, before: float, now: float) -> Forgotten:
    """Empty those of `ids` that are still due and that nobody else has in hand."""
    id_ = kind.table.c.id
    locked = sa.select(id_).where(id_.in_(ids)).order_by(id_).with_for_update(skip_locked=True)
    mine = list(tx.scalars(locked))
    # A statement of its own: it sees what was committed before the locks.
    gone = list(tx.scalars(sa.select(id_).where(id_.in_(mine), kind.over(before))))
    files = []
    for room, table in kind.rooms:
        named = sa.select(table.c.content_file).where(table.c.id.in_(gone), table.c.content_file.is_not(None))
        files += [(room, file) for file in tx.scalars(named)]
        tx.execute(sa.update(table).where(table.c.id.in_(gone)).values(**_EMPTY))
    for room, file in files:
        blobs.drop(tx, room, file)
    tx.execute(sa.update(kind.table).where(id_.in_(gone)).values(purged=now))
    return Forgotten(items=len(gone), files=tuple(files))


def shrink(tx: sa.Connection, *, pages: int) -> int:
    """Give up to `pages` free pages of SQLite's file back to the file system; how many it were.

    PostgreSQL does that by itself.
    """
    if dialect.is_postgres(tx):
        return 0
    free = _free(tx)
    for _ in range(min(pages, free)):
        # One each: the driver takes one step of a statement without columns, and that is one page.
        tx.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return free - _free(tx)


def _free(tx: sa.Connection) -> int:
    count: int = tx.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    return count
