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
from gateway.store import blobs, facts, steps, views
from gateway.store.clock import OwnClock, SharedClock, boot
from gateway.store.engine import WRITERS, has_schema, migrate, open_postgres, open_sqlite, reading, words
from gateway.store.file import DatabaseFile
from gateway.store.node import Keeper, identity
from gateway.store.spool import INLINE, Draft, Spool, private_directory
from gateway.store.trouble import StoreUnavailableError, connection_lost, is_trouble, word
from gateway.store.wal import WriteAheadLog
from gateway.store.writer import Writer

__all__ = ["UNREACHABLE", "Draft", "Spool", "Store", "StoreUnavailableError"]

T = TypeVar("T")
Item = TypeVar("Item")

UNREACHABLE = "store_unreachable"

_STEP = 0.5
"""Seconds between two looks at the wall clock that are no step of it."""
_LOOK = 2.0
"""Seconds between two looks for the database file."""
_PROOF = "proof"
"""Name of a file that shows whether the spool takes one."""


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
        self._file: DatabaseFile | None = None
        self._log: WriteAheadLog | None = None
        if url:
            rooms = {room.root.name: room.root for room in self.rooms}
            self._engine = open_postgres(url, options={blobs.ROOMS: rooms})
            self._writer = Writer(self._engine, threads=WRITERS)
        else:
            self._file = DatabaseFile(state_dir / "gateway.sqlite3")
            self._engine = open_sqlite(self._file.path)
            self._log = WriteAheadLog(self._file.path)
            self._writer = Writer(self._engine, check=self._file.check, tidy=self._log.tidy)
        self._reading = reading(self._engine)
        self._lock: int | None = None
        self.node = identity(state_dir, node) if url else ""
        """Whose leases this one may take back at its start; "" means everybody's."""
        self.owner = f"{self.node or 'local'}:{os.getpid()}-{time.time_ns():x}"
        """Names this process in leases."""
        self._own_clock = OwnClock()
        self._offset = self._own_clock.offset
        """As it was written down last."""
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
        takes nothing from the others. Else it is this machine's, and steps when it is told to `follow`.
        """
        return self._clock.now() if self.shared else self._own_clock.now()

    def skipped(self, since: float) -> float:
        """Seconds of that clock since then that nobody lived through."""
        return 0.0 if self.shared else self._own_clock.skipped(since)

    def open(self) -> None:
        """Take the directory for this process, migrate, start the writer. Blocks.

        Raises `GatewayError` (temporary) if another process has the directory, or the name of the node; and,
        with the code `UNREACHABLE` or one of `trouble`, if the database does not answer or cannot be written,
        which may be tried again.
        """
        if self._lock is None:
            self._lock = self._take_directory()
        try:
            self._open_database()
        except sa.exc.SQLAlchemyError as error:
            if not is_trouble(error):
                raise
            code = UNREACHABLE if self.shared else word(error)
            raise GatewayError(
                temporary("4.3.0", f"The store cannot be opened: {words(error)}.", code=code)
            ) from error
        if self._log is not None:
            self._log.start()
        self._writer.start()

    def _open_database(self) -> None:
        if self._file is not None:
            self._file.expect()
            if self._file.had and not has_schema(self._engine):
                raise self._file.lost()
        migrate(self._engine)
        if self._file is not None:
            self._file.opened()
            self._take_up_time()
        if self._keeper is not None:
            self._keeper.take()
            self._keeper.start()

    def _take_up_time(self) -> None:
        """What the clock did while nobody looked. Over a restart of the machine only a step back shows."""
        clock, run = self._own_clock, boot()
        with self._engine.begin() as tx:
            clock.leaps = steps.leaps(tx)
            before, last = steps.offset(tx, boot=run), steps.last_known(tx)
            if before is None:
                if last is not None and last - clock.now() > _STEP:
                    steps.carry(tx, clock.now() - last, deadlines=False)
            elif abs(by := clock.offset - before) > _STEP:
                steps.carry(tx, by)
                if by > 0:
                    clock.leaps = (*clock.leaps, (clock.now(), by))
            steps.remember(tx, clock.leaps, clock.offset, boot=run)
        self._offset = clock.offset

    def follow(self) -> float:
        """Let a store of its own follow the wall clock, and carry along what waits; by how many seconds.

        Blocks. Call it every few seconds. Raises `StoreUnavailableError`: the clock goes on as it was.
        """
        clock = self._own_clock
        by = 0.0 if self.shared else clock.ahead()
        if abs(by) <= _STEP:
            clock.follow(by)  # the two do not run quite alike
            if self.shared or abs(clock.offset - self._offset) <= _STEP:
                return 0.0
            by = 0.0
        leaps, following = tuple(clock.leaps), False
        try:
            # Here and not in the writer: nobody else may write between the old time and the new one.
            with self._engine.begin() as tx:
                if by > 0:  # first: who looks in between must not believe that the time has passed
                    clock.leaps = (*leaps, (clock.now() + by, by))
                if by:
                    steps.carry(tx, by)
                clock.follow(by)
                following = True
                steps.remember(tx, clock.leaps, clock.offset, boot=boot())
        except sa.exc.SQLAlchemyError as error:
            if following:
                clock.follow(-by)
            clock.leaps = leaps
            if not is_trouble(error):
                raise
            raise StoreUnavailableError(error, certain=False) from error
        self._offset = clock.offset
        return by

    async def prove(self) -> None:
        """Write something small and something large. Raises `StoreUnavailableError` as long as one fails."""
        try:
            await asyncio.to_thread(self._prove_spool)
        except OSError as error:
            raise StoreUnavailableError(error, certain=True) from error
        await self.write(lambda tx: facts.put(tx, "store.proved", self.now()))

    def _prove_spool(self) -> None:
        self.spool.keep(_PROOF, bytes(INLINE + 1))
        self.spool.discard(_PROOF)

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
        if self._log is not None:
            self._log.close()
        self._engine.dispose()
        self._end()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def watch(self) -> None:
        """Return when the store is closed.

        Raises `GatewayError` if another process has this node's name, or if the database file is not there.
        """
        self._over = asyncio.get_running_loop(), asyncio.Event()
        while not self._ended:
            try:
                async with asyncio.timeout(_LOOK):
                    await self._over[1].wait()
            except TimeoutError:
                if self._file is not None and not self._file.is_there():
                    raise self._file.lost() from None
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
