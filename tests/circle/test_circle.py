"""The circle end to end: real SMTP, the real client over HTTP, real pages, real mails."""

import hashlib
import smtplib
from pathlib import Path

import pytest
from support.world import (
    CODE,
    OFFICE,
    OUR_NUMBER,
    OUTSIDE,
    SENDER,
    a_mail,
    a_world,
    configuration,
    first_contact,
    text_of,
)

from gateway.app import Gateway
from gateway.config import from_dict
from gateway.simulator import Catcher, Simulator
from gateway.simulator.encode import MODES
from gateway.simulator.sample import incoming, invoice
from gateway.voipms import accounts


@pytest.mark.parametrize("mode", MODES)
async def test_both_ways_in_every_wire_mode(tmp_path: Path, mode: str) -> None:
    async with a_world(tmp_path, wire=MODES[mode]) as world:
        mail = a_mail(OUTSIDE, attachments={"invoice.pdf": invoice()})
        queue_id = await world.send(mail)
        shown = await world.until(f"{queue_id}-1", "delivered")
        assert (shown["pages_sent"], shown["pages"], shown["attempts"]) == (2, 2, 1)

        receipt = await world.receipt(queue_id)
        assert receipt.sender == ""
        assert receipt.recipients == (SENDER,)
        assert receipt.message["In-Reply-To"] == mail["Message-ID"]
        assert "Invoice 7" in receipt.message["Subject"]
        assert CODE not in receipt.path.read_text()

        (call,) = world.calls()
        pages = world.gateway.store.pages.path(f"{queue_id}.pdf")
        assert call.params["file"]["digest"] == hashlib.sha256(pages.read_bytes()).hexdigest()  # type: ignore[index]
        assert call.params["to_number"] == OUTSIDE

        await world.simulator.receive(to=OUR_NUMBER, from_="5553458762", name="Dr Adeyemi")
        arrived = await world.catcher.wait_for(lambda caught: OFFICE in caught.recipients)
        assert arrived.attachments() == [incoming()]
        assert "(555) 345-8762" in str(arrived.message["Subject"])


async def test_a_fax_to_our_own_number_comes_back_in(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        queue_id = await world.send(a_mail("5557654321", attachments={"invoice.pdf": invoice()}))
        await world.until(f"{queue_id}-1", "delivered")
        arrived = await world.catcher.wait_for(lambda caught: OFFICE in caught.recipients)
        (pdf,) = arrived.attachments()
        assert pdf == world.gateway.store.pages.path(f"{queue_id}.pdf").read_bytes()


async def test_several_recipients_are_several_faxes_of_one_document(tmp_path: Path) -> None:
    numbers = ["5559876543", "5559876544", "5559876545"]
    async with a_world(tmp_path) as world:
        world.simulator.line.script(["voice", "voice"], destination=numbers[1])
        queue_id = await world.send(a_mail(*numbers, text="Please call back.\n"))
        states = [(await world.until(f"{queue_id}-{n}", "delivered", "failed"))["state"] for n in (1, 2, 3)]
        assert states == ["delivered", "failed", "delivered"]
        digests = {call.params["file"]["digest"] for call in world.calls()}  # type: ignore[index]
        assert len(digests) == 1
        assert {call.params["to_number"] for call in world.calls()} == set(numbers)


async def test_the_provider_mails_where_the_route_says_so(tmp_path: Path) -> None:
    route = [{"numbers": ["*"], "to": [OFFICE], "via": "provider"}]
    async with a_world(tmp_path, {"route": route, "receive": {"move_to": "Done"}}) as world:
        provider_id = await world.simulator.receive(to=OUR_NUMBER, from_="5553458762")
        arrived = await world.catcher.wait_for(lambda caught: OFFICE in caught.recipients)
        assert arrived.attachments()
        await world.simulator.wait_for(
            lambda sim: [c for c in sim.ledger if c.method == "moveFaxMessage" and c.answer == "success"]
        )
        (call,) = world.calls("mailFaxMessagePDF")
        assert call.params["id"] == provider_id
        assert world.calls("deleteFaxMessage") == []


async def test_a_mail_server_that_is_down_loses_nothing(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.catcher.refuse("451 4.3.0 later", times=3)
        await world.simulator.receive(to=OUR_NUMBER, from_="5553458762")
        arrived = await world.catcher.wait_for(lambda caught: OFFICE in caught.recipients)
        assert arrived.attachments()


async def test_first_contact_starts_from_now(tmp_path: Path) -> None:
    async with Catcher(tmp_path / "mails") as catcher, Simulator(smtp=catcher.address) as simulator:
        old = await simulator.receive(to=OUR_NUMBER, from_="5553458762")
        gateway = Gateway(from_dict(configuration(tmp_path, simulator, catcher)))
        await gateway.supervisor.start()
        try:
            await first_contact(gateway)
            new = await simulator.receive(to=OUR_NUMBER, from_="5553458763")
            arrived = await catcher.wait_for()
            assert "(555) 345-8763" in str(arrived.message["Subject"])
            fetched = {c.params["id"] for c in simulator.ledger if c.method == "getFaxMessagePDF"}
            assert fetched == {new}
            assert old not in fetched
        finally:
            await gateway.supervisor.stop()


async def test_what_cannot_be_faxed_ends_in_a_notice_that_names_the_file(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        queue_id = await world.send(a_mail(attachments={"good.pdf": invoice(), "empty.pdf": b""}))
        shown = await world.until(f"{queue_id}-1", "failed")
        assert "empty.pdf" in shown["reason"]
        receipt = await world.receipt(queue_id)
        assert "empty.pdf" in text_of(receipt)
        assert world.calls() == []


async def test_the_code_is_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with a_world(tmp_path) as world:
        mail = a_mail(text=f"> Subject: {CODE} Invoice 7\n\nAs I wrote.\n", attachments={"a.pdf": invoice()})
        mail["Thread-Topic"] = f"{CODE} Invoice 7"
        queue_id = await world.send(mail)
        await world.until(f"{queue_id}-1", "delivered")
        await world.receipt(queue_id)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert CODE.encode() not in content.replace(f"> Subject: {CODE}".encode(), b""), path
    assert CODE not in caplog.text


async def test_the_accounts_own_list_of_senders_decides(tmp_path: Path) -> None:
    changes = {"sender_rules": {"source": "account", "refresh": 0.2}, "sender": []}
    async with a_world(tmp_path, changes) as world:
        with pytest.raises(smtplib.SMTPResponseException):
            await world.send(a_mail(text="Too early.\n"))
        await accounts.add_email_to_fax(
            world.gateway.client, email=SENDER, from_="5557654321", security_code=CODE
        )
        await world.gateway.rules.refresh()
        queue_id = await world.send(a_mail(text="Now it works.\n"))
        await world.until(f"{queue_id}-1", "delivered")
        (call,) = world.calls()
        assert call.params["from_number"] == "5557654321"
