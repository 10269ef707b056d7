"""Says once that something is down and once that it is back, however often it is tried in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.journal.output import logger


@dataclass(slots=True)
class _Outage:
    since: float
    reason: str
    tries: int = 1


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
        """Logs a warning at the first failure, and again when the reason becomes another."""
        with self._lock:
            outage = self._open.setdefault(service, _Outage(self._clock(), "", 0))
            outage.tries += 1
            news = outage.reason != reason
            outage.reason = reason
        if news:
            logger.warning(event, reason=reason, **fields)

    def recovered(self, event: str, service: str, fields: dict[str, str]) -> None:
        """Logs the end of the outage, if there is one."""
        with self._lock:
            outage = self._open.pop(service, None)
        if outage is not None:
            seconds = round(self._clock() - outage.since)
            logger.info(event, down_seconds=seconds, failed_tries=outage.tries, **fields)
