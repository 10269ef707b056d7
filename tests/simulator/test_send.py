"""``sendFaxMessage``: what it checks, what it accepts, and how the fax lives."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from gateway.simulator import Pace, Service, Simulator, WireMode, sample
from gateway.simulator.papers import count_pages

if TYPE_CHECKING:
    from conftest import Api

OWN = "5552341234"
SECOND = "5557654321"
OUTSIDE = "5558880001"
PDF = base64.b64encode(sample.invoice()).decode()


def picture(kind: str, frames: int = 1) -> str:
    images = [Image.new("1", (200, 300), 1) for _ in range(frames)]
    out = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].convert("L").save(out, format=kind, **more)
    return base64.b64encode(out.getvalue()).decode()


async def test_the_answer_names_no_id_and_the_ledger_knows_all(api: Api) -> None:
    assert await api.send() == {"status": "success"}
    (record,) = api.sim.ledger
    assert record.accepted
    assert record.message == "100201"
    assert record.params["file"] == {
        "digest": hashlib.sha256(sample.invoice()).hexdigest(),
        "bytes": len(sample.invoice()),
        "pages": 2,
    }
    assert "demo" not in str(record)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"to_number": "", "from_name": ""}, "missing_number"),
        ({"from_name": "", "from_number": ""}, "missing_name"),
        ({"from_number": "", "file": ""}, "missing_number"),
        ({"file": "", "to_number": "1"}, "missing_file"),
        ({"to_number": "123", "from_name": "?"}, "invalid_to_number"),
        ({"to_number": "011441632960001"}, "invalid_to_number"),
        ({"to_number": "555234123a"}, "invalid_to_number"),
        ({"from_name": "Dr. No", "from_number": OUTSIDE}, "invalid_name"),
        ({"from_number": OUTSIDE, "send_email": "x"}, "invalid_from_number"),
        ({"send_email": "nobody", "file": "%"}, "invalid_email"),
        ({"send_email_enabled": "2", "file": "%"}, "invalid_email_enable"),
        ({"send_email_enabled": "1", "file": "%"}, "missing_email"),
        ({"file": "%%%%"}, "no_base64file"),
        ({"file": "data:application/pdf;base64," + PDF}, "no_base64file"),
        ({"file": PDF[:76] + "\r\n" + PDF[76:]}, "no_base64file"),
        ({"file": base64.b64encode(b"\x00\x01\x02").decode()}, "invalid_file"),
        ({"file": base64.b64encode(b"  \n").decode()}, "invalid_file"),
        ({"file": base64.b64encode(b"%PDF-1.4 and then nothing").decode()}, "invalid_file"),
        ({"file": base64.b64encode(b"\x89PNG\r\n\x1a\nbroken").decode()}, "invalid_file"),
        ({"file": base64.b64encode("caf\xe9".encode("latin-1")).decode()}, "invalid_file"),
    ],
)
async def test_refusals_in_their_order(api: Api, changes: dict[str, str], status: str) -> None:
    assert (
        await api.status(
            "sendFaxMessage", **api.fax(**{"to": OUTSIDE, **changes} | {"to": OUTSIDE}) | changes
        )
        == status
    )
    (record,) = api.sim.ledger
    assert (record.accepted, record.message, record.answer) == (False, None, status)
    assert api.sim.account.messages == {}


@pytest.mark.parametrize("number", ["15558880001", "+15558880001", "555-888-0001", "(555) 888.0001"])
async def test_ways_to_write_a_number(api: Api, number: str) -> None:
    await api.send(number)
    api.sim.advance(5)
    assert [row["destination"] for row in await api.sent()] == [OUTSIDE]


@pytest.mark.parametrize(
    ("file", "pages"),
    [
        (picture("PNG"), 1),
        (picture("JPEG"), 1),
        (picture("GIF"), 1),
        (picture("TIFF", frames=3), 3),
        (base64.b64encode("Grüße\nfrom a text".encode()).decode(), 1),
        (base64.b64encode(sample.stranger(5)).decode(), 5),
    ],
)
async def test_six_formats_become_pdf_pages(api: Api, file: str, pages: int) -> None:
    await api.send(file=file)
    api.sim.advance(600)
    (row,) = await api.sent()
    assert row["pages"] == str(pages)
    pdf = base64.b64decode((await api.call("getFaxMessagePDF", id=row["id"]))["message_base64"])
    assert count_pages(pdf) == pages


async def test_a_pdf_is_kept_as_it_was(api: Api) -> None:
    await api.send()
    api.sim.advance(600)
    (row,) = await api.sent()
    assert (await api.call("getFaxMessagePDF", id=row["id"]))["message_base64"] == PDF


async def test_test_checks_and_sends_nothing(api: Api) -> None:
    assert await api.send(test="1") == {"status": "success"}
    assert (
        await api.status("sendFaxMessage", **api.fax(test="true", from_number=OUTSIDE))
        == "invalid_from_number"
    )
    assert [(record.test, record.accepted) for record in api.sim.ledger] == [(True, False), (True, False)]
    assert api.sim.account.messages == {}
    await api.send(test="0")
    assert len(api.sim.account.messages) == 1


async def test_a_fax_lives_from_queue_to_success_and_costs(api: Api) -> None:
    pace = Pace()
    await api.send()
    assert await api.sent() == []
    seen = []
    for seconds in (pace.row_delay, pace.queue, pace.dial + pace.page, pace.page):
        api.sim.advance(seconds)
        (row,) = await api.sent()
        seen.append((row["status"], row["pages"], row["duration"], row["total"]))
    assert seen == [
        ("", "0", "0:00", "0.000"),
        ("IN PROGRESS", "0", "0:00", "0.000"),
        ("IN PROGRESS", "1", "0:20", "0.000"),
        ("SUCCESS", "2", "0:40", "0.029"),
    ]
    assert row["callerid"] == f"Front desk <{OWN}>"
    assert (row["stationid"], row["description"]) == ("DESK 1", "OUTBOUND FAX")
    balance = (await api.call("getBalance"))["balance"]["current_balance"]
    assert Decimal(balance) == Decimal("112.192790") - Decimal("0.029")


async def test_the_station_id_is_cut_or_not_echoed(api: Api) -> None:
    await api.send(station_id="A" * 30)
    api.sim.advance(5)
    assert (await api.sent())[0]["stationid"] == "A" * 20
    api.sim.wire = WireMode(station_echo=False)
    assert (await api.sent())[0]["stationid"] == OWN


async def test_a_fax_to_our_own_number_arrives(api: Api) -> None:
    await api.send(SECOND)
    api.sim.advance(600)
    (row,) = (await api.call("getFaxMessages", folder="INBOX"))["faxes"]
    assert (row["destination"], row["stationid"], row["pages"]) == (SECOND, "DESK 1", "2")
    assert row["description"] == "INBOUND FAX"
    assert (await api.call("getFaxMessagePDF", id=row["id"]))["message_base64"] == PDF


async def test_only_the_pages_before_the_drop_arrive(api: Api) -> None:
    api.sim.line.script([{"fate": "drop_after", "k": 1}, "busy"], destination=SECOND)
    await api.send(SECOND)
    await api.send(SECOND)
    api.sim.advance(600)
    (row,) = (await api.call("getFaxMessages", folder="INBOX"))["faxes"]
    pdf = base64.b64decode((await api.call("getFaxMessagePDF", id=row["id"]))["message_base64"])
    assert (row["pages"], count_pages(pdf)) == ("1", 1)


async def test_a_fax_deleted_on_its_way_ends_quietly(api: Api) -> None:
    await api.send(SECOND)
    api.sim.advance(5)
    (row,) = await api.sent()
    assert await api.status("deleteFaxMessage", id=row["id"]) == "success"
    api.sim.advance(600)
    assert await api.status("getFaxMessages") == "no_message"


async def test_knobs_of_the_service(connect: Callable[[Simulator], Api]) -> None:
    knobs = Service(max_file_bytes=100, strict_names=False, international=True)
    async with Simulator(service=knobs) as sim:
        api = connect(sim)
        short = base64.b64encode(b"short").decode()
        good = api.fax("441632960001", from_name="Dr. No", file=short)
        assert await api.status("sendFaxMessage", **good) == "success"
        assert await api.status("sendFaxMessage", **api.fax()) == "exceeds_file_size"


async def test_the_day_has_a_limit(connect: Callable[[Simulator], Api]) -> None:
    async with Simulator(service=Service(faxes_per_day=1)) as sim:
        api = connect(sim)
        assert [await api.status("sendFaxMessage", **api.fax()) for _ in range(2)] == [
            "success",
            "limit_reached",
        ]
        sim.advance(24 * 3600)
        assert await api.status("sendFaxMessage", **api.fax()) == "success"


async def test_no_money_no_fax(api: Api) -> None:
    api.sim.account.balance = Decimal(0)
    assert await api.status("sendFaxMessage", **api.fax()) == "non_sufficient_funds"
