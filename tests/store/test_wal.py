"""SQLite's write-ahead log stays short, whoever reads meanwhile."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.store import Store, facts, wal

SMALL = 200_000


async def grow(store: Store, log: Path, size: int) -> None:
    """Write until the log has had that size, or four times what it takes to get there."""
    for number in range(4 * size // 20_000):
        await store.write(lambda tx, number=number: facts.put(tx, f"{number}", "x" * 20_000))
        if log.stat().st_size >= size:
            return


async def relay(store: Store, over: asyncio.Event, turns: list[asyncio.Event], mine: int) -> None:
    """Read; the reading ends only when the next reader has begun."""
    loop = asyncio.get_running_loop()

    def read(tx: sa.Connection) -> None:
        tx.execute(sa.text("SELECT count(*) FROM fact")).scalar()
        loop.call_soon_threadsafe(turns[1 - mine].set)  # the other one may begin
        asyncio.run_coroutine_threadsafe(begun(), loop).result(30)

    async def begun() -> None:
        waits = [asyncio.create_task(event.wait()) for event in (turns[mine], over)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()

    while not over.is_set():
        await turns[mine].wait()
        turns[mine].clear()
        await store.read(read)


async def test_it_is_copied_by_the_way_and_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "_COMMITS", 5)
    store = Store(tmp_path / "state")
    store.open()
    database, log = (tmp_path / "state" / f"gateway.sqlite3{end}" for end in ("", "-wal"))
    try:
        await grow(store, log, 20 * SMALL)
        assert log.stat().st_size < 10 * SMALL
        assert database.stat().st_size > 10 * SMALL
    finally:
        store.close()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_readers_in_relay_do_not_let_it_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "MOST", SMALL)
    monkeypatch.setattr(wal, "_MORE", SMALL)
    store = Store(tmp_path / "state")
    store.open()
    log = tmp_path / "state" / "gateway.sqlite3-wal"
    over, turns = asyncio.Event(), [asyncio.Event(), asyncio.Event()]
    readers = [asyncio.create_task(relay(store, over, turns, mine)) for mine in (0, 1)]
    turns[0].set()
    try:
        await grow(store, log, 20 * SMALL)
        assert log.stat().st_size < 20 * SMALL
    finally:
        over.set()
        for event in turns:
            event.set()
        await asyncio.gather(*readers)
        store.close()


async def test_a_reader_that_stays_delays_it_and_no_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "MOST", SMALL)
    monkeypatch.setattr(wal, "_MORE", SMALL)
    store = Store(tmp_path / "state")
    store.open()
    log = tmp_path / "state" / "gateway.sqlite3-wal"
    reading, over = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def read(tx: sa.Connection) -> None:
        tx.execute(sa.text("SELECT count(*) FROM fact")).scalar()
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(over.wait(), loop).result(60)

    reader = asyncio.create_task(store.read(read))
    try:
        await reading.wait()
        await grow(store, log, 3 * SMALL)
        assert log.stat().st_size >= 3 * SMALL
        over.set()
        await reader
        await grow(store, log, 6 * SMALL)
        assert log.stat().st_size < 6 * SMALL
    finally:
        over.set()
        await asyncio.gather(reader)
        store.close()
