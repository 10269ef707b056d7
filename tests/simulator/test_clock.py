"""Time: scale, advance, and things that happen when they are due."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.simulator.clock import Clock, Timeline
from gateway.simulator.waiting import Changes

START = datetime(2026, 11, 1, 3, 59, tzinfo=UTC)


def test_advancing_moves_both_readings() -> None:
    clock = Clock(start=START)
    before, date = clock.seconds(), clock.now()
    clock.advance(120)
    assert clock.seconds() - before >= 120
    assert clock.now() - date >= timedelta(seconds=120)


def test_the_day_is_the_servers() -> None:
    clock = Clock(start=START)
    assert clock.today("America/New_York").isoformat() == "2026-10-31"
    clock.advance(60)
    assert clock.today("America/New_York").isoformat() == "2026-11-01"


def test_scale_moves_the_line_and_not_the_date() -> None:
    clock = Clock(scale=1e6, start=START)
    while clock.seconds() < 1000:
        pass
    assert clock.now() - START < timedelta(seconds=900)


@pytest.mark.parametrize("scale", [0, -1])
def test_time_needs_a_scale(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        Clock(scale=scale)


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(-1)


async def test_a_sleeper_wakes_when_time_is_advanced() -> None:
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(1800)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(1800)
    async with asyncio.timeout(5):
        await sleeper


async def test_a_sleeper_wakes_by_itself() -> None:
    async with asyncio.timeout(5):
        await Clock(scale=1000).sleep(5)


def test_due_things_happen_in_order_and_may_plan_more() -> None:
    clock, seen = Clock(), []
    timeline = Timeline(clock)
    timeline.at(20, lambda: seen.append("second"))
    timeline.at(10, lambda: (seen.append("first"), timeline.at(15, lambda: seen.append("between"))))
    timeline.at(99, lambda: seen.append("late"))
    timeline.run_due()
    assert seen == []
    clock.advance(30)
    timeline.run_due()
    assert seen == ["first", "between", "second"]
    timeline.clear()
    clock.advance(100)
    timeline.run_due()
    assert "late" not in seen


async def test_the_timeline_runs_by_itself_and_notices_earlier_plans() -> None:
    clock, happened = Clock(), asyncio.Event()
    timeline = Timeline(clock)
    runner = asyncio.create_task(timeline.run())
    timeline.at(3600, lambda: None)
    await asyncio.sleep(0)
    timeline.at(clock.seconds(), happened.set)
    async with asyncio.timeout(5):
        await happened.wait()
    runner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await runner


async def test_waiting_for_a_change() -> None:
    changes, found = Changes(), []
    waiter = asyncio.create_task(changes.until(lambda: found[0] if found else None, 5))
    await asyncio.sleep(0)
    changes.notify()
    found.append("it")
    changes.notify()
    assert await waiter == "it"
    with pytest.raises(TimeoutError):
        await changes.until(lambda: None, 0.01)
