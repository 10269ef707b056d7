"""Removes the content of what is over, a little at a time, so that nobody who writes has to wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Sequence

import sqlalchemy as sa

from gateway import journal
from gateway.store import Store, retention
from gateway.store.retention import Forgotten, Kind

_SLICE = 16
"""Rows that one transaction empties at most; a mail of 50 MB is a hundred more on PostgreSQL."""
_PAGES = 256
"""Pages of SQLite's file that one transaction gives back at most: 1 MB."""
_SLICES = 50
"""Of each kind in one step: a step ends in time for a stop; what is left waits for the next one."""


class Purge:
    """Await `step` every so often. One node at a time does it."""

    def __init__(self, store: Store, *, keep: float) -> None:
        """`keep`: seconds from the end of a fax to the end of its content."""
        self._store = store
        self._keep = keep

    async def step(self) -> None:
        """Forget what is due. Raises `StoreUnavailableError`, and what guards the store."""
        # A clock that is wrong for an hour must not cost the content of a month.
        before = self._store.now() - self._keep
        before -= self._store.skipped(before)
        submissions = await self._forget(retention.SUBMISSIONS, before)
        received = await self._forget(retention.RECEIVED, before)
        if submissions or received:
            journal.purged(submissions=submissions, received=received)
        for _ in range(_SLICES):
            if not await self._store.write(functools.partial(retention.shrink, pages=_PAGES)):
                break

    async def _forget(self, kind: Kind, before: float) -> int:
        count = 0
        for _ in range(_SLICES):
            ids = await self._store.read(
                functools.partial(retention.due, kind=kind, before=before, limit=_SLICE)
            )
            if not ids:
                break
            gone = await self._store.write(functools.partial(self._empty, kind, ids, before))
            await asyncio.to_thread(self._remove, gone.files)
            count += gone.items
            if not gone.items:  # others have them in hand
                break
        return count

    def _empty(self, kind: Kind, ids: Sequence[str], before: float, tx: sa.Connection) -> Forgotten:
        return retention.forget(tx, kind, ids, before=before, now=self._store.now())

    def _remove(self, files: Sequence[tuple[str, str]]) -> None:
        rooms = {room.root.name: room for room in self._store.rooms}
        for room, file in files:
            with contextlib.suppress(OSError):  # no row names it: the sweep at the next start removes it
                rooms[room].discard(file)
