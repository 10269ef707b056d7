"""Transport, and the checks before any function."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from gateway.simulator import MODES, Service, Simulator
from gateway.simulator.functions import FUNCTIONS, allowed

LOGIN = {"api_username": "demo@example.com", "api_password": "demo"}


async def test_query_urlencoded_and_multipart_are_all_read(sim: Simulator, http: httpx.AsyncClient) -> None:
    params = LOGIN | {"method": "getFaxProvinces", "province": "AB"}
    answers = [
        await http.get(sim.url, params=params),
        await http.post(sim.url, data=params),
        await http.post(sim.url, files={name: (None, value) for name, value in params.items()}),
        await http.post(sim.url, params=LOGIN, data={"method": "getFaxProvinces", "province": "AB"}),
    ]
    assert {answer.text for answer in answers} == {
        '{"status":"success","provinces":[{"province":"AB","province_id":"60",'
        '"province_name":"Alberta","country_code":"CAN"}]}'
    }
    assert [record.verb for record in sim.ledger] == ["GET", "POST", "POST", "POST"]


async def test_file_parts_and_json_are_no_parameters(sim: Simulator, http: httpx.AsyncClient) -> None:
    files = {name: (None, value) for name, value in LOGIN.items()}
    answer = await http.post(sim.url, files=files | {"method": ("method.txt", b"getIP")})
    assert answer.json()["status"] == "missing_method"
    answer = await http.post(sim.url, json=LOGIN | {"method": "getIP"})
    assert answer.json()["status"] == "missing_credentials"


@pytest.mark.parametrize("cut", [1, 7, 64])
async def test_multipart_arrives_in_any_pieces(sim: Simulator, http: httpx.AsyncClient, cut: int) -> None:
    request = http.build_request(
        "POST", sim.url, files={n: (None, v) for n, v in (LOGIN | {"method": "getIP"}).items()}
    )
    body = request.read()

    async def pieces():
        for start in range(0, len(body), cut):
            yield body[start : start + cut]

    headers = {"content-type": request.headers["content-type"], "content-length": str(len(body))}
    answer = await http.post(sim.url, content=pieces(), headers=headers)
    assert answer.json() == {"status": "success", "ip": "127.0.0.1"}


async def test_a_broken_multipart_body_is_a_400(sim: Simulator, http: httpx.AsyncClient) -> None:
    answer = await http.post(
        sim.url, content=b"--x\r\nnonsense", headers={"content-type": "multipart/form-data; boundary=y"}
    )
    assert answer.status_code == 400
    assert sim.ledger[-1].answer == "http 400"


async def test_www_redirects(sim: Simulator, http: httpx.AsyncClient) -> None:
    host = sim.url.split("/")[2]
    answer = await http.post(sim.url, headers={"host": f"www.{host}"}, data=LOGIN)
    assert (answer.status_code, answer.headers["location"]) == (301, sim.url)


async def test_no_user_agent_is_forbidden(sim: Simulator, http: httpx.AsyncClient) -> None:
    http.headers.pop("user-agent")
    answer = await http.post(sim.url, data=LOGIN)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")


@pytest.mark.parametrize("size", [9_000, 100_000])
async def test_long_urls_are_refused(sim: Simulator, http: httpx.AsyncClient, size: int) -> None:
    host, port = sim.address
    reader, writer = await asyncio.open_connection(host, port)
    path = f"/api/v1/rest.php?file={'A' * size}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: x\r\n\r\n".encode())
    assert b" 414 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    short = await http.get(sim.url, params=LOGIN | {"method": "getIP", "x": "A" * 7000})
    assert short.json()["status"] == "success"


async def test_a_caller_that_leaves_in_the_middle_sends_nothing(sim: Simulator) -> None:
    _, writer = await asyncio.open_connection(*sim.address)
    writer.write(
        b"POST /api/v1/rest.php HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nContent-Length: 1000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nmethod=sendFaxMessage"
    )
    writer.close()
    await writer.wait_closed()
    record = await sim.wait_for(lambda s: next((r for r in s.ledger if r.answer), None))
    assert record.answer == "caller left"
    assert not record.accepted


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"api_username": "", "method": ""}, "missing_credentials"),
        ({"api_password": "", "method": "nonsense"}, "missing_credentials"),
        ({"api_password": "wrong", "method": ""}, "invalid_credentials"),
        ({"api_username": "Demo", "method": ""}, "invalid_credentials"),
        ({"method": ""}, "missing_method"),
        ({"method": "getfaxmessages"}, "invalid_method"),
        ({"method": "getFaxStates"}, "method_maintenance"),
        ({"method": "getIP"}, "success"),
    ],
)
async def test_the_order_of_checks(http: httpx.AsyncClient, changes: dict[str, str], status: str) -> None:
    async with Simulator(service=Service(maintenance=frozenset({"getFaxStates"}))) as sim:
        answer = (await http.post(sim.url, data=LOGIN | changes)).json()
    assert answer["status"] == status
    assert answer.get("message") or status == "success"


async def test_the_api_may_be_off(http: httpx.AsyncClient) -> None:
    async with Simulator(service=Service(api_enabled=False)) as sim:
        found = [
            (await http.post(sim.url, data=LOGIN | changes)).json()["status"]
            for changes in ({"api_password": ""}, {"api_password": "wrong"}, {})
        ]
    assert found == ["missing_credentials", "api_not_enabled", "api_not_enabled"]


async def test_addresses_off_the_list_may_only_ask_for_their_own(http: httpx.AsyncClient) -> None:
    async with Simulator(service=Service(allowed_ips=("192.0.2.0/24",))) as sim:
        found = [
            (await http.post(sim.url, data=LOGIN | {"method": method})).json()["status"]
            for method in ("getIP", "getBalance", "nonsense", "")
        ]
    assert found == ["success", "ip_not_enabled", "ip_not_enabled", "ip_not_enabled"]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("192.168.1.7", True),
        ("192.168.1.0/24", True),
        ("192.168.1.*", True),
        ("0.0.0.0", True),
        ("192.168.2.*", False),
        ("10.0.0.0/8", False),
    ],
)
def test_address_patterns(pattern: str, fits: bool) -> None:
    assert allowed("192.168.1.7", (pattern,)) is fits
    assert allowed("192.168.1.7", None)
    assert not allowed("192.168.1.7", ())


async def test_calls_per_minute(http: httpx.AsyncClient) -> None:
    async with Simulator(service=Service(calls_per_minute=2)) as sim:

        async def status() -> str:
            return (await http.post(sim.url, data=LOGIN | {"method": "getIP"})).json()["status"]

        assert [await status() for _ in range(3)] == ["success", "success", "api_limit_exceeded"]
        sim.advance(61)
        assert await status() == "success"


async def test_all_functions_of_the_interface_are_there() -> None:
    assert len(FUNCTIONS) == 26 + 2
    assert {"getBalance", "getIP", "sendFaxMessage", "getFaxMessages"} <= set(FUNCTIONS)


@pytest.mark.parametrize("mode", sorted(MODES))
async def test_every_function_answers_in_every_mode(
    sim: Simulator, http: httpx.AsyncClient, mode: str
) -> None:
    sim.wire = MODES[mode]
    await sim.receive(to="5552341234", from_="5558889999")
    for method in FUNCTIONS:
        answer = await http.post(sim.url, data=LOGIN | {"method": method, "id": "100201"})
        assert answer.status_code == 200
        assert json.loads(answer.content)["status"]
    assert [record.method for record in sim.ledger] == list(FUNCTIONS)


async def test_a_stopped_simulator_starts_again_where_it_was(http: httpx.AsyncClient) -> None:
    sim = Simulator()
    async with sim:
        url = sim.url
        await http.post(url, data=LOGIN | {"method": "setFaxFolder", "name": "Kept"})
        with pytest.raises(RuntimeError, match="already running"):
            await sim.start()
    with pytest.raises(httpx.ConnectError):
        await http.post(url, data=LOGIN)
    await sim.stop()
    async with sim:
        assert sim.url == url
        folders = (await http.post(url, data=LOGIN | {"method": "getFaxFolders"})).json()["folders"]
    assert "Kept" in {folder["name"] for folder in folders}


async def test_a_stuck_upload_does_not_hold_up_the_stop(sim: Simulator) -> None:
    reader, writer = await asyncio.open_connection(*sim.address)
    writer.write(
        b"POST /api/v1/rest.php HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nContent-Length: 1000\r\n"
        b"Expect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    assert b" 100 " in await reader.readline()
    async with asyncio.timeout(5):
        await sim.stop()
    writer.close()
    assert [record.answer for record in sim.ledger] == ["caller left"]


async def test_an_error_of_the_simulator_itself_is_not_swallowed() -> None:
    failed = asyncio.Event()

    def fail() -> None:
        failed.set()
        raise ZeroDivisionError

    sim = Simulator()
    await sim.start()
    sim.world.timeline.at(0, fail)
    async with asyncio.timeout(5):
        await failed.wait()
    with pytest.raises(ZeroDivisionError):
        await sim.stop()


async def test_a_taken_port_is_an_error_that_can_be_caught(sim: Simulator) -> None:
    with pytest.raises(OSError, match="in use"):
        await Simulator(sim.address).start()
