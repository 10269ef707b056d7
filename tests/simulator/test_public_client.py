"""PyPI ``voipms-api``, a client written against the real service, runs unchanged but for the URL."""

from __future__ import annotations

import asyncio
from pathlib import Path

from voipms_api import Fax, General

from gateway.simulator import PASSWORD, USERNAME, Simulator, sample


async def test_it_logs_in_and_asks_for_money(sim: Simulator) -> None:
    client = General(USERNAME, PASSWORD)
    client.voipms_url = sim.url
    assert await asyncio.to_thread(client.test_connection) == {"status": "success", "ip": "127.0.0.1"}
    assert await asyncio.to_thread(client.get_ip) == {"status": "success", "ip": "127.0.0.1"}
    assert (await asyncio.to_thread(client.get_balance))["balance"] == {"current_balance": "112.192790"}
    assert (await asyncio.to_thread(client.get_balance, True))["balance"]["calls_total"] == "0"


async def test_it_sends_a_fax(sim: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "invoice.pdf"
    file.write_bytes(sample.invoice())
    client = Fax(USERNAME, PASSWORD)
    client.voipms_url = sim.url
    answer = await asyncio.to_thread(
        client.send_fax, 5557654321, "Front desk", 5552341234, str(file), station_id="DESK"
    )
    assert answer == {"status": "success"}
    assert sim.ledger[0].accepted
    sim.advance(600)
    listing = await asyncio.to_thread(client.get, "getFaxMessages", {"folder": "INBOX"})
    assert [row["stationid"] for row in listing["faxes"]] == ["DESK"]
    pages = await asyncio.to_thread(client.get, "getFaxMessagePDF", {"id": listing["faxes"][0]["id"]})
    assert pages["message_base64"].startswith("JVBERi")


async def test_it_calls_every_other_fax_function_both_ways(sim: Simulator) -> None:
    client = Fax(USERNAME, PASSWORD)
    client.voipms_url = sim.url
    for ask in (client.get, client.post):
        for method, params in {
            "getFaxNumbersInfo": {},
            "getFaxFolders": {},
            "getEmailToFax": {},
            "getFaxProvinces": {"province": "AB"},
            "getFaxStates": {"state": "AL"},
            "getFaxRateCentersCAN": {"province": "AB"},
            "getFaxRateCentersUSA": {"state": "AL"},
            "searchFaxAreaCodeCAN": {"area_code": 226},
            "searchFaxAreaCodeUSA": {"area_code": 845},
            "getBackOrders": {},
            "getFaxNumbersPortability": {"did": 6475551234},
            "setFaxFolder": {"name": "Family", "test": True},
        }.items():
            assert (await asyncio.to_thread(ask, method, params))["status"] == "success", method


async def test_it_tells_a_wrong_password(sim: Simulator) -> None:
    client = General(USERNAME, "wrong")
    client.voipms_url = sim.url
    assert (await asyncio.to_thread(client.get_ip))["status"] == "invalid_credentials"
