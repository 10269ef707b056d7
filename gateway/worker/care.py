"""Care of the store: what a start finds undone, steps of the wall clock, and whether trouble is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import sqlalchemy as sa

from gateway import journal
from gateway.errors import GatewayError
from gateway.store import UNREACHABLE, Store, attempts, documents, leases
from gateway.store.trouble import DISK_ERROR, FULL, LOCKED

T = TypeVar("T")

_REACH_AGAIN = 2.0
_PASSES = frozenset({UNREACHABLE, FULL, LOCKED, DISK_ERROR})
"""What is waited for at the start. SQLite calls a full disk a disk error where it maps its index."""
_CALM = 5.0
"""Seconds without trouble until the store is tried out: some of what is written may still fail."""


class StoreCare:
    """Opens the store; then await `tend` every few seconds. `wake` is called when the clock was set."""

    def __init__(self, store: Store, *, longest_call: float, wake: Callable[[], None]) -> None:
        """`longest_call`: seconds that a call to the provider takes at most."""
        self._store = store
        self._longest_call = longest_call
        self._wake = wake
        self._stepping = False

    async def open(self) -> None:
        """Open it and take up what an earlier process of this node left.

        Waits for a database that is not up yet, for room and for somebody's lock: whoever starts us gives up
        sooner or later. Raises `GatewayError` for what does not pass.
        """
        node, longest = self._store.node, self._longest_call
        await self._insist(lambda: asyncio.to_thread(self._store.open))
        await self._insist(
            lambda: self._write(lambda tx, now: attempts.orphan(tx, now=now, longest_call=longest, node=node))
        )
        await self._insist(lambda: self._write(lambda tx, _: leases.reclaim(tx, node=node)))
        await self._insist(lambda: self._write(lambda tx, now: documents.recover(tx, now=now, node=node)))
        await self._insist(self._store.sweep)
        journal.store_recovered()

    async def close(self) -> None:
        """Close it."""
        await asyncio.to_thread(self._store.close)

    async def tend(self) -> None:
        """Follow the wall clock; after trouble see whether it is over."""
        by = await asyncio.to_thread(self._store.follow)
        if by:
            self._wake()
            if not self._stepping:  # a clock that stands still steps all the time
                journal.clock_stepped(seconds=by)
        self._stepping = by != 0
        quiet = journal.quiet("store")
        if quiet is not None and quiet >= _CALM:
            await self._store.prove()
            journal.store_recovered()

    async def _insist(self, step: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await step()
            except GatewayError as error:
                if error.failure.code not in _PASSES:
                    raise
                journal.store_trouble(reason=error.failure.sentence)
                await asyncio.sleep(_REACH_AGAIN)
            else:
                return

    async def _write(self, work: Callable[[sa.Connection, float], T]) -> T:
        return await self._store.write(lambda tx: work(tx, self._store.now()))
