"""What one node does at a time, whose leases a node takes back, and by which clock."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.postgres import Cluster
from support.submissions import make_submission

from gateway.errors import GatewayError
from gateway.lifecycle import DocumentState
from gateway.model import Content
from gateway.store import Store, attempts, documents, duties, facts, faxes, intake, leases, node, tables
from gateway.store.clock import SharedClock
from gateway.store.duties import DutyLostError


async def take(store: Store, owner: str, now: float) -> int | None:
    return await store.write(lambda tx: duties.take(tx, "poll", owner=owner, now=now, seconds=15))


async def test_a_duty_is_one_owners_until_it_is_silent_or_lets_go(store: Store) -> None:
    assert await take(store, "a", 100) == 1
    assert await take(store, "b", 110) is None
    assert await take(store, "a", 112) == 1
    assert await take(store, "b", 126) is None
    assert await take(store, "b", 128) == 2
    assert await take(store, "a", 129) is None
    await store.write(lambda tx: duties.release(tx, "poll", owner="a"))
    assert await take(store, "a", 130) is None
    await store.write(lambda tx: duties.release(tx, "poll", owner="b"))
    assert await take(store, "a", 131) == 3


async def test_who_was_relieved_writes_nothing(store: Store) -> None:
    assert await take(store, "a", 100) == 1

    def guarded(owner: str, fence: int) -> Store:
        return store.guarded(lambda tx: duties.guard(tx, "poll", owner=owner, fence=fence))

    await guarded("a", 1).write(lambda tx: facts.put(tx, "k", "a"))
    assert await take(store, "b", 200) == 2
    with pytest.raises(DutyLostError):
        await guarded("a", 1).write(lambda tx: facts.put(tx, "k", "late"))
    await guarded("b", 2).write(lambda tx: facts.put(tx, "k", facts.get(tx, "k") + "b"))
    assert await store.read(lambda tx: facts.get(tx, "k")) == "ab"


async def lease_one_of_each(store: Store, owner: str, number: str) -> tuple[str, str]:
    """A Fax in a call, and a Document being rendered, both of `owner`."""
    ids = []
    for message_id in (f"<{owner}1>", f"<{owner}2>"):
        mail = make_submission(message_id=message_id)
        accepted = await store.write(
            lambda tx, mail=mail: intake.accept(tx, mail, [number], now=1000, deadline=9e9, window=600)
        )
        ids.append(accepted.faxes[0])
        (work,) = await store.write(
            lambda tx: documents.claim(tx, owner=owner, now=1000, seconds=99, limit=1, idle=True)
        )
        if len(ids) == 1:
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
            (fax,) = await store.write(lambda tx: faxes.claim(tx, owner=owner, now=1000, seconds=99, limit=9))
            await store.write(
                lambda tx, fax=fax: attempts.begin(
                    tx, fax.fax, token="T", deadline=5000, snapshot=[], digest="d", lease=99, now=1000
                )
            )
    return ids[0], work.document.id


async def test_a_starting_node_takes_back_its_own_leases_only(store: Store) -> None:
    # Names that would match each other as patterns.
    mine = await lease_one_of_each(store, "a_b.1:77-1", "+15552340001")
    theirs = await lease_one_of_each(store, "axb.1:78-1", "+15552340002")
    await store.write(lambda tx: attempts.orphan(tx, now=1001, longest_call=30, node="a_b.1"))
    await store.write(lambda tx: leases.reclaim(tx, node="a_b.1"))
    assert await store.write(lambda tx: documents.recover(tx, now=1001, node="a_b.1")) == 1
    overdue = await store.read(lambda tx: attempts.overdue(tx, now=1032))
    assert [fax.id for fax in overdue] == [mine[0]]
    query = sa.select(tables.document.c.id).where(tables.document.c.lease_owner.is_not(None))
    assert await store.read(lambda tx: list(tx.scalars(query))) == [theirs[1]]
    assert (await store.read(lambda tx: faxes.get(tx, theirs[0]))).lease_until == 1099


async def test_a_document_whose_node_never_came_back_is_rendered_alone(store: Store) -> None:
    mail = make_submission()
    await store.write(lambda tx: intake.accept(tx, mail, ["+15552340001"], now=1000, deadline=9e9, window=1))

    async def claim(owner: str, now: float, idle: bool) -> list[documents.Work]:
        return await store.write(
            lambda tx: documents.claim(tx, owner=owner, now=now, seconds=50, limit=9, idle=idle)
        )

    assert len(await claim("dead", 1000, False)) == 1
    assert await claim("b", 1049, True) == []
    assert await claim("b", 1051, False) == []  # it may have killed the other one
    assert len(await claim("b", 1051, True)) == 1
    other = make_submission(message_id="<other>")
    await store.write(lambda tx: intake.accept(tx, other, ["+15552340002"], now=1000, deadline=9e9, window=1))
    assert await claim("b", 1052, False) == []  # it runs alone there
    assert len(await claim("c", 1052, False)) == 1  # and holds up nobody elsewhere


def test_the_clock_goes_on_between_readings_and_believes_quick_ones() -> None:
    ticks = iter([10.0, 10.02, 11.0, 20.0, 25.0, 26.0, 100.0, 105.0, 105.0])
    clock = SharedClock(ticking=lambda: next(ticks))
    clock.read(lambda: 1000.01)
    assert clock.now() == pytest.approx(1001.0)
    clock.read(lambda: 5000.0)  # took 5 s: it says little
    assert clock.now() == pytest.approx(1016.0)
    clock.read(lambda: 2000.0)  # took 5 s, but the last good one is old
    assert clock.now() == pytest.approx(2002.5)


@pytest.mark.peer("postgresql")
async def test_a_node_goes_by_the_databases_clock(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = time.time()
    monkeypatch.setattr(time, "time", lambda: right + 86400)
    store = Store(tmp_path / "state", url=database)
    store.open()
    try:
        assert store.now() == pytest.approx(right, abs=60)
    finally:
        store.close()


def test_a_state_directory_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = node.identity(tmp_path, "a")
    assert node.identity(tmp_path, "a") == first
    assert node.identity(tmp_path, "").partition(".")[2] != ""
    assert node.identity(tmp_path / "other", "a") != first


@pytest.mark.peer("postgresql")
async def test_two_processes_of_one_name_are_not_let_in(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_PATIENCE", 0.3)
    first = Store(tmp_path / "a", url=database, node="n")
    second = Store(tmp_path / "b", url=database, node="n")
    third = Store(tmp_path / "c", url=database, node="m")
    first.open()
    with pytest.raises(GatewayError, match=r"as node n\. Stop it, or"):
        await asyncio.to_thread(second.open)
    second.close()
    third.open()
    third.close()
    first.close()
    again = Store(tmp_path / "b", url=database, node="n")
    again.open()
    again.close()


@pytest.mark.peer("postgresql")
async def test_a_node_keeps_its_name_over_a_restart_of_the_server_and_ends_when_it_is_taken(
    tmp_path: Path, cluster: Cluster, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_BEAT", 0.05)
    monkeypatch.setattr(node, "_PATIENCE", 0.3)
    first = Store(tmp_path / "a", url=database, node="n")
    first.open()
    watching = asyncio.ensure_future(first.watch())

    name = database.rpartition("/")[2]

    def holder() -> object:
        rows = cluster.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            name,
        )
        return rows[0][0] if rows else None

    async def until(condition: Callable[[], object]) -> object:
        async with asyncio.timeout(30):
            while not (found := await asyncio.to_thread(condition)):
                await asyncio.sleep(0.05)
        return found

    await asyncio.to_thread(cluster.stop)
    await asyncio.to_thread(cluster.start)
    pid = await until(holder)
    assert not watching.done()

    taking = asyncio.ensure_future(
        asyncio.to_thread(
            cluster.execute, "SELECT pg_advisory_lock(hashtextextended('node n', 0)), pg_sleep(5)", name
        )
    )
    await until(lambda: cluster.execute("SELECT 1 FROM pg_locks WHERE NOT granted", name))
    cluster.execute(f"SELECT pg_terminate_backend({pid})", name)
    with pytest.raises(GatewayError, match="has taken the name"):
        await asyncio.wait_for(watching, 30)
    first.close()
    await taking


async def test_a_mail_that_kills_node_after_node_is_parked_by_those_who_bury_them(store: Store) -> None:
    mail = make_submission(message_id="<poison>")
    await store.write(
        lambda tx: intake.accept(tx, mail, ["+15552341234"], now=1000, deadline=9e9, window=600)
    )
    for killed, node_name in enumerate("abca"):
        owner, now = f"{node_name}:1", 2000.0 + killed
        works = await store.write(
            lambda tx: documents.claim(tx, owner=owner, now=now, seconds=600, limit=9, idle=True)
        )
        assert [work.document.deaths for work in works] == [max(killed - 1, 0)], "the first time not alone"
        alive = duties.of_node(node_name)
        await store.write(lambda tx: duties.take(tx, alive, owner=owner, now=now - 99, seconds=15))
        assert await store.write(lambda tx: duties.bury(tx, node_name, now=now))
    refused = await store.read(lambda tx: documents.of(tx, mail.id))
    assert refused.state is DocumentState.REFUSED
