"""A thousand mails of a megabyte that wait: what the daemon, a whole process, takes of memory."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench import load, process, rooms
from bench.corpus.rawpdf import RawPdf
from bench.mails import CODE, DOMAIN, SENDER, file_mails
from bench.report import Row

MAILS = 1_000
_SIZE = 760_000
"""Bytes of the attached PDF: a megabyte as a mail."""
_SENDERS = 10
_WARM_UP = 20
_QUIET = 3.0
"""Seconds until what the first mails began is over."""
_QUICK_WAIT, _WAIT = 15.0, 90.0
"""Seconds in which a whole backlog is worked on, after the last mail was accepted."""
_MB = 1e6
_CONFIG = """
sender = [{{ name = "anna", addresses = ["{sender}"], code = "{code}" }}]
[gateway]
domains = ["{domain}"]
state_dir = "{state}"
[voipms]
url = "http://127.0.0.1:{closed}/"
username = "demo@example.com"
password = "demo"
from_number = "5552341234"
[receive]
enabled = false
[smtp]
listener = [{{ address = "127.0.0.1:{port}" }}]
max_connections_per_ip = 200
[mail]
host = "127.0.0.1"
port = {closed}
"""


async def measure(directory: Path, *, quick: bool, count: int = MAILS) -> list[Row]:
    """Peak memory while they are accepted and wait, over idle. The provider and the mail server are down."""
    mails = file_mails(await asyncio.to_thread(_one_page, _SIZE))
    async with _daemon(directory) as daemon:
        await load.rate(daemon.address, itertools.islice(mails, _WARM_UP), _SENDERS)
        await asyncio.sleep(_QUIET)
        idle = daemon.start_peak()
        await load.rate(daemon.address, itertools.islice(mails, count), _SENDERS)
        await asyncio.sleep((_QUICK_WAIT if quick else _WAIT) * count / MAILS)
        peak = daemon.peak()
    return [
        Row(measure="memory of the idle daemon, MB", value=idle / _MB),
        Row(
            measure=f"memory of the daemon over idle, {count:,} mails of 1 MB waiting, MB",
            value=max(peak - idle, 0.001 * _MB) / _MB,
            must=100,
            aim=40,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Daemon:
    address: tuple[str, int]
    pid: int

    def start_peak(self) -> int:
        """Forget the largest size so far; resident bytes now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # proc(5)
        return self._status("VmRSS")

    def peak(self) -> int:
        """Resident bytes at most since then."""
        return self._status("VmHWM")

    def _status(self, key: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"the system does not tell {key}")


@contextlib.asynccontextmanager
async def _daemon(directory: Path) -> AsyncIterator[_Daemon]:
    port, closed = _free_ports(2)
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs
    config = directory / "config.toml"
    config.write_text(
        _CONFIG.format(
            sender=SENDER, code=CODE, domain=DOMAIN, state=directory / "state", port=port, closed=closed
        )
    )
    config.chmod(0o600)
    log_file = directory / "daemon.log"
    with log_file.open("wb") as log:
        running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from gateway.cli import main; main()",
            "serve",
            "--config",
            str(config),
            cwd=process.CHECKOUT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        await rooms.until_it_listens(("127.0.0.1", port))
        yield _Daemon(address=("127.0.0.1", port), pid=running.pid)
    except TimeoutError as error:
        raise RuntimeError("the daemon did not start: " + log_file.read_text()[-1000:]) from error
    finally:
        if running.returncode is None:
            running.kill()  # nothing of it is needed, and a thousand faxes need not be drained
        await running.wait()


def _one_page(size: int) -> bytes:
    """A page, and a stream that no page uses."""
    pdf = RawPdf()
    pdf.stream("", random.Random(7).randbytes(size))  # noqa: S311 - no secret
    pdf.page(612, 792, b"72 72 200 200 re f")
    return pdf.whole()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
