"""The rooms around a mailbox poller, real ones, and the mails that are put into its mailbox."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.config import Mailbox, from_dict
from gateway.mailin.imap import MailboxPoller
from gateway.mailin.imap_session import Timeouts
from gateway.mailin.intake import Intake
from gateway.mailin.provider import RulesProvider
from gateway.mailin.rules import AccountRow
from gateway.store import Store, tables
from support.dovecot import PASSWORD, Account

T = TypeVar("T")

CODE = "483920"


def mail(
    subject: str,
    *,
    sender: str = "ann@example.com",
    text: str = "Please see the letter.",
    message_id: str | None = "",
    headers: dict[str, str] | None = None,
) -> bytes:
    """A mail as a server stores it; `headers` come first, as those that servers add do."""
    lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += [f"From: {sender}", "To: fax@example.net", f"Subject: {subject}"]
    if message_id is not None:
        lines.append(f"Message-ID: {message_id or f'<{uuid.uuid4()}@example.com>'}")
    lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", text, ""]
    return "\r\n".join(lines).encode()


def vouched(domain: str = "example.com", *, by: str = "mx.example.net") -> dict[str, str]:
    """The field that a trusted border server writes."""
    return {"Authentication-Results": f"{by}; dkim=pass header.d={domain}; dmarc=pass header.from={domain}"}


async def until(check: Callable[[], Awaitable[T | None]], timeout: float = 20.0) -> T:
    """Wait for what no event announces: another program's mailbox, the end of another thread's commit."""
    async with asyncio.timeout(timeout):
        while not (found := await check()):
            await asyncio.sleep(0.02)
    return found


class Office:
    """The rooms around a poller, real ones: store, rules, intake. Two sender rules; the code is 483920."""

    def __init__(self, store: Store, account: Account) -> None:
        self.account = account
        self.store = store
        self.accepted: asyncio.Queue[None] = asyncio.Queue()
        self._pollers: list[MailboxPoller] = []
        self.settings = from_dict(
            {
                "sender": [
                    {"name": "ann", "addresses": ["ann@example.com"], "code": CODE},
                    {"name": "bob", "addresses": ["bob@example.com"], "code_required": False},
                ]
            }
        )

    def box(self, **changes: object) -> Mailbox:
        values: dict[str, object] = {
            "name": self.account.user,
            "host": "127.0.0.1",
            "port": self.account.server.port,
            "tls": "none",
            "username": self.account.user,
            "password": PASSWORD,
            "poll": 3600,
            "trusted_authserv": ["mx.example.net"],
        }
        return Mailbox.model_validate(values | changes)

    def poller(
        self,
        box: Mailbox | None = None,
        *,
        read: float = 5.0,
        start: bool = True,
        on_duty: Callable[[], bool] = lambda: True,
    ) -> MailboxPoller:
        """Start a poller. `read`: its socket time-out in seconds."""

        async def fetch() -> list[AccountRow]:
            raise AssertionError("the rules are in the configuration")

        poller = MailboxPoller(
            box or self.box(),
            settings=self.settings,
            loop=asyncio.get_running_loop(),
            store=self.store,
            intake=Intake(self.store, self.settings, wake=lambda: self.accepted.put_nowait(None)),
            rules=RulesProvider(self.settings, fetch=fetch),
            timeouts=Timeouts(connect=5, read=read),
            on_duty=on_duty,
        )
        if start:
            poller.start()
            self._pollers.append(poller)
        return poller

    async def stop(self, poller: MailboxPoller) -> None:
        poller.stop()
        assert await poller.wait_stopped(10)
        self._pollers.remove(poller)

    async def close(self) -> None:
        for poller in list(self._pollers):
            await self.stop(poller)

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        found = await self.store.read(lambda tx: tx.execute(sa.select(table)).mappings().all())
        return [dict(row) for row in found]

    async def ledger(self) -> dict[int, tuple[str, bool]]:
        """Verdict and whether it was moved, by UID."""
        rows = await self.rows(tables.mailbox_message)
        return {row["uid"]: (row["verdict"], row["filed"]) for row in rows}

    async def first_contact(self) -> None:
        """Return when the poller has seen the folder once."""

        async def seen() -> bool:
            return bool(await self.rows(tables.mailbox))

        await until(seen)

    async def filed(self, count: int) -> dict[int, tuple[str, bool]]:
        """The ledger, once `count` messages are decided and moved."""

        async def done() -> dict[int, tuple[str, bool]] | None:
            ledger = await self.ledger()
            return ledger if sum(moved for _, moved in ledger.values()) >= count else None

        return await until(done)

    async def put(
        self, message: bytes, folder: str = "INBOX", flags: tuple[bytes, ...] = (), *, poke: bool = True
    ) -> None:
        """Put a message into the mailbox; `poke` the pollers, as Dovecot's own hint takes half a second."""
        await asyncio.to_thread(self.account.append, message, folder, flags)
        if poke:
            for poller in self._pollers:
                poller.poke()

    async def deliver(self, message: bytes) -> None:
        """Put a message into INBOX byte for byte, once the poller has opened it."""
        await asyncio.to_thread(self.account.deliver, message)
        for poller in self._pollers:
            poller.poke()

    async def read(self, folder: str = "INBOX") -> list[bytes]:
        return await asyncio.to_thread(self.account.messages, folder)
