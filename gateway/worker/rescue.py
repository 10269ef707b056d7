"""Ends what nobody else will end: calls whose process is gone, and faxes that were not sent in their time."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gateway.store import Store, attempts, faxes
from gateway.worker import story


class Rescue:
    """Await `step` every so often."""

    def __init__(
        self,
        store: Store,
        *,
        calling: Callable[[], Collection[str]],
        rescued: Callable[[], None],
        expired: Callable[[], None],
    ) -> None:
        """`calling`: ids of the faxes that this process is submitting; what it is doing needs no rescue."""
        self._store = store
        self._calling = calling
        self._rescued = rescued
        self._expired = expired

    async def step(self) -> None:
        """Calls that cannot be running any more become unknown; what was not sent in its time fails."""
        now = self._store.now()
        calling = frozenset(self._calling())
        overdue = await self._store.read(lambda tx: attempts.overdue(tx, now=now))
        if any(fax.id not in calling for fax in overdue):
            await self._store.write(lambda tx: attempts.rescue(tx, now=self._store.now(), calling=calling))
            self._rescued()
        if await self._store.read(lambda tx: faxes.late(tx, now=now)):
            for fax in await self._store.write(lambda tx: faxes.expire(tx, now=self._store.now())):
                story.late(fax)
            self._expired()
