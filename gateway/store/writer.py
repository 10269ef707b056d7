"""One thread writes. Requests that wait together share one transaction, each in its own savepoint.

Group commit makes the cost of an fsync a shared one; the savepoint makes the failure of one item its own.
A future resolves after COMMIT and never before, so "success" always means "on disk". A waiter that is
cancelled does not undo its work: what was asked for is committed all the same.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.errors import GatewayError, temporary

T = TypeVar("T")
_GROUP = 256
"""Requests in one transaction at most: bounds how long a reader of the WAL and a waiter may wait."""


class StoreUnavailableError(GatewayError):
    """The database could not commit: disk full, read-only, locked or gone.

    `certain` tells that nothing was written; a COMMIT itself that failed may be on disk all the same.
    """

    def __init__(self, cause: BaseException, *, certain: bool) -> None:
        super().__init__(
            temporary("4.3.0", "The gateway cannot write to its store just now.", code=type(cause).__name__)
        )
        self.certain = certain


@dataclass(slots=True)
class _Request:
    work: Callable[[sa.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer(threading.Thread):
    """The only thread that changes the database."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(name="store-writer", daemon=True)
        self._engine = engine
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._closed = False

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in the writer's transaction; return its result after COMMIT.

        Raises what `work` raised (its savepoint is rolled back), or `StoreUnavailableError`.
        """
        if self._closed or not self.is_alive():
            raise StoreUnavailableError(RuntimeError("closed"), certain=True)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Request(work, loop, future))
        return await future

    def close(self) -> None:
        """Finish what was asked for, then stop. Blocks until the thread has ended."""
        self._closed = True
        self._queue.put(None)
        self.join()

    def run(self) -> None:
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
                self._commit(group)
                _resolve(group)

    def _commit(self, group: list[_Request]) -> None:
        committing = False
        try:
            with self._engine.connect() as connection, connection.begin():
                for request in group:
                    _run_one(connection, request)
                committing = True
        except Exception as error:  # whatever it was, it met the whole group
            if len(group) > 1 and not committing:
                for request in group:  # one item's trouble must not be its neighbours'
                    request.result = request.error = None
                    self._commit([request])
                return
            failure = StoreUnavailableError(error, certain=not committing)
            failure.__cause__ = error
            for request in group:
                request.error = failure


def _run_one(connection: sa.Connection, request: _Request) -> None:
    try:
        with connection.begin_nested():
            request.result = request.work(connection)
    except sa.exc.OperationalError:
        raise  # disk full and its kin end the whole transaction
    except BaseException as error:  # the thread must outlive whatever a verb raises
        request.error = error


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
