"""A load generator for SMTP: a connection for each mail, a number of them at a time.

It speaks to every server in the same way: EHLO, then MAIL, RCPT and DATA in one packet (RFC 2920), the
content, and QUIT. Written as a protocol, because streams would cost the client more than some servers spend.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

_PATIENCE = 60.0
"""Seconds for one mail."""
_CODES = (b"220", b"250", b"250", b"250", b"354", b"250", b"221")
"""Answers to the connection, EHLO, MAIL, RCPT, DATA, the content and QUIT."""


class RefusedError(Exception):
    """A server did not take a mail: its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What one connection delivers."""

    sender: str
    recipient: str
    content: tuple[bytes, ...]
    """Pieces of the message: lines end in CRLF, none begins with a dot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One accepted mail. Times are of `time.perf_counter`."""

    began: float
    """When the packet with DATA left."""
    ended: float
    """When the last of the content was given to the connection."""
    answered: float
    """When the 250 for the content came."""


async def send(address: tuple[str, int], mail: Mail) -> Sent:
    """Deliver one mail. Raises `RefusedError`, OSError, TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_PATIENCE):
        transport, session = await loop.create_connection(
            lambda: _Session(mail, loop.create_future()), *address
        )
        try:
            return await session.sent
        finally:
            transport.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of a number of mails."""

    rate: float
    """Mails per second, from the first connection to the last QUIT."""
    waits: list[float]
    """Seconds of each mail from the end of its content to the 250."""


async def run(address: tuple[str, int], mails: Iterable[Mail], concurrency: int) -> Load:
    """Deliver all. Raises as `send`."""
    source, began = iter(mails), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_deliver(address, source)) for _ in range(concurrency)]
    waits = [wait for task in tasks for wait in task.result()]
    return Load(rate=len(waits) / (time.perf_counter() - began), waits=waits)


async def rate(address: tuple[str, int], mails: Iterable[Mail], concurrency: int) -> float:
    """Deliver all; mails per second."""
    return (await run(address, mails, concurrency)).rate


async def _deliver(address: tuple[str, int], source: Iterator[Mail]) -> list[float]:
    waits = []
    for mail in source:
        sent = await send(address, mail)
        waits.append(sent.answered - sent.ended)
    return waits


class _Session(asyncio.Protocol):
    def __init__(self, mail: Mail, sent: asyncio.Future[Sent]) -> None:
        self.sent = sent
        self._mail = mail
        self._buffer = b""
        self._replies = 0
        self._began = self._ended = self._answered = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-" and not self.sent.done():
                self._reply(line)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.sent.done():
            self.sent.set_exception(error or ConnectionError("the server closed the connection"))

    def _reply(self, line: bytes) -> None:
        if not line.startswith(_CODES[self._replies]):
            self.sent.set_exception(RefusedError(line.decode("ascii", "replace")))
            return
        self._replies += 1
        match self._replies:
            case 1:
                self._transport.write(b"EHLO bench.example.com\r\n")
            case 2:
                self._began = time.perf_counter()
                envelope = f"MAIL FROM:<{self._mail.sender}>\r\nRCPT TO:<{self._mail.recipient}>\r\nDATA\r\n"
                self._transport.write(envelope.encode("ascii"))
            case 5:
                self._transport.writelines((*self._mail.content, b".\r\n"))
                self._ended = time.perf_counter()
            case 6:
                self._answered = time.perf_counter()
                self._transport.write(b"QUIT\r\n")
            case 7:
                self.sent.set_result(Sent(began=self._began, ended=self._ended, answered=self._answered))
