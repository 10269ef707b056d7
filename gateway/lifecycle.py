"""States and back-off: pure data and pure functions. Which moves are legal is in `moves`."""

from __future__ import annotations

import enum
from collections.abc import Sequence


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


State = FaxState | DocumentState | ReceivedState | OutboxState

FINAL = frozenset(
    {FaxState.DELIVERED, FaxState.PARTIAL, FaxState.FAILED, FaxState.CANCELLED, FaxState.UNCONFIRMED}
)
"""Faxes that are done; each has exactly one final notice."""

ON_THE_LINE = frozenset({FaxState.SUBMITTING, FaxState.SENT, FaxState.UNKNOWN})
"""At most one Fax per destination is in one of these (a partial unique index enforces it)."""

CLAIMANTS = ON_THE_LINE | {FaxState.HELD}
"""Faxes that may own a row in the SENT folder; a held one remains a claimant."""

SENDABLE = frozenset({FaxState.ACCEPTED, FaxState.WAITING})
"""Faxes that certainly are not at the provider."""


def next_try(tries: int, delays: Sequence[float], now: float, *, at_least: float = 0.0) -> float:
    """When to try again after `tries` tries (1 = the first has just failed): epoch seconds.

    The last delay repeats. `at_least` is a wait that the cause itself asks for.
    """
    delay = delays[min(max(tries, 1), len(delays)) - 1]
    return now + max(delay, at_least)
