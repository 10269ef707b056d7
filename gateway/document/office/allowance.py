"""Time that a fax may take of LibreOffice, which all faxes share. Waiting for the others counts apart."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class Budget:
    """Seconds that are spent in pieces."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.left = seconds

    @contextlib.contextmanager
    def spending(self) -> Iterator[float]:
        """Count what is done meanwhile; gives the seconds that are left for it."""
        started = time.monotonic()
        try:
            yield self.left
        finally:
            self.left = max(0.0, self.left - (time.monotonic() - started))


class Allowance:
    """What one fax may take for all its Office documents: `work` of LibreOffice, and `patience` to wait."""

    def __init__(self, *, work: float, patience: float) -> None:
        self.work = Budget(work)
        self.patience = Budget(patience)
