"""What faxes do, in plain Python: the model that the real store is compared with.

It also knows what the store cannot know: whether the provider accepted a call. So it can tell whether a fax
was ever sent twice, and what a word or a row may truthfully say.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

SENDABLE = ("accepted", "waiting")
LINE = ("submitting", "sent", "unknown")
FINAL = ("delivered", "partial", "failed", "cancelled", "unconfirmed")


@dataclass(kw_only=True)
class Call:
    """One `sendFaxMessage`."""

    accepted: bool
    """The truth at the provider."""
    deadline: float
    outcome: str = ""
    disproved: bool = False
    """Something that is true said that this call made no fax that arrived."""

    @property
    def may_arrive(self) -> bool:
        return self.accepted and not self.disproved


@dataclass(kw_only=True)
class ModelFax:
    """One fax as it must be."""

    id: str
    number: str
    resend: bool
    deadline: float
    state: str = "accepted"
    run_at: float | None = 0.0
    fence: int = 0
    owner: str = ""
    lease_until: float | None = None
    calls: list[Call] = field(default_factory=list)
    tolerated: bool = False
    """A person, or the sender's rule, preferred another fax to none."""

    given_up: bool = False
    """The sender's rule did, and nobody knows what became of the call before."""

    @property
    def failed(self) -> str:
        """Its end when no row says so."""
        return "unconfirmed" if self.given_up else "failed"

    def free(self, now: float) -> bool:
        return self.lease_until is None or self.lease_until < now

    def move(self, state: str) -> None:
        """Every move but the call gives the lease back."""
        self.state, self.owner, self.lease_until = state, "", None

    @property
    def twice(self) -> bool:
        """Whether another call now could make the fax arrive a second time unasked for."""
        return not self.tolerated and any(call.may_arrive for call in self.calls)


class Queue:
    """All of them."""

    def __init__(self) -> None:
        self.faxes: dict[str, ModelFax] = {}

    def line_taken(self, fax: ModelFax) -> bool:
        others = (one for one in self.faxes.values() if one is not fax)
        return any(one.number == fax.number and one.state in LINE for one in others)

    def claimable(self, now: float) -> list[ModelFax]:
        """What a claim finds, in its order."""
        due = [
            fax
            for fax in self.faxes.values()
            if fax.state in SENDABLE
            and fax.run_at is not None
            and fax.run_at <= now
            and fax.free(now)
            and not self.line_taken(fax)
        ]
        return sorted(due, key=lambda fax: (fax.run_at, fax.id))

    def claim(self, owner: str, now: float, seconds: float, limit: int) -> list[ModelFax]:
        """Lease; of two to one number the second is let go again."""
        taken: list[ModelFax] = []
        for fax in self.claimable(now)[:limit]:
            fax.fence += 1
            if any(fax.number == other.number for other in taken):
                fax.owner, fax.lease_until = "", None
                continue
            fax.owner, fax.lease_until = owner, now + seconds
            taken.append(fax)
        return taken

    def overdue(self, now: float, calling: Collection[str]) -> list[ModelFax]:
        """Calls that cannot be running any more."""
        return [
            fax
            for fax in self.faxes.values()
            if fax.state == "submitting"
            and not fax.calls[-1].outcome
            and fax.calls[-1].deadline < now
            and fax.free(now)
            and fax.id not in calling
        ]

    def late(self, now: float) -> list[ModelFax]:
        """Not sent in their time."""
        return [
            fax
            for fax in self.faxes.values()
            if fax.state in SENDABLE and fax.deadline < now and fax.free(now)
        ]

    def word(self, fax: ModelFax, ordinal: int, word: str) -> str | None:
        """Where the end of a call moves its fax, if anywhere; ``waiting`` may also be its end."""
        waits = fax.state in ("submitting", "unknown", "held") and len(fax.calls) == ordinal
        if not waits:
            return None
        match word:
            case "success":
                return None if fax.state == "held" and self.line_taken(fax) else "sent"
            case "no_word":
                return "unknown" if fax.state == "submitting" else None
            case "refused":
                return fax.failed
            case _:
                return "waiting"
