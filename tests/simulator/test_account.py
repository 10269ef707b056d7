"""Numbers, folders, rules, orders and money: every function that is not about messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from gateway.simulator import MODES, Service, Simulator
from gateway.simulator.places import PROVINCES, STATES

if TYPE_CHECKING:
    from conftest import Api

OWN = "5552341234"


async def number(api: Api, did: str = OWN) -> dict[str, str]:
    return (await api.call("getFaxNumbersInfo", did=did))["numbers"][0]


async def test_numbers(api: Api) -> None:
    found = (await api.call("getFaxNumbersInfo"))["numbers"]
    assert [row["did"] for row in found] == ["555.234.1234", "555.765.4321"]
    assert (await number(api, "1-555.765.4321"))["city"] == "TORONTO"
    assert await api.status("getFaxNumbersInfo", did="5550000000") == "no_numbers"
    assert await api.status("getFaxNumbersInfo", did="office") == "invalid_did"


async def test_number_settings_are_replaced_as_a_whole(api: Api) -> None:
    everything = {
        "email": "desk@example.com",
        "email_enable": "1",
        "email_attach_file": "1",
        "url_callback": "http://127.0.0.1:9/x",
        "url_callback_enable": "1",
        "url_callback_retry": "1",
        "fax_to_sip_enabled": "1",
        "fax_to_sip_enabled_account": "100001_Desk",
        "note": "Desk",
    }
    assert await api.status("setFaxNumberInfo", did=OWN, **everything) == "success"
    row = await number(api)
    assert (row["email"], row["email_enabled"], row["attach_file"]) == ("desk@example.com", "1", "1")
    assert (row["url"], row["url_enabled"], row["retry"]) == ("http://127.0.0.1:9/x", "1", "1")
    assert (row["fax_to_sip_enabled"], row["fax_to_sip_enabled_account"], row["note"]) == (
        "1",
        "100001_Desk",
        "Desk",
    )
    await api.call("setFaxNumberEmail", did=OWN, email="other@example.com")
    row = await number(api)
    assert (row["email"], row["email_enabled"], row["attach_file"], row["retry"]) == (
        "other@example.com",
        "0",
        "0",
        "1",
    )
    await api.call("setFaxNumberURLCallback", did=OWN)
    row = await number(api)
    assert (row["url"], row["url_enabled"], row["retry"], row["note"]) == ("", "0", "0", "Desk")
    await api.call("setFaxNumberInfo", did=OWN)
    assert (await number(api))["note"] == ""


@pytest.mark.parametrize("method", ["setFaxNumberInfo", "setFaxNumberEmail", "setFaxNumberURLCallback"])
async def test_number_settings_are_checked_and_test_keeps_them(api: Api, method: str) -> None:
    before = await number(api)
    assert await api.status(method) == "missing_did"
    assert await api.status(method, did="5550000000") == "invalid_did"
    assert await api.status(method, did=OWN, note="new", email="a@example.com", test="1") == "success"
    assert await number(api) == before


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"email": "desk"}, "invalid_email"),
        ({"email_enable": "5"}, "invalid_email_enable"),
        ({"email_enable": "1"}, "missing_email"),
        ({"url_callback_enable": "5"}, "invalid_callback_enable"),
        ({"url_callback_retry": "5"}, "invalid_callback_retry"),
        ({"url_callback_enable": "1"}, "invalid_callback"),
        ({"url_callback": "http://a b"}, "invalid_callback"),
        ({"note": "x" * 51}, "note_toolong"),
        ({"fax_to_sip_enabled": "5"}, "missing_params"),
    ],
)
async def test_values_of_number_settings(api: Api, params: dict[str, str], status: str) -> None:
    assert await api.status("setFaxNumberInfo", did=OWN, **params) == status


async def test_cancelling_a_number(api: Api) -> None:
    found = [await api.status("cancelFaxNumber", id=number_id) for number_id in ("", "x", "99")]
    assert found == ["missing_id", "invalid_id", "invalid_id"]
    answer = {"status": "success", "deleted_did": "555.234.1234"}
    assert await api.call("cancelFaxNumber", id="4101", test="1") == answer
    assert await api.call("cancelFaxNumber", id="4101") == answer
    assert await api.status("getFaxNumbersInfo", did=OWN) == "no_numbers"
    await api.call("cancelFaxNumber", id="4102")
    assert await api.status("getFaxNumbersInfo") == "no_numbers"


async def test_portability(api: Api) -> None:
    asked = {did: await api.call("getFaxNumbersPortability", did=did) for did in ("6475551234", "5551234567")}
    assert [answer["getFaxNumbersPortability"] for answer in asked.values()] == ["yes", "no"]
    assert await api.status("getFaxNumbersPortability") == "missing_did"
    assert await api.status("getFaxNumbersPortability", did="12") == "invalid_did"


async def test_folders(api: Api) -> None:
    async def names() -> dict[str, str]:
        return {row["name"]: row["id"] for row in (await api.call("getFaxFolders"))["folders"]}

    assert list(await names()) == ["INBOX", "SENT", "Archive"]
    assert await api.status("setFaxFolder", name="Bills", test="1") == "success"
    assert "Bills" not in await names()
    assert await api.status("setFaxFolder", name="Bills") == "success"
    bills = (await names())["Bills"]
    fax_id = await api.sim.receive(to=OWN, from_="5558889999")
    await api.call("moveFaxMessage", fax_id=fax_id, folder_id=bills)
    assert await api.status("setFaxFolder", name="Invoices", id=bills) == "success"
    assert (await names())["Invoices"] == bills
    assert (await api.call("getFaxMessages"))["faxes"][0]["folder"] == "Invoices"
    assert (await api.call("getFaxFolders", id=bills))["folders"] == [{"id": bills, "name": "Invoices"}]
    assert await api.status("delFaxFolder", id=bills, test="1") == "success"
    assert await api.status("delFaxFolder", id=bills) == "success"
    assert (await api.call("getFaxMessages"))["faxes"][0]["folder"] == "INBOX"
    assert await api.status("getFaxFolders", id=bills) == "no_folder"


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, "missing_name"),
        ({"name": "a/b", "id": "x"}, "invalid_name"),
        ({"name": "x" * 31, "id": "x"}, "name_toolong"),
        ({"name": "New", "id": "x"}, "invalid_id"),
        ({"name": "New", "id": "1"}, "invalid_folder_id"),
        ({"name": "New", "id": "99"}, "invalid_folder_id"),
        ({"name": "archive"}, "used_name"),
        ({"name": "archive", "id": "3"}, "success"),
    ],
)
async def test_folder_names(api: Api, params: dict[str, str], status: str) -> None:
    assert await api.status("setFaxFolder", **params) == status


async def test_deleting_folders_is_checked(api: Api) -> None:
    found = [await api.status("delFaxFolder", id=folder) for folder in ("", "x", "1", "99")]
    assert found == ["missing_id", "invalid_id", "invalid_folder_id", "invalid_folder_id"]


async def test_system_folders_may_be_hidden(connect: Callable[[Simulator], Api]) -> None:
    async with Simulator(service=Service(list_system_folders=False)) as sim:
        api = connect(sim)
        assert [row["name"] for row in (await api.call("getFaxFolders"))["folders"]] == ["Archive"]
        await api.call("delFaxFolder", id="3")
        assert await api.status("getFaxFolders") == "no_folder"


RULE = {
    "auth_email": "bob@example.com",
    "from_number_id": "4102",
    "security_code": "K7M2Q9",
    "security_code_enabled": "1",
    "enabled": "1",
}


async def test_rules(api: Api) -> None:
    async def rules() -> list[dict[str, str]]:
        return (await api.call("getEmailToFax"))["emailToFax"]

    assert [rule["email"] for rule in await rules()] == ["alice@example.com"]
    assert await api.status("setEmailToFax", **RULE, test="1") == "success"
    assert len(await rules()) == 1
    assert await api.status("setEmailToFax", **RULE) == "success"
    new = (await rules())[1]
    assert {key: new[key] for key in new if key != "id"} == {
        "enabled": "1",
        "email": "bob@example.com",
        "security_code": "K7M2Q9",
        "security_code_enabled": "1",
        "from": "5557654321",
    }
    less = {key: RULE[key] for key in ("auth_email", "from_number_id", "security_code")}
    assert await api.status("setEmailToFax", id=new["id"], **less) == "success"
    changed = (await api.call("getEmailToFax", id=new["id"]))["emailToFax"][0]
    assert (changed["enabled"], changed["security_code_enabled"]) == ("0", "0")
    assert await api.status("delEmailToFax", id=new["id"], test="1") == "success"
    assert len(await rules()) == 2
    assert [await api.status("delEmailToFax", id=rule["id"]) for rule in await rules()] == ["success"] * 2
    assert await api.status("getEmailToFax") == "no_emailtofax"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": "x", "auth_email": ""}, "invalid_id"),
        ({"auth_email": "", "from_number_id": ""}, "missing_email"),
        ({"auth_email": "bob", "from_number_id": ""}, "invalid_email"),
        ({"from_number_id": "", "security_code": ""}, "missing_number"),
        ({"from_number_id": "1", "security_code": ""}, "invalid_from_number"),
        ({"security_code": "", "id": "99"}, "missing_params"),
        ({"security_code": "ab-cd", "id": "99"}, "invalid_security_code"),
        ({"id": "99", "auth_email": "alice@example.com"}, "invalid_id"),
        ({"auth_email": "Alice@example.com"}, "used_email"),
        ({"auth_email": "alice@example.com", "id": "301"}, "success"),
        ({"enabled": "7"}, "missing_params"),
    ],
)
async def test_rules_are_checked(api: Api, changes: dict[str, str], status: str) -> None:
    assert await api.status("setEmailToFax", **(RULE | changes)) == status


async def test_the_ledger_keeps_no_code(api: Api) -> None:
    await api.call("setEmailToFax", **RULE)
    assert "K7M2Q9" not in str(api.sim.ledger)
    assert api.sim.ledger[0].params["security_code"] == "***"


async def test_deleting_rules_is_checked(api: Api) -> None:
    found = [await api.status("delEmailToFax", id=rule) for rule in ("", "x", "99")]
    assert found == ["missing_id", "invalid_id", "invalid_id"]


@pytest.mark.parametrize(
    ("method", "name", "one", "count"),
    [
        ("getFaxProvinces", "province", "AB", len(PROVINCES)),
        ("getFaxStates", "state", "AL", len(STATES)),
    ],
)
async def test_regions(api: Api, method: str, name: str, one: str, count: int) -> None:
    assert len((await api.call(method))[f"{name}s"]) == count
    (row,) = (await api.call(method, **{name: one.lower()}))[f"{name}s"]
    assert row[name] == one
    assert await api.status(method, **{name: "ZZ"}) == f"invalid_{name}"


def test_regions_are_complete() -> None:
    assert (len(PROVINCES), len(STATES)) == (13, 51)
    assert STATES["AL"] == (1, "Alabama")
    assert PROVINCES["AB"] == (60, "Alberta")
    assert STATES["DC"][1] == "District of Columbia"


@pytest.mark.parametrize(
    ("method", "name", "good", "empty"),
    [("getFaxRateCentersCAN", "province", "AB", "NU"), ("getFaxRateCentersUSA", "state", "AL", "WY")],
)
async def test_rate_centers(api: Api, method: str, name: str, good: str, empty: str) -> None:
    found = (await api.call(method, **{name: good}))["ratecenters"]
    assert {"location", "area_code", "ratecenter", "available"} == set(found[0])
    assert await api.call(method, **{name: empty}) == {"status": "success"}
    assert [await api.status(method), await api.status(method, **{name: "ZZ"})] == [
        f"missing_{name}",
        f"invalid_{name}",
    ]


@pytest.mark.parametrize(
    ("method", "code", "center"),
    [("searchFaxAreaCodeCAN", "226", "ACTON"), ("searchFaxAreaCodeUSA", "845", "COLD SPRING")],
)
async def test_area_codes(api: Api, method: str, code: str, center: str) -> None:
    (row,) = (await api.call(method, area_code=code))["ratecenters"]
    assert (row["ratecenter"], row["area_code"]) == (center, code)
    assert await api.call(method, area_code="999") == {"status": "success"}
    assert [await api.status(method), await api.status(method, area_code="9x9")] == [
        "missing_params",
        "invalid_area_code",
    ]


async def test_ordering(api: Api) -> None:
    order = {"location": "20733", "quantity": "2", "email": "desk@example.com", "email_enable": "1"}
    offered = await api.call("orderFaxNumber", **order, test="1")
    assert len((await api.call("getFaxNumbersInfo"))["numbers"]) == 2
    assert await api.call("orderFaxNumber", **order) == offered
    assert len(offered["dids"]) == 2
    row = await number(api, offered["dids"][0])
    assert (row["city"], row["email"], row["email_enabled"]) == ("ACTON", "desk@example.com", "1")
    assert (await api.call("getBalance"))["balance"]["current_balance"] == "108.212790"
    assert await api.status("orderFaxNumber", **order) == "unsifficient_stock"
    assert (await api.call("searchFaxAreaCodeCAN", area_code="226"))["ratecenters"][0]["available"] == "yes"
    last = await api.call("orderFaxNumber", location="20733", quantity="1")
    assert not set(last["dids"]) & set(offered["dids"])
    assert (await api.call("searchFaxAreaCodeCAN", area_code="226"))["ratecenters"][0]["available"] == "no"


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, "missing_location"),
        ({"location": "x"}, "invalid_location"),
        ({"location": "1", "quantity": "x"}, "invalid_location"),
        ({"location": "20733"}, "missing_params"),
        ({"location": "20733", "quantity": "0", "email": "x"}, "invalid_quantity"),
        ({"location": "20733", "quantity": "two"}, "invalid_quantity"),
        ({"location": "20733", "quantity": "1", "email": "x"}, "invalid_email"),
        ({"location": "20295", "quantity": "1"}, "unsifficient_stock"),
        ({"location": "20790", "quantity": "40"}, "success"),
    ],
)
async def test_orders_are_checked(api: Api, params: dict[str, str], status: str) -> None:
    assert await api.status("orderFaxNumber", **params) == status


async def test_no_money_no_number(api: Api) -> None:
    api.sim.account.balance = Decimal("1.98")
    assert await api.status("orderFaxNumber", location="20733", quantity="1") == "non_sufficient_funds"


async def test_back_orders(api: Api) -> None:
    answer = await api.call("getBackOrders", id="1234")
    assert answer["quantity"] == "1"
    assert answer["back_orders"][0]["order_date"] == "2014-07-30 15:09:04"
    assert await api.call("getBackOrders") == answer
    assert await api.status("getBackOrders", id="1") == "invalid_id"
    api.sim.account.back_orders.clear()
    assert await api.call("getBackOrders") == {"status": "success", "quantity": "0", "back_orders": []}


async def test_balance_counts_calls_by_day(api: Api) -> None:
    assert await api.call("getBalance") == {"status": "success", "balance": {"current_balance": "112.192790"}}
    await api.sim.receive(to=OWN, from_="5558889999")
    balance = (await api.call("getBalance", advanced="true"))["balance"]
    assert (balance["calls_total"], balance["calls_today"], balance["time_total"]) == ("1", "1", "0:38")
    assert Decimal(balance["spent_total"]) == Decimal("0.029")
    api.sim.advance(24 * 3600)
    balance = (await api.call("getBalance", advanced="1"))["balance"]
    assert (balance["calls_total"], balance["calls_today"], Decimal(balance["spent_today"])) == ("1", "0", 0)


async def test_ip(api: Api) -> None:
    assert await api.call("getIP") == {"status": "success", "ip": "127.0.0.1"}


async def test_lone_rows_are_bare_over_http(api: Api) -> None:
    api.sim.wire = replace(MODES["bare"], null_msg=True)
    fax_id = await api.sim.receive(to=OWN, from_="5558889999")
    row = (await api.call("getFaxMessages"))["faxes"]
    assert (row["id"], row["msg"]) == (fax_id, None)
