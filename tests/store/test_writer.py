"""Group commit: success means on disk, one bad item hurts nobody, a cancelled waiter's work stays."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.errors import GatewayError
from gateway.store import Store, StoreUnavailableError, facts


async def busy(store: Store) -> tuple[asyncio.Future[Any], threading.Event]:
    """Hold every writer, so that what is asked for meanwhile becomes one group; the event lets them go."""
    gate, entered = threading.Event(), threading.Semaphore(0)

    def hold(_tx: sa.Connection) -> None:
        entered.release()
        gate.wait(10)

    held = []
    for _ in store._writer._threads:  # one at a time, or one thread would take them all
        held.append(asyncio.ensure_future(store.write(hold)))
        assert await asyncio.to_thread(entered.acquire, timeout=10)
    first = asyncio.gather(*held)
    return first, gate


async def test_one_failing_item_rolls_back_alone(store: Store) -> None:
    def good(n: int) -> object:
        return store.write(lambda tx: facts.put(tx, f"good{n}", n))

    def bad(tx: sa.Connection) -> None:
        facts.put(tx, "bad", 1)
        raise KeyError("mine")

    results = await asyncio.gather(good(1), store.write(bad), good(2), return_exceptions=True)
    assert isinstance(results[1], KeyError)
    assert await store.read(lambda tx: facts.get(tx, "good1")) == 1
    assert await store.read(lambda tx: facts.get(tx, "good2")) == 2
    assert await store.read(lambda tx: facts.get(tx, "bad")) is None


async def test_many_waiters_share_transactions(store: Store) -> None:
    commits = 0

    @sa.event.listens_for(store._engine, "commit")
    def count(_connection: sa.Connection) -> None:
        nonlocal commits
        commits += 1

    first, gate = await busy(store)
    rest = [asyncio.ensure_future(store.write(lambda tx, n=n: facts.put(tx, str(n), n))) for n in range(100)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    assert commits <= 2 * len(store._writer._threads)


async def test_a_cancelled_waiter_does_not_undo(store: Store) -> None:
    entered, gate = threading.Event(), threading.Event()

    def slow(tx: sa.Connection) -> None:
        entered.set()
        gate.wait(10)
        facts.put(tx, "kept", True)

    waiter = asyncio.ensure_future(store.write(slow))
    await asyncio.to_thread(entered.wait, 10)
    waiter.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    async with asyncio.timeout(10):
        while await store.read(lambda tx: facts.get(tx, "kept")) is not True:
            await store.write(lambda tx: None)  # the writer goes on


async def test_nothing_is_visible_before_the_commit(store: Store) -> None:
    seen = []

    def look(tx: sa.Connection) -> None:
        facts.put(tx, "early", 1)
        with tx.begin_nested():
            facts.put(tx, "early", 2)
        seen.append(store._read(lambda other: facts.get(other, "early")))
        facts.put(tx, "early", 1)

    await store.write(look)
    assert seen == [None]
    assert await store.read(lambda tx: facts.get(tx, "early")) == 1


async def test_trouble_of_the_database_is_temporary_and_spares_the_neighbours(store: Store) -> None:
    def full(tx: sa.Connection) -> None:
        facts.put(tx, "lost", 1)
        raise sa.exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    first, gate = await busy(store)
    group = [
        asyncio.ensure_future(store.write(lambda tx: facts.put(tx, "neighbour", 1))),
        asyncio.ensure_future(store.write(full)),
    ]
    await asyncio.sleep(0)
    gate.set()
    await first
    neighbour, unlucky = await asyncio.gather(*group, return_exceptions=True)
    assert neighbour is None
    assert isinstance(unlucky, StoreUnavailableError)
    assert unlucky.certain
    assert "disk" not in str(unlucky)
    assert await store.read(lambda tx: facts.get(tx, "neighbour")) == 1
    assert await store.read(lambda tx: facts.get(tx, "lost")) is None


async def test_the_writer_outlives_whatever_a_verb_raises(store: Store) -> None:
    def odd(_tx: sa.Connection) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await store.write(odd)
    await store.write(lambda tx: facts.put(tx, "after", 1))


async def test_a_read_that_fails_is_the_stores_trouble(store: Store) -> None:
    failing = "SELECT pg_terminate_backend(pg_backend_pid())" if store.shared else "SELECT * FROM nothing"
    with pytest.raises(StoreUnavailableError):
        await store.read(lambda tx: tx.exec_driver_sql(failing))
    assert await store.read(lambda tx: facts.get(tx, "after", "fine")) == "fine"


async def test_a_second_process_is_kept_out(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "state")
    with pytest.raises(GatewayError, match="Another fax gateway"):
        other.open()
    other.close()


async def test_a_closed_store_says_so(tmp_path: Path, store_url: str) -> None:
    store = Store(tmp_path / "state", url=store_url)
    store.open()
    pending = asyncio.ensure_future(store.write(lambda tx: facts.put(tx, "last", 1)))
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    await pending  # what was asked for before is done
    with pytest.raises(StoreUnavailableError):
        await store.write(lambda tx: facts.put(tx, "late", 1))


@pytest.mark.parametrize("round_", range(3))
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, round_: int) -> None:
    """A child acknowledges writes on a pipe until it is killed; each acknowledged one must be there."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent("""
                import asyncio, sys
                from pathlib import Path
                from gateway.store import Store, facts

                async def one(store, n):
                    await store.write(lambda tx: facts.put(tx, f"k{n}", n))
                    sys.stdout.write(f"{n}\\n")
                    sys.stdout.flush()

                async def main():
                    store = Store(Path(sys.argv[1]))
                    store.open()
                    for start in range(0, 100000, 20):
                        await asyncio.gather(*(one(store, n) for n in range(start, start + 20)))

                asyncio.run(main())
            """),
            str(tmp_path / "state"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(100 + 37 * round_)]
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate()
    acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    with sqlite3.connect(tmp_path / "state" / "gateway.sqlite3") as database:
        stored = {key for (key,) in database.execute("SELECT key FROM fact")}
    database.close()
    assert {f"k{n}" for n in acknowledged} <= stored
