"""Several nodes on one PostgreSQL: one goes on where another dies, and nothing is done twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import smtplib
from collections.abc import AsyncIterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from support.postgres import Cable, Cluster, Cut
from support.process import Outside, outside_with
from support.world import OFFICE, OUTSIDE, PATIENCE, SENDER, TIME_SCALE, World, a_mail, configuration, post

from gateway.app import Gateway
from gateway.config import from_dict
from gateway.faxin.poll import POLLED
from gateway.simulator import Catcher, Simulator
from gateway.simulator.sample import invoice
from gateway.store import Store, facts

pytestmark = pytest.mark.peer("postgresql")


@contextlib.asynccontextmanager
async def two_nodes(
    directory: Path, url: str, changes: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[Outside, Outside]]:
    """Two daemons to be started, one provider and one mail server."""
    async with (
        Catcher(directory / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=TIME_SCALE) as simulator,
        contextlib.AsyncExitStack() as stack,
    ):
        worlds = []
        for name in ("a", "b"):
            (directory / name).mkdir()
            sections = {**(changes or {}), "store": {"url": url, "node": name}}
            worlds.append(
                await stack.enter_async_context(outside_with(directory / name, simulator, catcher, sections))
            )
        yield worlds[0], worlds[1]


@contextlib.asynccontextmanager
async def worlds_within(
    directory: Path, *urls: str, changes: Mapping[str, Any] | None = None
) -> AsyncIterator[list[World]]:
    """The same in this process."""
    async with (
        Catcher(directory / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=TIME_SCALE) as simulator,
        contextlib.AsyncExitStack() as stack,
    ):
        worlds = []
        for number, url in enumerate(urls):
            home = directory / f"node{number}"
            home.mkdir()
            sections = {**(changes or {}), "store": {"url": url}}
            gateway = Gateway(from_dict(configuration(home, simulator, catcher, sections)))
            await gateway.supervisor.start()
            stack.push_async_callback(gateway.supervisor.stop)
            worlds.append(World(gateway=gateway, simulator=simulator, catcher=catcher, directory=home))
        yield worlds


@pytest.mark.parametrize(
    "point", ["gateway.worker.apply:document:before", "gateway.store.attempts:begin:before"]
)
async def test_another_node_sends_what_a_dead_one_accepted(tmp_path: Path, database: str, point: str) -> None:
    async with two_nodes(tmp_path, database) as (first, second):
        await first.start(point)
        queue_id = await first.send(a_mail(attachments={"invoice.pdf": invoice()}))
        assert await first.died() == -signal.SIGKILL
        await second.start()
        shown = await second.until(f"{queue_id}-1", "delivered")
        assert shown["attempts"] == 1
        await second.catcher.wait_for(lambda caught: SENDER in caught.recipients, PATIENCE)
        assert [call.accepted for call in second.calls()] == [True]
        await first.start()  # and the first one, back again, does nothing about it
        await first.until(f"{queue_id}-1", "delivered")
        assert len(first.calls()) == 1


async def test_the_same_mail_to_both_nodes_is_one_fax(tmp_path: Path, database: str) -> None:
    async with worlds_within(tmp_path, database, database) as worlds:
        mail = a_mail(text="x" * 200_000)
        ids = await asyncio.gather(*(world.send(mail) for world in worlds))
        assert ids[0] == ids[1]
        await worlds[0].until(f"{ids[0]}-1", "delivered")
        assert len(worlds[0].calls()) == 1
        assert len(await worlds[0].gateway.store.read(_fax_ids)) == 1


def _fax_ids(tx: Any) -> list[Any]:
    return list(tx.exec_driver_sql("SELECT id FROM fax"))


async def test_many_mails_to_both_nodes_go_once_each(tmp_path: Path, database: str) -> None:
    async with worlds_within(tmp_path, database, database) as worlds:
        mails = [a_mail(f"555987{n:04}", text="Hello.") for n in range(12)]
        ids = await asyncio.gather(*(worlds[n % 2].send(mail) for n, mail in enumerate(mails)))
        for queue_id in ids:
            await worlds[0].until(f"{queue_id}-1", "delivered")
            await worlds[0].receipt(f"{queue_id}-1")
        numbers = [call.params["to_number"] for call in worlds[0].calls()]
        assert sorted(numbers) == [f"555987{n:04}" for n in range(12)]
        receipts = [caught for caught in worlds[0].catcher.messages if SENDER in caught.recipients]
        assert len(receipts) == len(mails)


async def test_the_poll_goes_on_at_another_node(tmp_path: Path, database: str) -> None:
    async with two_nodes(tmp_path, database) as (first, second):
        await first.start()
        await second.start()
        watcher = Store(tmp_path / "watcher", url=database)
        await asyncio.to_thread(watcher.open)
        try:
            async with asyncio.timeout(PATIENCE):
                while await watcher.read(lambda tx: facts.get(tx, POLLED)) is None:
                    await asyncio.sleep(0.05)
        finally:
            await asyncio.to_thread(watcher.close)
        await first.simulator.receive(from_="5551110000", to="5552341234")
        await first.catcher.wait_for(lambda caught: OFFICE in caught.recipients, PATIENCE)
        await first.kill()
        await first.simulator.receive(from_="5551110001", to="5552341234")
        async with asyncio.timeout(PATIENCE):
            while sum(OFFICE in caught.recipients for caught in second.catcher.messages) < 2:
                await asyncio.sleep(0.05)
        assert sum(OFFICE in caught.recipients for caught in second.catcher.messages) == 2


def answer_to(address: tuple[str, int], mail: EmailMessage) -> int:
    """The code that the content of a mail was answered with."""
    try:
        post(address, mail)
    except smtplib.SMTPDataError as error:
        return error.smtp_code
    return 250


async def test_a_mail_whose_commit_got_no_answer_is_451_and_its_resend_no_second_fax(
    tmp_path: Path, cluster: Cluster, database: str
) -> None:
    async with Cable(cluster.port) as cable:
        through = cluster.url(database.rpartition("/")[2], cable.port)
        async with worlds_within(tmp_path, database, through) as (world, cut_off):
            mail = a_mail(text="Hello.")
            address = cut_off.gateway.smtp.addresses[0]
            for cut in Cut:
                answer = 250
                while answer == 250:  # another write of the node may meet the cut instead
                    cable.cut = cut
                    answer = await asyncio.to_thread(answer_to, address, mail)
                assert answer == 451
            queue_id = await cut_off.send(mail)
            await world.until(f"{queue_id}-1", "delivered")
            assert len(world.calls()) == 1


async def test_a_gateway_waits_for_a_database_that_is_not_up_yet(
    tmp_path: Path, cluster: Cluster, database: str
) -> None:
    async with (
        Catcher(tmp_path / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=TIME_SCALE) as simulator,
    ):
        await asyncio.to_thread(cluster.stop)
        gateway = Gateway(
            from_dict(configuration(tmp_path, simulator, catcher, {"store": {"url": database}}))
        )
        starting = asyncio.ensure_future(gateway.supervisor.start())
        done, _ = await asyncio.wait({starting}, timeout=3)
        assert not done
        await asyncio.to_thread(cluster.start)
        await starting
        try:
            world = World(gateway=gateway, simulator=simulator, catcher=catcher, directory=tmp_path)
            queue_id = await world.send(a_mail(text="Hello."))
            await world.until(f"{queue_id}-1", "delivered")
            assert {"track", "poll"} <= set(gateway.status()["duties"])
        finally:
            await gateway.supervisor.stop()


async def test_a_node_that_stood_still_in_an_upload_sends_no_second_fax(
    tmp_path: Path, database: str
) -> None:
    async with two_nodes(tmp_path, database) as (first, second):
        await first.start()
        first.simulator.line.script(["accepted_then_timeout"], destination=OUTSIDE)
        queue_id = await first.send(a_mail(attachments={"invoice.pdf": invoice()}))
        await first.simulator.wait_for(
            lambda sim: any(call.accepted for call in sim.ledger if call.method == "sendFaxMessage"), PATIENCE
        )
        assert first.process is not None
        first.process.send_signal(signal.SIGSTOP)
        await second.start()
        try:
            # Nobody knows what the first one would say; the row proves it.
            shown = await second.until(f"{queue_id}-1", "delivered")
            assert "unknown" in [event["target"] for event in shown["history"]]
        finally:
            first.process.send_signal(signal.SIGCONT)
        await second.catcher.wait_for(lambda caught: SENDER in caught.recipients, PATIENCE)
        shown = await first.until(f"{queue_id}-1", "delivered")
        assert [call.accepted for call in second.calls()] == [True]
