"""A gateway's SMTP server on loopback with a real store, and a client that speaks SMTP line by line."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from gateway.config import Settings
from gateway.mailin.intake import Intake
from gateway.mailin.smtp import SmtpServer
from gateway.store import Store, tables

CODE = "K7Q29X"
DOMAIN = "fax.example.com"
ALICE = "alice@example.com"
MAIL = (
    f"From: Alice <{ALICE}>\r\nTo: fax\r\nSubject: {CODE} Invoice\r\nMessage-ID: <1@example.com>\r\n"
    "\r\nHello\r\n"
).encode()


@dataclass
class Dialog:
    """One SMTP connection, as a client sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    banner: str = ""
    said: list[str] = field(default_factory=list)

    async def reply(self) -> str:
        """The next reply; lines of one reply are joined by newlines. Empty at the end."""
        lines = []
        async with asyncio.timeout(20):
            while line := (await self.reader.readline()).decode():
                lines.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    break
        self.said.append("\n".join(lines))
        return self.said[-1]

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def say(self, line: str) -> str:
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def content(self, mail: bytes) -> str:
        """Send a mail's content after 354, dots doubled, and the end."""
        stuffed = mail.replace(b"\r\n.", b"\r\n..")
        await self.send((b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n")
        return await self.reply()

    async def mail(
        self, mail: bytes = MAIL, *, sender: str = ALICE, to: Sequence[str] = (f"5552341234@{DOMAIN}",)
    ) -> str:
        """A whole transaction; the first reply that is not 2xx or 354, else the answer to the content."""
        for line in (f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{one}>" for one in to), "DATA"):
            answer = await self.say(line)
            if answer[0] not in "23":
                return answer
        return await self.content(mail)

    async def starttls(self, context: ssl.SSLContext) -> None:
        assert (await self.say("STARTTLS")).startswith("220")
        await self.writer.start_tls(context, server_hostname="localhost")

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@dataclass
class Site:
    """What a running SMTP door consists of."""

    settings: Settings
    store: Store
    intake: Intake
    server: SmtpServer
    woken: list[None]
    stack: AsyncExitStack

    async def connect(
        self, listener: int = 0, *, ehlo: bool = True, tls: ssl.SSLContext | None = None
    ) -> Dialog:
        host, port = self.server.addresses[listener]
        reader, writer = await asyncio.open_connection(
            host, port, ssl=tls, server_hostname="localhost" if tls else None
        )
        dialog = Dialog(reader, writer)
        self.stack.push_async_callback(dialog.close)
        dialog.banner = await dialog.reply()
        if ehlo:
            assert (await dialog.say("EHLO client.example.com")).startswith("250")
        return dialog

    async def rows(self, table: sa.Table) -> list[sa.Row[Any]]:
        return await self.store.read(lambda tx: list(tx.execute(sa.select(table))))

    async def submissions(self) -> list[sa.Row[Any]]:
        return await self.rows(tables.submission)

    async def numbers(self) -> list[str]:
        return [row.number for row in await self.rows(tables.fax)]

    async def stored(self) -> bytes:
        """The only submission's message as it is stored."""
        (row,) = await self.submissions()
        if row.content is not None:
            return bytes(row.content)
        return self.store.spool.path(row.content_file).read_bytes()

    async def until_connections(self, count: int) -> None:
        """Wait until the server has `count` sessions left."""
        async with asyncio.timeout(20):
            while len(self.server._sessions) > count:
                await asyncio.sleep(0.01)

    def everything_on_disk(self) -> bytes:
        """All bytes of all files of the state directory."""
        return b"\0".join(
            path.read_bytes() for path in sorted(self.store.state_dir.rglob("*")) if path.is_file()
        )


SiteMaker = Callable[..., Awaitable[Site]]


def configuration(**changes: Any) -> dict[str, Any]:
    """A small configuration; `changes` replace keys of tables, or whole lists."""
    config: dict[str, Any] = {
        "gateway": {"domains": [DOMAIN], "hostname": "gw.example.com"},
        "smtp": {"listener": [{"address": "127.0.0.1:0"}]},
        "sender": [
            {"name": "alice", "addresses": [ALICE], "code": CODE, "from_number": "5550001111"},
            {"name": "office", "addresses": ["*@office.example.com"], "code_required": False},
        ],
    }
    for key, value in changes.items():
        config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    return config
