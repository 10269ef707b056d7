"""Moves for tests that only need a Fax to be somewhere: the first legal one, with what its guards ask for."""

from __future__ import annotations

import sqlalchemy as sa

from gateway import moves
from gateway.errors import Failure, permanent
from gateway.lifecycle import FaxState
from gateway.model import Fax
from gateway.moves import Guard, Move
from gateway.store import faxes, tables

BECAUSE = permanent("5.0.0", "Because.", code="because")


def move(
    tx: sa.Connection,
    fax: Fax,
    target: FaxState,
    *,
    now: float,
    run_at: float | None = None,
    failure: Failure | None = None,
) -> None:
    """Move a Fax in any way that the table allows, if possible without a word of its call."""
    ways = [way for way in moves.FAX if fax.state in way.sources and way.target is target]
    make(
        tx,
        fax,
        min(ways, key=lambda way: Guard.ENDED in way.guards),
        now=now,
        run_at=run_at,
        failure=failure,
    )


def make(
    tx: sa.Connection,
    fax: Fax,
    way: Move,
    *,
    now: float,
    run_at: float | None = None,
    failure: Failure | None = None,
) -> None:
    """Make one move of the table, and make its guards hold before."""
    attempt, submission = tables.attempt, tables.submission
    latest = (attempt.c.fax_id == fax.id) & (attempt.c.ordinal == fax.attempts)
    if Guard.ENDED in way.guards:
        tx.execute(sa.update(attempt).where(latest).values(outcome="a word", outcome_at=now))
    if Guard.OVERDUE in way.guards:
        tx.execute(sa.update(attempt).where(latest).values(deadline=now - 1))
        tx.execute(sa.update(tables.fax).where(tables.fax.c.id == fax.id).values(lease_until=now - 1))
    if Guard.LATE in way.guards:
        tx.execute(sa.update(tables.fax).where(tables.fax.c.id == fax.id).values(deadline=now - 1))
    if Guard.RULE in way.guards:
        mine = submission.c.id == fax.submission_id
        tx.execute(sa.update(submission).where(mine).values(resend_unknown=True))
    row = fax.provider_id or f"row {fax.id}"
    evidence = faxes.Evidence(provider_id=row, how="token") if Guard.ROW in way.guards else None
    assert isinstance(way.target, FaxState)
    faxes.move(
        tx,
        fax,
        way.target,
        way.trigger,
        now=now,
        run_at=run_at,
        failure=failure or (BECAUSE if Guard.CERTAIN in way.guards else None),
        evidence=evidence,
        by="anna" if Guard.NAMED in way.guards else "",
    )
