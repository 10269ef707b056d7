"""``fax-gateway simulator`` as a process, and its options."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import httpx
import pytest
from click.testing import CliRunner

from gateway.cli.simulator import command

RUN = "from gateway.cli.simulator import command; command()"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_a_signal(http: httpx.AsyncClient, number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", RUN, "--listen", "127.0.0.1:0", "--wire", "native"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(20):
            url = (await process.stdout.readline()).decode().strip()
            login = {"api_username": "demo@example.com", "api_password": "demo"}
            answer = await http.post(url, data=login | {"method": "getBackOrders"})
            assert answer.json()["quantity"] == 1
            process.send_signal(number)
            _, talk = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert b"/_sim/ledger" in talk
    assert b"Traceback" not in talk


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "HOST:PORT"),
        (["--wire", "loud"], "native"),
        (["--time-scale", "0"], "time-scale"),
    ],
)
def test_bad_options_are_explained(options: list[str], word: str) -> None:
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 2
    assert word in result.output


def test_a_taken_port_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = "{}:{}".format(*taken.getsockname())
        result = CliRunner().invoke(command, ["--listen", listen])
    assert result.exit_code == 1
    assert f"Cannot listen on {listen}" in result.output
