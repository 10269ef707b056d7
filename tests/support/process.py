"""The daemon as a process of its own, beside a simulator and a catcher in the test's process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from gateway.control import ask
from gateway.simulator import Catcher, Simulator
from gateway.simulator.ledger import Record
from support.world import PATIENCE, TIME_SCALE, configuration, post

DAEMON = Path(__file__).with_name("daemon.py")


@dataclass(slots=True, kw_only=True)
class Outside:
    """What outlives the daemon: the provider, the mail server, the files."""

    simulator: Simulator
    catcher: Catcher
    directory: Path
    smtp: tuple[str, int]
    config: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the daemon gets beside the test's own."""
    process: asyncio.subprocess.Process | None = None
    logs: list[Path] = field(default_factory=list)

    @property
    def control(self) -> Path:
        """The daemon's control socket."""
        return self.directory / "state" / "control.sock"

    async def start(self, point: str = "", *, ready: bool = True) -> None:
        """Start the daemon, armed for `point`; wait until it says that it is ready."""
        log = self.directory / f"log{len(self.logs)}.txt"
        self.logs.append(log)
        address = self.directory / "notify.sock"
        address.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, log.open("wb") as stream:
            notify.bind(str(address))
            notify.setblocking(False)
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(DAEMON),
                str(self.config),
                *([point] if point else []),
                stderr=stream,
                stdout=stream,
                env={**os.environ, **self.environment, "NOTIFY_SOCKET": str(address)},
            )
            if ready:
                async with asyncio.timeout(PATIENCE):
                    await self._ready(notify)

    async def _ready(self, notify: socket.socket) -> None:
        assert self.process is not None
        ended = asyncio.ensure_future(self.process.wait())
        while True:
            told = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(notify, 4096))
            await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                told.cancel()
                raise AssertionError(f"the daemon ended: {self.logs[-1].read_text()}")
            if b"READY=1" in told.result():
                ended.cancel()
                return

    async def died(self) -> int:
        """Wait for the daemon's end; its return code."""
        assert self.process is not None
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and wait for the end."""
        assert self.process is not None
        self.process.send_signal(number)
        return await self.died()

    async def send(self, mail: EmailMessage) -> str:
        """Mail something in; return the queue id."""
        return (await asyncio.to_thread(post, self.smtp, mail)).split()[-1]

    async def ask(self, verb: str, **args: Any) -> Any:
        """Use the control socket."""
        return await asyncio.to_thread(ask, self.control, verb, args)

    async def until(self, fax_id: str, *states: str) -> dict[str, Any]:
        """Wait until a Fax is in one of `states`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                (shown,) = await self.ask("queue.show", id=fax_id)
                if shown["state"] in states:
                    return dict(shown)
                await asyncio.sleep(0.05)

    def logged(self, event: str) -> list[str]:
        """Lines of the log with this event, of all daemons so far."""
        lines = [line for log in self.logs for line in log.read_text().splitlines()]
        return [line for line in lines if f"event={event} " in f"{line} "]

    async def until_logged(self, event: str) -> None:
        """Wait for a line."""
        async with asyncio.timeout(PATIENCE):
            while not self.logged(event):
                await asyncio.sleep(0.05)

    def calls(self) -> list[Record]:
        """Calls of sendFaxMessage."""
        return [record for record in self.simulator.ledger if record.method == "sendFaxMessage"]


@contextlib.asynccontextmanager
async def outside(directory: Path, changes: Mapping[str, Any] | None = None) -> AsyncIterator[Outside]:
    """A simulator, a catcher and a configuration for the daemon; ends the daemon if it still runs."""
    async with (
        Catcher(directory / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=TIME_SCALE) as simulator,
        outside_with(directory, simulator, catcher, changes) as world,
    ):
        yield world


@contextlib.asynccontextmanager
async def outside_with(
    directory: Path, simulator: Simulator, catcher: Catcher, changes: Mapping[str, Any] | None = None
) -> AsyncIterator[Outside]:
    """The same with a simulator and a catcher that others use too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        smtp = probe.getsockname()
    quick = {"read_timeout": 2, "write_timeout": 1, "connect_timeout": 1}
    data = configuration(directory, simulator, catcher, changes)
    data["voipms"] = {**data["voipms"], **quick, **(changes or {}).get("voipms", {})}
    data["smtp"] = {"listener": [{"address": f"127.0.0.1:{smtp[1]}"}]}
    config = directory / "config.toml"
    config.write_text(to_toml(data))
    config.chmod(0o600)
    world = Outside(simulator=simulator, catcher=catcher, directory=directory, smtp=smtp, config=config)
    try:
        yield world
    finally:
        if world.process is not None and world.process.returncode is None:
            world.process.kill()
            await world.process.wait()


def to_toml(data: Mapping[str, Any]) -> str:
    """TOML of tables, arrays of tables and plain values."""
    lines: list[str] = []
    inline = {name: value for name, value in data.items() if isinstance(value, list)}
    lines += [f"{name} = {_value(value)}" for name, value in inline.items()]
    for name, table in data.items():
        if name not in inline:
            lines += [f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value)
