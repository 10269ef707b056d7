"""The pages of a Submission: claimed, rendered once, ready or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway import moves
from gateway.errors import Failure, permanent
from gateway.lifecycle import DocumentState, FaxState
from gateway.model import Content, Document, Submission
from gateway.moves import Trigger
from gateway.store import blobs, faxes, guards, history, leases, rows, tables
from gateway.store.prepared import Prepared

_t = tables.document
DEATHS = 3
"""A document is parked when its renderer, or the daemon while it ran alone, died this often."""
POISONOUS = permanent(
    "5.6.1",
    "The message crashed the converter several times and was set aside; nothing was sent. "
    "Please send the attachment as a freshly made PDF.",
    code="renderer_died",
)
_PENDING = tables.among(_t, tables.PENDING)
_DUE = leases.Due.of(_t, sa.and_(_PENDING, ~_t.c.suspect))
_DUE_SUSPECT = leases.Due.of(_t, sa.and_(_PENDING, _t.c.suspect))
_DUE_ANY = leases.Due.of(_t, _PENDING)
_ABANDONED = Prepared(
    sa.update(_t).where(
        _PENDING, _t.c.lease_owner.is_not(None), _t.c.lease_until < sa.bindparam("of_now", type_=sa.Double())
    ),
    columns=("lease_owner", "lease_until", "suspect"),
)
_SUSPECT = Prepared(
    sa.select(_t.c.id)
    .where(
        _PENDING,
        _t.c.suspect,
        # Others' are no company of ours.
        sa.or_(_t.c.lease_owner.is_(None), _t.c.lease_owner == sa.bindparam("owner")),
    )
    .limit(sa.literal_column("1")),
    returns=(_t.c.id,),
)
_SUBMISSION = Prepared(
    sa.select(tables.submission).where(tables.submission.c.id == sa.bindparam("id")),
    returns=tuple(tables.submission.c),
)
_NUMBERS = Prepared(
    sa.select(tables.fax.c.number)
    .where(tables.fax.c.submission_id == sa.bindparam("id"))
    .order_by(tables.fax.c.id),
    returns=(tables.fax.c.number,),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A claimed Document with the mail it is made from."""

    document: Document
    submission: Submission
    numbers: tuple[str, ...] = ()
    """Where its Faxes go, E.164."""


def claim(tx: sa.Connection, *, owner: str, now: float, seconds: float, limit: int, idle: bool) -> list[Work]:
    """Lease Documents to render. A suspect (see `recover`) is leased alone, and only when `idle`.

    A Document whose lease ran out becomes one: a node may have died of it.
    """
    _ABANDONED.execute(tx, [{**leases.FREE, "suspect": True, "of_now": now}])
    if _SUSPECT.fetch(tx, {"owner": owner}):
        if not idle:
            return []
        found = leases.claim(tx, _DUE_SUSPECT, owner=owner, now=now, seconds=seconds, limit=1)
        if found or _due_suspect_exists(tx, now):
            return [_work(tx, row) for row in found]
    found = leases.claim(tx, _DUE, owner=owner, now=now, seconds=seconds, limit=limit)
    return [_work(tx, row) for row in found]


def next_due(tx: sa.Connection, *, now: float) -> float | None:
    """Epoch seconds when the next one that waits comes due."""
    return leases.next_due(tx, _DUE_ANY, now=now)


def _due_suspect_exists(tx: sa.Connection, now: float) -> bool:
    free = sa.or_(_t.c.lease_until.is_(None), _t.c.lease_until < now)
    query = sa.select(_t.c.id).where(_PENDING, _t.c.suspect, _t.c.run_at <= now, free).limit(1)
    return tx.execute(query).first() is not None


def _work(tx: sa.Connection, row: rows.Row) -> Work:
    (submission,) = _SUBMISSION.fetch(tx, {"id": row.id})
    numbers = tuple(one.number for one in _NUMBERS.fetch(tx, {"id": row.id}))
    return Work(document=rows.document(row), submission=rows.submission(submission), numbers=numbers)


def ready(
    tx: sa.Connection,
    document: Document,
    *,
    content: Content,
    pages: int,
    digest: str,
    page_digests: Sequence[str],
    notes: Sequence[str],
    now: float,
) -> None:
    """The pages exist: their Faxes may go."""
    _move(
        tx,
        document,
        DocumentState.READY,
        Trigger.RENDERED,
        now,
        {
            **rows.content_values(content),
            "pages": pages,
            "digest": digest,
            "page_digests": list(page_digests),
            "notes": list(notes),
        },
    )
    blobs.put(tx, "pages", content)
    tx.execute(
        sa.update(tables.fax)
        .where(
            tables.fax.c.submission_id == document.id,
            tables.fax.c.state == FaxState.ACCEPTED,
            tables.fax.c.run_at.is_(None),
        )
        .values(run_at=now)
    )


def refused(tx: sa.Connection, document: Document, failure: Failure, trigger: Trigger, *, now: float) -> None:
    """Nothing will be sent: every open Fax of the Submission fails with the same reason.

    `trigger`: it is *unfit*, or the third of its *deaths* parks it.
    """
    guards.of_caller(moves.check(DocumentState.PENDING, DocumentState.REFUSED, trigger), failure=failure)
    _move(
        tx,
        document,
        DocumentState.REFUSED,
        trigger,
        now,
        {"reason": failure.sentence, "code": failure.code, "status": failure.status},
    )
    open_ones = tx.execute(
        sa.select(tables.fax)
        .where(tables.fax.c.submission_id == document.id, tables.fax.c.state == FaxState.ACCEPTED)
        .with_for_update()  # a person may be cancelling one
    ).all()
    for row in open_ones:
        faxes.move(tx, rows.fax(row), FaxState.FAILED, Trigger.NO_PAGES, now=now, failure=failure)


def postpone(tx: sa.Connection, document: Document, *, died: bool, run_at: float) -> int:
    """Give the Document back for another try; `died` counts a death of its renderer. Returns the deaths."""
    deaths = document.deaths + (1 if died else 0)
    leases.write(
        tx,
        _t,
        document.id,
        states=(DocumentState.PENDING,),
        fence=document.fence,
        values={**leases.FREE, "run_at": run_at, "deaths": deaths},
    )
    return deaths


def recover(tx: sa.Connection, *, now: float, node: str = "") -> int:
    """What `node` ("": any) was rendering when it died becomes suspect, rerun alone first.

    A suspect that was running alone when the daemon died again has a death counted, so that a poisonous mail
    is found while random kills park nobody; at `DEATHS` it is refused. Returns the number of suspects.
    """
    leased = tx.execute(sa.select(_t).where(_PENDING, leases.of_node(_t, node)).with_for_update()).all()
    for row in leased:
        deaths = row.deaths + (1 if len(leased) == 1 and row.suspect else 0)
        if deaths >= DEATHS:
            refused(tx, rows.document(row), POISONOUS, Trigger.DEATHS, now=now)
            continue
        tx.execute(sa.update(_t).where(_t.c.id == row.id).values(**leases.FREE, suspect=True, deaths=deaths))
    return len(leased)


def of(tx: sa.Connection, submission_id: str) -> Document:
    """The Document of a Submission."""
    return rows.document(tx.execute(sa.select(_t).where(_t.c.id == submission_id)).one())


def _move(
    tx: sa.Connection,
    document: Document,
    target: DocumentState,
    trigger: Trigger,
    now: float,
    values: dict[str, object],
) -> None:
    moves.check(DocumentState.PENDING, target, trigger)
    leases.write(
        tx,
        _t,
        document.id,
        states=(DocumentState.PENDING,),
        fence=document.fence,
        values={**leases.FREE, "run_at": None, "suspect": False, "state": target, **values},
    )
    history.append(
        tx,
        "document",
        document.id,
        at=now,
        source=DocumentState.PENDING,
        target=target,
        trigger=trigger,
    )
