"""Writes: requests that wait together share one transaction, each in its own savepoint.

Group commit makes the cost of an fsync a shared one; the savepoint makes the failure of one item its own.
A future resolves after COMMIT and never before, so "success" always means "on disk". A waiter that is
cancelled does not undo its work: what was asked for is committed all the same.

On SQLite one thread writes. On PostgreSQL a few do, so that one that waits for another node's rows, or
carries a large file, does not hold up the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.store.trouble import StoreUnavailableError, is_trouble, worth_again

T = TypeVar("T")
Item = TypeVar("Item")
_ALONE = object()
"""Instead of an item: the verb takes none."""
_GROUP = 256
"""Requests in one transaction at most: bounds how long a reader of the WAL and a waiter may wait."""
_TRIES = 4
"""Of one request alone, while its transaction ends in favour of others or its connection was a dead one."""


@dataclass(slots=True)
class _Request:
    verb: Callable[..., Any]
    """Takes the connection; or, with an `item`, the connection and a sequence of such items."""
    item: Any
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class _Link:
    """One thread's connection, kept from one transaction to the next; after trouble it is another one."""

    def __init__(self, engine: sa.Engine, check: Callable[[], None]) -> None:
        self._engine = engine
        self._check = check
        self._connection: sa.Connection | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Ends with COMMIT, or with ROLLBACK if the body raises."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                yield self._connection
            self._check()
        except BaseException:
            self.close()
            raise

    def idle(self, work: Callable[[sa.Connection], None]) -> None:
        """Do something to it outside of a transaction."""
        if self._connection is not None:
            work(self._connection)

    def close(self) -> None:
        """Give it back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Writer:
    """The threads that change the database; nothing else does."""

    def __init__(
        self,
        engine: sa.Engine,
        *,
        threads: int = 1,
        check: Callable[[], None] = lambda: None,
        tidy: Callable[[sa.Connection], None] = lambda _: None,
    ) -> None:
        """`check` follows each COMMIT: what it raises means that the COMMIT may count for nothing.

        `tidy` follows when its waiters know. It must not raise.
        """
        self._engine = engine
        self._check = check
        self._tidy = tidy
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"store-writer-{number}", daemon=True)
            for number in range(threads)
        ]
        self._closed = False

    def start(self) -> None:
        """Begin to write."""
        for thread in self._threads:
            thread.start()

    def is_alive(self) -> bool:
        """Whether somebody writes."""
        return any(thread.is_alive() for thread in self._threads)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a writer's transaction; return its result after COMMIT.

        Raises what `work` raised (its savepoint is rolled back), or `StoreUnavailableError`.
        """
        result: T = await self._asked(work, _ALONE)
        return result

    async def write_together(
        self, verb: Callable[[sa.Connection, Sequence[Item]], Sequence[T]], item: Item
    ) -> T:
        """As `write`, for a verb that takes many items at a time: those that wait together are one call.

        `verb` returns a result for each item, in their order. When it raises, each item is tried alone.
        """
        result: T = await self._asked(verb, item)
        return result

    async def _asked(self, verb: Callable[..., Any], item: Any) -> Any:
        if self._closed or not self.is_alive():
            raise StoreUnavailableError(RuntimeError("closed"), certain=True)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Request(verb, item, loop, future))
        return await future

    def close(self) -> None:
        """Finish what was asked for, then stop. Blocks until the threads have ended."""
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with contextlib.closing(_Link(self._engine, self._check)) as link:
            self._serve(link)

    def _serve(self, link: _Link) -> None:
        stopping = False
        while not stopping:
            group: list[_Request] = []
            request = self._queue.get()
            while True:
                if request is None:
                    stopping = True
                else:
                    group.append(request)
                if len(group) >= _GROUP or stopping:
                    break
                try:
                    request = self._queue.get_nowait()
                except queue.Empty:
                    break
            if group:
                _commit(link, group)
                _resolve(group)
                link.idle(self._tidy)


def _commit(link: _Link, group: Sequence[_Request]) -> None:
    """One transaction for all; where that fails, one for each: trouble of one is not its neighbours'."""
    reached, error = _transact(link, group)
    if error is None:
        return
    if not reached or len(group) == 1:
        _fail(group, error, certain=True)
        return
    for index, request in enumerate(group):
        request.result = request.error = None
        reached, error = _transact(link, [request])
        if error is not None:
            _fail([request] if reached else group[index:], error, certain=True)
            if not reached:  # nor will the next one reach it, and each try may take its time
                return


def _transact(link: _Link, group: Sequence[_Request]) -> tuple[bool, BaseException | None]:
    """Whether the database was reached, and the trouble in which nothing was written, if any."""
    for last in (*[False] * (_TRIES - 1), True):
        reached = committing = False
        try:
            with link.transaction() as connection:
                reached = True
                _run_all(connection, group)
                committing = True
        except BaseException as error:  # the thread must outlive whatever a verb raises
            if committing:
                _fail(group, error, certain=False)
                return True, None
            if len(group) == 1 and reached and not is_trouble(error):
                group[0].error = error
                return True, None
            if last or len(group) > 1 or not reached or not worth_again(error):
                return reached, error
        else:
            break
    return True, None


def _run_all(connection: sa.Connection, group: Sequence[_Request]) -> None:
    units = _units(group)
    if len(units) == 1:  # the transaction is its own
        _run(connection, units[0])
        return
    for unit in units:
        try:
            with connection.begin_nested():
                _run(connection, unit)
        except BaseException as error:
            if is_trouble(error) or len(unit) > 1:
                raise  # disk full and its kin end the whole transaction; or one of many is to blame
            unit[0].error = error


def _units(group: Sequence[_Request]) -> list[list[_Request]]:
    """What is run as one: requests of the same verb for many items, any other request alone."""
    units: list[list[_Request]] = []
    together: dict[Callable[..., Any], list[_Request]] = {}
    for request in group:
        unit = None if request.item is _ALONE else together.get(request.verb)
        if unit is not None:
            unit.append(request)
            continue
        units.append([request])
        if request.item is not _ALONE:
            together[request.verb] = units[-1]
    return units


def _run(connection: sa.Connection, unit: Sequence[_Request]) -> None:
    if unit[0].item is _ALONE:
        unit[0].result = unit[0].verb(connection)
        return
    results = unit[0].verb(connection, [request.item for request in unit])
    for request, result in zip(unit, results, strict=True):
        request.result = result


def _fail(group: Sequence[_Request], error: BaseException, *, certain: bool) -> None:
    failure = StoreUnavailableError(error, certain=certain)
    failure.__cause__ = error
    for request in group:
        request.error = failure


def _resolve(group: list[_Request]) -> None:
    """Wake the waiters with one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Request]] = {}
    for request in group:
        by_loop.setdefault(request.loop, []).append(request)
    for loop, requests in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, requests)


def _settle(requests: list[_Request]) -> None:
    for request in requests:
        if request.future.done():
            continue
        if request.error is not None:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.result)
