"""The right to go on with one item, for a time that also passes while the machine sleeps.

A worker that was stopped (SIGSTOP, a suspended machine) and goes on later must notice that somebody else may
have taken over. Only CLOCK_BOOTTIME also counts the time in which the machine slept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.store.clock import boottime


class LeaseLostError(Exception):
    """The time is over; whatever was being done must stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Owned until a moment."""

    until: float
    """Seconds on CLOCK_BOOTTIME."""
    clock: Callable[[], float] = field(default=boottime, repr=False, compare=False)

    @classmethod
    def lasting(cls, seconds: float, clock: Callable[[], float] = boottime) -> Lease:
        """A lease from now on."""
        return cls(until=clock() + seconds, clock=clock)

    def check(self) -> None:
        """Raise `LeaseLostError` once the time is over."""
        if self.clock() >= self.until:
            raise LeaseLostError("the lease ran out before the work was done")
