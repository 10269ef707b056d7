"""Rooms of the gateway run in a process of their own: ``python -m bench.rooms smtp STATE_DIR``.

A server must not share its processor time with the load generator, and a whole process is what is compared
with another program. The parent speaks with it over its standard streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.mails import CODE, DOMAIN, SENDER
from gateway import loop

_PATIENCE = 30.0


def main(room: str, *arguments: str) -> None:
    """Run one room."""
    match room:
        case "smtp":
            loop.run(_smtp(Path(arguments[0])))
        case _:
            sys.exit(f"there is no room {room!r}")


async def _smtp(state_dir: Path) -> None:
    """The SMTP server with the whole policy and a real store, and nobody who works on what it accepts."""
    from gateway import journal
    from gateway.config import from_dict
    from gateway.mailin.intake import Intake
    from gateway.mailin.provider import RulesProvider
    from gateway.mailin.smtp import SmtpServer
    from gateway.store import Store

    journal.setup()
    settings = from_dict(
        {
            "gateway": {"hostname": "gw.example.com", "domains": [DOMAIN], "state_dir": str(state_dir)},
            "smtp": {"listener": [{"address": "127.0.0.1:0"}], "max_connections_per_ip": 200},
            "sender": [{"name": "anna", "addresses": [SENDER], "code": CODE, "from_number": "5552341234"}],
        }
    )
    store = Store(state_dir)
    store.open()
    server = SmtpServer(
        settings,
        intake=Intake(store, settings, wake=lambda: None),
        rules=RulesProvider(settings, fetch=_no_account),
    )
    ((host, port),) = await server.start()
    loop.settle()
    print(json.dumps([host, port]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(1.0)
    store.close()


async def _no_account() -> Sequence[Any]:
    raise AssertionError("the senders stand in the configuration")


def command(room: str, *arguments: str) -> list[str]:
    """The command line of a room."""
    return [sys.executable, "-m", "bench.rooms", room, *arguments]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A running room."""

    address: tuple[str, int]
    pid: int

    def seconds(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def smtp(
    directory: Path, *, name: str = "gateway", environment: Mapping[str, str] | None = None
) -> AsyncIterator[Room]:
    """Run the SMTP room, its state and its log in `directory` under `name`."""
    log_file = directory / f"{name}.log"
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command("smtp", str(directory / name)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, **(environment or {})},
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError("the SMTP room did not start: " + log_file.read_text()[-1000:])
        host, port = json.loads(line)
        yield Room(address=(host, port), pid=process.pid)
    finally:
        process.stdin.close()
        await process.wait()


async def until_it_listens(address: tuple[str, int]) -> None:
    """Wait for a server's greeting."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(*address)
                try:
                    if (await reader.readline()).startswith(b"220"):
                        return
                finally:
                    writer.close()
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
