"""Where the stages meet: tables, writer threads, coarse verbs, and the spool.

A verb is a function that takes a connection and does one whole thing (``attempts.begin``); callers pass
it to `Store.write`, which returns after COMMIT, or to `Store.read`. No transaction spans a network call.
"""

from __future__ import annotations

import asyncio
import copy
import errno
import fcntl
import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

import sqlalchemy as sa

from gateway.config import Settings
from gateway.errors import GatewayError, temporary
from gateway.store import blobs, views
from gateway.store.clock import SharedClock
from gateway.store.engine import WRITERS, migrate, open_postgres, open_sqlite, reading, words
from gateway.store.node import Keeper, identity
from gateway.store.spool import Draft, Spool, private_directory
from gateway.store.trouble import StoreUnavailableError, connection_lost, is_trouble
from gateway.store.writer import Writer

__all__ = ["UNREACHABLE", "Draft", "Spool", "Store", "StoreUnavailableError"]

T = TypeVar("T")
Item = TypeVar("Item")

UNREACHABLE = "store_unreachable"


class Store:
    """One store: ``state_dir/gateway.sqlite3``, or a PostgreSQL that several nodes share.

    One process owns `state_dir` in any case.
    """

    def __init__(self, state_dir: Path, *, url: str = "", node: str = "") -> None:
        """`url` leads to a PostgreSQL; empty: SQLite. `node` names this process there; empty: as its host.

        Nothing is opened yet.
        """
        private_directory(state_dir)
        self.state_dir = state_dir
        self.shared = bool(url)
        """Whether other nodes may use the database too."""
        self.spool = self._room("spool")
        self.pages = self._room("pages")
        """Rendered documents."""
        self.inbox = self._room("inbox")
        """PDFs of received faxes."""
        if url:
            rooms = {room.root.name: room.root for room in self.rooms}
            self._engine = open_postgres(url, options={blobs.ROOMS: rooms})
        else:
            self._engine = open_sqlite(state_dir / "gateway.sqlite3")
        self._reading = reading(self._engine)
        self._writer = Writer(self._engine, threads=WRITERS if url else 1)
        self._lock: int | None = None
        self.node = identity(state_dir, node) if url else ""
        """Whose leases this one may take back at its start; "" means everybody's."""
        self.owner = f"{self.node or 'local'}:{os.getpid()}-{time.time_ns():x}"
        """Names this process in leases."""
        self._clock = SharedClock()
        self._keeper: Keeper | None = None
        self._check: Callable[[sa.Connection], None] | None = None
        self._over: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._ended = self._lost = False
        if url:
            self._keeper = Keeper(
                self._engine, node or self.node, clock=self._clock, trim=self._trim, lost=self._lose
            )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The store that the settings name, not yet open."""
        storage = settings.store
        return cls(settings.gateway.state_dir, url=storage.url.get_secret_value(), node=storage.node)

    def now(self) -> float:
        """Epoch seconds on the one clock that leases, deadlines and retries are measured by.

        Where nodes share a database it is the database's, so that a node whose own clock is wrong, or jumps,
        takes nothing from the others.
        """
        return self._clock.now() if self.shared else time.time()

    def open(self) -> None:
        """Take the directory for this process, migrate, start the writer. Blocks.

        Raises `GatewayError` (temporary) if another process has the directory, or the name of the node, or
        (with the code `UNREACHABLE`) if the database does not answer; that may be tried again.
        """
        if self._lock is None:
            self._lock = self._take_directory()
        try:
            migrate(self._engine)
            if self._keeper is not None:
                self._keeper.take()
                self._keeper.start()
        except sa.exc.SQLAlchemyError as error:
            if not is_trouble(error):
                raise
            raise GatewayError(
                temporary("4.3.0", f"The store cannot be opened: {words(error)}.", code=UNREACHABLE)
            ) from error
        self._writer.start()

    def _take_directory(self) -> int:
        lock = os.open(self.state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise GatewayError(
                temporary("4.3.0", f"Another fax gateway is running on {self.state_dir}. Stop it first.")
            ) from None
        return lock

    def close(self) -> None:
        """Finish the writes asked for so far, then close. Blocks."""
        if self._writer.is_alive():
            self._writer.close()
        if self._keeper is not None:
            self._keeper.close()
        self._engine.dispose()
        self._end()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def watch(self) -> None:
        """Return when the store is closed. Raises `GatewayError` if another process has this node's name."""
        self._over = asyncio.get_running_loop(), asyncio.Event()
        if not self._ended:
            await self._over[1].wait()
        if self._lost:
            raise GatewayError(
                temporary("4.3.0", f"Another fax gateway has taken the name of node {self.node}.")
            )

    def _lose(self) -> None:
        self._lost = True
        self._end()

    def _end(self) -> None:
        self._ended = True
        if self._over is not None and not self._over[0].is_closed():
            self._over[0].call_soon_threadsafe(self._over[1].set)

    def _trim(self, idle: float) -> None:
        for room in self.rooms:
            room.trim(idle)

    def guarded(self, check: Callable[[sa.Connection], None]) -> Self:
        """The same store, but `check` precedes each write in its transaction, and may end it by raising."""
        twin = copy.copy(self)
        twin._check = check
        return twin

    def check(self, tx: sa.Connection) -> None:
        """What `guarded` asks for, for a write that goes another way."""
        if self._check is not None:
            self._check(tx)

    @property
    def rooms(self) -> tuple[Spool, ...]:
        """The directories of files, each named as its spool."""
        return self.spool, self.pages, self.inbox

    def _room(self, name: str) -> Spool:
        if not self.shared:
            return Spool(self.state_dir / name)
        return Spool(self.state_dir / name, source=functools.partial(self._fetch, name))

    def _fetch(self, room: str, file: str, write: Callable[[bytes], object]) -> bool:
        """Feed a file that is kept in the database to `write`. Blocks; an OSError means not now."""

        def copy(tx: sa.Connection) -> bool:
            found = False
            for part in blobs.parts(tx, room, file):
                write(part)
                found = True
            return found

        try:
            with self._reading.connect() as connection, connection.begin():
                return copy(connection)
        except sa.exc.SQLAlchemyError as error:
            if not is_trouble(error):
                raise
            raise OSError(errno.EIO, "the store is not there") from error

    async def sweep(self) -> None:
        """Remove files that no row names, and every file that is only cached. Call before intake starts."""
        named: Mapping[str, set[str]] = {} if self.shared else await self.read(views.spool_names)
        for room in self.rooms:
            await asyncio.to_thread(room.sweep, named.get(room.root.name, ()))

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a verb in the writer's transaction; its result is durable when this returns.

        Raises what the verb raised (nothing of it is written) or `StoreUnavailableError`.
        """
        if self._check is None:
            return await self._writer.write(work)

        def checked(tx: sa.Connection) -> T:
            self.check(tx)
            return work(tx)

        return await self._writer.write(checked)

    async def write_together(
        self, verb: Callable[[sa.Connection, Sequence[Item]], Sequence[T]], item: Item
    ) -> T:
        """As `write`, for a verb that takes many items: what waits together is one call of it."""
        return await self._writer.write_together(verb, item)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a verb that only reads, on a snapshot, in a thread. Raises as `write` does."""
        try:
            return await asyncio.to_thread(self._read, work)
        except sa.exc.SQLAlchemyError as error:
            if not is_trouble(error):
                raise
            raise StoreUnavailableError(error, certain=True) from error

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        for again in (True, False):
            try:
                with self._reading.connect() as connection, connection.begin():
                    return work(connection)
            except sa.exc.DBAPIError as error:
                if not (again and connection_lost(error)):  # the server was restarted since the last use
                    raise
        raise AssertionError("unreachable")
