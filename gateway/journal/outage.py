"""Says once that something is down and once that it is back, however often it is tried in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.journal.output import logger


@dataclass(slots=True)
class _Outage:
    since: float
    last: float
    reasons: set[str] = field(default_factory=set)
    tries: int = 0


class Outages:
    """Open outages by service. Thread-safe: mailboxes live in threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, _Outage] = {}

    def clear(self) -> None:
        """Forgets all outages, silently."""
        with self._lock:
            self._open.clear()

    def trouble(self, event: str, service: str, reason: str, fields: dict[str, str]) -> None:
        """Logs a warning at the first failure, and again when there is another reason."""
        now = self._clock()
        with self._lock:
            outage = self._open.setdefault(service, _Outage(now, now))
            outage.tries += 1
            outage.last = now
            news = reason not in outage.reasons
            outage.reasons.add(reason)
        if news:
            logger.warning(event, reason=reason, **fields)

    def quiet(self, service: str) -> float | None:
        """Seconds since the last failure of an outage; None if there is none."""
        with self._lock:
            outage = self._open.get(service)
        return None if outage is None else self._clock() - outage.last

    def recovered(self, event: str, service: str, fields: dict[str, str]) -> None:
        """Logs the end of the outage, if there is one."""
        with self._lock:
            outage = self._open.pop(service, None)
        if outage is not None:
            seconds = round(self._clock() - outage.since)
            logger.info(event, down_seconds=seconds, failed_tries=outage.tries, **fields)
