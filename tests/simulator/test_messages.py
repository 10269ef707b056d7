"""Listing, fetching, mailing, moving and deleting messages."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.simulator import MODES, Catcher, Service, Simulator, sample

if TYPE_CHECKING:
    from conftest import Api

OWN = "5552341234"
NOON = datetime(2026, 11, 2, 17, tzinfo=UTC)
"""Monday, noon in New York, the day after daylight saving ended."""


async def listed(api: Api, **params: str) -> list[str]:
    answer = await api.call("getFaxMessages", **params)
    return [row["id"] for row in answer.get("faxes", [])]


async def test_nothing_is_a_status(api: Api) -> None:
    assert await api.status("getFaxMessages") == "no_message"
    api.sim.wire = MODES["missing"]
    assert await api.call("getFaxMessages") == {"status": "success"}


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"from_": "02.11.2026"}, "invalid_date"),
        ({"to": "2026-02-30"}, "invalid_date"),
        ({"from_": "2026-11-03", "to": "2026-11-02", "folder": "?"}, "invalid_date_from"),
        ({"from_": "2026-08-01", "to": "2026-11-02", "folder": "?"}, "invalid_daterange"),
        ({"folder": "Nowhere", "id": "x"}, "invalid_folder"),
        ({"id": "x1"}, "invalid_id"),
        ({"id": "999"}, "no_message"),
        ({"from_": "2026-08-02", "to": "2026-11-02"}, "no_message"),
    ],
)
async def test_refusals(connect: Callable[[Simulator], Api], params: dict[str, str], status: str) -> None:
    async with Simulator(start=NOON) as sim:
        assert await connect(sim).status("getFaxMessages", **params) == status


async def test_days_are_the_servers_and_default_to_today(connect: Callable[[Simulator], Api]) -> None:
    late = datetime(2026, 11, 2, 4, 59, tzinfo=UTC)  # 23:59 on Sunday in New York
    async with Simulator(start=late) as sim:
        api = connect(sim)
        fax_id = await sim.receive(to=OWN, from_="5558889999")
        assert await listed(api) == [fax_id]
        sim.advance(120)
        assert await listed(api) == []
        assert await listed(api, from_="2026-11-01", to="2026-11-01") == [fax_id]
        assert await listed(api, from_="2026-11-02", to="2026-11-02") == []
        assert await listed(api, id=fax_id) == [fax_id]


async def test_dates_may_also_limit_an_id(connect: Callable[[Simulator], Api]) -> None:
    async with Simulator(start=NOON, service=Service(id_ignores_dates=False)) as sim:
        api = connect(sim)
        fax_id = await sim.receive(to=OWN, from_="5558889999")
        sim.advance(24 * 3600)
        assert await listed(api, id=fax_id) == []
        assert await listed(api, id=fax_id, from_="2026-11-02") == [fax_id]


async def test_folders_filter_by_name(api: Api) -> None:
    fax_id = await api.sim.receive(to=OWN, from_="5558889999", name="Jane", station_id="0012")
    assert await listed(api, folder="INBOX") == await listed(api, folder="ALL") == [fax_id]
    assert await listed(api, folder="SENT") == []
    (row,) = (await api.call("getFaxMessages"))["faxes"]
    assert (row["callerid"], row["stationid"], row["duration"]) == ("Jane <5558889999>", "0012", "0:38")


async def test_the_pages_of_a_received_fax(api: Api) -> None:
    fax_id = await api.sim.receive(to=OWN, from_="5558889999", pdf=sample.invoice())
    for mode in MODES.values():
        api.sim.wire = mode
        text = (await api.call("getFaxMessagePDF", id=fax_id))["message_base64"]
        assert base64.b64decode(text.removeprefix("data:application/pdf;base64,")) == sample.invoice()


@pytest.mark.parametrize("method", ["getFaxMessagePDF", "deleteFaxMessage", "mailFaxMessagePDF"])
async def test_ids_are_checked(api: Api, method: str) -> None:
    more = {"email": "bob@example.com"} if method == "mailFaxMessagePDF" else {}
    found = [await api.status(method, id=fax_id, **more) for fax_id in ("", "abc", "999")]
    assert found == ["missing_id", "invalid_id", "invalid_fax_id"]


async def test_mailing_really_mails(connect: Callable[[Simulator], Api], tmp_path: Path) -> None:
    async with Catcher(tmp_path) as catcher, Simulator(smtp=catcher.address) as sim:
        api = connect(sim)
        fax_id = await sim.receive(to=OWN, from_="5558889999", pdf=sample.invoice())
        answer = await api.call("mailFaxMessagePDF", id=fax_id, email="bob@example.com")
        assert answer == {"status": "success", "message_status": "message_sent"}
        mail = await catcher.wait_for(lambda mail: mail.recipients == ("bob@example.com",))
        assert mail.attachments() == [sample.invoice()]
        assert mail.sender == "noreply@voip.ms"
        catcher.refuse("451 4.3.0 later")
        again = await api.status("mailFaxMessagePDF", id=fax_id, email="bob@example.com")
        assert again == "problem_sending_mail"
    assert [delivery.kind for delivery in sim.world.deliveries.done] == ["mail", "mail"]


async def test_mailing_is_checked(api: Api) -> None:
    fax_id = await api.sim.receive(to=OWN, from_="5558889999")
    found = [
        await api.status("mailFaxMessagePDF", id=fax_id, email=email) for email in ("", "bob", "b@x.com")
    ]
    assert found == ["missing_email", "invalid_email", "problem_sending_mail"]


async def test_moving(api: Api) -> None:
    fax_id = await api.sim.receive(to=OWN, from_="5558889999")
    assert await api.status("moveFaxMessage", fax_id=fax_id, folder_id="3", test="1") == "success"
    assert await listed(api, folder="Archive") == []
    assert await api.status("moveFaxMessage", fax_id=fax_id, folder_id="3") == "success"
    assert await listed(api, folder="Archive") == [fax_id]
    assert await listed(api, folder="INBOX") == []


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, "missing_id"),
        ({"fax_id": "abc"}, "invalid_fax_id"),
        ({"fax_id": "999"}, "missing_folder"),
        ({"fax_id": "999", "folder_id": "x"}, "invalid_folder_id"),
        ({"fax_id": "999", "folder_id": "3"}, "invalid_fax_id"),
        ({"fax_id": "100201", "folder_id": "77"}, "invalid_folder_id"),
    ],
)
async def test_moving_is_checked(api: Api, params: dict[str, str], status: str) -> None:
    await api.sim.receive(to=OWN, from_="5558889999")
    assert await api.status("moveFaxMessage", **params) == status


async def test_deleting(api: Api) -> None:
    fax_id = await api.sim.receive(to=OWN, from_="5558889999")
    assert await api.status("deleteFaxMessage", id=fax_id, test="1") == "success"
    assert await listed(api) == [fax_id]
    assert await api.status("deleteFaxMessage", id=fax_id) == "success"
    assert await api.status("getFaxMessagePDF", id=fax_id) == "invalid_fax_id"
