"""What time the provider has: its rows are dated by its clock, and ours may be wrong. Pure."""

from __future__ import annotations


def at_provider(own: float, told: float | None, *, skew: float) -> float:
    """The provider's time, epoch seconds: `own`, or what it has `told` if that is `skew` seconds off."""
    return own if told is None or abs(told - own) <= skew else told
