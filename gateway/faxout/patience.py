"""What time alone decides about a fax, without a look at SENT. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.faxout.decisions import Decision, Doubt, Expire, Hold, Policy
from gateway.lifecycle import FaxState
from gateway.model import Attempt
from gateway.store.tracking import Claimant


def unread(
    claimants: Iterable[Claimant], *, held_since: Mapping[str, float], now: float, policy: Policy
) -> dict[str, Decision]:
    """Fax id → decision about those that need not go on waiting although SENT cannot be read.

    A held one expires. One on the line is held, much later than if the folder had been read without finding
    it: its deadline counts too. Nothing is sent again, because no look says that there is no row.
    """
    decisions: dict[str, Decision] = {}
    for claimant in claimants:
        fax = claimant.fax
        due = max(fax.deadline, ended(claimant.attempts[-1])) + policy.hold_after
        match fax.state:
            case FaxState.HELD if over(held_since.get(fax.id), now, policy):
                decisions[fax.id] = Expire()
            case FaxState.SENT | FaxState.UNKNOWN if now >= due:
                decisions[fax.id] = Hold(Doubt.UNREAD)
    return decisions


def over(held_since: float | None, now: float, policy: Policy) -> bool:
    """Whether a held fax has waited long enough for a person (epoch seconds)."""
    return held_since is not None and now >= held_since + policy.held_for


def ended(attempt: Attempt) -> float:
    """When the call was over at the latest, epoch seconds."""
    return attempt.deadline if attempt.outcome_at is None else attempt.outcome_at
