"""Locks whoever guesses, for a growing time. Pure but for its memory, which is bounded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

LIMIT = 5
"""Failures that lock."""
_LEAK = 1800.0
"""Seconds after which one failure is forgiven: honest typing errors do not add up over weeks."""
_FIRST = 60.0
_GROWTH = 4.0
_LONGEST = 86_400.0
SHORT = 900.0
"""Seconds that a key is locked at most if strangers can fail in its name: no lock shall be their weapon."""
_MOST = 32
"""Locks of a key that make the next one longer: a power of many more is no number."""
_FORGET = 86_400.0
"""Seconds after which a key without news is as good as new."""
_KEYS = 20_000


@dataclass(slots=True)
class _Entry:
    score: float = 0.0
    tries: int = 0
    locks: int = 0
    until: float = 0.0
    seen: float = 0.0


class Lockout:
    """Counts failures by key (an identity, a peer). Times are seconds of any one clock."""

    def __init__(self, *, limit: int = LIMIT, keys: int = _KEYS) -> None:
        self._limit = limit
        self._keys = keys
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def locked(self, key: str, *, now: float) -> float:
        """Seconds that `key` stays locked; 0 when it is free."""
        entry = self._entries.get(key)
        return max(0.0, entry.until - now) if entry is not None else 0.0

    def failed(
        self, key: str, *, now: float, weight: float = 1.0, longest: float = _LONGEST
    ) -> tuple[int, float]:
        """Count a failure; returns how many there were, and the seconds for which that locks `key` (or 0).

        `weight` below 1 lets a key stand for many people, such as a mail server, and reach the limit later.
        `longest`: seconds beyond which a lock does not grow.
        """
        entry = self._entries.pop(key, None)
        if entry is None or now - max(entry.seen, entry.until) > _FORGET:
            entry = _Entry(seen=now)
        self._entries[key] = entry
        while len(self._entries) > self._keys:
            self._entries.popitem(last=False)
        entry.score = max(0.0, entry.score - (now - entry.seen) / _LEAK) + weight
        entry.tries += 1
        entry.seen = now
        if entry.score <= self._limit - weight:
            return entry.tries, 0.0
        seconds = min(longest, _FIRST * _GROWTH**entry.locks)
        entry.score = 0.0
        entry.locks = min(_MOST, entry.locks + 1)
        entry.until = now + seconds
        return entry.tries, seconds

    def succeeded(self, key: str) -> None:
        """Forget the failures of `key`."""
        self._entries.pop(key, None)
