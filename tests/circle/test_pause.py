"""What keeps every fax back: nothing is lost, nothing is sent twice, and it ends by itself."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.world import ADMIN, PATIENCE, World, a_mail, a_world, text_of

from gateway.errors import StoppingError
from gateway.simulator.sample import invoice

NUMBERS = ["5552340001", "5552340002", "5552340003"]


async def send_all(world: World) -> list[str]:
    mails = [a_mail(number, attachments={"invoice.pdf": invoice()}) for number in NUMBERS]
    return [f"{await world.send(mail)}-1" for mail in mails]


async def paused(world: World) -> dict[str, Any]:
    """What the status says once the queue waits."""
    async with asyncio.timeout(PATIENCE):
        while (pause := (await world.status())["paused"]) is None:
            await asyncio.sleep(0.03)
    return dict(pause)


async def all_arrive_once(world: World, fax_ids: list[str]) -> None:
    for fax_id in fax_ids:
        await world.until(fax_id, "delivered")
    accepted = [call for call in world.calls() if call.accepted]
    assert sorted(call.params["to_number"] for call in accepted) == NUMBERS
    assert (await world.status())["paused"] is None


def alerts(world: World) -> list[str]:
    return [text_of(mail) for mail in world.catcher.messages if ADMIN in mail.recipients]


async def test_wrong_credentials_stop_everything_until_they_are_right(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        right, world.simulator.account.password = world.simulator.account.password, "changed"
        fax_ids = await send_all(world)
        pause = await paused(world)
        assert (pause["why"], pause["code"]) == ("account", "invalid_credentials")
        await world.mail_about("invalid_credentials", lambda caught: ADMIN in caught.recipients)
        world.simulator.account.password = right
        await all_arrive_once(world, fax_ids)
        assert len(alerts(world)) == 1


async def test_money_stops_everything_until_there_is_enough(tmp_path: Path) -> None:
    async with a_world(tmp_path, {"fax": {"least_balance": 5, "provider_delays": [0.2]}}) as world:
        world.simulator.account.balance = Decimal(0)
        fax_ids = await send_all(world)
        assert (await paused(world))["why"] == "money"
        for fax_id in fax_ids:  # calls that were under way end
            await world.until(fax_id, "accepted", "waiting")
        world.simulator.account.balance = Decimal("4.99")
        before = len(world.calls("getBalance"))
        async with asyncio.timeout(PATIENCE):
            while len(world.calls("getBalance")) < before + 2:
                await asyncio.sleep(0.03)
        assert not any(call.accepted for call in world.calls())
        world.simulator.account.balance = Decimal(50)
        await all_arrive_once(world, fax_ids)
        assert len(alerts(world)) == 1


async def test_a_provider_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    changes = {"fax": {"provider_delays": [0.2, 0.4], "outage_notice": 1}}
    async with a_world(tmp_path, changes) as world:
        await world.simulator.stop()
        fax_ids = await send_all(world)
        assert (await paused(world))["why"] == "provider"
        await world.mail_about("before_request", lambda caught: ADMIN in caught.recipients)
        shown = [await world.fax(fax_id) for fax_id in fax_ids]
        assert {fax["state"] for fax in shown} <= {"accepted", "waiting"}
        await world.simulator.start()
        await all_arrive_once(world, fax_ids)
        assert len(alerts(world)) == 1


async def test_a_stop_ends_the_waiting_for_turns(tmp_path: Path) -> None:
    """After too many requests nothing is asked for a while; a restart must not take as long."""
    async with a_world(tmp_path) as world:
        world.simulator.line.script(["api_limit_exceeded"], destination=NUMBERS[0])
        (fax_id, *_) = await send_all(world)
        await world.until(fax_id, "waiting")
        asking = asyncio.create_task(world.gateway.client.get_balance())
    with pytest.raises(StoppingError):
        await asking
