"""Attempts: the intent committed before a `sendFaxMessage` call, and its outcome appended after.

Between the two lies everything that can go wrong: the process dies, the answer is lost, the machine sleeps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from gateway import lifecycle
from gateway.errors import Failure
from gateway.lifecycle import FAX_MOVES, FaxState
from gateway.model import Attempt, Fax
from gateway.retries import Tries
from gateway.store import history, leases, rows, tables
from gateway.store.faxes import LineTakenError, get, move

_t = tables.fax
_CALLING = _t.c.state == sa.literal_column(f"'{FaxState.SUBMITTING}'")
_WAIT_FOR_A_WORD = (FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD)


def begin(
    tx: sa.Connection,
    fax: Fax,
    *,
    token: str,
    deadline: float,
    snapshot: Sequence[str],
    digest: str,
    lease: float,
    now: float,
) -> Attempt:
    """Commit the intent of one call: the Fax is on the line from here on, leased for `lease` seconds anew.

    Raises `StaleError` if the lease was lost or the Fax was cancelled meanwhile, `LineTakenError` if another
    Fax to the same destination was faster.
    """
    lifecycle.check(fax.state, FaxState.SUBMITTING)
    ordinal = fax.attempts + 1
    try:
        leases.write(
            tx,
            _t,
            fax.id,
            states=(fax.state,),
            fence=fax.fence,
            values={
                "state": FaxState.SUBMITTING,
                "attempts": ordinal,
                "run_at": None,
                "lease_until": now + lease,
            },
        )
    except sa.exc.IntegrityError as error:
        raise LineTakenError(f"another fax to the destination of {fax.id} is on the line") from error
    inserted = tx.execute(
        sa.insert(tables.attempt)
        .values(
            fax_id=fax.id,
            ordinal=ordinal,
            started=now,
            token=token,
            deadline=deadline,
            snapshot=list(snapshot),
            digest=digest,
        )
        .returning(*tables.attempt.c)
    ).one()
    history.append(
        tx,
        "fax",
        fax.id,
        at=now,
        source=fax.state,
        target=FaxState.SUBMITTING,
        detail={"attempt": ordinal},
    )
    return rows.attempt(inserted)


def end(
    tx: sa.Connection,
    attempt: Attempt,
    outcome: str,
    target: FaxState,
    *,
    now: float,
    run_at: float | None = None,
    failure: Failure | None = None,
    tries: Tries | None = None,
) -> FaxState:
    """Append the outcome by attempt id, whoever holds the lease by now; move the Fax if it waits for it.

    A Fax that was already rescued to *unknown*, or held since, takes a late word too, unless another Fax has
    its line by now. Returns the state that it has now.
    """
    fax = get(tx, attempt.fax_id, lock=True)  # a rescue must not come between this look and the move
    tx.execute(
        sa.update(tables.attempt)
        .where(tables.attempt.c.id == attempt.id, tables.attempt.c.outcome == "")
        .values(outcome=outcome, outcome_at=now)
    )
    waits = fax.state in _WAIT_FOR_A_WORD and fax.attempts == attempt.ordinal
    if not waits or target is fax.state or target not in FAX_MOVES[fax.state]:
        return fax.state
    try:
        with tx.begin_nested():
            detail: dict[str, object] = {"outcome": outcome}
            move(tx, fax, target, now=now, run_at=run_at, failure=failure, tries=tries, detail=detail)
    except LineTakenError:
        return fax.state
    return target


def take_back(tx: sa.Connection, fax: Fax, token: str, *, outcome: str, now: float) -> FaxState:
    """After a `begin` of which nobody knows whether it was committed, and no call: the Fax waits again.

    Locks its row first, so that a commit that is still under way on a connection that broke is waited for.
    """
    current = get(tx, fax.id, lock=True)
    begun = tx.execute(
        sa.select(tables.attempt).where(tables.attempt.c.fax_id == fax.id, tables.attempt.c.token == token)
    ).first()
    if begun is not None:
        return end(tx, rows.attempt(begun), outcome, FaxState.WAITING, now=now, run_at=now)
    leases.release(tx, _t, fax.id, fence=fax.fence, run_at=now)
    return current.state


def orphan(tx: sa.Connection, *, now: float, longest_call: float, node: str = "") -> None:
    """At start, before `leases.reclaim`: whoever made the calls under way on this `node` ("": any) is dead.

    Nothing more leaves this side, so only the provider's own time for a request it has is still to be waited
    for, in seconds from now, instead of the dead process' lease.
    """
    calling = sa.select(_t.c.id).where(_CALLING, leases.of_node(_t, node) if node else sa.true())
    tx.execute(
        sa.update(tables.attempt)
        .where(
            tables.attempt.c.fax_id.in_(calling),
            tables.attempt.c.outcome == "",
            tables.attempt.c.deadline > now + longest_call,
        )
        .values(deadline=now + longest_call)
    )


def overdue(tx: sa.Connection, *, now: float) -> list[Fax]:
    """Faxes whose call cannot still be running and told nothing.

    Only after the lease *and* the attempt's deadline (lease plus the provider's request time-out): the
    process that made the call may only be stopped, not dead.
    """
    return [rows.fax(row) for row in tx.execute(_overdue(now))]


def _overdue(now: float) -> sa.Select[tuple[object, ...]]:
    latest = sa.and_(tables.attempt.c.fax_id == _t.c.id, tables.attempt.c.ordinal == _t.c.attempts)
    return (
        sa.select(_t)
        .join(tables.attempt, latest)
        .where(
            _CALLING,
            tables.attempt.c.deadline < now,
            sa.or_(_t.c.lease_until.is_(None), _t.c.lease_until < now),
        )
    )


def rescue(tx: sa.Connection, *, now: float, calling: Collection[str]) -> list[str]:
    """`overdue` Faxes become *unknown*, but for those that this process is `calling`: it will bring the word.

    (The clock on the wall may have been set forward while an upload runs.) Returns their ids.
    """
    found = tx.execute(_overdue(now).with_for_update(of=_t, skip_locked=True))
    late = [fax for fax in map(rows.fax, found) if fax.id not in calling]
    for fax in late:
        move(tx, fax, FaxState.UNKNOWN, now=now, run_at=now, detail={"why": "no outcome"})
    return [fax.id for fax in late]
