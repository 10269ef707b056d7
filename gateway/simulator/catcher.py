"""A small mail catcher: an SMTP server on loopback that keeps every mail as a file."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.simulator.waiting import Changes

MAX_MAIL = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One mail that was taken."""

    sender: str
    """Envelope sender; empty for the null sender."""
    recipients: tuple[str, ...]
    """Envelope recipients."""
    message: EmailMessage
    path: Path
    """The mail as it came, ``.eml``."""

    def attachments(self, subtype: str = "pdf") -> list[bytes]:
        """Contents of the attached files of a type, decoded."""
        return [
            bytes(part.get_payload(decode=True))
            for part in self.message.walk()
            if part.get_content_subtype() == subtype and not part.is_multipart()
        ]


class Catcher:
    """Keeps mails in `directory` and in `messages`.

    Args:
        directory: is made if it is not there.
        listen: host and port; port 0 takes a free one.
    """

    def __init__(self, directory: Path, listen: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.directory = directory
        self.messages: list[Caught] = []
        self._listen = listen
        self._refusals: list[str] = []
        self._changes = Changes()
        self._server: asyncio.Server | None = None
        self._sessions: set[_Session] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is 0 until the start."""
        return self._listen

    def refuse(self, reply: str, times: int = 1) -> None:
        """Answer the next mails after their DATA with a reply such as ``451 4.3.0 try later``."""
        if not reply[:3].isdecimal() or reply[0] not in "45":
            raise ValueError(f"a refusal is a reply of 4xx or 5xx, not {reply!r}")
        self._refusals += [reply] * times

    async def start(self) -> None:
        """Listen."""
        self.directory.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), *self._listen)
        self._listen = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Stop listening and close open sessions."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for session in list(self._sessions):
            session.hang_up()

    def opened(self, session: _Session) -> None:
        """A connection; one that was accepted just before the stop comes to nothing."""
        if self._server is None:
            session.hang_up()
        else:
            self._sessions.add(session)

    def closed(self, session: _Session) -> None:
        """Its end."""
        self._sessions.discard(session)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def wait_for(
        self, wanted: Callable[[Caught], bool] = lambda _: True, timeout: float = 10.0
    ) -> Caught:
        """The first mail, also of those already here, that is wanted.

        Raises:
            TimeoutError: none within `timeout` seconds.
        """
        return await self._changes.until(
            lambda: next((mail for mail in self.messages if wanted(mail)), None), timeout
        )

    async def handle_DATA(  # noqa: N802  hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, or refuse it as told."""
        if self._refusals:
            return self._refusals.pop(0)
        content = envelope.original_content or b""
        path = self.directory / f"{len(self.messages) + 1:04}.eml"
        path.write_bytes(content)
        self.messages.append(
            Caught(
                sender=(envelope.mail_from or "").removeprefix("<>"),
                recipients=tuple(envelope.rcpt_tos),
                message=email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default),
                path=path,
            )
        )
        self._changes.notify()
        return "250 2.0.0 kept"


class _Session(SMTP):
    """One connection; known to the catcher, so that it can be closed."""

    def __init__(self, catcher: Catcher) -> None:
        super().__init__(
            catcher,
            data_size_limit=MAX_MAIL,
            enable_SMTPUTF8=True,
            hostname="catcher.example.com",
            ident="mail catcher",
        )
        self._catcher = catcher

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._catcher.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._catcher.closed(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """Close the connection."""
        if self.transport is not None:
            self.transport.close()
