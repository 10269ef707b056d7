"""PostgreSQL restarted, gone, or its last word lost: what was acknowledged stays, the rest is told truly."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.postgres import Cable, Cluster, Cut

from gateway.errors import GatewayError
from gateway.store import Store, StoreUnavailableError, facts

pytestmark = pytest.mark.peer("postgresql")


@pytest.fixture
async def cable(cluster: Cluster) -> AsyncIterator[Cable]:
    async with Cable(cluster.port) as relay:
        yield relay


@pytest.fixture
async def store(tmp_path: Path, cluster: Cluster, cable: Cable, database: str) -> AsyncIterator[Store]:
    store = Store(tmp_path / "state", url=cluster.url(database.rpartition("/")[2], cable.port))
    await asyncio.to_thread(store.open)
    yield store
    await asyncio.to_thread(store.close)


@pytest.mark.parametrize("cut", Cut)
async def test_a_commit_without_an_answer_is_uncertain(store: Store, cable: Cable, cut: Cut) -> None:
    cable.cut = cut
    with pytest.raises(StoreUnavailableError) as caught:
        await store.write(lambda tx: facts.put(tx, "k", 1))
    assert not caught.value.certain
    assert cable.cuts == 1
    stored = await store.read(lambda tx: facts.get(tx, "k"))
    assert stored == (1 if cut is Cut.AFTER else None)
    await store.write(lambda tx: facts.put(tx, "k", 2))
    assert await store.read(lambda tx: facts.get(tx, "k")) == 2


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_a_restart_under_load_loses_nothing_and_needs_nobody(
    tmp_path: Path, cluster: Cluster, database: str, end: signal.Signals
) -> None:
    store = Store(tmp_path / "state", url=database)
    await asyncio.to_thread(store.open)
    acknowledged: set[str] = set()
    refused = 0
    stop, trouble, again = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def client(name: int) -> None:
        nonlocal refused
        number = 0
        while not stop.is_set():
            key = f"{name}:{number}"
            try:
                await store.write(lambda tx: facts.put(tx, key, 1))
            except StoreUnavailableError:
                refused += 1
                trouble.set()
                await asyncio.sleep(0.02)
                continue
            acknowledged.add(key)
            number += 1
            if trouble.is_set():
                again.set()

    clients = [asyncio.create_task(client(name)) for name in range(8)]
    async with asyncio.timeout(60):
        while len(acknowledged) < 50:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(cluster.stop, end)
        await trouble.wait()
        await asyncio.to_thread(cluster.start)
        await again.wait()
    stop.set()
    await asyncio.gather(*clients)
    assert refused
    missing = [
        key for key in acknowledged if await store.read(lambda tx, key=key: facts.get(tx, key)) is None
    ]
    assert missing == []
    await asyncio.to_thread(store.close)


async def test_a_restart_between_two_uses_is_not_even_noticed(
    tmp_path: Path, cluster: Cluster, database: str
) -> None:
    store = Store(tmp_path / "state", url=database)
    await asyncio.to_thread(store.open)
    await store.write(lambda tx: facts.put(tx, "k", 1))
    await asyncio.to_thread(cluster.stop)
    await asyncio.to_thread(cluster.start)
    assert await store.read(lambda tx: facts.get(tx, "k")) == 1
    await store.write(lambda tx: facts.put(tx, "k", 2))
    await asyncio.to_thread(store.close)


async def test_while_it_is_gone_everybody_is_told_at_once_that_nothing_was_written(
    tmp_path: Path, cluster: Cluster, database: str
) -> None:
    store = Store(tmp_path / "state", url=database)
    await asyncio.to_thread(store.open)
    await asyncio.to_thread(cluster.stop)
    async with asyncio.timeout(20):
        results = await asyncio.gather(
            *(store.write(lambda tx: facts.put(tx, "k", 1)) for _ in range(200)), return_exceptions=True
        )
    assert all(isinstance(error, StoreUnavailableError) and error.certain for error in results)
    await asyncio.to_thread(store.close)
    other = Store(tmp_path / "other", url=database)
    with pytest.raises(GatewayError, match="The store cannot be opened"):
        await asyncio.to_thread(other.open)
    other.close()


async def test_a_server_that_takes_no_writes_is_trouble_not_a_bug(
    tmp_path: Path, cluster: Cluster, database: str
) -> None:
    store = Store(tmp_path / "state", url=database)
    await asyncio.to_thread(store.open)
    name = database.rpartition("/")[2]
    cluster.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    cluster.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(StoreUnavailableError) as caught:
        await store.write(lambda tx: facts.put(tx, "k", 1))
    assert caught.value.certain
    assert await store.read(lambda tx: facts.get(tx, "k")) is None
    await asyncio.to_thread(store.close)
