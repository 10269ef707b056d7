"""Asks from time to time whether what makes the queue wait is over, by a call that does no harm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import sqlalchemy as sa

from gateway import journal
from gateway.model import MailKind
from gateway.pause import Patience, Pause, Why
from gateway.store import Store, outbox, pauses


class Probe:
    """Ends a pause of the queue. On several nodes one asks at a time."""

    def __init__(
        self,
        store: Store,
        *,
        ask: Callable[[], Awaitable[Decimal]],
        patience: Patience,
        least: Decimal,
        tell_after: float,
    ) -> None:
        """`ask` returns the account's money, or raises `GatewayError` while nothing works.

        Below `least` a queue that waits for money goes on waiting. After `tell_after` seconds of an outage
        the administrator is told.
        """
        self._store = store
        self._ask = ask
        self._patience = patience
        self._least = least
        self._tell_after = tell_after

    async def step(self) -> bool:
        """Look, and ask if it is time to; whether faxes may be sent again now."""
        pause = await self._store.read(pauses.stored)
        if pause is None:
            journal.queue_resumed()
            return False
        journal.queue_paused(reason=pause.code)
        if pause.why is Why.DAY_LIMIT:
            over = await self._store.write(lambda tx: pauses.end_day_limit(tx, now=self._store.now()))
            return self._resumed(over is not None)
        if self._store.now() < pause.until:
            return False
        if not await self._store.write(lambda tx: self._to_ask(tx, now=self._store.now())):
            return False
        money = await self._ask()
        if pause.why is Why.MONEY and money < self._least:
            return False
        return self._resumed(await self._store.write(lambda tx: pauses.end(tx, since=pause.since)))

    def _to_ask(self, tx: sa.Connection, *, now: float) -> bool:
        pause = pauses.to_ask(tx, self._patience, now=now)
        if pause is not None and pause.why is Why.PROVIDER and now - pause.since >= self._tell_after:
            _tell(tx, pause, now)
        return pause is not None

    def _resumed(self, over: bool) -> bool:
        if over:
            journal.queue_resumed()
        return over


def _tell(tx: sa.Connection, pause: Pause, now: float) -> None:
    outbox.queue(
        tx,
        key=f"alert:outage:{pause.since:.0f}",
        kind=MailKind.ALERT,
        recipient=outbox.ADMIN,
        facts={"about": "outage", "reason": pause.reason, "code": pause.code},
        now=now,
    )
