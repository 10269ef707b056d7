"""The running gateway forgets what is over, and only that."""

import asyncio
from pathlib import Path

from support.world import OFFICE, OUR_NUMBER, OUTSIDE, PATIENCE, World, a_mail, a_world, configuration

from gateway.app import Gateway
from gateway.config import from_dict
from gateway.simulator.sample import invoice
from gateway.store import Store, views


async def acknowledged(store: Store) -> str:
    """Wait until the one received fax is done; its id."""
    async with asyncio.timeout(PATIENCE):
        while [fax["state"] for fax in await store.read(views.inbox_list)] != ["acknowledged"]:
            await asyncio.sleep(0.03)
    return str((await store.read(views.inbox_list))[0]["id"])


async def purged(gateway: Gateway, fax_id: str, received_id: str) -> None:
    """Wait until the Fax and the received one have no content."""
    async with asyncio.timeout(PATIENCE):
        while True:
            out = await gateway.store.read(lambda tx: views.queue_show(tx, fax_id))
            back = await gateway.store.read(lambda tx: views.inbox_show(tx, received_id))
            assert out is not None
            assert back is not None
            if out["purged"] is not None and back["purged"] is not None:
                return
            await asyncio.sleep(0.03)


async def test_a_gateway_that_keeps_nothing_forgets_both_ways_and_goes_on(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        queue_id = await world.send(a_mail(OUTSIDE, attachments={"invoice.pdf": invoice()}))
        fax_id = f"{queue_id}-1"
        assert (await world.until(fax_id, "delivered"))["purged"] is None
        await world.receipt(queue_id)
        await world.simulator.receive(to=OUR_NUMBER, from_="5553458762")
        await world.catcher.wait_for(lambda caught: OFFICE in caught.recipients)
        received_id = await acknowledged(world.gateway.store)
        await world.gateway.supervisor.stop()
        state = tmp_path / "state"
        assert list((state / "pages").iterdir())

        changes = {"retention": {"content_days": 0}}
        again = Gateway(from_dict(configuration(tmp_path, world.simulator, world.catcher, changes)))
        await again.supervisor.start()
        try:
            await purged(again, fax_id, received_id)
            later = World(gateway=again, simulator=world.simulator, catcher=world.catcher, directory=tmp_path)
            next_id = await later.send(a_mail(OUTSIDE, text="Another one.\n"))
            await later.until(f"{next_id}-1", "delivered")
            assert len(later.calls()) == 2
        finally:
            await again.supervisor.stop()
        kept = [entry.stem for entry in (state / "pages").iterdir()]
        assert kept == [next_id]
        assert list((state / "inbox").iterdir()) == []
