"""An item whose step met a bug is tried again, then set aside; an outcome waits for the store."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.plans import PATIENCE, plan
from support.submissions import make_submission

from gateway.errors import permanent
from gateway.lifecycle import FaxState, OutboxState, ReceivedState
from gateway.model import MailKind, OutboxMail, ReceivedFax, new_id
from gateway.store import (
    Store,
    StoreUnavailableError,
    documents,
    faxes,
    intake,
    leases,
    outbox,
    received,
    tables,
    views,
)
from gateway.worker import apply, lines
from gateway.worker.crew import Crew
from gateway.worker.outcomes import Accepted, DocumentOutcome, MailOutcome, Refused

POLICY = apply.Policy(plan=plan((10.0,)), patience=PATIENCE, mail_delays=(10.0,), mail_give_up=1e6)


class Rooms:
    """The four lines over one store, with steps that must not be taken here."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.woken = 0
        common = {"owner": "t", "wake": self.wake}
        self.documents = lines.Documents(store, self.step, lease=60, **common)  # type: ignore[arg-type]
        self.faxes = lines.Faxes(
            store,
            self.step,
            policy=POLICY,
            lease=60,
            called=self.wake,
            **common,  # type: ignore[arg-type]
        )
        self.received = lines.Received(store, self.step, policy=POLICY, **common)  # type: ignore[arg-type]
        self.mails = lines.Mails(store, self.accept, policy=POLICY, **common)  # type: ignore[arg-type]

    def wake(self) -> None:
        self.woken += 1

    async def step(self, *_: object) -> None:
        raise AssertionError("no step is taken here")

    async def accept(self, _mail: OutboxMail) -> MailOutcome:
        return Accepted()


@pytest.fixture
def rooms(store: Store) -> Rooms:
    return Rooms(store)


async def a_mail_in(store: Store) -> str:
    accepted = await store.write(
        lambda tx: intake.accept(tx, make_submission(), ["+15552341234"], now=0, deadline=9e9, window=9)
    )
    return accepted.faxes[0]


async def a_mail_out(store: Store) -> None:
    now = time.time()
    await store.write(
        lambda tx: outbox.queue(tx, key="k", kind=MailKind.HELD, recipient="a@b.example", facts={}, now=now)
    )


async def test_a_document_is_refused_after_three_strikes(rooms: Rooms) -> None:
    fax_id = await a_mail_in(rooms.store)
    for strike in (1, 2, 3):
        await rooms.store.write(lambda tx: tx.execute(sa.update(tables.document).values(run_at=0)))
        (work,) = await rooms.documents.claim(5, idle=True, in_hand=())
        await rooms.documents.recover(work, strike)
    assert (await rooms.store.read(lambda tx: faxes.get(tx, fax_id))).state is FaxState.FAILED


async def test_a_fax_fails_after_three_strikes_but_not_once_a_call_was_begun(rooms: Rooms) -> None:
    fax_id = await a_mail_in(rooms.store)
    await rooms.store.write(
        lambda tx: tx.execute(sa.update(tables.fax).values(run_at=0).where(tables.fax.c.id == fax_id))
    )
    (work,) = await rooms.faxes.claim(5, idle=True, in_hand=())
    await rooms.faxes.recover(work, 1)
    again = await rooms.store.read(lambda tx: faxes.get(tx, fax_id))
    assert (again.state, again.lease_until) == (FaxState.ACCEPTED, None)
    assert again.run_at is not None
    await rooms.store.write(lambda tx: tx.execute(sa.update(tables.fax).values(run_at=0)))
    (work,) = await rooms.faxes.claim(5, idle=True, in_hand=())
    await rooms.faxes.recover(work, 3)
    assert (await rooms.store.read(lambda tx: faxes.get(tx, fax_id))).state is FaxState.FAILED

    await rooms.store.write(
        lambda tx: tx.execute(sa.update(tables.fax).values(state=FaxState.SUBMITTING, lease_owner="t"))
    )
    await rooms.faxes.recover(work, 3)
    assert (await rooms.store.read(lambda tx: faxes.get(tx, fax_id))).state is FaxState.SUBMITTING


async def test_a_mail_is_given_up_after_three_strikes(rooms: Rooms) -> None:
    await a_mail_out(rooms.store)
    for strike in (0, 1, 2, 3):
        await rooms.store.write(lambda tx: tx.execute(sa.update(tables.outbox).values(run_at=0)))
        (mail,) = [m for m in await rooms.mails.claim(5, idle=True, in_hand=()) if m.key == "k"]
        await rooms.mails.recover(mail, strike)
    row = await rooms.store.read(lambda tx: tx.execute(sa.select(tables.outbox)).first())
    assert row is not None
    assert (row.state, row.attempts) == (OutboxState.FAILED, 3)


async def test_a_received_fax_is_parked_after_three_strikes(rooms: Rooms) -> None:
    fax = ReceivedFax(
        id=new_id(),
        provider_id="9",
        did="",
        caller="",
        caller_name="",
        station_id="",
        pages=1,
        seconds=1,
        received_at=0,
        folder="INBOX",
        state=ReceivedState.SEEN,
    )
    await rooms.store.write(lambda tx: received.see(tx, [fax], now=0))
    for strike in (0, 1, 2, 3):
        await rooms.store.write(lambda tx: tx.execute(sa.update(tables.received).values(run_at=0)))
        (claimed,) = await rooms.received.claim(5, idle=True, in_hand=())
        await rooms.received.recover(claimed, strike)
    (row,) = await rooms.store.read(views.inbox_list)
    assert row["state"] == ReceivedState.PARKED


async def test_an_outcome_is_written_when_the_store_is_back(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_mail_out(rooms.store)
    (mail,) = await rooms.mails.claim(5, idle=True, in_hand=())
    tries = 0
    written = apply.mail

    def full_twice(tx: sa.Connection, *args: object, **kwargs: object) -> OutboxState:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise sa.exc.OperationalError("UPDATE", {}, sqlite3.OperationalError("disk is full"))
        return written(tx, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(apply, "mail", full_twice)
    await rooms.mails.handle(mail)
    assert tries == 3
    row = await rooms.store.read(lambda tx: tx.execute(sa.select(tables.outbox)).one())
    assert row.state == OutboxState.SENT
    assert rooms.woken == 1


async def test_what_is_due_is_told_in_seconds(rooms: Rooms) -> None:
    assert await rooms.documents.due() is None
    await a_mail_in(rooms.store)
    await rooms.store.write(lambda tx: tx.execute(sa.update(tables.document).values(run_at=9e9)))
    assert (await rooms.documents.due() or 0) > 1e6


@pytest.mark.parametrize("committed", [True, False])
async def test_what_a_claim_leased_without_an_answer_is_worked_on_all_the_same(
    rooms: Rooms, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_mail_out(rooms.store)
    write, lost = rooms.store.write, []

    async def answer_lost(verb: Callable[[sa.Connection], object]) -> object:
        if lost:
            return await write(verb)
        lost.append(1)
        if committed:
            await write(verb)
        raise StoreUnavailableError(ConnectionError(), certain=False)

    monkeypatch.setattr(rooms.store, "write", answer_lost)
    crew = Crew(rooms.mails, size=2)
    running = asyncio.create_task(crew.run())

    async def state() -> str:
        query = sa.select(tables.outbox.c.state)
        return str(await rooms.store.read(lambda tx: tx.execute(query).scalar_one()))

    async with asyncio.timeout(20):
        while await state() != OutboxState.SENT:
            crew.wake()
            await asyncio.sleep(0.02)
    crew.close()
    await running
    assert lost


async def test_what_is_in_hand_or_in_a_call_is_not_given_back(store: Store) -> None:
    for number in range(3):
        mail = make_submission(message_id=f"<{number}>")
        await store.write(
            lambda tx, mail=mail, number=number: intake.accept(
                tx, mail, [f"+1555234000{number}"], now=0, deadline=9e9, window=9
            )
        )
    fax = tables.fax
    await store.write(lambda tx: tx.execute(sa.update(fax).values(lease_owner="t", lease_until=9e9)))
    ids = await store.read(lambda tx: list(tx.scalars(sa.select(fax.c.id).order_by(fax.c.id))))
    await store.write(
        lambda tx: tx.execute(sa.update(fax).where(fax.c.id == ids[1]).values(state=FaxState.SUBMITTING))
    )
    await store.write(lambda tx: leases.give_back(tx, fax, owner="t", key=fax.c.id, keep={ids[0]}))
    free = sa.select(fax.c.id).where(fax.c.lease_owner.is_(None))
    assert await store.read(lambda tx: list(tx.scalars(free))) == [ids[2]]


class Clocked(Store):
    """A store whose clock the test sets."""

    time = 1000.0

    def now(self) -> float:
        return self.time


class Slow:
    """A step that ends when it is told to."""

    def __init__(self) -> None:
        self.begun, self.end = asyncio.Semaphore(0), asyncio.Event()
        self.times = 0

    async def __call__(self, work: documents.Work) -> DocumentOutcome:
        self.times += 1
        self.begun.release()
        await self.end.wait()
        return Refused(failure=permanent("5.6.0", "Empty.", code="empty"))


class Kept(lines.Documents):
    """Tells when it looked after its leases."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.looked = asyncio.Event()

    async def keep(self, in_hand: Collection[str]) -> None:
        await super().keep(in_hand)
        self.looked.set()

    async def claim(self, limit: int, *, idle: bool, in_hand: Collection[str]) -> Sequence[documents.Work]:
        works = await super().claim(limit, idle=idle, in_hand=in_hand)
        self.looked.set()
        return works

    async def look(self) -> None:
        """Until it has looked once more."""
        for _ in range(2):  # one may have begun before
            self.looked.clear()
            async with asyncio.timeout(20):
                await self.looked.wait()


async def test_a_lease_lasts_as_long_as_its_step_also_while_draining(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.worker.crew._POLL", 0.01)
    store, step = Clocked(tmp_path / "state"), Slow()
    store.open()
    line = Kept(store, step, lease=60, owner="a:1", wake=lambda: None)
    crew = Crew(line, size=2)
    run = asyncio.ensure_future(crew.run())
    fax_id = await a_mail_in(store)
    crew.wake()
    await step.begun.acquire()
    for draining in (False, True):
        if draining:
            crew.close()
        for _ in range(5):
            store.time += 40
            await line.look()
            others = await store.write(
                lambda tx: documents.claim(tx, owner="b:1", now=store.time, seconds=9, limit=9, idle=True)
            )
            assert others == []
    step.end.set()
    await run
    assert (await store.read(lambda tx: faxes.get(tx, fax_id))).code == "empty"
    store.close()


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
async def test_a_clock_that_is_set_makes_nobody_take_a_step_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    monkeypatch.setattr("gateway.worker.crew._POLL", 0.01)
    store, step = Clocked(tmp_path / "state"), Slow()
    store.time = 1e6
    store.open()
    line = Kept(store, step, lease=60, owner="a:1", wake=lambda: None)
    crew = Crew(line, size=2)
    run = asyncio.ensure_future(crew.run())
    await a_mail_in(store)
    crew.wake()
    await step.begun.acquire()
    store.time += jump
    await line.look()
    row = await store.read(lambda tx: tx.execute(sa.select(tables.document)).one())
    assert (row.suspect, row.lease_until) == (False, store.time + 60)
    step.end.set()
    crew.close()
    await run
    assert step.times == 1
    store.close()


async def test_a_step_that_is_cut_off_is_no_death(tmp_path: Path) -> None:
    store, step = Clocked(tmp_path / "state"), Slow()
    store.open()
    crew = Crew(lines.Documents(store, step, owner="a:1", wake=lambda: None), size=2)
    await a_mail_in(store)
    await store.write(lambda tx: tx.execute(sa.update(tables.document).values(suspect=True, deaths=2)))
    run = asyncio.ensure_future(crew.run())
    await step.begun.acquire()
    crew.close()
    await crew.cancel()
    await run
    assert await store.write(lambda tx: documents.recover(tx, now=2000)) == 0
    row = await store.read(lambda tx: tx.execute(sa.select(tables.document)).one())
    assert (row.state, row.deaths) == ("pending", 2)
    store.close()
