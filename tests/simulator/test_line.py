"""Every scripted fate over real HTTP: what the caller sees, what was accepted, what SENT shows."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import httpx
import pytest

from gateway.simulator import FATES, Simulator, sample
from gateway.simulator.fate import Answer, Ending

if TYPE_CHECKING:
    from conftest import Api

TO = "5558880001"
REFUSING = sorted(name for name, fate in FATES.items() if fate.answer is Answer.STATUS)


async def rows(api: Api, seconds: float = 600) -> list[tuple[str, str, str]]:
    """Status, msg and pages of the rows in SENT after a while."""
    api.sim.advance(seconds)
    return [(row["status"], row["msg"], row["pages"]) for row in await api.sent()]


def accepted(sim: Simulator) -> list[bool]:
    return [record.accepted for record in sim.world.ledger.calls("sendFaxMessage")]


@pytest.mark.parametrize(
    ("fate", "row"),
    [
        ("success", ("SUCCESS", "", "2")),
        ("busy", ("FAILED", "Busy", "0")),
        ("no_answer", ("FAILED", "No answer", "0")),
        ("voice", ("FAILED", "No fax carrier detected", "0")),
        ("drop_after", ("FAILED", "Call dropped after page 1", "1")),
        ("partial", ("SUCCESS", "", "1")),
    ],
)
async def test_endings(api: Api, fate: str, row: tuple[str, str, str]) -> None:
    api.sim.line.script([fate], destination=TO)
    assert await api.send(TO) == {"status": "success"}
    assert await rows(api) == [row]
    assert api.sim.ledger[0].fate == fate


@pytest.mark.parametrize("fate", REFUSING)
async def test_refusals_are_not_accepted(api: Api, fate: str) -> None:
    api.sim.line.script([fate], destination=TO)
    assert (await api.send(TO))["status"] == fate
    assert (accepted(api.sim), await rows(api)) == ([False], [])


@pytest.mark.parametrize(
    "fate", ["sent_fail", "unavailable_info", "http_5xx", "empty_200", "html_200", "null_status"]
)
async def test_an_error_may_hide_an_accepted_fax(api: Api, fate: str) -> None:
    api.sim.line.script([{"fate": fate, "accepted": True, "ending": "busy"}], destination=TO)
    await api.post("sendFaxMessage", **api.fax(TO))
    assert (accepted(api.sim), await rows(api)) == ([True], [("FAILED", "Busy", "0")])


@pytest.mark.parametrize(
    ("fate", "code", "body"),
    [
        ("http_5xx", 502, "<!DOCTYPE html>"),
        ({"fate": "http_5xx", "code": 500}, 500, "<!DOCTYPE html>"),
        ("html_200", 200, "<!DOCTYPE html>"),
        ("empty_200", 200, ""),
        ("null_status", 200, '{"status":null}'),
    ],
)
async def test_answers_that_are_none(api: Api, fate: object, code: int, body: str) -> None:
    api.sim.line.script([fate], destination=TO)
    answer = await api.post("sendFaxMessage", **api.fax(TO))
    assert answer.status_code == code
    assert answer.text == body if not body.startswith("<") else answer.text.startswith(body)
    assert (accepted(api.sim), await rows(api)) == ([False], [])


@pytest.mark.parametrize(("fate", "taken"), [("accepted_then_reset", True), ("refused_after_body", False)])
async def test_a_reset_after_the_body_looks_the_same_either_way(api: Api, fate: str, taken: bool) -> None:
    api.sim.line.script([fate], destination=TO)
    with pytest.raises(httpx.ReadError):
        await api.send(TO)
    assert (accepted(api.sim), len(await rows(api))) == ([taken], int(taken))
    assert api.sim.ledger[0].answer == "reset"


async def test_a_refusal_after_the_body_may_be_spoken(api: Api) -> None:
    api.sim.line.script([{"fate": "refused_after_body", "status": "invalid_file"}], destination=TO)
    assert (await api.send(TO))["status"] == "invalid_file"
    assert accepted(api.sim) == [False]


async def test_accepted_and_then_silent_until_the_caller_gives_up(api: Api) -> None:
    api.sim.line.script(["accepted_then_timeout"], destination=TO)
    api.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await api.send(TO)
    api.http.timeout = httpx.Timeout(10)
    assert (accepted(api.sim), len(await rows(api))) == ([True], 1)


async def test_a_silent_call_does_not_hold_up_the_stop(api: Api) -> None:
    api.sim.line.script(["accepted_then_timeout"], destination=TO)
    call = asyncio.create_task(api.send(TO))
    await api.sim.wait_for(lambda sim: accepted(sim) == [True])
    async with asyncio.timeout(5):
        await api.sim.stop()
    with pytest.raises(httpx.TransportError):
        await call


@pytest.mark.parametrize("target", [{"destination": TO}, {"method": "sendFaxMessage"}, {"method": "*"}])
async def test_a_close_before_the_body_reads_no_further(api: Api, target: dict[str, str]) -> None:
    api.sim.line.script(["close_before_body"], **target)
    host, port = api.sim.address
    reader, writer = await asyncio.open_connection(host, port)
    head = (
        "POST /api/v1/rest.php HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nContent-Length: 9000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    fields = {"method": "sendFaxMessage", "to_number": TO, "from_name": "never complete"}
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    writer.write((head + parts).encode())
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionResetError):
            await reader.read()
    writer.close()
    (record,) = api.sim.ledger
    assert (record.fate, record.answer, record.accepted) == ("close_before_body", "reset before body", False)
    assert api.sim.line.pending() == {}


async def test_slow_answers_come_when_their_time_has_passed(api: Api) -> None:
    api.sim.line.script([{"fate": "slow", "seconds": 3600}], destination=TO)
    call = asyncio.create_task(api.send(TO))
    await api.sim.wait_for(lambda sim: accepted(sim) == [True])
    assert not call.done()
    api.sim.advance(3600)
    assert await call == {"status": "success"}


async def test_a_slow_answer_does_not_hold_up_the_stop(api: Api) -> None:
    api.sim.line.script([{"fate": "slow", "seconds": 3600}], method="getIP")
    call = asyncio.create_task(api.call("getIP"))
    await api.sim.wait_for(lambda sim: sim.ledger and sim.ledger[0].fate == "slow")
    async with asyncio.timeout(5):
        await api.sim.stop()
        assert (await call)["status"] == "success"


async def test_rows_come_late_or_never(api: Api) -> None:
    api.sim.line.script([{"fate": "row_delayed", "seconds": 1000}, "row_never"], destination=TO)
    await api.send(TO)
    await api.send(TO)
    assert await rows(api, 990) == []
    assert await rows(api, 20) == [("SUCCESS", "", "2")]
    assert len(await rows(api, 80_000 - 1010)) == 1
    assert accepted(api.sim) == [True, True]


@pytest.mark.parametrize(
    ("when", "seen"), [("before", [1, 2, 2]), ("during", [0, 1, 2]), ("instead", [0, 1, 1])]
)
async def test_strangers_have_our_number_and_pages_but_not_our_paper(
    api: Api, when: str, seen: list[int]
) -> None:
    pace = api.sim.world.service.pace
    api.sim.line.script([{"fate": "stranger_row", "when": when}], destination=TO)
    await api.send(TO)
    found = [len(await rows(api, seconds)) for seconds in (0, pace.row_delay, pace.queue + 600)]
    assert found == seen
    own = base64.b64encode(sample.invoice()).decode()
    papers = [
        (await api.call("getFaxMessagePDF", id=row["id"]))["message_base64"] == own
        for row in await api.sent()
    ]
    assert sorted(papers) == ([False] if when == "instead" else [False, True])
    assert {(row["destination"], row["pages"]) for row in await api.sent()} == {(TO, "2")}


async def test_a_stranger_may_fail(api: Api) -> None:
    fate = {"fate": "stranger_row", "when": "instead", "stranger_ending": Ending.BUSY.value}
    api.sim.line.script([fate], destination=TO)
    await api.send(TO)
    assert await rows(api) == [("FAILED", "Busy", "0")]


async def test_changing_ids(api: Api) -> None:
    api.sim.line.script(["changing_ids"], destination=TO)
    await api.send(TO)
    seen = []
    for seconds in (1, 2, 26, 20):
        api.sim.advance(seconds)
        (row,) = await api.sent()
        seen.append(row["id"])
    assert len(set(seen)) == 4
    found = [await api.status("getFaxMessagePDF", id=fax_id) for fax_id in seen]
    assert found == ["invalid_fax_id"] * 3 + ["success"]


async def test_any_function_can_be_scripted(api: Api) -> None:
    api.sim.line.script(["http_5xx", "api_limit_exceeded"], method="getFaxMessages")
    assert (await api.post("getFaxMessages")).status_code == 502
    assert await api.status("getFaxMessages") == "api_limit_exceeded"
    assert await api.status("getFaxMessages") == "no_message"


async def test_an_unaccepted_change_changes_nothing(api: Api) -> None:
    api.sim.line.script(["empty_200", {"fate": "empty_200", "accepted": True}], method="setFaxFolder")
    for found in (False, True):
        assert (await api.post("setFaxFolder", name="Bills")).content == b""
        assert ("Bills" in api.sim.account.folders.values()) is found
        assert api.sim.ledger[-1].accepted is found


async def test_a_checked_refusal_stays_unaccepted_under_a_fate(api: Api) -> None:
    api.sim.line.script(["accepted_then_reset"], destination=TO)
    with pytest.raises(httpx.ReadError):
        await api.send(TO, from_number=TO)
    assert accepted(api.sim) == [False]


async def test_fates_are_all_reachable_by_name(api: Api) -> None:
    assert set(FATES) >= {
        *("busy", "no_answer", "voice", "drop_after", "slow", "accepted_then_timeout", "accepted_then_reset"),
        *("refused_after_body", "row_delayed", "row_never", "stranger_row", "changing_ids", "http_5xx"),
        *(
            "empty_200",
            "api_limit_exceeded",
            "limit_reached",
            "non_sufficient_funds",
            "html_200",
            "sent_fail",
        ),
        *("unavailable_info", "close_before_body", "success"),
    }
