"""States, moves and back-off: pure data and pure functions.

The tables below are the only truth about which move is legal; `store` asks `check` before every write and
`docs/states.md` is drawn from them. An illegal move raises, because it can only be a bug.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence


class FaxState(enum.StrEnum):
    """The life of one Fax (one Submission to one number)."""

    ACCEPTED = "accepted"
    """Committed; waits for its pages or for its turn."""
    WAITING = "waiting"
    """Certainly not sent; tried again at `run_at`."""
    SUBMITTING = "submitting"
    """Intent committed; a `sendFaxMessage` call may be under way."""
    UNKNOWN = "unknown"
    """The call ended without a word that proves anything."""
    SENT = "sent"
    """The provider accepted it; the outcome is read from the SENT folder."""
    HELD = "held"
    """Waits for a person, because nothing proves what happened."""
    DELIVERED = "delivered"
    PARTIAL = "partial"
    """The provider reports success with fewer pages than were sent."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCONFIRMED = "unconfirmed"
    """A held Fax that nobody resolved in time."""


class DocumentState(enum.StrEnum):
    """The pages of a Submission: made once, for all its Faxes."""

    PENDING = "pending"
    READY = "ready"
    REFUSED = "refused"


class ReceivedState(enum.StrEnum):
    """The life of one received fax."""

    SEEN = "seen"
    FETCHED = "fetched"
    """Our own copy is stored."""
    ROUTED = "routed"
    """Its outbox rows exist."""
    MAILED = "mailed"
    """Every route's mail was accepted by the next mail server (or asked of the provider)."""
    ACKNOWLEDGED = "acknowledged"
    """Moved at the provider where that is configured; nothing is left to do."""
    PARKED = "parked"
    """Waits for a person, with a reason."""


class OutboxState(enum.StrEnum):
    """A mail on its way out."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


FAX_MOVES: Mapping[FaxState, frozenset[FaxState]] = {
    FaxState.ACCEPTED: frozenset(
        {FaxState.SUBMITTING, FaxState.WAITING, FaxState.FAILED, FaxState.CANCELLED}
    ),
    FaxState.WAITING: frozenset({FaxState.SUBMITTING, FaxState.WAITING, FaxState.FAILED, FaxState.CANCELLED}),
    FaxState.SUBMITTING: frozenset({FaxState.SENT, FaxState.WAITING, FaxState.FAILED, FaxState.UNKNOWN}),
    FaxState.UNKNOWN: frozenset(
        {
            FaxState.SENT,
            FaxState.WAITING,
            FaxState.HELD,
            FaxState.DELIVERED,
            FaxState.PARTIAL,
            FaxState.FAILED,
        }
    ),
    FaxState.SENT: frozenset(
        {FaxState.WAITING, FaxState.HELD, FaxState.DELIVERED, FaxState.PARTIAL, FaxState.FAILED}
    ),
    FaxState.HELD: frozenset(
        {
            FaxState.SENT,
            FaxState.WAITING,
            FaxState.DELIVERED,
            FaxState.PARTIAL,
            FaxState.FAILED,
            FaxState.UNCONFIRMED,
        }
    ),
    FaxState.DELIVERED: frozenset(),
    FaxState.PARTIAL: frozenset(),
    FaxState.FAILED: frozenset(),
    FaxState.CANCELLED: frozenset(),
    FaxState.UNCONFIRMED: frozenset(),
}

DOCUMENT_MOVES: Mapping[DocumentState, frozenset[DocumentState]] = {
    DocumentState.PENDING: frozenset({DocumentState.READY, DocumentState.REFUSED}),
    DocumentState.READY: frozenset(),
    DocumentState.REFUSED: frozenset(),
}

RECEIVED_MOVES: Mapping[ReceivedState, frozenset[ReceivedState]] = {
    ReceivedState.SEEN: frozenset({ReceivedState.FETCHED, ReceivedState.PARKED}),
    ReceivedState.FETCHED: frozenset({ReceivedState.ROUTED, ReceivedState.PARKED}),
    ReceivedState.ROUTED: frozenset({ReceivedState.MAILED, ReceivedState.PARKED}),
    ReceivedState.MAILED: frozenset({ReceivedState.ACKNOWLEDGED, ReceivedState.ROUTED, ReceivedState.PARKED}),
    ReceivedState.ACKNOWLEDGED: frozenset({ReceivedState.ROUTED}),
    ReceivedState.PARKED: frozenset({ReceivedState.SEEN, ReceivedState.FETCHED, ReceivedState.ROUTED}),
}

OUTBOX_MOVES: Mapping[OutboxState, frozenset[OutboxState]] = {
    OutboxState.QUEUED: frozenset({OutboxState.QUEUED, OutboxState.SENT, OutboxState.FAILED}),
    OutboxState.SENT: frozenset(),
    OutboxState.FAILED: frozenset({OutboxState.QUEUED}),
}

FINAL = frozenset(state for state, targets in FAX_MOVES.items() if not targets)
"""Faxes that are done; each has exactly one final notice."""

ON_THE_LINE = frozenset({FaxState.SUBMITTING, FaxState.SENT, FaxState.UNKNOWN})
"""At most one Fax per destination is in one of these (a partial unique index enforces it)."""

CLAIMANTS = ON_THE_LINE | {FaxState.HELD}
"""Faxes that may own a row in the SENT folder; a held one remains a claimant."""

SENDABLE = frozenset({FaxState.ACCEPTED, FaxState.WAITING})
"""Faxes that certainly are not at the provider."""

State = FaxState | DocumentState | ReceivedState | OutboxState


class IllegalMoveError(Exception):
    """A move that the tables do not allow."""


def check(source: State, target: State) -> None:
    """Raise `IllegalMoveError` unless `source → target` is in the tables."""
    allowed: frozenset[State]
    match source:
        case FaxState():
            allowed = FAX_MOVES[source]
        case DocumentState():
            allowed = DOCUMENT_MOVES[source]
        case ReceivedState():
            allowed = RECEIVED_MOVES[source]
        case OutboxState():
            allowed = OUTBOX_MOVES[source]
    # Members of different enums may be equal as words, so the kind is compared too.
    if type(source) is not type(target) or target not in allowed:
        raise IllegalMoveError(f"{type(source).__name__}: {source} -> {target} is not a legal move")


def next_try(tries: int, delays: Sequence[float], now: float, *, at_least: float = 0.0) -> float:
    """When to try again after `tries` tries (1 = the first has just failed): epoch seconds.

    The last delay repeats. `at_least` is a wait that the cause itself asks for.
    """
    delay = delays[min(max(tries, 1), len(delays)) - 1]
    return now + max(delay, at_least)
