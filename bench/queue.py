"""What the queue costs: beside a long history, beside bare sqlite3, with many workers, and in memory."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from bench import backlog, bare, nodes, past
from bench.report import Peer, Row, compared
from bench.verbs import Fax, clock, submission
from gateway.store import Store, intake, tracking, views

FINISHED = 1_000_000
_FEW = 1_000
_WARM_UP = 20
_QUICK_ROUNDS, _ROUNDS = 9, 31
_CYCLES = 50
"""Faxes of one round."""
_LOOKS = 20
"""Faxes that are open while the listings are timed; each is timed as often in a round."""
_FILL = 10_000
"""Rows of one transaction of the past."""


async def run(directory: Path, *, quick: bool, finished: int = FINISHED) -> list[Row]:
    """Claiming and completing faxes: beside a long history, bare sqlite3, plain locks; memory of a backlog.

    With a shorter history than usual the rest is smaller, too: to try it out.

    A fax is claimed, its intent committed and the provider's answer written: three durable transactions.
    """
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    return [
        *await _beside_a_past(directory / "past", finished, rounds),
        *await _beside_bare(directory / "bare", rounds),
        *await asyncio.to_thread(nodes.measure, directory / "nodes", quick=quick, finished=finished),
        *await backlog.measure(directory / "backlog", quick=quick, count=min(backlog.MAILS, finished // 100)),
    ]


@dataclass(slots=True)
class _Times:
    """Seconds, a figure for each round."""

    cycle: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    looks: dict[str, list[float]] = field(default_factory=dict)


async def _beside_a_past(directory: Path, finished: int, rounds: int) -> list[Row]:
    cycles = _WARM_UP + rounds * _CYCLES + _LOOKS
    stores, times = {}, {_FEW: _Times(), finished: _Times()}
    for count in times:
        path = directory / str(count)
        await asyncio.to_thread(_fill, path, finished=count, ready=cycles)
        stores[count] = Store(path)
        stores[count].open()
    try:
        now = clock()
        for store in stores.values():
            for _ in range(_WARM_UP):
                await _cycle(store, now())
        for number in range(rounds):
            for count in sorted(times, reverse=bool(number % 2)):
                await _round(stores[count], times[count], now)
    finally:
        for store in stores.values():
            store.close()
    few, many = times[_FEW], times[finished]
    past_rows = compared(
        f"claim and complete with {finished:,} finished faxes",
        "ms",
        _milliseconds(many.cycle),
        _milliseconds(few.cycle),
        f"with {_FEW:,}",
        must=1.2,
        aim=1.05,
    )
    for name, seconds in many.looks.items():
        past_rows += compared(
            f"{name} with {finished:,} finished faxes",
            "ms",
            _milliseconds(seconds),
            _milliseconds(few.looks[name]),
            f"with {_FEW:,}",
        )
    return past_rows


async def _beside_bare(directory: Path, rounds: int) -> list[Row]:
    cycles = _WARM_UP + rounds * _CYCLES
    await asyncio.to_thread(_fill, directory / "first", finished=_FEW, ready=cycles)
    began = time.time()
    replay = await asyncio.to_thread(bare.record, directory, cycles, began)
    ours, theirs = _Times(), _Times()
    store = Store(directory / "ours")
    store.open()
    try:
        now = clock(began)
        for _ in range(_WARM_UP):
            await _cycle(store, now())
        replay.run(_WARM_UP)
        for number in range(rounds):
            for bare_first in (bool(number % 2), not number % 2):
                if bare_first:
                    _timed_replay(replay, theirs)
                else:
                    await _timed_cycles(store, ours, now)
        if await store.read(views.counts) != replay.counts():
            raise RuntimeError("the statements did not do the same for both")
    finally:
        store.close()
        replay.close()
    rate = [1 / seconds for seconds in ours.cycle], [1 / seconds for seconds in theirs.cycle]
    name = "claim and complete beside the same statements in bare sqlite3"
    processor = Peer(name="sqlite3", value=statistics.median(_milliseconds(theirs.processor)))
    return [
        *compared(name, "faxes/s", *rate, "sqlite3", must=0.5, aim=0.8, more=True),
        Row(
            measure="claim and complete, processor ms for a fax",
            value=statistics.median(_milliseconds(ours.processor)),
            peer=processor,
        ),
    ]


async def _round(store: Store, times: _Times, now: Callable[[], float]) -> None:
    await _timed_cycles(store, times, now)
    for name, look in _LOOKS_AT.items():
        began = time.perf_counter()
        for _ in range(_LOOKS):
            await look(store, now())
        times.looks.setdefault(name, []).append((time.perf_counter() - began) / _LOOKS)


async def _timed_cycles(store: Store, times: _Times, now: Callable[[], float]) -> None:
    gc.collect()
    began, processor = time.perf_counter(), time.process_time()
    for _ in range(_CYCLES):
        await _cycle(store, now())
    times.cycle.append((time.perf_counter() - began) / _CYCLES)
    times.processor.append((time.process_time() - processor) / _CYCLES)


def _timed_replay(replay: bare.Replay, times: _Times) -> None:
    gc.collect()
    began, processor = time.perf_counter(), time.process_time()
    replay.run(_CYCLES)
    times.cycle.append((time.perf_counter() - began) / _CYCLES)
    times.processor.append((time.process_time() - processor) / _CYCLES)


async def _cycle(store: Store, now: float) -> None:
    fax = Fax(owner=store.owner, now=now)
    for verb in fax.verbs:
        await store.write(verb)
    if not fax.claimed:
        raise RuntimeError("there was no fax to claim")


async def _accept(store: Store, now: float) -> None:
    mail = intake.Mail(
        submission=submission(now), numbers=["+15552341234"], now=now, deadline=now + 3600, window=3600
    )
    await store.write_together(intake.accept_all, mail)


_LOOKS_AT: dict[str, Callable[[Store, float], Awaitable[object]]] = {
    "accept, with the look for a duplicate,": _accept,
    "queue list": lambda store, _: store.read(views.queue_list),
    "status": lambda store, _: store.read(views.counts),
    "the tracker's list": lambda store, _: store.read(tracking.claimants),
}


def _fill(directory: Path, *, finished: int, ready: int) -> None:
    """Make a store with a past and a queue. Not durable meanwhile: that would only take longer."""
    store = Store(directory)
    store.open()
    store.close()
    engine = sa.create_engine(f"sqlite:///{directory / 'gateway.sqlite3'}")
    with engine.connect() as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.commit()
        past.finished(connection, first=1, last=finished)
        past.ready(connection, first=finished + 1, last=finished + ready)
        connection.commit()
    engine.dispose()


def _milliseconds(seconds: Sequence[float]) -> list[float]:
    return [one * 1000 for one in seconds]
