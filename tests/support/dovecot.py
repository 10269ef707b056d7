"""A real Dovecot on loopback, its configuration generated, and a cable that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from imapclient import IMAPClient

from support.certificates import make_certificates

PASSWORD = "pässwörd"

_CONFIG = """\
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/cert.pem
ssl_key = <{root}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:{root}/mail/%u
mail_home = {root}/mail/%u
default_vsz_limit = 0
mail_fsync = never
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
  client_limit = 200
  service_count = 0
  process_min_avail = 1
}}
service imap {{
  # Used again for the next login: starting one takes longer than most tests.
  service_count = 500
  process_limit = 100
  process_min_avail = 3
}}
service anvil {{
  # Failed logins from one address are slowed down; here every login comes from one address.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Dovecot:
    """One server; every user name exists and has an empty mailbox."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, self.tls_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.ca_file = make_certificates(root).authority
        owner = pwd.getpwnam("nobody")
        (root / "mail").mkdir()
        os.chown(root / "mail", owner.pw_uid, owner.pw_gid)
        (root / "dovecot.conf").write_text(
            _CONFIG.format(
                root=root,
                port=self.port,
                tls_port=self.tls_port,
                password=PASSWORD,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
            )
        )

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.root / "dovecot.conf")],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as probe:
                if probe.recv(4) == b"* OK":
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    "dovecot did not start: " + (self.root / "dovecot.log").read_text()[-2000:]
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """Orderly, as systemd does it: every process is asked to end, and clients are told BYE."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """All its processes at once; clients see the end of their connections and nothing else."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)
        self._process.wait(20)
        self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None


class Account:
    """One user's mailbox, seen through another mail program."""

    def __init__(self, server: Dovecot) -> None:
        self.server = server
        self.user = f"u{uuid.uuid4().hex[:12]}"

    @contextlib.contextmanager
    def login(self) -> Iterator[IMAPClient]:
        with IMAPClient("127.0.0.1", self.server.port, ssl=False, timeout=10) as client:
            client.plain_login(self.user, PASSWORD)
            yield client

    def append(self, message: bytes, folder: str = "INBOX", flags: tuple[bytes, ...] = ()) -> None:
        with self.login() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.append(folder, message, flags)

    def deliver(self, message: bytes) -> None:
        """Put a message into INBOX byte for byte, as a delivery agent does: `append` mends its line ends.

        The mailbox must have been opened before.
        """
        home = self.server.root / "mail" / self.user
        name = f"{time.time_ns()}.{uuid.uuid4().hex}.test"
        (home / "tmp" / name).write_bytes(message)
        (home / "tmp" / name).chmod(0o644)
        (home / "tmp" / name).rename(home / "new" / name)

    def messages(self, folder: str = "INBOX") -> list[bytes]:
        """Everything in a folder, as stored."""
        with self.login() as client:
            if not client.folder_exists(folder):
                return []
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search("ALL"), ["BODY.PEEK[]"])
            return [found[uid][b"BODY[]"] for uid in sorted(found)]

    def expunge(self, uid: int, folder: str = "INBOX") -> None:
        """Remove one message for good."""
        with self.login() as client:
            client.select_folder(folder)
            client.delete_messages([uid], silent=True)
            client.uid_expunge([uid])

    def delete_folder(self, folder: str) -> None:
        with self.login() as client:
            client.delete_folder(folder)

    def renumber(self, folder: str, messages: Sequence[bytes]) -> None:
        """Replace `folder` by a new one that holds `messages`: its UIDVALIDITY changes."""
        with self.login() as client:
            client.delete_folder(folder)
            client.create_folder(folder)
            for message in messages:
                client.append(folder, message)


Tamper = Callable[[bytes], Awaitable[bytes | None]]


async def _untouched(data: bytes) -> bytes:
    return data


class Cable:
    """A TCP relay in front of a server: it can change or hold back what passes, and be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.tamper: Tamper = _untouched
        """Gets each piece the client sends and returns what is passed on; None cuts the connection."""
        self.hide: tuple[bytes, ...] = ()
        """Words that the client shall not see in answers, such as capabilities."""
        self.glue = (b"never sent", b"")
        """What the first is in goes to the client in one packet with what the second is in."""
        self.sent = bytearray()
        """Everything the client sent, over all connections."""
        self.connections = 0
        self._news = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
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
        self.thaw()
        for writer in self._writers:
            writer.close()
        if self._relays:
            await asyncio.wait(self._relays)

    def freeze(self) -> None:
        """Hold everything back, as a peer does that was stopped: connected, and silent."""
        self._open.clear()

    def thaw(self) -> None:
        """Let everything through again."""
        self._open.set()

    async def seen(self, word: bytes, times: int = 1, timeout: float = 20) -> None:
        """Return when the client has sent `word` so often."""
        async with asyncio.timeout(timeout):
            while self.sent.count(word) < times:
                self._news.clear()
                await self._news.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        relay = asyncio.current_task()
        assert relay is not None
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        ends = [asyncio.create_task(self._up(reader, back)), asyncio.create_task(self._down(there, writer))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            back.close()
            writer.close()
            self._writers.discard(writer)

    async def _up(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            self.sent += data
            self._news.set()
            passed = await self.tamper(data)
            await self._open.wait()
            if passed is None:
                return
            sink.write(passed)
            await sink.drain()

    async def _down(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._open.wait()
            for word in self.hide:
                data = data.replace(b" " + word, b" X" + word[1:])
            if self.glue[0] in data:
                while self.glue[1] not in data and (more := await source.read(65536)):
                    data += more
            sink.write(data)
            await sink.drain()
