"""Each scripted fault of a submission, end to end: what the sender, the administrator and the ledger see.

*Sent twice* means: a call for a Fax while an earlier call of it that may have been accepted has not been
reported failed. `accepted` below counts what the provider took.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.world import ADMIN, OUTSIDE, World, a_mail, a_world, text_of

from gateway.simulator import MODES
from gateway.simulator.sample import invoice

WAITS = ["waiting"]

# (name, script, states the fax goes through after submitting, calls, accepted by the provider)
TRANSPARENT: list[tuple[str, list[Any], list[str], int, int]] = [
    ("success", ["success"], ["sent", "delivered"], 1, 1),
    ("busy, then free", ["busy", "success"], ["sent", "waiting", "submitting", "sent", "delivered"], 2, 2),
    (
        "no answer, then",
        ["no_answer", "success"],
        ["sent", "waiting", "submitting", "sent", "delivered"],
        2,
        2,
    ),
    ("voice", ["voice", "voice"], ["sent", "waiting", "submitting", "sent", "failed"], 2, 2),
    (
        "drop after page 1",
        [{"fate": "drop_after", "k": 1}, "success"],
        ["sent", "waiting", "submitting", "sent", "delivered"],
        2,
        2,
    ),
    ("success with fewer pages", ["partial"], ["sent", "partial"], 1, 1),
    ("row delayed", [{"fate": "row_delayed", "seconds": 60}], ["sent", "delivered"], 1, 1),
    ("changing ids", ["changing_ids"], ["sent", "delivered"], 1, 1),
    ("stranger before", [{"fate": "stranger_row", "when": "before"}], ["sent", "delivered"], 1, 1),
    ("stranger during", [{"fate": "stranger_row", "when": "during"}], ["sent", "delivered"], 1, 1),
    ("slow", [{"fate": "slow", "seconds": 50}], ["sent", "delivered"], 1, 1),
    ("too many requests", ["api_limit_exceeded"], ["waiting"], 1, 0),
    ("daily limit", ["limit_reached"], ["waiting"], 1, 0),
    ("no money", ["non_sufficient_funds"], ["waiting"], 1, 0),
    ("invalid file", [{"status": "invalid_file"}], ["failed"], 1, 0),
    # doubt, resolved by proof: the row's PDF shows our pages
    ("time-out, was taken", ["accepted_then_timeout"], ["unknown", "sent", "delivered"], 1, 1),
    ("reset, was taken", ["accepted_then_reset"], ["unknown", "sent", "delivered"], 1, 1),
    ("5xx, was taken", [{"fate": "http_5xx", "accepted": True}], ["unknown", "sent", "delivered"], 1, 1),
    (
        "empty 200, was taken",
        [{"fate": "empty_200", "accepted": True}],
        ["unknown", "sent", "delivered"],
        1,
        1,
    ),
    ("HTML 200, was taken", [{"fate": "html_200", "accepted": True}], ["unknown", "sent", "delivered"], 1, 1),
    (
        "sent_fail, was taken",
        [{"fate": "sent_fail", "accepted": True}],
        ["unknown", "sent", "delivered"],
        1,
        1,
    ),
    (
        "reset, was taken, busy, then free",
        [{"fate": "accepted_then_reset", "ending": "busy"}, "success"],
        ["unknown", "waiting", "submitting", "sent", "delivered"],
        2,
        2,
    ),
    # doubt without proof: a person decides
    ("reset, was not taken", ["refused_after_body"], ["unknown", "held"], 1, 0),
    ("5xx, was not taken", ["http_5xx"], ["unknown", "held"], 1, 0),
    ("empty 200, was not taken", ["empty_200"], ["unknown", "held"], 1, 0),
    ("unavailable_info", ["unavailable_info"], ["unknown", "held"], 1, 0),
    ("sent_fail", ["sent_fail"], ["unknown", "held"], 1, 0),
    ("an invented status", [{"status": "brand_new_code"}], ["unknown", "held"], 1, 0),
    ("row never", ["row_never"], ["sent", "held"], 1, 1),
    (
        "time-out, row never",
        [{"fate": "accepted_then_timeout", "row_shown": False}],
        ["unknown", "held"],
        1,
        1,
    ),
    # a stranger's row with the same number and page count proves nothing
    (
        "time-out, stranger instead",
        [{"fate": "accepted_then_timeout", "stranger": "instead"}],
        ["unknown", "held"],
        1,
        1,
    ),
    (
        "not taken, stranger",
        [{"fate": "refused_after_body", "stranger": "before"}],
        ["unknown", "held"],
        1,
        0,
    ),
]


async def history(world: World, fax_id: str) -> list[str]:
    """States after the first *submitting*; a waiting one may have several reasons to wait."""
    shown = await world.fax(fax_id)
    targets = [event["target"] for event in shown["history"] if event["target"] != event["source"]]
    return targets[targets.index("submitting") + 1 :]


def settled(states: list[str]) -> list[str]:
    """Without the stop at *sent* after *unknown*: a row may be found pending, or when it is final already."""
    return [s for n, s in enumerate(states) if not (s == "sent" and n and states[n - 1] == "unknown")]


def goes_to(case: int) -> str:
    """The number of a case in the crowd."""
    return f"{int(OUTSIDE) + case}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, list[str]]]:
    """All faults at once, each on a line of its own, since most of the time is waiting; and the queue ids.

    Those that make the whole queue wait are not in it.
    """
    changes = {"fax": {"hold_after": 12}}  # as long as many calls take one after the other
    async with a_world(tmp_path_factory.mktemp("crowd"), changes) as world:
        ids = []
        for number, (_, script, states, *_) in enumerate(TRANSPARENT):
            if states != WAITS:
                world.simulator.line.script(script, destination=goes_to(number))
            mail = a_mail(goes_to(number), attachments={"invoice.pdf": invoice()})
            ids.append(await world.send(mail) if states != WAITS else "")
        yield world, ids


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "case", [pytest.param(number, id=case[0]) for number, case in enumerate(TRANSPARENT) if case[2] != WAITS]
)
async def test_a_fault_of_the_call(crowd: tuple[World, list[str]], case: int) -> None:
    world, ids = crowd
    _, _, states, calls, accepted = TRANSPARENT[case]
    fax_id = f"{ids[case]}-1"
    shown = await world.until(fax_id, states[-1])
    told = await history(world, fax_id)
    assert settled(told) == settled(states)
    made = [call for call in world.calls() if call.params["to_number"] == goes_to(case)]
    assert len(made) == calls
    assert sum(call.accepted for call in made) == accepted
    await sees(world, fax_id, shown)


@pytest.mark.parametrize(
    ("script", "accepted"),
    [pytest.param(case[1], case[4], id=case[0]) for case in TRANSPARENT if case[2] == WAITS],
)
async def test_a_fault_that_the_whole_queue_waits_for(
    tmp_path: Path, script: list[Any], accepted: int
) -> None:
    async with a_world(tmp_path) as world:
        world.simulator.line.script(script, destination=OUTSIDE)
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        shown = await world.until(f"{queue_id}-1", "waiting")
        assert [call.accepted for call in world.calls()] == [bool(accepted)]
        await sees(world, f"{queue_id}-1", shown)


async def sees(world: World, fax_id: str, shown: dict[str, Any]) -> None:
    """What people are told, by the state the fax is in."""
    if shown["state"] == "waiting":
        assert shown["run_at"] is not None
        if shown["code"] == "non_sufficient_funds":
            await world.mail_about("non_sufficient_funds", lambda caught: ADMIN in caught.recipients)
        return
    notice = await world.receipt(fax_id)
    subject = str(notice.message["Subject"])
    if shown["state"] == "held":
        await world.mail_about(fax_id, lambda caught: ADMIN in caught.recipients)
        assert "delivered" not in subject
        return
    words = {"delivered": "delivered", "failed": "not delivered", "partial": "partly"}
    assert words[shown["state"]] in subject.lower() + text_of(notice).lower()
    finals = [m for m in world.catcher.messages if m.message["Message-ID"] == notice.message["Message-ID"]]
    assert len(finals) == 1


@pytest.mark.parametrize("wire", ["redrawn", "standard"])
async def test_pages_that_the_provider_keeps_in_another_form_are_proof(tmp_path: Path, wire: str) -> None:
    async with a_world(tmp_path, wire=MODES[wire]) as world:
        world.simulator.line.script(["accepted_then_reset"], destination=OUTSIDE)
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        await world.until(f"{queue_id}-1", "delivered")
        assert settled(await history(world, f"{queue_id}-1")) == ["unknown", "delivered"]
        assert len(world.calls()) == 1


async def test_a_held_fax_expires_as_unconfirmed_and_its_sender_is_told(tmp_path: Path) -> None:
    changes = {"fax": {"hold_after": 0.5, "held_days": 1 / 86400}}
    async with a_world(tmp_path, changes) as world:
        world.simulator.line.script(["refused_after_body"], destination=OUTSIDE)
        queue_id = await world.send(a_mail(text="Hello\n"))
        await world.until(f"{queue_id}-1", "unconfirmed")
        await world.catcher.wait_for(lambda caught: "unconfirmed" in str(caught.message["Subject"]).lower())
        assert len(world.calls()) == 1


async def test_a_rule_may_resend_what_left_no_trace(tmp_path: Path) -> None:
    changes = {
        "sender": [
            {"name": "anna", "addresses": ["*"], "code": "K7Q2ZZ", "on_unknown": "resend"},
        ],
        "fax": {"hold_after": 0.5},
    }
    async with a_world(tmp_path, changes) as world:
        world.simulator.line.script(["refused_after_body", "success"], destination=OUTSIDE)
        queue_id = await world.send(a_mail(text="Hello\n"))
        await world.until(f"{queue_id}-1", "delivered")
        assert [call.accepted for call in world.calls()] == [False, True]


async def test_a_held_fax_frees_the_line_and_stays_a_claimant(tmp_path: Path) -> None:
    async with a_world(tmp_path, {"fax": {"hold_after": 0.5}}) as world:
        # Taken, but its row shows only much later: held meanwhile.
        late = {"fate": "accepted_then_reset", "row_delay": 500}
        world.simulator.line.script([late, "success"], destination=OUTSIDE)
        first = await world.send(a_mail(text="The first.\n"))
        await world.until(f"{first}-1", "held")
        second = await world.send(a_mail(text="The second.\n"))
        await world.until(f"{second}-1", "delivered")
        one = await world.until(f"{first}-1", "delivered")
        two = await world.fax(f"{second}-1")
        assert one["provider_id"] != two["provider_id"]
        assert sum(call.accepted for call in world.calls()) == 2
