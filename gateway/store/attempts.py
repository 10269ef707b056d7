"""Attempts: the intent committed before a `sendFaxMessage` call, and its outcome appended after.

Between the two lies everything that can go wrong: the process dies, the answer is lost, the machine sleeps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from gateway import moves
from gateway.errors import Failure
from gateway.lifecycle import ON_THE_LINE, FaxState
from gateway.model import Attempt, Fax
from gateway.moves import Trigger
from gateway.retries import Tries
from gateway.store import guards, history, leases, rows, tables
from gateway.store.faxes import LineTakenError, get, move, write
from gateway.store.prepared import Prepared

_t = tables.fax
_CALLING = tables.calling(_t)
_INSERT = Prepared(
    sa.insert(tables.attempt).returning(tables.attempt.c.id),
    columns=("fax_id", "ordinal", "started", "token", "deadline", "snapshot", "digest"),
    returns=(tables.attempt.c.id,),
)
_OUTCOME = Prepared(
    sa.update(tables.attempt).where(
        tables.attempt.c.id == sa.bindparam("of_id"), tables.attempt.c.outcome == sa.literal_column("''")
    ),
    columns=("outcome", "outcome_at"),
)


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
    started: float | None = None,
) -> Attempt:
    """Commit the intent of one call: the Fax is on the line from here on, leased for `lease` seconds anew.

    `started` is `now` by the provider's clock, if that is known to be another time.

    Raises `StaleError` if the lease was lost or the Fax was cancelled meanwhile, `LineTakenError` if another
    Fax to the same destination was faster.
    """
    legal = moves.check(fax.state, FaxState.SUBMITTING, Trigger.CALL)
    ordinal = fax.attempts + 1
    moved = {
        "state": FaxState.SUBMITTING,
        "attempts": ordinal,
        "pages": None,  # an earlier call's, as are the next two: this one may be resolved without a row
        "seconds": None,
        "cost": "",
        "run_at": None,
        "lease_until": now + lease,
    }
    write(tx, fax, legal, moved, now=now)
    values: dict[str, Any] = {
        "fax_id": fax.id,
        "ordinal": ordinal,
        "started": now if started is None else started,
        "token": token,
        "deadline": deadline,
        "snapshot": list(snapshot),
        "digest": digest,
    }
    ((inserted,),) = _INSERT.fetch(tx, values)
    history.append(
        tx,
        "fax",
        fax.id,
        at=now,
        source=fax.state,
        target=FaxState.SUBMITTING,
        trigger=Trigger.CALL,
        detail={"attempt": ordinal},
    )
    return Attempt(**{**values, "id": inserted, "snapshot": tuple(snapshot)})


def end(
    tx: sa.Connection,
    attempt: Attempt,
    outcome: str,
    target: FaxState,
    trigger: Trigger,
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
    _OUTCOME.execute(tx, [{"of_id": attempt.id, "outcome": outcome, "outcome_at": now}])
    if fax.attempts != attempt.ordinal or moves.find(fax.state, target, trigger) is None:
        return fax.state  # a later call, or whoever moved it meanwhile, has the say
    may_be_taken = target in ON_THE_LINE and fax.state not in ON_THE_LINE
    try:
        with tx.begin_nested() if may_be_taken else contextlib.nullcontext():
            target = move(
                tx,
                fax,
                target,
                trigger,
                now=now,
                run_at=run_at,
                failure=failure,
                tries=tries,
                detail={"outcome": outcome},
            )
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
        attempt = rows.attempt(begun)
        return end(tx, attempt, outcome, FaxState.WAITING, Trigger.TAKEN_BACK, now=now, run_at=now)
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
    """Faxes whose call cannot still be running and told nothing; see `guards.overdue`."""
    return [rows.fax(row) for row in tx.execute(_overdue(now))]


def _overdue(now: float) -> sa.Select[tuple[object, ...]]:
    return sa.select(_t).where(guards.overdue(now))


def rescue(tx: sa.Connection, *, now: float, calling: Collection[str]) -> list[str]:
    """`overdue` Faxes become *unknown*, but for those that this process is `calling`: it will bring the word.

    (The clock on the wall may have been set forward while an upload runs.) Returns their ids.
    """
    found = tx.execute(_overdue(now).with_for_update(of=_t, skip_locked=True))
    late = [fax for fax in map(rows.fax, found) if fax.id not in calling]
    for fax in late:
        move(tx, fax, FaxState.UNKNOWN, Trigger.NO_OUTCOME, now=now, run_at=now)
    return [fax.id for fax in late]
