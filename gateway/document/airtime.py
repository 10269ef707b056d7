"""How long a fax is on the line, and what that costs: an estimate. Pure.

Before the first page the machines agree on how they speak (T.30, phases A and B), and after each they agree
that it arrived (phase D): that takes its time at any rate.
"""

from __future__ import annotations

RATES = (14_400, 33_600)
"""Bits a second: V.17, which nearly every machine speaks, and V.34."""
_SET_UP, _A_PAGE = 15.0, 3.0
"""Seconds."""


def seconds(size: int, rate: int) -> float:
    """Time for `size` bytes of G4 data, without anything around them."""
    return size * 8 / rate


def call_seconds(size: int, pages: int, rate: int) -> float:
    """Time of the whole call."""
    return _SET_UP + _A_PAGE * pages + seconds(size, rate)


def cost(duration: float, per_minute: float) -> float:
    """Price of that time, to a hundredth of a cent."""
    return round(duration / 60 * per_minute, 4)
