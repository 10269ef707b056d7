"""The guards of the table of moves, checked where the move is written.

What is said of the row becomes part of the guarded update, so that nothing can come between the look and the
write; what is said of the caller's arguments is asked before.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import sqlalchemy as sa

from gateway.errors import Failure, Kind
from gateway.moves import Guard, IllegalMoveError, Move
from gateway.store import tables
from gateway.store.leases import NOW

_t = tables.fax
_attempt = tables.attempt
_Time = float | sa.BindParameter[float]
_latest = sa.and_(_attempt.c.fax_id == _t.c.id, _attempt.c.ordinal == _t.c.attempts)


def free(table: sa.Table, now: _Time) -> sa.ColumnElement[bool]:
    """Nobody works on the row."""
    return sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now)


def overdue(now: _Time) -> sa.ColumnElement[bool]:
    """The Fax is in a call that cannot still be running and told nothing.

    Only after the lease *and* the attempt's deadline (lease plus the provider's request time-out): the
    process that made the call may only be stopped, not dead.
    """
    silent = sa.exists().where(
        _latest, _attempt.c.outcome == sa.literal_column("''"), _attempt.c.deadline < now
    )
    return sa.and_(tables.calling(_t), silent, free(_t, now))


def late(now: _Time) -> sa.ColumnElement[bool]:
    """The Fax's time is over."""
    return _t.c.deadline < now


_OF_THE_ROW: Mapping[Guard, sa.ColumnElement[bool]] = {
    Guard.LEASE: sa.or_(_t.c.lease_until.is_(None), _t.c.lease_until >= NOW),
    Guard.FREE: free(_t, NOW),
    Guard.ENDED: sa.exists().where(_latest, _attempt.c.outcome != sa.literal_column("''")),
    Guard.OVERDUE: overdue(NOW),
    Guard.LATE: late(NOW),
    Guard.RULE: sa.exists().where(
        tables.submission.c.id == _t.c.submission_id, tables.submission.c.resend_unknown
    ),
}


@functools.cache
def of_row(move: Move) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on a Fax's row, for `leases.write`. `Guard.LINE` is the unique index."""
    return tuple(_OF_THE_ROW[guard] for guard in move.guards if guard in _OF_THE_ROW)


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
