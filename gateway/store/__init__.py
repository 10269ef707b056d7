"""Where the stages meet: tables, one writer thread, coarse verbs, and the spool.

A verb is a function that takes a connection and does one whole thing (``attempts.begin``); callers pass
it to `Store.write`, which returns after COMMIT, or to `Store.read`. No transaction spans a network call.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

import sqlalchemy as sa

from gateway.config import Settings
from gateway.errors import GatewayError, temporary
from gateway.store.engine import migrate, open_engine
from gateway.store.spool import Draft, Spool, private_directory
from gateway.store.writer import StoreUnavailableError, Writer

__all__ = ["Draft", "Spool", "Store", "StoreUnavailableError"]

T = TypeVar("T")


class Store:
    """One open store: ``state_dir/gateway.sqlite3`` and ``state_dir/spool``. One process owns it."""

    def __init__(self, state_dir: Path) -> None:
        private_directory(state_dir)
        self.state_dir = state_dir
        self.spool = Spool(state_dir / "spool")
        self.pages = Spool(state_dir / "pages")
        """Rendered documents."""
        self.inbox = Spool(state_dir / "inbox")
        """PDFs of received faxes."""
        self._engine = open_engine(state_dir / "gateway.sqlite3")
        self._reading = self._engine.execution_options(gateway_readonly=True)
        self._writer = Writer(self._engine)
        self._lock: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The store that the settings name, not yet open."""
        if settings.store.shared:
            raise GatewayError(temporary("4.3.0", "PostgreSQL is not supported yet; remove store.url."))
        return cls(settings.gateway.state_dir)

    def now(self) -> float:
        """Epoch seconds on the one clock that leases, deadlines and retries are measured by."""
        return time.time()

    def open(self) -> None:
        """Take the directory for this process, migrate, start the writer. Blocks.

        Raises `GatewayError` (temporary) if another process has the directory.
        """
        lock = os.open(self.state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise GatewayError(
                temporary("4.3.0", f"Another fax gateway is running on {self.state_dir}. Stop it first.")
            ) from None
        self._lock = lock
        migrate(self._engine)
        self._writer.start()

    def close(self) -> None:
        """Finish the writes asked for so far, then close. Blocks."""
        if self._writer.is_alive():
            self._writer.close()
        self._engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a verb in the writer's transaction; its result is durable when this returns.

        Raises what the verb raised (nothing of it is written) or `StoreUnavailableError`.
        """
        return await self._writer.write(work)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a verb that only reads, on a snapshot, in a thread. Raises as `write` does."""
        try:
            return await asyncio.to_thread(self._read, work)
        except sa.exc.OperationalError as error:
            raise StoreUnavailableError(error, certain=True) from error

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        with self._reading.connect() as connection, connection.begin():
            return work(connection)
