"""The clock on the wall is set while a fax is handed over: it goes once, and its call is not given up."""

import time
from pathlib import Path

import pytest
from support.world import a_mail, a_world

from gateway.store import Store

HOUR = 3600.0


async def test_a_clock_that_is_set_during_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offset = 0.0
    monkeypatch.setattr(Store, "now", lambda _: time.time() + offset)
    async with a_world(tmp_path, {"voipms": {"read_timeout": 20}, "fax": {"lease_seconds": 30}}) as world:
        for calls, jump in enumerate((3 * HOUR, -3 * HOUR), 1):
            # An answer that takes longer than the two seconds after which the rescue looks again.
            number = f"555987{calls:04}"
            world.simulator.line.script([{"fate": "slow", "seconds": 300}], destination=number)
            queue_id = await world.send(a_mail(number, text="Hello."))
            await world.simulator.wait_for(
                lambda sim, calls=calls: (
                    sum(c.accepted for c in sim.ledger if c.method == "sendFaxMessage") == calls
                )
            )
            offset = jump
            shown = await world.until(f"{queue_id}-1", "delivered", "held", "failed")
            assert [event["target"] for event in shown["history"]] == [
                "accepted",
                "submitting",
                "sent",
                "delivered",
            ]
            offset = 0.0  # somebody puts it right
        assert [call.accepted for call in world.calls()] == [True, True]
