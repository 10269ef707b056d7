"""kill -9 at named points: nothing accepted is lost, nothing is sent twice."""

import signal
from pathlib import Path

import pytest
from support.process import outside
from support.world import OUTSIDE, SENDER, a_mail

from gateway.simulator.sample import invoice

AFTER_THE_INTENT = "gateway.voipms:Client.send_fax_message:before"
AFTER_THE_ANSWER = "gateway.voipms:Client.send_fax_message:after"
BEFORE_THE_OUTCOME = "gateway.worker.apply:submit:before"
INSIDE_THE_OUTCOME = "gateway.store.attempts:end:after"
POINTS = {
    "after rendering": "gateway.worker.apply:document:before",
    "before the intent": "gateway.store.attempts:begin:before",
    "in the intent's transaction": "gateway.store.attempts:begin:after",
    "before the final move": "gateway.worker.apply:tracked:before",
    "in the final move's transaction": "gateway.worker.apply:tracked:after",
    "before the receipt leaves": "gateway.mailout.deliver:Deliverer.step:before",
    "after the receipt left": "gateway.mailout.deliver:Deliverer.step:after",
}
"""Points at which nothing is in doubt afterwards: the fax goes out once and is delivered."""


async def test_after_250(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start("gateway.store.documents:claim:before", ready=False)
        # Every start dies at its first claim, so that nothing but the acceptance can have happened.
        assert await world.died() == -signal.SIGKILL
        await world.start()
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        await world.kill()
        await world.start()
        await world.until(f"{queue_id}-1", "delivered")
        await world.catcher.wait_for(lambda caught: SENDER in caught.recipients)
        assert [call.accepted for call in world.calls()] == [True]


@pytest.mark.parametrize("point", POINTS)
async def test_where_nothing_is_in_doubt(tmp_path: Path, point: str) -> None:
    async with outside(tmp_path) as world:
        await world.start(POINTS[point])
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        assert await world.died() == -signal.SIGKILL
        await world.start()
        await world.until(f"{queue_id}-1", "delivered")
        receipt = await world.catcher.wait_for(lambda caught: SENDER in caught.recipients)
        assert "delivered" in str(receipt.message["Subject"])
        assert [call.accepted for call in world.calls()] == [True]
        # Delivered at least once, with one Message-ID.
        ids = {m.message["Message-ID"] for m in world.catcher.messages if SENDER in m.recipients}
        assert len(ids) == 1


@pytest.mark.parametrize("point", [AFTER_THE_ANSWER, BEFORE_THE_OUTCOME, INSIDE_THE_OUTCOME])
async def test_after_the_providers_answer_the_row_proves_it(tmp_path: Path, point: str) -> None:
    async with outside(tmp_path) as world:
        await world.start(point)
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        assert await world.died() == -signal.SIGKILL
        assert [call.accepted for call in world.calls()] == [True]
        await world.start()
        shown = await world.until(f"{queue_id}-1", "delivered", "held")
        assert shown["state"] == "delivered"
        assert "unknown" in [event["target"] for event in shown["history"]]
        assert [call.accepted for call in world.calls()] == [True]


async def test_during_the_call_when_the_provider_took_it(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        world.simulator.line.script(["accepted_then_timeout"], destination=OUTSIDE)
        await world.start()
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        await world.simulator.wait_for(
            lambda sim: any(c.accepted for c in sim.ledger if c.method == "sendFaxMessage")
        )
        await world.kill()
        await world.start()
        await world.until(f"{queue_id}-1", "delivered")
        assert [call.accepted for call in world.calls()] == [True]


async def test_after_the_intent_without_a_call_a_person_decides(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start(AFTER_THE_INTENT)
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        assert await world.died() == -signal.SIGKILL
        await world.start()
        await world.until(f"{queue_id}-1", "held")
        assert world.calls() == []
        await world.catcher.wait_for(lambda caught: SENDER in caught.recipients)
        assert (await world.ask("queue.resolve", id=f"{queue_id}-1", **{"as": "resend"}))[
            "state"
        ] == "waiting"
        await world.until(f"{queue_id}-1", "delivered")
        assert [call.accepted for call in world.calls()] == [True]


async def test_a_mail_resent_after_a_lost_250_is_one_fax(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start("gateway.mailin.intake:Intake.accept:after")
        mail = a_mail(attachments={"invoice.pdf": invoice()})
        with pytest.raises(Exception, match=r"closed|reset"):
            await world.send(mail)
        assert await world.died() == -signal.SIGKILL
        await world.start()
        queue_id = await world.send(mail)
        await world.until(f"{queue_id}-1", "delivered")
        assert len(await world.ask("queue.list", all=True)) == 1
        assert [call.accepted for call in world.calls()] == [True]
