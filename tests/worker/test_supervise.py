"""Start order, drain, force, and parts that misbehave."""

import asyncio

import pytest

from gateway.errors import GatewayError
from gateway.supervise import Part, PartEndedError, Supervisor


class Stage:
    """A part that writes down what happens to it."""

    def __init__(self, name: str, book: list[str]) -> None:
        self.name, self.book = name, book
        self.running = asyncio.Event()
        self.over = asyncio.Event()

    def part(self, **changes: object) -> Part:
        values: dict[str, object] = {
            "name": self.name,
            "start": self.start,
            "stop": self.stop,
            "close": lambda: self.book.append(f"close {self.name}"),
        }
        return Part(**{**values, **changes})  # type: ignore[arg-type]

    async def start(self) -> None:
        self.book.append(f"start {self.name}")

    async def stop(self, _grace: float) -> None:
        self.book.append(f"stop {self.name}")

    async def never(self, *_: object) -> None:
        self.running.set()
        await asyncio.Event().wait()

    async def deaf(self, *_: object) -> None:
        """Does not listen until the test is over."""
        self.running.set()
        while not self.over.is_set():
            try:
                await self.over.wait()
            except asyncio.CancelledError:
                self.book.append("deaf")


async def test_parts_start_in_order_are_all_closed_first_and_stop_in_the_opposite_order() -> None:
    book: list[str] = []
    supervisor = Supervisor([Stage(name, book).part() for name in "abc"], drain=5)
    await supervisor.start()
    assert not supervisor.draining
    await supervisor.stop()
    assert supervisor.draining
    assert book == [
        *(f"start {name}" for name in "abc"),
        *(f"close {name}" for name in "abc"),
        *(f"stop {name}" for name in "cba"),
    ]


async def test_a_part_that_cannot_start_stops_those_that_had() -> None:
    book: list[str] = []

    async def taken() -> None:
        raise OSError(98, "Address already in use")

    parts = [Stage("a", book).part(), Stage("b", book).part(start=taken), Stage("c", book).part()]
    with pytest.raises(GatewayError, match=r"cannot start \(b\): Address already in use") as caught:
        await Supervisor(parts, drain=5).start()
    assert caught.value.failure.code == "cannot_start"
    assert book == ["start a", "close a", "stop a"]


async def test_a_start_that_hangs_ends_with_a_signal() -> None:
    book: list[str] = []
    hanging = Stage("b", book)
    supervisor = Supervisor([Stage("a", book).part(), hanging.part(start=hanging.never)], drain=5)
    starting = asyncio.ensure_future(supervisor.start())
    await hanging.running.wait()
    supervisor.request_stop()
    async with asyncio.timeout(10):
        await starting
        await supervisor.stop()
    assert book == ["start a", "close a", "stop a"]


async def test_a_part_that_ends_by_itself_stops_the_gateway_and_is_told() -> None:
    book: list[str] = []

    async def crash() -> None:
        raise LookupError("a bug")

    supervisor = Supervisor([Stage("a", book).part(), Stage("b", book).part(run=crash)], drain=5)
    await supervisor.start()
    async with asyncio.timeout(10):
        while not supervisor.draining:
            await asyncio.sleep(0)
    with pytest.raises(PartEndedError, match="b ended unexpectedly") as caught:
        await supervisor.stop()
    assert isinstance(caught.value.__cause__, LookupError)
    assert book[-1] == "stop a"


async def test_a_stop_that_raises_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    book: list[str] = []

    async def broken(_grace: float) -> None:
        raise RuntimeError("cannot")

    parts = [Stage("a", book).part(), Stage("b", book).part(stop=broken)]
    supervisor = Supervisor(parts, drain=5)
    await supervisor.start()
    await supervisor.stop()
    assert book[-1] == "stop a"
    assert "cannot" in caplog.text


async def test_one_deadline_for_all() -> None:
    book: list[str] = []
    slow = Stage("b", book)
    parts = [Stage("a", book).part(), slow.part(stop=slow.never, force=slow.start)]
    supervisor = Supervisor(parts, drain=0.0)
    await supervisor.start()
    async with asyncio.timeout(30):
        await supervisor.stop()
    assert book[-2:] == ["start b", "stop a"]  # cut off by its `force`, then the next one


async def test_a_second_signal_forces() -> None:
    book: list[str] = []
    slow = Stage("b", book)
    parts = [Stage("a", book).part(), slow.part(stop=slow.never, force=slow.start)]
    supervisor = Supervisor(parts, drain=1000)
    await supervisor.start()
    stopping = asyncio.ensure_future(supervisor.stop())
    await slow.running.wait()
    supervisor.request_stop()
    async with asyncio.timeout(30):
        await stopping
    assert book[-1] == "stop a"


async def test_a_part_that_listens_to_nobody_is_left_behind() -> None:
    book: list[str] = []
    deaf = Stage("b", book)
    parts = [Stage("a", book).part(), deaf.part(stop=deaf.deaf)]
    supervisor = Supervisor(parts, drain=1000)
    await supervisor.start()
    stopping = asyncio.ensure_future(supervisor.stop())
    await deaf.running.wait()
    supervisor.request_stop()
    try:
        async with asyncio.timeout(60):
            await stopping
    finally:
        deaf.over.set()
    assert "deaf" in book
    assert book[-1] == "stop a"
