"""The remote control under ``/_sim/``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from gateway.simulator import sample

if TYPE_CHECKING:
    from conftest import Api

OWN = "5552341234"
TO = "5558880001"


async def get(api: Api, path: str) -> Any:
    return (await api.http.get(f"{api.sim.base_url}/_sim/{path}")).json()


async def post(api: Api, path: str, **kwargs: Any) -> tuple[int, Any]:
    answer = await api.http.post(f"{api.sim.base_url}/_sim/{path}", **kwargs)
    return answer.status_code, answer.json()


async def test_the_ledger(api: Api) -> None:
    await api.send()
    await api.call("getFaxMessages", folder="SENT")
    send, listing = await get(api, "ledger")
    assert (send["n"], send["method"], send["verb"], send["answer"]) == (
        1,
        "sendFaxMessage",
        "POST",
        "success",
    )
    assert (send["accepted"], send["message"], send["fate"]) == (True, "100201", "success")
    assert send["params"]["file"] == {
        "digest": hashlib.sha256(sample.invoice()).hexdigest(),
        "bytes": len(sample.invoice()),
        "pages": 2,
    }
    assert "api_password" not in send["params"]
    assert (listing["params"], listing["answer"]) == ({"folder": "SENT"}, "no_message")


async def test_messages_are_there_before_they_show(api: Api) -> None:
    await api.send()
    (message,) = await get(api, "messages")
    assert (message["shown"], message["final"], message["origin"], message["pages"]) == (
        False,
        False,
        "call",
        2,
    )
    assert message["upload"] == message["digest"] == hashlib.sha256(sample.invoice()).hexdigest()


async def test_scripts(api: Api) -> None:
    code, queued = await post(
        api, "script", json={"destination": TO, "fates": ["busy", {"fate": "slow", "seconds": 1}]}
    )
    assert (code, queued) == (200, {f"destination:{TO}": ["busy", "slow"]})
    await post(api, "script", json={"method": "getIP", "fates": ["tls_error"], "repeat": True})
    assert [await api.status("getIP") for _ in range(2)] == ["tls_error", "tls_error"]
    await api.send()
    assert await get(api, "script") == {f"destination:{TO}": ["slow"], "method:getIP": ["tls_error"]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"destination": TO},
        {"destination": TO, "fates": "busy"},
        {"destination": TO, "fates": ["lost"]},
        {"destination": TO, "method": "getIP", "fates": []},
        {"destination": TO, "fates": [], "speed": 1},
        ["busy"],
    ],
)
async def test_bad_scripts_are_explained(api: Api, body: object) -> None:
    code, answer = await post(api, "script", json=body)
    assert code == 400
    assert answer["error"]


async def test_no_json_is_explained(api: Api) -> None:
    code, answer = await post(api, "script", content=b"{")
    assert (code, bool(answer["error"])) == (400, True)


async def test_receiving(api: Api) -> None:
    fields = {"to": OWN, "from": "+15558889999", "stationid": "LAB", "name": "The Lab"}
    code, answer = await post(api, "receive", data=fields, files={"pdf": ("x.pdf", sample.invoice())})
    assert code == 200
    (row,) = (await api.call("getFaxMessages"))["faxes"]
    assert (row["id"], row["callerid"], row["stationid"]) == (answer["id"], "The Lab <5558889999>", "LAB")
    assert row["pages"] == "2"
    code, answer = await post(api, "receive", data={"to": OWN, "from": "5558889999"})
    assert (await get(api, "messages"))[1]["digest"] == hashlib.sha256(sample.incoming()).hexdigest()


@pytest.mark.parametrize(
    ("to", "pdf", "word"), [("5550000000", sample.incoming(), "5550000000"), (OWN, b"\0", "invalid_file")]
)
async def test_bad_receiving_is_explained(api: Api, to: str, pdf: bytes, word: str) -> None:
    code, answer = await post(
        api, "receive", data={"to": to, "from": "5558889999"}, files={"pdf": ("x", pdf)}
    )
    assert code == 400
    assert word in answer["error"]


async def test_a_row_by_hand(api: Api) -> None:
    _, first = await post(api, "sent", data={"to": TO, "from": OWN, "pages": "3", "stationid": "X1"})
    _, second = await post(
        api,
        "sent",
        data={"to": TO, "from": OWN, "status": "FAILED", "msg": "Busy"},
        files={"pdf": ("x.pdf", sample.invoice())},
    )
    rows = {row["id"]: row for row in await api.sent()}
    assert (rows[first["id"]]["pages"], rows[first["id"]]["stationid"]) == ("3", "X1")
    assert (rows[second["id"]]["status"], rows[second["id"]]["pages"]) == ("FAILED", "2")
    assert (await post(api, "sent", data={"to": TO, "from": OWN, "pages": "many"}))[0] == 400


async def test_the_wire(api: Api) -> None:
    code, wire = await post(api, "wire", json={"mode": "native", "bare_rows": True})
    assert (code, wire["numbers"], wire["bare_rows"]) == (200, "native", True)
    assert await get(api, "wire") == wire
    assert (await api.call("getBackOrders"))["quantity"] == 1
    assert (await post(api, "wire", json={"mode": "loud"}))[0] == 400


async def test_the_clock(api: Api) -> None:
    await api.send()
    before = await get(api, "clock")
    code, after = await post(api, "clock", json={"advance": 600})
    assert (code, after["seconds"] - before["seconds"] >= 600) == (200, True)
    assert [row["status"] for row in await api.sent()] == ["SUCCESS"]
    for bad in ({}, {"advance": -1}, {"advance": "soon"}):
        assert (await post(api, "clock", json=bad))[0] == 400


async def test_deliveries(api: Api) -> None:
    fax_id = await api.sim.receive(to=OWN, from_="5558889999")
    await api.call("mailFaxMessagePDF", id=fax_id, email="bob@example.com")
    (delivery,) = await get(api, "deliveries")
    assert (delivery["kind"], delivery["to"], delivery["message"]) == ("mail", "bob@example.com", fax_id)
    assert "no SMTP server" in delivery["outcome"]


async def test_reset(api: Api) -> None:
    await api.send("5557654321")
    await api.call("setFaxFolder", name="Bills")
    api.sim.line.script(["busy"], destination=TO)
    await post(api, "wire", json={"mode": "native"})
    assert (await post(api, "reset"))[0] == 200
    api.sim.advance(600)
    assert await get(api, "ledger") == await get(api, "messages") == []
    assert await get(api, "script") == {}
    assert [row["id"] for row in (await api.call("getFaxFolders"))["folders"]] == ["1", "2", "3"]
