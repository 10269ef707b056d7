"""Writes what the tracker found at the provider, and compares the clocks on the way."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa

from gateway import journal
from gateway.lifecycle import FaxState
from gateway.store import Store, leases
from gateway.worker import apply, story
from gateway.worker.outcomes import Tracked


class Tracking:
    """Await `step` every so often. `wake` is called after each commit."""

    def __init__(
        self,
        store: Store,
        *,
        look: Callable[[], Awaitable[Sequence[Tracked]]],
        told: Callable[[], float | None],
        skew: float,
        policy: apply.Policy,
        wake: Callable[[], None],
    ) -> None:
        """`look` returns the news; `told` is the provider's clock, epoch seconds, which may be `skew` off."""
        self._store = store
        self._look = look
        self._told = told
        self._skew = skew
        self._policy = policy
        self._wake = wake

    async def step(self) -> None:
        """Look, and write what is new. Raises what `look` raises, `StoreUnavailableError`."""
        for news in await self._look():
            try:
                state = await self._store.write(functools.partial(self._apply, news))
            except leases.StaleError:
                continue  # it moved while we read the SENT folder; the next round sees it as it is
            story.tracked(news, state)
            self._wake()
        self._compare_clocks()

    def _apply(self, news: Tracked, tx: sa.Connection) -> FaxState:
        return apply.tracked(tx, news, self._policy, now=self._store.now())

    def _compare_clocks(self) -> None:
        told = self._told()
        ahead = 0.0 if told is None else self._store.now() - told
        if abs(ahead) > self._skew:
            journal.clock_trouble(reason="ahead" if ahead > 0 else "behind")
        else:
            journal.clock_recovered()
