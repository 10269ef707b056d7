"""Every typed function: the form it sends and the result it reads."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.errors import Kind, Scope
from gateway.voipms import (
    ApiError,
    BackOrder,
    Balance,
    Caller,
    Client,
    EmailToFax,
    FaxFolder,
    FaxMessage,
    FaxNumber,
    FaxProvince,
    FaxState,
    Listing,
    RateCenter,
)
from gateway.voipms.methods import METHODS

FAX_ROW = {
    "id": "23434",
    "folder": "INBOX",
    "date": "2016-01-01 00:00:00",
    "callerid": "John Doe <5552341234>",
    "stationid": "5552341234",
    "destination": "777.234.1234",
    "description": "INBOUND FAX",
    "pages": "2",
    "duration": "1:16",
    "status": "SUCCESS",
    "rate": "0.029",
    "total": "0.058",
    "msg": None,
}
FAX = FaxMessage(
    id="23434",
    folder="INBOX",
    date=datetime(2016, 1, 1, 5, tzinfo=UTC),
    wall_date="2016-01-01 00:00:00",
    callerid=Caller(name="John Doe", number="5552341234"),
    stationid="5552341234",
    destination="7772341234",
    description="INBOUND FAX",
    pages=2,
    duration=timedelta(minutes=1, seconds=16),
    status="SUCCESS",
    msg="",
    rate=Decimal("0.029"),
    total=Decimal("0.058"),
)
NUMBER_ROW = {
    "id": "11",
    "did": "647.948.4755",
    "description": "United States, CA, HALF MOON BAY",
    "state": "CA",
    "city": "HALF MOON BAY",
    "country": "United States",
    "email_enabled": "1",
    "email": "address@email.com",
    "url_enabled": 0,
    "url": "www.example.com",
    "retry": "0",
    "attach_file": "1",
}
NUMBER = FaxNumber(
    id="11",
    did="6479484755",
    description="United States, CA, HALF MOON BAY",
    state="CA",
    city="HALF MOON BAY",
    country="United States",
    email_enabled=True,
    email="address@email.com",
    url_enabled=False,
    url="www.example.com",
    retry=False,
    attach_file=True,
)
BACK_ORDER_ROW = {
    "id": "1234",
    "description": "MIAMI, FL",
    "routing": "account:100001_VoIP",
    "failover_busy": "none:",
    "failover_unreachable": "fwd:1521",
    "failover_noanswer": "none:",
    "voicemail": "1001",
    "pop": "16",
    "dialtime": "60",
    "cnam": "1",
    "billing_type": "2",
    "order_date": "2014-07-30 15:09:04",
}
BACK_ORDER = BackOrder(
    **(BACK_ORDER_ROW | {"cnam": True, "order_date": datetime(2014, 7, 30, 19, 9, 4, tzinfo=UTC)})
)
CENTER = RateCenter(location="20294", area_code="587", ratecenter="EDMONTON", available=True)
PDF = b"%PDF-1.4 fax"
NOTIFY = {
    "email": "you@example.com",
    "email_enable": True,
    "email_attach_file": False,
}
NOTIFY_SENT = {"email": "you@example.com", "email_enable": "1", "email_attach_file": "0"}
POST = {"url_callback": "https://fax.example.com/in", "url_callback_enable": True, "url_callback_retry": True}
POST_SENT = {
    "url_callback": "https://fax.example.com/in",
    "url_callback_enable": "1",
    "url_callback_retry": "1",
}
SEND = {"to_number": "5552341234", "from_name": "Clinic", "from_number": "5557654321"}

# Function, arguments, the fields they become, the answer's fields, the result they become.
EXCHANGES = [
    (
        "cancelFaxNumber",
        {"id": "923", "test": True},
        {"id": "923", "test": "1"},
        {"deleted_did": 5551234567},
        "5551234567",
    ),
    ("cancelFaxNumber", {"id": "923"}, {"id": "923"}, {}, ""),
    ("deleteFaxMessage", {"id": "923", "test": True}, {"id": "923", "test": "1"}, {}, None),
    ("delEmailToFax", {"id": "923", "test": True}, {"id": "923", "test": "1"}, {}, None),
    ("delFaxFolder", {"id": "923", "test": False}, {"id": "923"}, {}, None),
    ("getBackOrders", {}, {}, {"quantity": "1", "back_orders": [BACK_ORDER_ROW]}, [BACK_ORDER]),
    ("getBackOrders", {"id": "1234"}, {"id": "1234"}, {"back_orders": BACK_ORDER_ROW}, [BACK_ORDER]),
    (
        "getFaxProvinces",
        {"province": "AB"},
        {"province": "AB"},
        {
            "provinces": {
                "province": "AB",
                "province_id": 60,
                "province_name": "Alberta",
                "country_code": "CAN",
            }
        },
        [FaxProvince(province="AB", province_id="60", province_name="Alberta", country_code="CAN")],
    ),
    (
        "getFaxStates",
        {},
        {},
        {"states": [{"state": "AL", "state_id": "1", "state_name": "Alabama", "country_code": "USA"}]},
        [FaxState(state="AL", state_id="1", state_name="Alabama", country_code="USA")],
    ),
    (
        "getFaxRateCentersCAN",
        {"province": "AB"},
        {"province": "AB"},
        {
            "ratecenters": [
                {"location": 20294, "area_code": "587", "ratecenter": "EDMONTON", "available": "yes"}
            ]
        },
        [CENTER],
    ),
    (
        "getFaxRateCentersUSA",
        {"state": "AL"},
        {"state": "AL"},
        {
            "ratecenters": {
                "location": "20294",
                "area_code": 587,
                "ratecenter": "EDMONTON",
                "available": "Yes",
            }
        },
        [CENTER],
    ),
    ("searchFaxAreaCodeCAN", {"area_code": "226"}, {"area_code": "226"}, {}, []),
    (
        "searchFaxAreaCodeUSA",
        {"area_code": "845"},
        {"area_code": "845"},
        {"ratecenters": [{"ratecenter": "COLD SPRING", "area_code": "845", "available": "no"}]},
        [RateCenter(location="", area_code="845", ratecenter="COLD SPRING", available=False)],
    ),
    ("getFaxNumbersInfo", {"did": "6479484755"}, {"did": "6479484755"}, {"numbers": NUMBER_ROW}, [NUMBER]),
    (
        "getFaxNumbersPortability",
        {"did": "5552341234"},
        {"did": "5552341234"},
        {"getFaxNumbersPortability": "yes"},
        True,
    ),
    (
        "getFaxMessages",
        {"from_": date(2016, 1, 1), "to": date(2016, 1, 31), "folder": "SENT", "id": "23434"},
        {"from": "2016-01-01", "to": "2016-01-31", "folder": "SENT", "id": "23434"},
        {"faxes": [FAX_ROW]},
        [FAX],
    ),
    ("getFaxMessages", {"from_": None, "to": None}, {}, {"faxes": FAX_ROW}, [FAX]),
    (
        "getFaxMessagePDF",
        {"id": "23434"},
        {"id": "23434"},
        {"message_base64": base64.encodebytes(PDF).decode()},
        PDF,
    ),
    ("getFaxFolders", {}, {}, {"folders": [{"id": 0, "name": "INBOX"}]}, [FaxFolder(id="0", name="INBOX")]),
    (
        "getEmailToFax",
        {"id": "1"},
        {"id": "1"},
        {
            "emailToFax": {
                "id": 1,
                "enabled": "1",
                "email": "your@email.com",
                "security_code": 12345,
                "security_code_enabled": 1,
                "from": "+15552341234",
            }
        },
        [
            EmailToFax(
                id="1",
                enabled=True,
                email="your@email.com",
                security_code="12345",
                security_code_enabled=True,
                from_="5552341234",
            )
        ],
    ),
    (
        "mailFaxMessagePDF",
        {"id": "1", "email": "you@example.com"},
        {"id": "1", "email": "you@example.com"},
        {"message_status": "message_sent"},
        "message_sent",
    ),
    (
        "moveFaxMessage",
        {"fax_id": "1", "folder_id": "7", "test": True},
        {"fax_id": "1", "folder_id": "7", "test": "1"},
        {},
        None,
    ),
    (
        "orderFaxNumber",
        {"location": "1196", "quantity": 2, "test": True} | NOTIFY | POST,
        {"location": "1196", "quantity": "2", "test": "1"} | NOTIFY_SENT | POST_SENT,
        {"dids": ["5878831590", "587.883.1591"]},
        ["5878831590", "5878831591"],
    ),
    (
        "orderFaxNumber",
        {"location": "1196", "quantity": 1},
        {"location": "1196", "quantity": "1"},
        {"dids": 7},
        ["7"],
    ),
    ("setFaxFolder", {"name": "FAMILY", "id": "7"}, {"name": "FAMILY", "id": "7"}, {}, None),
    (
        "setEmailToFax",
        {
            "id": "1",
            "enabled": False,
            "auth_email": "you@example.com",
            "from_number_id": "11",
            "security_code_enabled": True,
            "security_code": "q7x4m2z9",
            "test": True,
        },
        {
            "id": "1",
            "enabled": "0",
            "auth_email": "you@example.com",
            "from_number_id": "11",
            "security_code_enabled": "1",
            "security_code": "q7x4m2z9",
            "test": "1",
        },
        {},
        None,
    ),
    (
        "setFaxNumberInfo",
        {"did": "5552341234", "note": "x", "fax_to_sip_enabled": True, "fax_to_sip_enabled_account": "1_A"}
        | NOTIFY
        | POST,
        {"did": "5552341234", "note": "x", "fax_to_sip_enabled": "1", "fax_to_sip_enabled_account": "1_A"}
        | NOTIFY_SENT
        | POST_SENT,
        {},
        None,
    ),
    ("setFaxNumberEmail", {"did": "5552341234"} | NOTIFY, {"did": "5552341234"} | NOTIFY_SENT, {}, None),
    ("setFaxNumberURLCallback", {"did": "5552341234"} | POST, {"did": "5552341234"} | POST_SENT, {}, None),
    (
        "sendFaxMessage",
        SEND
        | {
            "file": PDF,
            "station_id": "CLINIC 7",
            "send_email_enabled": True,
            "send_email": "you@example.com",
            "test": True,
        },
        SEND
        | {
            "file": base64.b64encode(PDF).decode(),
            "station_id": "CLINIC 7",
            "send_email_enabled": "1",
            "send_email": "you@example.com",
            "test": "1",
        },
        {},
        None,
    ),
    (
        "getBalance",
        {},
        {},
        {"balance": {"current_balance": "112.192790"}},
        Balance(current_balance=Decimal("112.192790")),
    ),
    (
        "getBalance",
        {"advanced": True},
        {"advanced": "1"},
        {
            "balance": {
                "current_balance": 112.19,
                "spent_total": "21.05321",
                "calls_total": "2788",
                "time_total": "10:17:48",
                "spent_today": "0.1205",
                "calls_today": 5,
                "time_today": "10:50",
            }
        },
        Balance(
            current_balance=Decimal("112.19"),
            spent_total=Decimal("21.05321"),
            calls_total=2788,
            time_total=timedelta(hours=10, minutes=17, seconds=48),
            spent_today=Decimal("0.1205"),
            calls_today=5,
            time_today=timedelta(minutes=10, seconds=50),
        ),
    ),
    ("getIP", {}, {}, {"ip": "192.0.2.7"}, "192.0.2.7"),
]


def python_name(method: str) -> str:
    """``sendFaxMessage`` as ``send_fax_message``; capitals in a row are one word."""
    words = []
    for at, letter in enumerate(method):
        starts = letter.isupper() and (
            method[at - 1].islower() or (at + 1 < len(method) and method[at + 1].islower())
        )
        words.append(("_" if starts else "") + letter.lower())
    return "".join(words)


def test_every_function_is_here():
    """All of the table, in the exchanges and as coroutines with a docstring that names the API's function."""
    assert {exchange[0] for exchange in EXCHANGES} == set(METHODS)
    for method in METHODS:
        function = getattr(Client, python_name(method))
        assert inspect.iscoroutinefunction(function)
        assert f"``{method}``" in inspect.getdoc(function)


@pytest.mark.parametrize(
    ("method", "arguments", "sent", "answer", "result"),
    EXCHANGES,
    ids=[f"{exchange[0]}-{at}" for at, exchange in enumerate(EXCHANGES)],
)
async def test_exchange(client, api, method, arguments, sent, answer, result):
    """Arguments become exactly these fields, and the answer exactly this result."""
    api.answers[method] = {"status": "success"} | answer

    assert await getattr(client, python_name(method))(**arguments) == result
    assert api.sent() == {"method": method} | sent


@pytest.mark.parametrize(
    ("method", "status"),
    [(method, status) for method in METHODS for status in sorted(METHODS[method].empty)],
)
async def test_nothing_there_is_an_empty_list(client, api, calls, method, status):
    """The API says it with an error code."""
    api.answers[method] = {"status": status, "message": "There are none"}

    assert await calls[method](client) == []


async def test_a_failed_status_says_which_function_and_status(client, api, calls):
    """Verbatim for machines, explained for people."""
    for method, call in calls.items():
        api.answers[method] = {
            "status": "invalid_credentials",
            "message": "Username or Password is incorrect",
        }

        with pytest.raises(ApiError) as caught:
            await call(client)

        assert caught.value.method == method
        assert caught.value.provider_status == "invalid_credentials"
        assert caught.value.failure.kind is Kind.TEMPORARY
        assert caught.value.failure.scope is Scope.ACCOUNT


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("getFaxMessages", {"faxes": "none"}),
        ("getFaxMessages", {"faxes": [{"folder": "SENT"}]}),
        ("getFaxMessagePDF", {}),
        ("getFaxMessagePDF", {"message_base64": base64.b64encode(b"<html>").decode()}),
        ("getBalance", {"balance": {}}),
    ],
)
async def test_a_success_that_cannot_be_read(client, api, calls, method, answer):
    """Asking again later is the only thing to do."""
    api.answers[method] = {"status": "success"} | answer

    with pytest.raises(ApiError) as caught:
        await calls[method](client)

    assert caught.value.failure.kind is Kind.TEMPORARY
    assert caught.value.failure.code == "body"


async def test_a_row_that_cannot_be_read_hides_no_other(client, api):
    """It is counted: a list that is not whole proves less."""
    api.answers["getFaxMessages"] = {"status": "success", "faxes": [{"folder": "SENT"}, FAX_ROW, "odd"]}

    found = await client.list_fax_messages(from_=date(2016, 1, 1), to=date(2016, 1, 31), folder="SENT")

    assert found == Listing(rows=[FAX], unreadable=2)
    assert api.sent() == {
        "method": "getFaxMessages",
        "from": "2016-01-01",
        "to": "2016-01-31",
        "folder": "SENT",
    }
    with pytest.raises(ApiError):
        await client.get_fax_messages(from_=None, to=None)


async def test_a_tolerant_list_is_still_a_list(client, api):
    """No rows at all, and no list at all."""
    api.answers["getFaxMessages"] = {"status": "no_message"}
    assert await client.list_fax_messages(from_=None, to=None) == Listing(rows=[])

    api.answers["getFaxMessages"] = {"status": "success", "faxes": "none"}
    with pytest.raises(ApiError) as caught:
        await client.list_fax_messages(from_=None, to=None)
    assert caught.value.failure.kind is Kind.TEMPORARY


async def test_a_turn_taken_before_is_the_calls_own(api, connect):
    """The call begins at once, and the next one waits as if the turn had been taken then."""
    client = connect(api.peer.url, calls_per_minute=1)
    await client.take_turn()
    async with asyncio.timeout(5):
        await client.send_fax_message(**SEND, file=b"%PDF", turn_taken=True)
    waiting = asyncio.create_task(client.send_fax_message(**SEND, file=b"%PDF"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    waiting.cancel()

    assert not done
    assert [call["method"] for call in api.calls] == ["sendFaxMessage"]


async def test_the_day_limit_ends_at_eastern_midnight(client, api, calls):
    """At most a day (of 25 hours) away."""
    api.answers["sendFaxMessage"] = {"status": "limit_reached"}

    with pytest.raises(ApiError) as caught:
        await calls["sendFaxMessage"](client)

    assert 1 <= caught.value.failure.retry_after <= 25 * 3600


async def test_the_zone_is_a_setting(api, connect):
    """Of dates in answers and of the day of a window."""
    client = connect(api.peer.url, timezone="Asia/Tokyo")
    api.answers["getFaxMessages"] = {"status": "success", "faxes": FAX_ROW}

    [fax] = await client.get_fax_messages(from_=None, to=None)

    assert fax.date == datetime(2015, 12, 31, 15, tzinfo=UTC)
    assert client.local_date(datetime(2026, 6, 1, 16, tzinfo=UTC)) == date(2026, 6, 2)


# Raw calls


async def test_a_raw_call_returns_whatever_the_api_says(client, api):
    """Any function, any status, types as they came."""
    api.answers["getSomething"] = {"status": "no_such_luck", "n": 1, "f": 0.5, "t": "a/b"}

    assert await client.call("getSomething", {"x": "1"}) == api.answers["getSomething"]
    assert api.sent() == {"method": "getSomething", "x": "1"}


@pytest.mark.parametrize("field", ["api_username", "api_password", "method"])
async def test_a_raw_call_cannot_change_who_calls_what(client, api, field):
    """The session's own fields are its own."""
    with pytest.raises(ValueError, match=field):
        await client.call("getIP", {field: "x"})
    assert api.calls == []


async def test_the_call_limit_stops_all_calls_for_a_while(api, connect):
    """Once the provider complains, the next call waits; so the limit is not hit again and again."""
    client = connect(api.peer.url)
    api.answers["getIP"] = {"status": "api_limit_exceeded"}
    await client.call("getIP", {})

    waiting = asyncio.create_task(client.get_fax_folders())
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    waiting.cancel()

    assert not done
    assert [call["method"] for call in api.calls] == ["getIP"]


async def test_answers_as_php_writes_them(client, api):
    """Escaped slashes and a byte order mark are JSON too."""
    api.answers["getFaxFolders"] = (
        b"\xef\xbb\xbf"
        + json.dumps({"status": "success", "folders": [{"id": "1", "name": "A/B é"}]})
        .replace("/", "\\/")
        .encode()
    )

    assert await client.get_fax_folders() == [FaxFolder(id="1", name="A/B é")]
