"""Of two nodes one attends to a thing; the other takes over when it is silent, at once when it lets go."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.submissions import make_submission

from gateway.store import Store, documents, facts, intake
from gateway.store.duties import DutyLostError
from gateway.worker import duty
from gateway.worker.duty import Duties, Duty


class Node:
    """One node with one duty, renewed by hand."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.duties = Duties(store, owner=name)
        self.changes = 0
        self.duty: Duty = self.duties.duty("poll", changed=self._changed)

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
async def nodes(tmp_path: Path, database: str) -> AsyncIterator[tuple[Node, Node]]:
    stores = Store(tmp_path / "a", url=database), Store(tmp_path / "b", url=database)
    for store in stores:
        store.open()
    yield Node(stores[0], "a"), Node(stores[1], "b")
    for store in stores:
        store.close()


@pytest.mark.peer("postgresql")
async def test_one_has_it_and_keeps_it_while_it_renews(nodes: tuple[Node, Node]) -> None:
    for _ in range(3):
        for node in nodes:
            await node.duties.beat()
    assert [node.duty.held for node in nodes] == [True, False]
    assert [node.changes for node in nodes] == [1, 0]


@pytest.mark.peer("postgresql")
async def test_the_other_takes_over_from_a_silent_one_whose_late_writes_count_for_nothing(
    nodes: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "LEASE", 0.3)
    await nodes[0].duties.beat()
    async with asyncio.timeout(20):
        while not nodes[1].duty.held:
            await nodes[1].duties.beat()
            await asyncio.sleep(0.02)
    assert not nodes[0].duty.held  # it knows by its own clock, without asking

    async def late() -> None:
        await nodes[0].duty.store.write(lambda tx: facts.put(tx, "k", "late"))

    with pytest.raises(DutyLostError):
        await late()
    nodes[0].duty._until = float("inf")  # stopped between its look at the clock and its write
    await nodes[0].duty.do(late)
    assert await nodes[1].store.read(lambda tx: facts.get(tx, "k")) is None


@pytest.mark.peer("postgresql")
async def test_a_clean_end_hands_over_at_once(nodes: tuple[Node, Node]) -> None:
    for node in nodes:
        await node.duties.beat()
    await nodes[0].duty.release()
    for node in nodes:
        await node.duties.beat()
    assert [node.duty.held for node in nodes] == [False, True]
    await nodes[0].duty.release()  # what it does not have it cannot let go
    assert nodes[1].duty.held
    await nodes[1].duty.store.write(lambda tx: facts.put(tx, "k", "b"))


@pytest.mark.peer("postgresql")
async def test_the_work_of_a_node_that_died_is_taken_up(
    nodes: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "LEASE", 0.2)
    monkeypatch.setattr(duty, "GRACE", 0.2)
    dead, alive = nodes
    mail = make_submission()
    await alive.store.write(
        lambda tx: intake.accept(tx, mail, ["+15552341234"], now=1000, deadline=9e9, window=1)
    )

    async def claim(store: Store) -> list[documents.Work]:
        return await store.write(
            lambda tx: documents.claim(tx, owner=store.owner, now=1000, seconds=9e9, limit=1, idle=True)
        )

    await dead.duties.beat()
    assert len(await claim(dead.store)) == 1
    assert await claim(alive.store) == []
    async with asyncio.timeout(20):
        while not (works := await claim(alive.store)):
            await alive.duties.beat()
            await asyncio.sleep(0.02)
    assert works[0].document.id == mail.id
    await dead.duties.beat()  # it only stood still, and goes on
    await alive.duties.beat()
    assert await claim(dead.store) == []


async def test_on_sqlite_the_only_node_has_every_duty(store: Store) -> None:
    node = Node(store, "a")
    assert node.duty.held
    await node.duties.beat()
    done = []

    async def beat() -> None:
        await node.duty.store.write(lambda tx: facts.put(tx, "k", "a"))
        done.append(1)

    await node.duty.do(beat)
    assert done == [1]
