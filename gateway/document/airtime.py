"""How long a fax is on the line, and what that costs: an estimate. Pure."""

from __future__ import annotations

RATES = (14_400, 33_600)
"""Bits a second: V.17, which nearly every machine speaks, and V.34."""


def seconds(size: int, rate: int) -> float:
    """Time for `size` bytes of G4 data; call set-up (about 15 s) and hand-shakes (3 s a page) come on top."""
    return size * 8 / rate


def cost(duration: float, per_minute: float) -> float:
    """Price of that time, to a hundredth of a cent."""
    return round(duration / 60 * per_minute, 4)
