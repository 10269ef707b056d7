"""The scripted line: queues of fates for destinations and for functions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.simulator.fate import SUCCESS, Fate, parse_fate

ANY = "*"
"""In place of a function's name: the next call, whatever it is."""


@dataclass(slots=True)
class Script:
    """Fates in order, each taken once; with `repeat` the last one stays."""

    fates: deque[Fate] = field(default_factory=deque)
    repeat: bool = False

    def peek(self) -> Fate | None:
        """The next fate."""
        return self.fates[0] if self.fates else None

    def take(self) -> Fate | None:
        """The next fate, and move on."""
        if not self.fates:
            return None
        return self.fates[0] if self.repeat and len(self.fates) == 1 else self.fates.popleft()


class Line:
    """Decides each call's fate: scripts for any call first, then its function's, then its destination's."""

    def __init__(self, default: Fate = SUCCESS) -> None:
        self.default = default
        self._methods: dict[str, Script] = {}
        self._destinations: dict[str, Script] = {}

    def script(
        self,
        fates: Iterable[Fate | str | Mapping[str, Any]],
        *,
        destination: str | None = None,
        method: str | None = None,
        repeat: bool = False,
    ) -> None:
        """Queue fates for a destination of `sendFaxMessage` or for a function (``*`` for any).

        What is queued already comes first. Every call takes one, also a refused or ``test`` one.

        Raises:
            ValueError: neither or both of `destination` and `method`; a fate that cannot be read.
        """
        if (destination is None) == (method is None):
            raise ValueError("a script is for a destination or for a method")
        parsed = [parse_fate(fate) for fate in fates]
        scripts, key = (
            (self._methods, str(method)) if destination is None else (self._destinations, _key(destination))
        )
        script = scripts.setdefault(key, Script())
        script.fates.extend(parsed)
        script.repeat = repeat

    def peek(self, method: str | None, destination: str | None) -> Fate:
        """The fate that the next such call will take; both are None while nothing of it is known."""
        return next((fate for s in self._matching(method, destination) if (fate := s.peek())), self.default)

    def take(self, method: str | None, destination: str | None) -> Fate:
        """The fate of this call."""
        return next((fate for s in self._matching(method, destination) if (fate := s.take())), self.default)

    def pending(self) -> dict[str, list[str]]:
        """Names of the fates still queued, by ``method:…`` and ``destination:…``."""
        return {
            f"{kind}:{key}": [fate.name for fate in script.fates]
            for kind, scripts in (("method", self._methods), ("destination", self._destinations))
            for key, script in scripts.items()
            if script.fates
        }

    def clear(self) -> None:
        """Forget all scripts."""
        self._methods.clear()
        self._destinations.clear()

    def _matching(self, method: str | None, destination: str | None) -> Iterable[Script]:
        if ANY in self._methods:
            yield self._methods[ANY]
        if method is not None and method in self._methods:
            yield self._methods[method]
        if destination is not None and _key(destination) in self._destinations:
            yield self._destinations[_key(destination)]


def _key(number: str) -> str:
    digits = "".join(char for char in number if char.isdigit())
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
