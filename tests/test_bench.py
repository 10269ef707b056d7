"""The benchmarks run and say what they promise; how fast anything is stays out of the tests."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).parents[1]
KEYS = {"measure", "value", "must", "aim", "ok", "peer"}


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return bench_module(monkeypatch, "report")


def bench_module(monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    """The package is found in the checkout only, which tests may not be run from."""
    monkeypatch.syspath_prepend(str(CHECKOUT))
    return importlib.import_module(f"bench.{name}")


@pytest.mark.parametrize(
    ("command", "options", "expected"),
    [
        (
            "circle",
            [],
            {"circle, one page, ratio": (1.5, 1.15), "RSS of the renderer's helper, MB": (None, None)},
        ),
        (
            "ingest",
            [],
            {
                "ingest of 5 kB mails, 1 at a time, ratio": (0.8, 1.5),
                "ingest of 1 MB mails, 50 at a time, ratio": (0.4, 1.0),
                "from the end of a 5 kB mail to 250, 10 at a time, 99th percentile, ratio": (1.0, 0.5),
                "ingest of 5 kB mails, 50 at a time over 1, with 5 ms for an fsync": (8.0, 20.0),
            },
        ),
        (
            "queue",
            ["--finished", "2000"],
            {
                "claim and complete with 2,000 finished faxes, ratio": (1.2, 1.05),
                "claim and complete beside the same statements in bare sqlite3, ratio": (0.5, 0.8),
                "claim and complete a mail on PostgreSQL, 8 workers, ratio": (2.0, 4.0),
                "claim and complete a mail on PostgreSQL, 8 workers, with 5 ms for an fsync, ratio": (
                    2.0,
                    4.0,
                ),
                "memory of the daemon over idle, 20 mails of 1 MB waiting, MB": (100, 40),
            },
        ),
    ],
)
def test_quick_run_prints_only_json_of_the_promised_shape(
    command: str, options: list[str], expected: dict[str, tuple[float | None, float | None]]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", command, *options, "--quick", "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said) == {"machine", "rows"}
    assert set(said["machine"]) == {"cpu", "cores", "system", "python", "load"}
    assert all(set(row) == KEYS for row in said["rows"])
    rows = {row["measure"]: row for row in said["rows"]}
    assert len(rows) == len(said["rows"])
    for measure, bars in expected.items():
        assert (rows[measure]["must"], rows[measure]["aim"]) == bars
    for measure, row in rows.items():
        if row["peer"] is not None:
            assert set(row["peer"]) == {"name", "value"}
        elif measure.endswith("ratio"):
            assert row["value"] is None
            assert row["ok"] is None
        if row["value"] is not None:
            assert row["value"] > 0
            assert (row["ok"] is None) == (row["must"] is None)


def test_a_bar_is_a_ceiling_or_a_floor(report: ModuleType) -> None:
    def verdict(value: float | None, *, more: bool) -> tuple[bool | None, str]:
        row = report.Row(measure="x", value=value, must=2.0, aim=3.0 if more else 1.0, more=more)
        return row.ok, row.verdict

    assert verdict(1.5, more=False) == (True, "ok")
    assert verdict(1.0, more=False) == (True, "aim")
    assert verdict(2.1, more=False) == (False, "MISSED")
    assert verdict(2.5, more=True) == (True, "ok")
    assert verdict(3.0, more=True) == (True, "aim")
    assert verdict(1.9, more=True) == (False, "MISSED")
    assert verdict(None, more=True) == (None, "")


def test_the_ratio_is_the_median_of_the_rounds(report: ModuleType) -> None:
    value, ratio = report.compared("x", "ms", [10, 20, 90], [10, 40, 30], "floor", must=1.5)
    assert (value.value, value.must, ratio.value, ratio.must) == (20, None, 1.0, 1.5)
    assert value.peer == ratio.peer == report.Peer(name="floor", value=30)


def test_a_missing_peer_leaves_a_figure_and_a_null(report: ModuleType) -> None:
    value, ratio = report.compared("x", "ms", [10, 20], [], "", must=1.5)
    assert value.to_json()["value"] == 15
    assert (ratio.to_json()["value"], ratio.to_json()["ok"], ratio.to_json()["peer"]) == (None, None, None)


def test_the_table_names_what_missed(report: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    report.show({"cores": 2}, [report.Row(measure="slow", value=2.0, must=1.5)], as_json=False)
    out = capsys.readouterr().out
    assert "cores 2" in out
    assert "MISSED" in out


async def test_the_load_generator_counts_accepted_mails_only(monkeypatch: pytest.MonkeyPatch) -> None:
    load = bench_module(monkeypatch, "load")
    mail = load.Mail(sender="a@example.com", recipient="b@example.com", content=(b"X: 1\r\n\r\n", b"Hi\r\n"))
    for code, outcome in (("250", None), ("451", load.RefusedError)):
        server = ScriptedServer(code)
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        address = listener.sockets[0].getsockname()
        try:
            if outcome is None:
                sent = await load.send(address, mail)
                assert sent.began < sent.ended < sent.answered
            else:
                with pytest.raises(outcome, match="451 2 no"):
                    await load.send(address, mail)
            async with asyncio.timeout(20):
                await server.ended.wait()
        finally:
            listener.close()
        assert server.content == b"X: 1\r\n\r\nHi\r\n.\r\n"


class ScriptedServer:
    """Answers one mail; EHLO in several lines, to be taken as one answer."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.content = b""
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readuntil(b"EHLO bench.example.com\r\n")
        writer.write(b"250-here\r\n250-SIZE\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 1\r\n250 1\r\n354 go\r\n")
        self.content = await reader.readuntil(b"\r\n.\r\n")
        writer.write(f"{self.code} 2 no\r\n".encode())
        await reader.readline()
        writer.write(b"221 bye\r\n")
        await closed(writer)
        self.ended.set()


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_a_server_that_hangs_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    load = bench_module(monkeypatch, "load")
    mail = load.Mail(sender="a@example.com", recipient="b@example.com", content=(b"\r\n",))

    ended = asyncio.Event()

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await closed(writer)
        ended.set()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listener:
        with pytest.raises(ConnectionError):
            await load.send(listener.sockets[0].getsockname(), mail)
        async with asyncio.timeout(20):
            await ended.wait()


def test_mails_differ_in_message_id_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    mails = bench_module(monkeypatch, "mails").text_mails(5_000)
    one, other = next(mails), next(mails)
    assert one.recipient != other.recipient
    whole = b"".join(one.content)
    assert whole.count(b"Message-ID: <") == 1
    assert whole != b"".join(other.content)
    assert 4_500 < len(whole) < 6_000
    assert b"\r\n." not in whole
    assert b"\n" not in whole.replace(b"\r\n", b"")


def test_an_unknown_room_is_an_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.rooms", "render"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "there is no room 'render'\n")
