"""The guards of the table of moves, checked where the move is written.

What is said of the row becomes part of the guarded update, so that nothing can come between the look and the
write; what is said of the caller's arguments is asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from gateway.errors import Failure, Kind
from gateway.lifecycle import FaxState
from gateway.moves import Guard, IllegalMoveError, Move
from gateway.store import tables

_t = tables.fax
_attempt = tables.attempt
_SUBMITTING: sa.ColumnElement[str] = sa.literal_column(f"'{FaxState.SUBMITTING}'")
_latest = sa.and_(_attempt.c.fax_id == _t.c.id, _attempt.c.ordinal == _t.c.attempts)


def free(table: sa.Table, now: float) -> sa.ColumnElement[bool]:
    """Nobody works on the row."""
    return sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now)


def overdue(now: float) -> sa.ColumnElement[bool]:
    """The Fax is in a call that cannot still be running and told nothing.

    Only after the lease *and* the attempt's deadline (lease plus the provider's request time-out): the
    process that made the call may only be stopped, not dead.
    """
    silent = sa.exists().where(_latest, _attempt.c.outcome == "", _attempt.c.deadline < now)
    return sa.and_(_t.c.state == _SUBMITTING, silent, free(_t, now))


def late(now: float) -> sa.ColumnElement[bool]:
    """The Fax's time is over."""
    return _t.c.deadline < now


_OF_THE_ROW: Mapping[Guard, Callable[[float], sa.ColumnElement[bool]]] = {
    Guard.LEASE: lambda now: sa.or_(_t.c.lease_until.is_(None), _t.c.lease_until >= now),
    Guard.FREE: lambda now: free(_t, now),
    Guard.ENDED: lambda _: sa.exists().where(_latest, _attempt.c.outcome != ""),
    Guard.OVERDUE: overdue,
    Guard.LATE: late,
    Guard.RULE: lambda _: sa.exists().where(
        tables.submission.c.id == _t.c.submission_id, tables.submission.c.resend_unknown
    ),
}


def of_row(move: Move, now: float) -> Sequence[sa.ColumnElement[bool]]:
    """Conditions on a Fax's row. `Guard.LINE` is the unique index."""
    return [_OF_THE_ROW[guard](now) for guard in move.guards if guard in _OF_THE_ROW]


def of_caller(move: Move, *, failure: Failure | None = None, row: str = "", by: str = "") -> None:
    """Raise `IllegalMoveError` unless the caller brings what the move's guards ask for."""
    brought = {
        Guard.CERTAIN: failure is not None and failure.kind is not Kind.UNKNOWN,
        Guard.ROW: bool(row),
        Guard.NAMED: bool(by),
    }
    for guard in move.guards:
        if not brought.get(guard, True):
            raise IllegalMoveError(f"{move.target} on {move.trigger} without its guard: {guard}")
