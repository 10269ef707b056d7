"""Two nodes on one PostgreSQL at the same instant: what one database thread gave SQLite for free."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from support import moving
from support.submissions import make_submission

from gateway.lifecycle import FaxState, OutboxState, ReceivedState
from gateway.model import Content, MailKind, ReceivedFax, Via, new_id
from gateway.moves import Trigger
from gateway.store import (
    Store,
    attempts,
    documents,
    facts,
    faxes,
    intake,
    mailboxes,
    outbox,
    received,
    tracking,
    views,
)
from gateway.store.received import Delivery
from gateway.store.tracking import GivesBack

pytestmark = pytest.mark.peer("postgresql")
T = TypeVar("T")
ONE, TWO = "+15552341234", "+15552341235"


async def at_once(
    nodes: tuple[Store, Store], *works: Callable[[sa.Connection], T]
) -> list[T | BaseException]:
    """Run the works on the nodes in turn, so that each has done its work before any of them commits.

    A work that waits for another's row is let go on by that one's commit.
    """
    done = asyncio.Semaphore(0)
    loop, gate = asyncio.get_running_loop(), asyncio.Event()

    def held(work: Callable[[sa.Connection], T]) -> Callable[[sa.Connection], T]:
        def run(tx: sa.Connection) -> T:
            try:
                return work(tx)
            finally:
                loop.call_soon_threadsafe(done.release)
                asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(10)

        return run

    tasks = []
    async with asyncio.timeout(30):
        for index, work in enumerate(works):
            tasks.append(asyncio.ensure_future(nodes[index % len(nodes)].write(held(work))))
            while await _waiting(nodes[0]) + done._value < len(tasks):  # it is before its commit, or waits
                await asyncio.sleep(0.01)
    gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def _waiting(store: Store) -> int:
    """Sessions that wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    count: int = await store.read(lambda tx: tx.exec_driver_sql(query).scalar_one())
    return count


def accepting(**changes: Any) -> Callable[[sa.Connection], intake.Accepted]:
    numbers = changes.pop("numbers", [ONE])
    mail = make_submission(**changes)
    return lambda tx: intake.accept(tx, mail, numbers, now=1000, deadline=9e9, window=600)


async def test_the_same_mail_to_two_nodes_is_one_fax(nodes: tuple[Store, Store]) -> None:
    first, second = await at_once(nodes, accepting(), accepting())
    assert isinstance(first, intake.Accepted)
    assert isinstance(second, intake.Accepted)
    assert first.id == second.id
    assert len(first.faxes + second.faxes) == 1
    assert len(await nodes[0].read(views.queue_list)) == 1


async def test_mails_with_the_same_numbers_in_another_order_do_not_block_each_other(
    nodes: tuple[Store, Store],
) -> None:
    works = [accepting(numbers=numbers) for numbers in ([ONE, TWO], [TWO, ONE]) * 4]
    results = await asyncio.gather(*(nodes[n % 2].write(work) for n, work in enumerate(works)))
    assert sum(len(accepted.faxes) for accepted in results) == 2


async def test_a_notice_is_queued_once(nodes: tuple[Store, Store]) -> None:
    def queue(tx: sa.Connection) -> bool:
        return outbox.queue(tx, key="k", kind=MailKind.ALERT, recipient="a@b.example", facts={}, now=1)

    assert sorted(await at_once(nodes, queue, queue)) == [False, True]  # type: ignore[type-var]


async def test_a_fact_and_a_mark_are_put_by_both(nodes: tuple[Store, Store]) -> None:
    assert await at_once(nodes, *[lambda tx: facts.put(tx, "k", 1)] * 2) == [None, None]
    mark = lambda tx: mailboxes.set_mark(tx, "a", "INBOX", uidvalidity=1, high_water=2)  # noqa: E731
    assert await at_once(nodes, mark, mark) == [None, None]


async def test_what_the_provider_gives_back_is_known_to_all(nodes: tuple[Store, Store]) -> None:
    one, other = nodes
    as_sent, redrawn, unlike = GivesBack
    assert await other.read(tracking.gives_back) is None
    for told, known in (
        (redrawn, redrawn),
        (as_sent, as_sent),
        (redrawn, as_sent),
        (unlike, unlike),
        (redrawn, unlike),
        (as_sent, as_sent),
    ):
        await one.write(lambda tx, told=told: tracking.learn(tx, told))  # type: ignore[misc]
        assert await other.read(tracking.gives_back) is known


async def test_a_received_fax_is_seen_once(nodes: tuple[Store, Store]) -> None:
    def see(tx: sa.Connection) -> list[str]:
        return received.see(tx, [a_received_fax()], now=1)

    first, second = await at_once(nodes, see, see)
    assert [] in (first, second)
    assert len(await nodes[0].read(views.inbox_list)) == 1


def a_received_fax() -> ReceivedFax:
    return ReceivedFax(
        id=new_id(),
        provider_id="77",
        did="5552341234",
        caller="5550000000",
        caller_name="",
        station_id="",
        pages=1,
        seconds=9,
        received_at=1.0,
        folder="INBOX",
        state=ReceivedState.SEEN,
    )


async def test_the_last_two_mails_of_a_received_fax_leave_together(nodes: tuple[Store, Store]) -> None:
    store = nodes[0]
    (fax_id,) = await store.write(lambda tx: received.see(tx, [a_received_fax()], now=1))
    (fax,) = await store.write(lambda tx: received.claim(tx, owner="t", now=2, seconds=9, limit=1))
    await store.write(
        lambda tx: received.fetched(tx, fax, content=Content(size=1, data=b"x"), digest="d", now=2)
    )
    (fax,) = await store.write(lambda tx: received.claim(tx, owner="t", now=3, seconds=9, limit=1))
    two = [Delivery(recipient=f"{name}@example.com", via=Via.SMTP) for name in "ab"]
    await store.write(lambda tx: received.routed(tx, fax, two, now=3))
    mails = await store.write(lambda tx: outbox.claim(tx, owner="t", now=4, seconds=9, limit=2))

    def leaving(mail: Any) -> Callable[[sa.Connection], None]:
        def leave(tx: sa.Connection) -> None:
            outbox.move(tx, mail, OutboxState.SENT, Trigger.TAKEN, now=5)
            received.mail_left(tx, mail, OutboxState.SENT, now=5)

        return leave

    assert await at_once(nodes, *map(leaving, mails)) == [None, None]
    assert (await store.read(lambda tx: received.get(tx, fax_id))).state is ReceivedState.MAILED


async def ready_faxes(store: Store, *numbers: str) -> list[str]:
    """Faxes whose pages are made."""
    ids = []
    for number in numbers:
        accepted = await store.write(accepting(message_id=f"<{new_id()}>", numbers=[number]))
        ids += accepted.faxes
    works = await store.write(
        lambda tx: documents.claim(tx, owner="t", now=1000, seconds=9, limit=99, idle=True)
    )
    for work in works:
        await store.write(
            lambda tx, work=work: documents.ready(
                tx,
                work.document,
                content=Content(size=1, data=b"x"),
                pages=1,
                digest="d",
                page_digests=["1"],
                notes=[],
                now=1000,
            )
        )
    return ids


def claiming(limit: int = 99) -> Callable[[sa.Connection], list[faxes.Work]]:
    return lambda tx: faxes.claim(tx, owner="t", now=2000, seconds=50, limit=limit)


async def test_claims_skip_what_another_node_is_claiming(nodes: tuple[Store, Store]) -> None:
    ids = await ready_faxes(nodes[0], *(f"+1555234{n:04}" for n in range(6)))
    first, second = await at_once(nodes, claiming(3), claiming(3))
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert sorted(work.fax.id for work in first + second) == sorted(ids)


async def test_one_line_is_taken_once(nodes: tuple[Store, Store]) -> None:
    await ready_faxes(nodes[0], ONE, ONE)
    works = []
    for node in nodes:  # each got one of them, because neither had seen the other's claim
        works += await node.write(lambda tx: faxes.claim(tx, owner="t", now=2000, seconds=50, limit=1))
    assert len(works) == 2

    def beginning(work: faxes.Work) -> Callable[[sa.Connection], object]:
        return lambda tx: attempts.begin(
            tx, work.fax, token="T", deadline=9e9, snapshot=[], digest="d", lease=50, now=2000
        )

    results = await at_once(nodes, *map(beginning, works))
    assert sum(isinstance(result, faxes.LineTakenError) for result in results) == 1
    states = [row["state"] for row in await nodes[0].read(views.queue_list)]
    assert sorted(states) == [FaxState.ACCEPTED, FaxState.SUBMITTING]


async def test_an_outcome_and_a_rescue_at_the_same_instant_lose_neither(nodes: tuple[Store, Store]) -> None:
    await ready_faxes(nodes[0], ONE)
    (work,) = await nodes[0].write(claiming())
    attempt = await nodes[0].write(
        lambda tx: attempts.begin(
            tx, work.fax, token="T", deadline=2001, snapshot=[], digest="d", lease=1, now=2000
        )
    )
    rescue = lambda tx: attempts.rescue(tx, now=3000, calling=())  # noqa: E731
    end = lambda tx: attempts.end(tx, attempt, "success", FaxState.SENT, Trigger.SUCCESS, now=3000)  # noqa: E731
    rescued, state = await at_once(nodes, rescue, end)
    assert rescued == [work.fax.id]
    assert state is FaxState.SENT
    assert (await nodes[0].read(lambda tx: faxes.get(tx, work.fax.id))).state is FaxState.SENT


async def test_two_people_send_a_fax_again_and_it_goes_once(nodes: tuple[Store, Store]) -> None:
    (fax_id,) = await ready_faxes(nodes[0], ONE)
    fax = await nodes[0].read(lambda tx: faxes.get(tx, fax_id))
    await nodes[0].write(lambda tx: moving.move(tx, fax, FaxState.FAILED, now=2000))

    def again(tx: sa.Connection) -> str | None:
        failed = faxes.get(tx, fax_id)
        if faxes.successor(tx, failed) is not None:
            return None
        return faxes.again(tx, failed, now=2001, deadline=9e9, by="anna")

    results = await at_once(nodes, again, again)
    assert sorted(results, key=str) == [f"{fax_id[:-1]}2", None]


async def test_a_fax_expires_once(nodes: tuple[Store, Store]) -> None:
    (fax_id,) = await ready_faxes(nodes[0], ONE)
    expire = lambda tx: [fax.id for fax in faxes.expire(tx, now=9.1e9)]  # noqa: E731
    assert [fax_id] in (results := await at_once(nodes, expire, expire))
    assert [] in results


async def test_a_cancel_during_the_refusal_of_the_pages_stops_neither(nodes: tuple[Store, Store]) -> None:
    (accepted,) = [await nodes[0].write(accepting(numbers=[ONE, TWO]))]
    (work,) = await nodes[0].write(
        lambda tx: documents.claim(tx, owner="t", now=1000, seconds=9, limit=1, idle=True)
    )

    def cancel(tx: sa.Connection) -> None:
        fax = faxes.get(tx, accepted.faxes[0], lock=True)
        moving.move(tx, fax, FaxState.CANCELLED, now=1001)

    refuse = lambda tx: documents.refused(tx, work.document, documents.POISONOUS, Trigger.DEATHS, now=1001)  # noqa: E731
    assert await at_once(nodes, cancel, refuse) == [None, None]
    states = {
        row["id"]: row["state"]
        for row in await nodes[0].read(lambda tx: views.queue_list(tx, everything=True))
    }
    assert states == {accepted.faxes[0]: FaxState.CANCELLED, accepted.faxes[1]: FaxState.FAILED}


async def test_a_deadlock_costs_nobody_anything(nodes: tuple[Store, Store]) -> None:
    for key in "ab":
        await nodes[0].write(lambda tx, key=key: facts.put(tx, key, 0))
    begun = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def both(*keys: str) -> Callable[[sa.Connection], None]:
        def work(tx: sa.Connection) -> None:
            facts.put(tx, keys[0], 1)
            loop.call_soon_threadsafe(begun.release)
            tx.exec_driver_sql("SELECT pg_sleep(0.2)")
            facts.put(tx, keys[1], 1)

        return work

    await asyncio.gather(nodes[0].write(both("a", "b")), nodes[1].write(both("b", "a")))
    assert await nodes[0].read(lambda tx: [facts.get(tx, key) for key in "ab"]) == [1, 1]


async def test_text_with_a_nul_is_stored(nodes: tuple[Store, Store]) -> None:
    accepted = await nodes[0].write(accepting(subject="a\0b"))
    shown = await nodes[1].read(lambda tx: views.queue_show(tx, accepted.faxes[0]))
    assert shown is not None
    assert shown["subject"] == "a\ufffdb"
