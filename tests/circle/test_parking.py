"""Which mail is parked when the daemon dies again and again, and what a clean stop costs: nothing."""

import asyncio
import contextlib
import signal
import sqlite3
from pathlib import Path
from typing import Any

from support.process import Outside, outside
from support.world import OUTSIDE, PATIENCE, SENDER, a_mail, text_of

from gateway.store.documents import DEATHS

POISON = "gateway.document.stage:RenderStage.step:before:1:poison"
"""The daemon dies whenever it is about to render the mail that has this word in its subject."""
KILLS = (
    "gateway.worker.apply:document:before:2",
    "gateway.document.stage:RenderStage.step:after",
    "gateway.store.attempts:begin:after",
)
"""Deaths that strike whoever is there: with two under way, with one alone, and while others are sent."""


def documents(world: Outside) -> list[dict[str, Any]]:
    """The rows, while no daemon runs."""
    with contextlib.closing(sqlite3.connect(world.directory / "state" / "gateway.sqlite3")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM document ORDER BY id")]


async def pages_of(world: Outside, fax_id: str) -> str:
    """Wait until it is known whether a mail became pages; what its document is then."""
    async with asyncio.timeout(PATIENCE):
        while (state := (await world.ask("queue.show", id=fax_id))[0]["document"]["state"]) == "pending":
            await asyncio.sleep(0.02)
    return str(state)


async def test_a_mail_that_kills_the_daemon_is_parked_after_three_lonely_deaths(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start(POISON)
        good = [await world.send(a_mail(f"555987{n:04}", text="Hello.")) for n in range(2)]
        with contextlib.suppress(Exception):  # its 250 may be lost with the daemon
            await world.send(a_mail(OUTSIDE, text="Hello.", subject="poison"))
        assert await world.died() == -signal.SIGKILL
        for deaths in range(1, DEATHS + 1):
            await world.start(POISON, ready=False)
            assert await world.died() == -signal.SIGKILL
            assert max(row["deaths"] for row in documents(world)) == deaths - 1
        await world.start(POISON)
        for queue_id in good:
            assert await pages_of(world, f"{queue_id}-1") == "ready"
        (poison,) = [row for row in await world.ask("queue.list", all=True) if row["subject"] == "poison"]
        assert (poison["state"], poison["code"]) == ("failed", "renderer_died")
        await world.catcher.wait_for(
            lambda caught: SENDER in caught.recipients and poison["id"] in text_of(caught), PATIENCE
        )


async def test_deaths_that_strike_anybody_park_nobody(tmp_path: Path) -> None:
    async with outside(tmp_path, {"document": {"workers": 2}}) as world:
        await world.start(KILLS[0])
        sent = 0
        with contextlib.suppress(Exception):  # the last one's 250 may be lost with the daemon
            for sent in range(1, 5):
                await world.send(a_mail(f"555987{sent:04}", text="Hello."))
        assert await world.died() == -signal.SIGKILL
        for point in KILLS[1:]:
            await world.start(point, ready=False)
            assert await world.died() == -signal.SIGKILL
        await world.start()
        faxes = await world.ask("queue.list", all=True)
        assert sent - 1 <= len(faxes) <= sent
        for fax in faxes:
            assert await pages_of(world, fax["id"]) == "ready"
        assert len(world.calls()) <= len(faxes)


async def test_a_clean_stop_is_no_attempt_and_no_death(tmp_path: Path) -> None:
    # Turns are rare, and the tracker and the poll take them too: a fax waits for its own.
    async with outside(tmp_path, {"voipms": {"calls_per_minute": 240}, "document": {"workers": 1}}) as world:
        await world.start()
        ids = [await world.send(a_mail(f"555987{n:04}", text="Hello. " * 2000)) for n in range(2)]
        assert await world.kill(signal.SIGTERM) == 0  # while it renders
        untouched(world)
        await world.start()
        assert await pages_of(world, f"{ids[1]}-1") == "ready"
        assert await world.kill(signal.SIGTERM) == 0  # while one or the other waits for its turn
        untouched(world)
        await world.start()
        for queue_id in ids:
            assert (await world.until(f"{queue_id}-1", "sent", "delivered"))["attempts"] == 1
        assert [call.accepted for call in world.calls()] == [True] * 2


def untouched(world: Outside) -> None:
    for row in documents(world):
        assert (row["deaths"], row["suspect"], row["lease_owner"]) == (0, 0, None)
