"""The four kinds of work: what to claim, whose step to take, where its outcome is written, who looks next.

A line knows no stage: the step is handed in. What a step brought is written however long the store is not
there, because the word exists only here.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Generic, TypeVar

import sqlalchemy as sa

from gateway import journal
from gateway.lifecycle import SENDABLE, FaxState
from gateway.model import OutboxMail, ReceivedFax
from gateway.store import Store, StoreUnavailableError, documents, faxes, leases, outbox, received, tables
from gateway.worker import apply, story
from gateway.worker.lease import Lease
from gateway.worker.outcomes import (
    DocumentOutcome,
    Later,
    MailOutcome,
    NotCalled,
    Parked,
    ReceivedOutcome,
    RendererDied,
    SubmitOutcome,
    Undeliverable,
)

W = TypeVar("W")
T = TypeVar("T")
R = TypeVar("R")
Outcome = TypeVar("Outcome")

_FIRST_WAIT, _MOST_WAIT = 0.2, 10.0
"""Seconds between tries to write while the store is not there."""
_LEASE = 600.0
"""Seconds that an item is leased for; renewed as long as its step takes, however long that is."""
_AGAIN = 10.0
"""Seconds before an item that met a bug is tried again, times the number of strikes."""


class Line(ABC, Generic[W]):
    """One kind of work. `wake` is called when a step may have made work for others."""

    name: str
    key: sa.Column[str]
    """Where `name_of` is in the table."""

    def __init__(self, store: Store, *, owner: str, wake: Callable[[], None], lease: float = _LEASE) -> None:
        self._store = store
        self._owner = owner
        self._wake = wake
        self._lease = lease
        self._kept = store.now()

    async def claim(self, limit: int, *, idle: bool, in_hand: Collection[str]) -> Sequence[W]:
        """Lease up to `limit` items that are due; `idle` means that no step of this line is under way.

        First the leases of what is `in_hand` are renewed, if that is due or the clock was set: it must not be
        taken up a second time.
        """

        def work(tx: sa.Connection) -> Sequence[W]:
            now = self._store.now()
            self._renew(tx, in_hand, now)
            return self._claim(tx, now, limit, idle=idle)

        return await self._store.write(work)

    @abstractmethod
    def _claim(self, tx: sa.Connection, now: float, limit: int, *, idle: bool) -> Sequence[W]:
        """Ask the store."""

    @abstractmethod
    async def due(self) -> float | None:
        """Seconds until the next item that waits for its time."""

    @abstractmethod
    def name_of(self, work: W) -> str:
        """The item, for the log."""

    async def keep(self, in_hand: Collection[str]) -> None:
        """Renew the leases of what is worked on, once a third of them has passed."""
        if in_hand and not self._is_fresh(self._store.now()):
            await self._store.write(lambda tx: self._renew(tx, in_hand, self._store.now()))

    def _renew(self, tx: sa.Connection, in_hand: Collection[str], now: float) -> None:
        if in_hand and self._is_fresh(now):
            return
        if in_hand:
            leases.renew(
                tx, self._table, owner=self._owner, key=self.key, keep=in_hand, until=now + self._lease
            )
        self._kept = now

    def _is_fresh(self, now: float) -> bool:
        """Less than a third has passed since all leases were kept, and the clock was not set back."""
        return 0 <= now - self._kept < self._lease / 3

    async def give_back(self, in_hand: Collection[str]) -> None:
        """Free what is leased but for `in_hand`: what a claim without an answer took, or steps cut off."""
        await self._store.write(
            lambda tx: leases.give_back(tx, self._table, owner=self._owner, key=self.key, keep=in_hand)
        )

    @property
    def _table(self) -> sa.Table:
        table = self.key.table
        assert isinstance(table, sa.Table)
        return table

    @abstractmethod
    async def handle(self, work: W) -> None:
        """Take one step and write its outcome."""

    @abstractmethod
    async def recover(self, work: W, strikes: int) -> None:
        """Give an item back whose step could not be finished.

        `strikes` 0: the store was not there. Else a bug struck it so often; at `apply.STRIKES` it is set
        aside.
        """

    async def _until_due(self, next_due: Callable[..., float | None]) -> float | None:
        now = self._store.now()
        due = await self._store.read(lambda tx: next_due(tx, now=now))
        return None if due is None else due - now

    async def _insist(self, work: Callable[[sa.Connection, float], T]) -> T:
        wait = _FIRST_WAIT
        while True:
            try:
                return await self._store.write(lambda tx: work(tx, self._store.now()))
            except StoreUnavailableError as error:
                journal.store_trouble(reason=error.failure.code)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _MOST_WAIT)

    async def _release(self, table: sa.Table, id_: object, fence: int, strikes: int) -> None:
        later = strikes * _AGAIN
        await self._insist(
            lambda tx, now: leases.release(
                tx, table, id_, fence=fence, run_at=now + later if strikes else None
            )
        )


class Documents(Line[documents.Work]):
    """Mails that become pages."""

    name = "document"
    key = tables.document.c.id

    def __init__(
        self,
        store: Store,
        step: Callable[[documents.Work], Awaitable[DocumentOutcome]],
        *,
        owner: str,
        wake: Callable[[], None],
        lease: float = _LEASE,
    ) -> None:
        super().__init__(store, owner=owner, wake=wake, lease=lease)
        self._step = step

    def _claim(self, tx: sa.Connection, now: float, limit: int, *, idle: bool) -> Sequence[documents.Work]:
        return documents.claim(tx, owner=self._owner, now=now, seconds=self._lease, limit=limit, idle=idle)

    async def due(self) -> float | None:
        return await self._until_due(documents.next_due)

    def name_of(self, work: documents.Work) -> str:
        return work.document.id

    async def handle(self, work: documents.Work) -> None:
        await self._write(work, await self._step(work))

    async def recover(self, work: documents.Work, strikes: int) -> None:
        if strikes:
            await self._write(work, RendererDied(failure=apply.CRASHED))
        else:
            await self._release(tables.document, work.document.id, work.document.fence, 0)

    async def _write(self, work: documents.Work, outcome: DocumentOutcome) -> None:
        await self._insist(lambda tx, now: apply.document(tx, work, outcome, now=now))
        story.document(work, outcome)
        self._wake()


class Faxes(Line[faxes.Work]):
    """Faxes that are handed to the provider."""

    name = "submit"
    key = tables.fax.c.id

    def __init__(
        self,
        store: Store,
        step: Callable[[faxes.Work, Lease], Awaitable[SubmitOutcome]],
        *,
        policy: apply.Policy,
        lease: float,
        owner: str,
        wake: Callable[[], None],
        called: Callable[[], None],
    ) -> None:
        """`called`: the SENT folder has something to tell."""
        super().__init__(store, owner=owner, wake=wake, lease=lease)
        self._step = step
        self._policy = policy
        self._called = called
        self.calling: set[str] = set()
        """Faxes whose step is under way in this process: it will bring their word itself."""

    def _claim(self, tx: sa.Connection, now: float, limit: int, *, idle: bool) -> Sequence[faxes.Work]:
        return faxes.claim(tx, owner=self._owner, now=now, seconds=self._lease, limit=limit)

    async def due(self) -> float | None:
        return await self._until_due(faxes.next_due)

    def name_of(self, work: faxes.Work) -> str:
        return work.fax.id

    async def handle(self, work: faxes.Work) -> None:
        lease = Lease.lasting((work.fax.lease_until or 0.0) - self._store.now())
        self.calling.add(work.fax.id)
        try:
            outcome = await self._step(work, lease)
            state = await self._insist(lambda tx, now: apply.submit(tx, work, outcome, self._policy, now=now))
        finally:
            self.calling.discard(work.fax.id)
        story.submit(work, outcome, state)
        self._wake()
        if state in (FaxState.SENT, FaxState.UNKNOWN):
            self._called()

    async def recover(self, work: faxes.Work, strikes: int) -> None:
        current = await self._insist(lambda tx, _: faxes.get(tx, work.fax.id))
        if current.fence != work.fax.fence or current.state not in SENDABLE:
            return  # a call may have been made: only the SENT folder knows, and the rescue will ask it
        if strikes < apply.STRIKES:
            await self._release(tables.fax, work.fax.id, work.fax.fence, strikes)
            return
        outcome = NotCalled(failure=apply.SET_ASIDE)
        await self._insist(lambda tx, now: apply.submit(tx, work, outcome, self._policy, now=now))
        self._wake()


class _Repeated(Line[R], Generic[R, Outcome]):
    """Work whose step does no harm when it is taken again; its row counts the tries."""

    def __init__(
        self,
        store: Store,
        step: Callable[[R], Awaitable[Outcome]],
        *,
        policy: apply.Policy,
        owner: str,
        wake: Callable[[], None],
    ) -> None:
        super().__init__(store, owner=owner, wake=wake)
        self._step = step
        self._policy = policy

    async def handle(self, work: R) -> None:
        await self._write(work, await self._step(work))

    @abstractmethod
    async def _write(self, work: R, outcome: Outcome) -> None:
        """Write what the step came to."""


class Received(_Repeated[ReceivedFax, ReceivedOutcome]):
    """Received faxes on their way to a mailbox."""

    name = "receive"
    key = tables.received.c.id

    def _claim(self, tx: sa.Connection, now: float, limit: int, *, idle: bool) -> Sequence[ReceivedFax]:
        return received.claim(tx, owner=self._owner, now=now, seconds=self._lease, limit=limit)

    async def due(self) -> float | None:
        return await self._until_due(received.next_due)

    def name_of(self, work: ReceivedFax) -> str:
        return work.id

    async def recover(self, work: ReceivedFax, strikes: int) -> None:
        if not strikes:
            await self._release(tables.received, work.id, work.fence, 0)
        elif strikes < apply.STRIKES:
            await self._write(work, Later(failure=apply.CRASHED))
        else:
            await self._write(work, Parked(reason=apply.SET_ASIDE.sentence, code=apply.SET_ASIDE.code))

    async def _write(self, work: ReceivedFax, outcome: ReceivedOutcome) -> None:
        await self._insist(lambda tx, now: apply.received_fax(tx, work, outcome, self._policy, now=now))
        story.received_fax(work, outcome)
        self._wake()


class Mails(_Repeated[OutboxMail, MailOutcome]):
    """Receipts, notices and received faxes on their way out."""

    name = "mail"
    key = tables.outbox.c.key

    def _claim(self, tx: sa.Connection, now: float, limit: int, *, idle: bool) -> Sequence[OutboxMail]:
        return outbox.claim(tx, owner=self._owner, now=now, seconds=self._lease, limit=limit)

    async def due(self) -> float | None:
        return await self._until_due(outbox.next_due)

    def name_of(self, work: OutboxMail) -> str:
        return work.key

    async def recover(self, work: OutboxMail, strikes: int) -> None:
        if not strikes:
            await self._release(tables.outbox, work.id, work.fence, 0)
        elif strikes < apply.STRIKES:
            await self._write(work, Later(failure=apply.CRASHED))
        else:
            await self._write(work, Undeliverable(failure=apply.SET_ASIDE))

    async def _write(self, work: OutboxMail, outcome: MailOutcome) -> None:
        state = await self._insist(lambda tx, now: apply.mail(tx, work, outcome, self._policy, now=now))
        story.mail(work, outcome, state)
        self._wake()
