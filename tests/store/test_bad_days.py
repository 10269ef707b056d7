"""What a store of one's own does on bad days, one thing at a time: the file, the spool, the clock."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.submissions import make_submission

from gateway.errors import GatewayError
from gateway.lifecycle import FaxState
from gateway.pause import Pause, Why
from gateway.store import Spool, Store, StoreUnavailableError, facts, intake, pauses, steps, tables
from gateway.store.clock import OwnClock
from gateway.store.trouble import DatabaseGoneError, word


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "own")
    store.open()
    yield store
    store.close()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "x"), "disk_full"),
        (OSError(errno.EDQUOT, "x"), "disk_full"),
        (OSError(errno.EROFS, "x"), "read_only"),
        (OSError(errno.EIO, "x"), "disk_error"),
        (DatabaseGoneError("x"), "gone"),
        (ConnectionError("x"), "ConnectionError"),
    ],
)
def test_words_for_trouble(error: Exception, expected: str) -> None:
    assert word(error) == expected


def test_a_full_disk_has_a_status_of_its_own() -> None:
    assert StoreUnavailableError(OSError(errno.ENOSPC, "x"), certain=True).failure.status == "4.3.1"
    assert StoreUnavailableError(OSError(errno.EIO, "x"), certain=True).failure.status == "4.3.0"


async def test_a_damaged_database_is_trouble_not_a_bug(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    store.open()
    store.close()
    (tmp_path / "state" / "gateway.sqlite3").write_bytes(b"nothing that SQLite knows" * 1000)
    with pytest.raises(GatewayError, match="The store cannot be opened: file is not a database"):
        Store(tmp_path / "state").open()


@pytest.fixture
def once_used(tmp_path: Path) -> Iterator[Path]:
    """A state directory that has had a database."""
    store = Store(tmp_path / "state")
    store.open()
    store.close()
    return tmp_path / "state"


@pytest.mark.parametrize("left", [None, b""], ids=["nothing", "an empty file"])
def test_no_empty_database_takes_the_place_of_a_lost_one(once_used: Path, left: bytes | None) -> None:
    database = once_used / "gateway.sqlite3"
    database.unlink()
    if left is not None:
        database.write_bytes(left)
    store = Store(once_used)
    with pytest.raises(GatewayError, match="is gone, or another file has its name"):
        store.open()
    store.close()
    assert (database.read_bytes() if database.exists() else None) == left
    (once_used / "lock").unlink()  # as the sentence says
    store = Store(once_used)
    store.open()
    store.close()


def test_nor_does_somebody_elses(once_used: Path) -> None:
    database = once_used / "gateway.sqlite3"
    database.unlink()
    other = sqlite3.connect(database)
    other.execute("CREATE TABLE other (a)")
    other.close()
    store = Store(once_used)
    with pytest.raises(GatewayError, match="is gone, or another file has its name"):
        store.open()
    store.close()


async def test_a_commit_into_a_file_without_a_name_counts_for_nothing(store: Store) -> None:
    database = store.state_dir / "gateway.sqlite3"
    database.rename(database.with_name("moved"))
    with pytest.raises(StoreUnavailableError) as caught:
        await store.write(lambda tx: facts.put(tx, "k", 1))
    assert not caught.value.certain
    with pytest.raises(GatewayError, match="is gone"):
        await store.watch()
    database.with_name("moved").rename(database)
    await store.write(lambda tx: facts.put(tx, "k", 2))


@pytest.mark.parametrize("failing", ["fsync", "rename", "fsync of the directory"])
def test_no_file_is_left_of_what_could_not_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    spool, flushes, fsync = Spool(tmp_path / "spool"), [], os.fsync

    def flush(descriptor: int) -> None:
        flushes.append(descriptor)
        if len(flushes) == {"fsync": 1, "fsync of the directory": 2}.get(failing):
            raise OSError(errno.EIO, "broken")
        fsync(descriptor)

    def rename(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", flush)
    if failing == "rename":
        monkeypatch.setattr(Path, "rename", rename)
    with spool.draft() as draft:
        draft.write(bytes(100_000))
        with pytest.raises(OSError, match=r"broken|full"):
            draft.keep("name")
    assert list(spool.root.iterdir()) == []
    monkeypatch.undo()
    spool.path("page").write_bytes(b"x")
    monkeypatch.setattr(os, "fsync", flush)
    flushes.clear()
    if failing != "rename":
        with pytest.raises(OSError, match="broken"):
            spool.adopt("page")  # what a failed flush leaves is not to be trusted
        assert list(spool.root.iterdir()) == []


class Times:
    """A wall clock and one that nobody sets."""

    def __init__(self) -> None:
        self.wall, self.ticks = 1_000_000.0, 500.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.ticks += seconds


def test_the_clock_goes_on_until_it_is_told_to_follow() -> None:
    times = Times()
    clock = OwnClock(wall=lambda: times.wall, ticking=lambda: times.ticks)
    times.pass_(10)
    assert (clock.now(), clock.ahead()) == (1_000_010.0, 0.0)
    times.wall += 86400
    assert (clock.now(), clock.ahead()) == (1_000_010.0, 86400.0)
    clock.follow(clock.ahead())
    assert (clock.now(), clock.ahead()) == (times.wall, 0.0)


def test_what_a_clock_has_leapt_over() -> None:
    clock = OwnClock()
    clock.leaps = [(1000.0, 300.0), (2000.0, 50.0)]
    assert [clock.skipped(since) for since in (500.0, 1000.0, 1999.0, 2000.0)] == [350.0, 50.0, 50.0, 0.0]


@pytest.mark.parametrize("by", [86400.0, -86400.0])
async def test_waits_step_with_the_clock_and_history_does_not(store: Store, by: float) -> None:
    submission = make_submission()
    await store.write(
        lambda tx: intake.accept(tx, submission, ["+15559870001"], now=100.0, deadline=900.0, window=60.0)
    )
    pause = Pause(why=Why.PROVIDER, code="x", reason="x", since=100.0, until=200.0)
    await store.write(lambda tx: facts.put(tx, "queue.pause", _stored(pause)))
    await store.write(lambda tx: steps.carry(tx, by))
    fax, document = await store.read(
        lambda tx: (tx.execute(sa.select(tables.fax)).one(), tx.execute(sa.select(tables.document)).one())
    )
    assert (fax.state, fax.deadline, fax.created) == (FaxState.ACCEPTED, 900.0 + by, 100.0)
    assert document.run_at == 100.0 + by
    assert (await store.read(pauses.stored)).until == 200.0 + by


def _stored(pause: Pause) -> dict[str, object]:
    return {name: getattr(pause, name) for name in pause.__dataclass_fields__}


async def test_a_day_limit_ends_by_the_calendar(store: Store) -> None:
    pause = Pause(why=Why.DAY_LIMIT, code="x", reason="x", since=100.0, until=200.0)
    await store.write(lambda tx: facts.put(tx, "queue.pause", _stored(pause)))
    await store.write(lambda tx: steps.carry(tx, 3600.0))
    assert (await store.read(pauses.stored)).until == 200.0


@pytest.mark.parametrize("by", [86400.0, -86400.0])
@pytest.mark.parametrize("machine", ["runs on", "was restarted"])
async def test_a_clock_that_was_set_while_the_daemon_was_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: float, machine: str
) -> None:
    store = Store(tmp_path / "state")
    store.open()
    then = store.now()
    await store.write(
        lambda tx: intake.accept(
            tx, make_submission(), ["+15559870001"], now=then, deadline=then + 900, window=60.0
        )
    )
    store.close()
    wall = time.time
    if machine == "was restarted":
        monkeypatch.setattr("gateway.store.boot", lambda: "another")
    store = Store(tmp_path / "state")
    store._own_clock = OwnClock(wall=lambda: wall() + by)
    store.open()
    run_at, deadline = await store.read(
        lambda tx: tx.execute(
            sa.select(tables.document.c.run_at, tables.fax.c.deadline).where(
                tables.fax.c.submission_id == tables.document.c.id
            )
        ).one()
    )
    if machine == "was restarted" and by > 0:  # it may have been off for a day
        assert deadline == then + 900
    else:
        assert abs(run_at - store.now()) < 60
        assert deadline - store.now() > 800
    assert store.skipped(then) == pytest.approx(by if by > 0 and machine == "runs on" else 0, abs=1)
    store.close()


async def test_the_same_mail_stays_a_repeat_though_the_clock_leaps(store: Store) -> None:
    assert store.follow() == 0.0
    before = store.now()
    store._own_clock._wall = lambda: before + 8 * 86400  # further than the window of a repeat
    assert store.follow() == pytest.approx(8 * 86400, abs=1)
    assert store.now() == pytest.approx(before + 8 * 86400, abs=1)
    assert store.skipped(before) == pytest.approx(8 * 86400, abs=1)
    assert await store.read(steps.leaps) == [pytest.approx(leap) for leap in store._own_clock.leaps]
