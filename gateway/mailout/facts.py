"""The facts of an outbox row, typed. Tolerant: a row may be older than this program and miss some."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gateway.lifecycle import FaxState
from gateway.mailout.spell import plain

Facts = Mapping[str, Any]


def text(facts: Facts, key: str, limit: int = 300) -> str:
    """A text fit to be shown; empty when there is none."""
    value = facts.get(key)
    return plain(value, limit) if isinstance(value, str) else ""


def whole(facts: Facts, key: str) -> int | None:
    """A whole number that is not negative; None when there is none."""
    value = facts.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def moment(facts: Facts, key: str) -> float | None:
    """Epoch seconds; None when there are none."""
    value = facts.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 < value < 32_503_680_000 else None  # year 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxFacts:
    """What the store wrote down about a Fax (`gateway.store.faxes`)."""

    fax_id: str
    number: str
    state: FaxState | None
    reason: str
    status: str
    code: str
    subject: str
    from_number: str
    pages_sent: int
    pages: int | None
    seconds: int | None
    cost: str
    attempts: int
    created: float | None
    finished: float | None
    notes: tuple[str, ...]
    sender: str

    @classmethod
    def read(cls, facts: Facts) -> Self:
        """Facts of a receipt, a held notice, a duplicate or an alert about a Fax."""
        state = facts.get("state")
        notes = facts.get("notes")
        return cls(
            fax_id=text(facts, "fax_id", 40),
            number=text(facts, "number", 40),
            state=FaxState(state) if state in set(FaxState) else None,
            reason=text(facts, "reason"),
            status=text(facts, "status", 20),
            code=text(facts, "code", 60),
            subject=text(facts, "subject", 200),
            from_number=text(facts, "from_number", 40),
            pages_sent=whole(facts, "pages_sent") or 0,
            pages=whole(facts, "pages"),
            seconds=whole(facts, "seconds"),
            cost=text(facts, "cost", 20),
            attempts=whole(facts, "attempts") or 0,
            created=moment(facts, "created"),
            finished=moment(facts, "finished"),
            notes=tuple(plain(note) for note in notes[:20]) if isinstance(notes, list) else (),
            sender=text(facts, "sender", 254),
        )
