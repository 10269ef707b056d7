"""Bad days of the real daemon: the disk is full, read-only or broken, the database is locked or gone.

Nothing is half-accepted, nothing is lost or sent twice, recovery needs nobody, and the log says it once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import smtplib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from support.bad_day import BROKEN, FULL, READ_ONLY, BadDay
from support.process import Outside, outside
from support.world import OUTSIDE, PATIENCE, SENDER, a_mail, post, text_of

from gateway.simulator.sample import invoice

pytestmark = pytest.mark.peer("cc")

SMALL, LARGE = "Hello.", ("Hello. " * 12 + "\n") * 1000


@contextlib.asynccontextmanager
async def on_a_bad_day(
    directory: Path, library: Path, changes: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[Outside, BadDay]]:
    """A daemon to be started, and what its disk and its clock do."""
    with BadDay(directory, directory / "state", library=library) as day:
        async with outside(directory, changes) as world:
            world.environment = day.environment
            yield world, day


async def answer_to(world: Outside, mail: EmailMessage) -> str:
    """How the content of a mail was answered, in whole."""
    try:
        return f"250 {await asyncio.to_thread(post, world.smtp, mail)}"
    except smtplib.SMTPDataError as error:
        return f"{error.smtp_code} {error.smtp_error.decode()}"


def spooled(world: Outside) -> list[str]:
    return os.listdir(world.directory / "state" / "spool")


async def receipts(world: Outside, fax_id: str) -> int:
    """How many mails the sender got about a fax; at least one."""
    about = lambda caught: SENDER in caught.recipients and fax_id in text_of(caught)  # noqa: E731
    await world.catcher.wait_for(about, PATIENCE)
    return sum(map(about, world.catcher.messages))


async def until_refused(day: BadDay, count: int) -> None:
    """Wait until so many more calls have met the fault."""
    before = day.refused
    async with asyncio.timeout(PATIENCE):
        while day.refused < before + count:
            await asyncio.sleep(0.02)


async def test_a_disk_that_takes_nothing_puts_mails_off(tmp_path: Path, bad_day_library: Path) -> None:
    async with on_a_bad_day(tmp_path, bad_day_library) as (world, day):
        await world.start()
        mails = [a_mail("5559870001", text=SMALL), a_mail("5559870002", text=LARGE)]
        faults: list[tuple[Callable[[], None], str]] = [
            (lambda: day.disk(FULL), "452 4.3.1 The gateway has no room"),
            (lambda: day.disk(READ_ONLY), "451 4.3.0"),
            (lambda: day.flushes(error=BROKEN), "451 4.3.0"),
        ]
        for begin, answer in faults:
            begin()
            for mail in mails * 2:
                assert (await answer_to(world, mail)).startswith(answer)
            day.over()
            assert spooled(world) == []
        for mail in mails:
            queue_id = await world.send(mail)
            await world.until(f"{queue_id}-1", "delivered")
            assert await receipts(world, f"{queue_id}-1") == 1
        assert [call.accepted for call in world.calls()] == [True, True]
        await world.until_logged("store_recovered")
        reasons = [line.partition("reason=")[2] for line in world.logged("store_trouble")]
        assert sorted(reasons) == ["disk_error", "disk_full", "read_only"]
        assert len(world.logged("store_recovered")) == 1
        assert world.logged("crashed_item") == []


async def test_a_start_on_a_full_disk_waits_for_room(tmp_path: Path, bad_day_library: Path) -> None:
    async with on_a_bad_day(tmp_path, bad_day_library) as (world, day):
        await world.start()
        queue_id = await world.send(a_mail(text=SMALL))
        await world.kill()
        day.disk(FULL)
        await world.start(ready=False)
        await until_refused(day, 5)
        day.over()
        async with asyncio.timeout(PATIENCE):
            while len(world.logged("started")) < 2:
                await asyncio.sleep(0.05)
        await world.until(f"{queue_id}-1", "delivered")
        assert len(world.logged("store_trouble")) == 1
        assert len(world.logged("store_recovered")) == 1


async def test_a_disk_that_fills_up_after_the_mail_was_taken(tmp_path: Path, bad_day_library: Path) -> None:
    """While it is rendered, while its outcome is appended, and while its receipt is queued."""
    async with on_a_bad_day(tmp_path, bad_day_library) as (world, day):
        await world.start()
        # An answer after a second, and a row after three: time to fill the disk in between.
        world.simulator.line.script([{"fate": "slow", "seconds": 100, "row_delay": 300}], destination=OUTSIDE)
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        day.disk(FULL)
        await until_refused(day, 3)
        day.over()
        await world.simulator.wait_for(lambda _: world.calls(), PATIENCE)
        day.disk(FULL)  # the provider has it, and has not answered
        await until_refused(day, 6)
        day.over()
        await world.until(f"{queue_id}-1", "sent")
        day.disk(FULL)
        await until_refused(day, 3)
        day.over()
        shown = await world.until(f"{queue_id}-1", "delivered")
        assert "unknown" not in [event["target"] for event in shown["history"]]
        assert shown["attempts"] == 1
        assert [call.accepted for call in world.calls()] == [True]
        assert await receipts(world, f"{queue_id}-1") == 1
        assert world.logged("crashed_item") == []


@pytest.mark.long
async def test_an_outcome_that_died_with_the_daemon_is_found_by_proof(
    tmp_path: Path, bad_day_library: Path
) -> None:
    async with on_a_bad_day(tmp_path, bad_day_library) as (world, day):
        await world.start()
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        await world.simulator.wait_for(lambda _: world.calls(), PATIENCE)
        day.disk(READ_ONLY)
        await until_refused(day, 2)
        await world.kill()
        await world.start(ready=False)
        assert await world.died() in (69, 74, 75)  # a clear word, and whoever starts it tries again
        assert "Read-only" in world.logs[-1].read_text() or "cannot be opened" in world.logs[-1].read_text()
        day.over()
        await world.start()
        await world.until(f"{queue_id}-1", "delivered")
        assert [call.accepted for call in world.calls()] == [True]
        assert await receipts(world, f"{queue_id}-1") == 1


@pytest.mark.long
async def test_a_database_that_somebody_else_has_locked(tmp_path: Path, bad_day_library: Path) -> None:
    async with on_a_bad_day(tmp_path, bad_day_library) as (world, _):
        await world.start()
        mail = a_mail(text=SMALL)
        with contextlib.closing(
            sqlite3.connect(world.directory / "state" / "gateway.sqlite3", isolation_level=None)
        ) as foreign:
            foreign.execute("BEGIN EXCLUSIVE")
            assert (await answer_to(world, mail)).startswith("451 4.3.0")  # after busy_timeout
        queue_id = await world.send(mail)
        await world.until(f"{queue_id}-1", "delivered")
        assert len(world.calls()) == 1
        assert len(world.logged("store_trouble")) == 1


async def test_a_database_that_is_gone_ends_the_daemon_and_none_takes_its_place(
    tmp_path: Path, bad_day_library: Path
) -> None:
    async with on_a_bad_day(tmp_path, bad_day_library) as (world, _):
        await world.start()
        state, names = world.directory / "state", ("gateway.sqlite3", "gateway.sqlite3-wal")
        queue_id = await world.send(a_mail(text=SMALL))
        await world.until(f"{queue_id}-1", "delivered")
        for name in names:
            shutil.move(state / name, tmp_path / name)
        assert (await answer_to(world, a_mail("5559870001", text=SMALL))).startswith("451 4.3.0")
        assert await world.died() == 75
        await world.start(ready=False)
        assert await world.died() == 75
        for log in world.logs:
            assert "gateway.sqlite3 is gone, or another file has its name" in log.read_text()
        assert not (state / "gateway.sqlite3").exists()
        for name in names:
            if (tmp_path / name).exists():
                shutil.move(tmp_path / name, state / name)
        await world.start()
        (shown,) = await world.ask("queue.show", id=f"{queue_id}-1")
        assert shown["state"] == "delivered"


async def test_a_clock_that_is_set_a_day_forward_and_back(tmp_path: Path, bad_day_library: Path) -> None:
    changes = {"fax": {"busy_delays": [3, 3]}}
    async with on_a_bad_day(tmp_path, bad_day_library, changes) as (world, day):
        await world.start()
        for round_, ahead in enumerate((86400.0, 0.0)):
            busy, uploading = f"555987{round_}001", f"555987{round_}002"
            world.simulator.line.script(["busy"], destination=busy)
            world.simulator.line.script([{"fate": "slow", "seconds": 150}], destination=uploading)
            ids = [await world.send(a_mail(busy, text=SMALL))]
            await world.until(f"{ids[0]}-1", "waiting")
            mail = a_mail(uploading, text=SMALL)
            ids.append(await world.send(mail))
            await world.simulator.wait_for(lambda _, number=uploading: called(world, number), PATIENCE)
            day.clock(ahead)
            await until_stepped(world, round_ + 1)
            assert await world.send(mail) == ids[1]  # still a repeat
            for queue_id in ids:
                shown = await world.until(f"{queue_id}-1", "delivered", "failed", "held")
                states = [event["target"] for event in shown["history"]]
                assert shown["state"] == "delivered"
                assert "unknown" not in states
            assert (called(world, busy), called(world, uploading)) == (2, 1)
            assert await receipts(world, f"{ids[0]}-1") == 1
        assert len(world.logged("clock_stepped")) == 2
        assert len(world.logged("clock_trouble")) <= 1
        assert world.logged("crashed_item") == []


def called(world: Outside, number: str) -> int:
    """Calls of sendFaxMessage to this number."""
    return sum(call.params["to_number"] == number for call in world.calls())


async def until_stepped(world: Outside, times: int) -> None:
    """Wait until the daemon has followed its clock."""
    async with asyncio.timeout(PATIENCE):
        while len(world.logged("clock_stepped")) < times:
            await asyncio.sleep(0.05)


@pytest.mark.long
async def test_a_clock_that_stands_still_keeps_nothing_waiting(tmp_path: Path, bad_day_library: Path) -> None:
    async with on_a_bad_day(tmp_path, bad_day_library) as (world, day):
        await world.start()
        day.freeze(float(os.stat(tmp_path).st_mtime))
        world.simulator.line.script(["busy"], destination=OUTSIDE)
        queue_id = await world.send(a_mail(text=SMALL))
        await world.until(f"{queue_id}-1", "delivered")
        assert await receipts(world, f"{queue_id}-1") == 1
        assert len(world.logged("clock_stepped")) <= 2
