"""A crew goes on, whatever one item does."""

import asyncio
from collections.abc import Collection, Sequence

import pytest
import sqlalchemy as sa

from gateway.errors import GatewayError, temporary
from gateway.store import Store, StoreUnavailableError
from gateway.store.leases import StaleError
from gateway.worker.crew import Crew
from gateway.worker.lines import Line
from gateway.worker.ticker import Ticker


class Pieces(Line[str]):
    """Work from a list; each piece does what its name says."""

    name = "pieces"

    def __init__(self, store: Store, pieces: list[str]) -> None:
        super().__init__(store, owner="t", wake=lambda: None)
        self.pieces = pieces
        self.done: list[str] = []
        self.recovered: list[tuple[str, int]] = []
        self.idle: list[bool] = []
        self.kept: list[set[str]] = []
        self.given_back: list[set[str]] = []
        self.most = self.under_way = 0
        self.gate = asyncio.Event()
        self.changed = asyncio.Event()

    async def claim(self, limit: int, *, idle: bool, in_hand: Collection[str]) -> Sequence[str]:
        if self.pieces[:1] == ["no store"]:
            self.pieces.pop(0)
            raise StoreUnavailableError(OSError("gone"), certain=True)
        self.idle.append(idle)
        taken, self.pieces[:limit] = self.pieces[:limit], []
        return taken

    def _claim(self, tx: sa.Connection, now: float, limit: int, *, idle: bool) -> Sequence[str]:
        raise AssertionError("nothing here asks a store")

    async def due(self) -> float | None:
        return 0.01 if self.pieces else None

    def name_of(self, work: str) -> str:
        return work

    async def keep(self, in_hand: Collection[str]) -> None:
        self.kept.append(set(in_hand))
        self.changed.set()

    async def give_back(self, in_hand: Collection[str]) -> None:
        self.given_back.append(set(in_hand))

    async def handle(self, work: str) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if "wait" in work:
                await self.gate.wait()
            if work.startswith("bug"):
                raise LookupError("a bug")
            if work == "stale":
                raise StaleError("somebody was faster")
            if work == "store":
                raise StoreUnavailableError(OSError("gone"), certain=True)
        finally:
            self.under_way -= 1
        self.done.append(work)
        self.changed.set()

    async def recover(self, work: str, strikes: int) -> None:
        self.recovered.append((work, strikes))
        if strikes < 3 and work.startswith("bug"):
            self.pieces.append(work)
        self.changed.set()


async def until(crew_line: Pieces, condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]
            crew_line.changed.clear()
            await crew_line.changed.wait()


async def running(line: Pieces, size: int = 2) -> tuple[Crew[str], asyncio.Task[None]]:
    crew = Crew(line, size=size)
    return crew, asyncio.ensure_future(crew.run())


async def test_a_bug_is_counted_and_the_others_go_on(store: Store) -> None:
    line = Pieces(store, ["bug", "good", "stale", "store", "better"])
    crew, task = await running(line)
    await until(line, lambda: ("bug", 3) in line.recovered and "better" in line.done)
    assert [r for r in line.recovered if r[0] == "bug"] == [("bug", 1), ("bug", 2), ("bug", 3)]
    assert ("store", 0) in line.recovered
    assert not any(name == "stale" for name, _ in line.recovered)
    assert line.done == ["good", "better"]
    crew.close()
    await task


async def test_no_more_steps_than_its_size_and_idle_is_true_only_then(store: Store) -> None:
    line = Pieces(store, [f"wait {n}" for n in range(5)])
    crew, task = await running(line, size=2)
    async with asyncio.timeout(20):
        while line.under_way < 2:
            await asyncio.sleep(0)
    line.gate.set()
    await until(line, lambda: len(line.done) == 5)
    assert line.most == 2
    assert line.idle[0] is True
    crew.close()
    await task


async def test_steps_that_went_aside_make_room_for_others(store: Store) -> None:
    line, aside = Pieces(store, [f"wait {n}" for n in range(3)]), 0
    crew = Crew(line, size=2, aside=lambda: aside)
    task = asyncio.ensure_future(crew.run())
    async with asyncio.timeout(20):
        while line.under_way < 2:
            await asyncio.sleep(0)
        aside = 1
        crew.wake()
        while line.under_way < 3:
            await asyncio.sleep(0)
    line.gate.set()
    await until(line, lambda: len(line.done) == 3)
    crew.close()
    await task


async def test_a_store_that_is_away_ends_nothing(store: Store) -> None:
    line = Pieces(store, ["no store", "good"])
    crew, task = await running(line)
    async with asyncio.timeout(20):
        while not line.done:
            crew.wake()
            await asyncio.sleep(0.01)
    crew.close()
    await task


async def test_leases_are_kept_while_draining(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.worker.crew._POLL", 0.01)
    line = Pieces(store, ["wait"])
    crew, task = await running(line)
    async with asyncio.timeout(20):
        while not line.under_way:
            await asyncio.sleep(0)
    crew.close()
    line.kept.clear()
    await until(line, lambda: len(line.kept) > 2)
    assert set(map(tuple, line.kept)) == {("wait",)}
    line.gate.set()
    await task
    assert line.given_back == []


async def test_close_waits_for_the_steps_and_cancel_cuts_them_off(store: Store) -> None:
    line = Pieces(store, ["wait"])
    crew, task = await running(line)
    async with asyncio.timeout(20):
        while not line.under_way:
            await asyncio.sleep(0)
        crew.close()
        await asyncio.sleep(0)
        assert not task.done()
        await crew.cancel()
        await task
    assert line.done == []
    assert line.given_back == [set()], "what was cut off is as if it had not been taken up"


@pytest.mark.parametrize(
    "trouble",
    [
        GatewayError(temporary("4.4.1", "Down.")),
        LookupError("a bug"),
        StoreUnavailableError(OSError(), certain=True),
    ],
)
async def test_a_beat_that_fails_beats_on(trouble: Exception) -> None:
    beats = 0
    twice = asyncio.Event()

    async def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 2:
            twice.set()
        raise trouble

    ticker = Ticker("test", 1000, beat)
    task = asyncio.ensure_future(ticker.run())
    async with asyncio.timeout(10):
        while not twice.is_set():
            ticker.wake()
            await asyncio.sleep(0)
        ticker.close()
        await task


async def test_only_an_answer_ends_the_providers_outage(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    beats, answers = 0, 0
    ticker: Ticker

    async def beat() -> None:
        nonlocal beats, answers
        beats += 1
        answers += beats == 4
        ticker.wake() if beats < 5 else ticker.close()
        if beats == 1:
            raise GatewayError(temporary("4.4.1", "Down.", code="down"))

    ticker = Ticker("test", 1000, beat, answers=lambda: answers)
    async with asyncio.timeout(10):
        await ticker.run()
    told = [record.msg["event"] for record in caplog.records]
    assert told == ["provider_trouble", "provider_recovered"]
