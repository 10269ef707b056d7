"""A real PostgreSQL on loopback: a cluster of its own in a temporary directory, fsync on."""

from __future__ import annotations

import asyncio
import enum
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

DIRECTORIES = (
    *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    *map(Path, os.get_exec_path()),
)
"""Debian keeps the server's programs out of the path."""

_CONFIG = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = on
synchronous_commit = on
max_connections = 200
shared_buffers = 32MB
log_min_messages = fatal
"""


def binaries() -> Path | None:
    """Where the server's programs are."""
    return next((found for found in DIRECTORIES if (found / "initdb").exists()), None)


def missing() -> str:
    """Why no cluster can be made here, or ""."""
    if binaries() is None:
        return "postgresql is not installed"
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "there is no user postgres to run postgresql as"
    return ""


class Cluster:
    """One server. Its directory goes with it."""

    def __init__(self) -> None:
        found = binaries()
        assert found is not None
        self._bin = found
        # Not below pytest's own directory: the server runs as another user and must get through to it.
        self.root = Path(tempfile.mkdtemp(prefix="fax-postgres-"))
        self.root.chmod(0o755)
        self.data = self.root / "data"
        self.data.mkdir(mode=0o700)
        self._owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._owner is not None:
            os.chown(self.data, self._owner.pw_uid, self._owner.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "fax", "--no-sync", "-E", "UTF8")
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(_CONFIG.format(port=self.port))
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            timeout=120,
            user=self._owner.pw_uid if self._owner else None,
            group=self._owner.pw_gid if self._owner else None,
            extra_groups=[] if self._owner else None,
        )

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Return when it answers. `environment` is added to the server's."""
        import psycopg

        log = (self.root / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                user=self._owner.pw_uid if self._owner else None,
                group=self._owner.pw_gid if self._owner else None,
                extra_groups=[] if self._owner else None,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.root / "log").read_text()[-2000:]) from None
                time.sleep(0.02)
            else:
                return

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: a fast shutdown, connections are told. SIGQUIT: at once. SIGKILL: the power fails."""
        assert self._process is not None
        if number is signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)
        self._process.wait(60)
        self._process = None

    def remove(self) -> None:
        """End it for good."""
        if self._process is not None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.root, ignore_errors=True)

    def url(self, database: str, port: int | None = None) -> str:
        return f"postgresql://fax@127.0.0.1:{port or self.port}/{database}"

    def database(self, template: str = "template1") -> str:
        """A new database; its name."""
        name = f"fax_{uuid.uuid4().hex[:12]}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, database: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


class Cut(enum.Enum):
    """When a connection breaks over a COMMIT."""

    BEFORE = enum.auto()
    """The server never gets it."""
    AFTER = enum.auto()
    """The server did it, and its answer is lost."""


class Cable:
    """A TCP relay in front of the server that breaks over the next COMMIT that writes, if told to."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.cut: Cut | None = None
        self.cuts = 0
        self._relays: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        if self._relays:
            await asyncio.wait(self._relays)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = asyncio.current_task()
        assert relay is not None
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, back}
        deaf = asyncio.Event()
        ends = [
            asyncio.create_task(self._up(reader, back, deaf)),
            asyncio.create_task(self._down(there, writer, deaf)),
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        for each in (writer, back):
            each.close()
            self._writers.discard(each)

    async def _up(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        wrote = False
        while data := await source.read(65536):
            wrote = wrote or b"INSERT" in data or b"UPDATE" in data
            if b"COMMIT" in data and wrote and self.cut is not None:
                cut, self.cut = self.cut, None
                self.cuts += 1
                if cut is Cut.BEFORE:
                    return
                deaf.set()
            elif b"COMMIT" in data or b"ROLLBACK" in data:
                wrote = False
            sink.write(data)
            await sink.drain()

    async def _down(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        while data := await source.read(65536):
            if deaf.is_set():
                return
            sink.write(data)
            await sink.drain()
