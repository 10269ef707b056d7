"""Whether the queue waits, written down: for a restart, and for all nodes on one database."""

from __future__ import annotations

from dataclasses import asdict, replace

import sqlalchemy as sa

from gateway import pause as pausing
from gateway.errors import Failure
from gateway.pause import Patience, Pause, Why
from gateway.store import dialect, facts

_PAUSE = "queue.pause"
_TROUBLES = "queue.troubles"
"""How many calls in a row met trouble of the provider."""


def current(tx: sa.Connection, *, now: float) -> Pause | None:
    """Why nothing is sent, if so."""
    pause = stored(tx)
    return pause if pausing.holds(pause, now=now) else None


def stored(tx: sa.Connection) -> Pause | None:
    """The last pause that nobody has ended, also one whose time is over."""
    found = facts.get(tx, _PAUSE)
    return None if found is None else Pause(**{**found, "why": Why(found["why"])})


def note(tx: sa.Connection, failure: Failure | None, patience: Patience, *, now: float) -> Pause | None:
    """A call that could tell how the provider is has ended so; returns the pause that this begins.

    None: it was answered. A pause that lasts is not begun anew.
    """
    dialect.lock(tx, [_PAUSE])
    troubles = facts.get(tx, _TROUBLES, 0)
    if failure is None or not pausing.is_outage(failure):
        if troubles:
            facts.delete(tx, _TROUBLES)
        troubles = 0
    else:
        troubles += 1
        facts.put(tx, _TROUBLES, troubles)
    if failure is None or current(tx, now=now) is not None:
        return None
    pause = pausing.begun(failure, troubles, patience, now=now)
    if pause is not None:
        _put(tx, pause)
    return pause


def to_ask(tx: sa.Connection, patience: Patience, *, now: float) -> Pause | None:
    """The pause of which it is time to ask whether it is over; the next one to ask has to wait."""
    dialect.lock(tx, [_PAUSE])
    pause = stored(tx)
    if pause is None or now < pause.until or pause.why is Why.DAY_LIMIT:
        return None
    _put(tx, pausing.asked_in_vain(pause, patience, now=now))
    return pause


def end(tx: sa.Connection, *, since: float) -> bool:
    """End the pause that began then; False if there is another one, or none."""
    dialect.lock(tx, [_PAUSE])
    pause = stored(tx)
    if pause is None or pause.since != since:
        return False
    facts.delete(tx, _PAUSE)
    facts.delete(tx, _TROUBLES)
    return True


def end_day_limit(tx: sa.Connection, *, now: float) -> Pause | None:
    """Forget a day's limit once the day is over; returns it."""
    dialect.lock(tx, [_PAUSE])
    pause = stored(tx)
    if pause is None or pausing.holds(pause, now=now):
        return None
    facts.delete(tx, _PAUSE)
    return pause


def postpone(tx: sa.Connection, pause: Pause, by: float) -> None:
    """The same pause, but the next question comes so many seconds later (or earlier)."""
    _put(tx, replace(pause, until=pause.until + by))


def _put(tx: sa.Connection, pause: Pause) -> None:
    facts.put(tx, _PAUSE, asdict(pause))
