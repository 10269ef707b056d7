"""A node that stands still in an upload; a provider and a mail server that are away: nobody needs to act."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.process import Outside, outside, outside_with
from support.world import OUTSIDE, PATIENCE, SENDER, TIME_SCALE, a_mail, text_of

from gateway.simulator import Catcher, Simulator
from gateway.simulator.sample import invoice

IN_THE_BODY = "stop:gateway.voipms.payload:Base64Reader.read:after:3"
LEASE = 6.0


class Tap:
    """A TCP relay in front of the provider that counts what each connection brings it."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.up: list[int] = []

    async def __aenter__(self) -> Tap:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        number = len(self.up)
        self.up.append(0)
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}

        async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter, counted: bool) -> None:
            while data := await source.read(65536):
                self.up[number] += len(data) * counted
                sink.write(data)
                await sink.drain()

        ends = [
            asyncio.create_task(pipe(reader, back, True)),
            asyncio.create_task(pipe(there, writer, False)),
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        for each in (writer, back):
            each.close()
            self._writers.discard(each)


def noise() -> bytes:
    """A picture that takes many pieces to upload."""
    file = io.BytesIO()
    Image.frombytes("1", (1728, 2200), os.urandom(1728 * 2200 // 8)).save(file, "PNG")
    return file.getvalue()


async def stands_still(world: Outside) -> None:
    """Wait until the daemon has stopped itself."""
    assert world.process is not None
    status = Path(f"/proc/{world.process.pid}/stat")
    async with asyncio.timeout(PATIENCE):
        while status.read_text().rpartition(")")[2].split()[0] != "T":
            await asyncio.sleep(0.02)


async def check_upload(first: Outside, tap: Tap, other: Outside | None) -> None:
    """Stop `first` in an upload until its lease is over: not a byte leaves afterwards, and no second call."""
    await first.start(IN_THE_BODY)
    queue_id = await first.send(a_mail(attachments={"noise.png": noise()}))
    await stands_still(first)
    assert first.process is not None
    if other is not None:
        await other.start()
        await other.until(f"{queue_id}-1", "held", "unknown")  # rescued by the one that goes on
    else:
        await asyncio.sleep(LEASE + 0.5)
    upload = max(range(len(tap.up)), key=lambda number: tap.up[number])
    sent = tap.up[upload]
    assert sent > 60_000
    first.process.send_signal(signal.SIGCONT)
    shown = await first.until(f"{queue_id}-1", "held")
    assert tap.up[upload] == sent
    assert "unknown" in [event["target"] for event in shown["history"]]
    assert shown["attempts"] == 1
    assert not any(call.accepted for call in first.calls())
    queue_id = await first.send(a_mail("5559870009", attachments={"invoice.pdf": invoice()}))
    await first.until(f"{queue_id}-1", "delivered")  # and the node goes on with others


def through(tap: Tap, simulator: Simulator) -> dict[str, Any]:
    host, rest = simulator.url.removeprefix("http://").split("/", 1)
    assert host
    return {"voipms": {"url": f"http://127.0.0.1:{tap.port}/{rest}"}, "fax": {"lease_seconds": LEASE}}


def address(simulator: Simulator) -> tuple[str, int]:
    host, port = simulator.url.removeprefix("http://").split("/", 1)[0].split(":")
    return host, int(port)


async def test_a_process_that_stood_still_in_an_upload(tmp_path: Path) -> None:
    async with (
        Catcher(tmp_path / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=TIME_SCALE) as simulator,
        Tap(address(simulator)) as tap,
        outside_with(tmp_path, simulator, catcher, through(tap, simulator)) as world,
    ):
        await check_upload(world, tap, None)


@pytest.mark.long
@pytest.mark.peer("postgresql")
async def test_a_node_that_stood_still_in_an_upload(tmp_path: Path, database: str) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    async with (
        Catcher(tmp_path / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=TIME_SCALE) as simulator,
        Tap(address(simulator)) as tap,
    ):
        first, second = (
            {**through(tap, simulator), "store": {"url": database, "node": name}} for name in ("a", "b")
        )
        async with (
            outside_with(tmp_path / "a", simulator, catcher, first) as one,
            outside_with(tmp_path / "b", simulator, catcher, second) as two,
        ):
            await check_upload(one, tap, two)


async def until_tried(world: Outside, times: int) -> None:
    """Wait until a mail that waits for the mail server was tried so often."""
    with contextlib.closing(sqlite3.connect(world.directory / "state" / "gateway.sqlite3")) as database:
        async with asyncio.timeout(PATIENCE):
            while database.execute("SELECT max(attempts) FROM outbox").fetchone()[0] < times:
                await asyncio.sleep(0.1)


async def test_a_provider_and_a_mail_server_that_are_away(tmp_path: Path) -> None:
    """A day of it in a few seconds: the waits are short, and there are as many of them."""
    changes = {"fax": {"pause_after": 2, "outage_notice": 1}, "mail": {"retry_delays": [0.2]}}
    async with outside(tmp_path, changes) as world:
        await world.start()
        line = world.simulator.line
        line.script([{"fate": "slow", "seconds": 30}], destination=OUTSIDE)
        ids = [await world.send(a_mail(text="Hello."))]
        await world.until(f"{ids[0]}-1", "sent", "delivered")
        await world.catcher.stop()
        await world.simulator.stop()
        ids += [await world.send(a_mail(f"555987000{n}", text="Hello.")) for n in range(1, 6)]
        await world.until_logged("queue_paused")
        await until_tried(world, 10)
        assert [(await world.ask("queue.show", id=f"{id_}-1"))[0]["attempts"] for id_ in ids[1:]] == [0] * 5
        await world.simulator.start()
        for queue_id in ids:
            await world.until(f"{queue_id}-1", "delivered")
        await world.catcher.start()
        for queue_id in ids:
            await world.catcher.wait_for(
                lambda caught, id_=queue_id: SENDER in caught.recipients and id_ in text_of(caught), PATIENCE
            )
        assert Counter(call.params["to_number"] for call in world.calls()) == Counter(
            [OUTSIDE, *(f"555987000{n}" for n in range(1, 6))]
        )
        for name in ("provider", "relay"):
            await world.until_logged(f"{name}_recovered")
            assert len(world.logged(f"{name}_recovered")) == 1
            assert 1 <= len(world.logged(f"{name}_trouble")) <= 2  # refused, then cut off: two reasons
        assert len(world.logged("queue_paused")) == len(world.logged("queue_resumed")) == 1
        assert len(world.logged("mail_failed")) <= len(ids) + 1
        assert len(world.logged("waiting")) <= 2 * len(ids)
        assert world.logged("crashed_item") == []
