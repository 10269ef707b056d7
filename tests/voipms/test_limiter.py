"""The rate limit, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import StoppingError
from gateway.voipms.limiter import Limiter


class Clock:
    """Time that passes in sleeps. A sleeper yields once, so others may come in between."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 1e-6, "a sleep that gets nowhere"
        self.now += seconds
        await asyncio.sleep(0)


def limiter(per_minute: float) -> tuple[Limiter, Clock]:
    clock = Clock()
    return Limiter(per_minute, clock=clock, sleep=clock.sleep), clock


async def test_a_burst_then_the_average():
    """A quarter at once, then one every three seconds at twenty a minute."""
    bucket, clock = limiter(20)
    times = []
    for _ in range(9):
        await bucket.take()
        times.append(round(clock.now - 1000, 6))

    assert times == [0, 0, 0, 0, 0, 3, 6, 9, 12]


@pytest.mark.parametrize("per_minute", [0.5, 1, 3, 20, 7.3, 6000])
async def test_no_minute_has_more_than_the_rate_and_a_burst(per_minute):
    """The bound that the provider's limit is compared with."""
    bucket, clock = limiter(per_minute)
    times = []
    for _ in range(200):
        await bucket.take()
        times.append(clock.now)

    most = max(sum(start <= t < start + 60 for t in times) for start in times)
    assert most <= per_minute + max(1.0, per_minute / 4) + 1


async def test_idle_time_fills_the_bucket_no_further_than_its_size():
    """An hour of silence allows one burst."""
    bucket, clock = limiter(20)
    for _ in range(5):
        await bucket.take()
    clock.now += 3600
    before = clock.now
    for _ in range(5):
        await bucket.take()
    assert clock.now == before
    await bucket.take()
    assert clock.now > before


async def test_first_come_first_served():
    """Nobody overtakes."""
    bucket, _ = limiter(6)
    order = []

    async def call(name: int) -> None:
        await bucket.take()
        order.append(name)

    await asyncio.gather(*(call(name) for name in range(20)))

    assert order == list(range(20))


async def test_a_cancelled_waiter_takes_nothing_and_blocks_nobody():
    """The next in line gets its turn."""
    gate = asyncio.Event()
    clock = Clock()

    async def sleep(seconds: float) -> None:
        await gate.wait()
        clock.now += seconds

    bucket = Limiter(1, clock=clock, sleep=sleep)
    await bucket.take()
    first, second = asyncio.create_task(bucket.take()), asyncio.create_task(bucket.take())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()

    async with asyncio.timeout(5):
        await second
    assert clock.now == pytest.approx(1060)


async def test_a_stop_ends_every_wait_and_gives_no_more_turns():
    """Also of those who wait behind the first, and of those who come later."""
    asleep = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    bucket = Limiter(1, sleep=sleep)
    await bucket.take()
    waiting = [asyncio.create_task(bucket.take()) for _ in range(3)]
    await asleep.wait()
    bucket.stop()

    async with asyncio.timeout(5):
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [StoppingError] * 3
    with pytest.raises(StoppingError):
        await bucket.take()


async def test_a_pause_holds_everybody_and_ends_without_a_burst():
    """After the provider has complained, calls come back at the average rate."""
    bucket, clock = limiter(20)
    bucket.pause(90)
    times = []
    for _ in range(3):
        await bucket.take()
        times.append(round(clock.now - 1000, 6))

    assert times == [93, 96, 99]


async def test_a_pause_also_reaches_those_who_wait_already():
    """A waiter that wakes up looks again."""
    clock = Clock()
    bucket: Limiter

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        if clock.now < 1070:
            bucket.pause(90)

    bucket = Limiter(1, clock=clock, sleep=sleep)
    await bucket.take()
    await bucket.take()

    assert clock.now == pytest.approx(1060 + 90 + 60)


async def test_a_shorter_pause_does_not_end_a_longer_one():
    """The latest end counts."""
    bucket, clock = limiter(60)
    bucket.pause(90)
    bucket.pause(10)
    await bucket.take()

    assert clock.now == pytest.approx(1091)
