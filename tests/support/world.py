"""A whole world on loopback: simulator, mail catcher and a gateway in this process."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path
from typing import Any

from gateway.app import Gateway
from gateway.config import from_dict
from gateway.control import ask
from gateway.faxin.poll import POLLED
from gateway.simulator import Catcher, Caught, Simulator, WireMode
from gateway.simulator.ledger import Record
from gateway.store import facts, views

CODE = "K7Q2ZZ"
DOMAIN = "fax.example.com"
SENDER = "anna@clinic.example.com"
OFFICE = "office@clinic.example.com"
ADMIN = "admin@clinic.example.com"
OUTSIDE = "5559876543"
OUR_NUMBER = "5552341234"
PATIENCE = 40.0
"""Seconds that anything may take on a busy machine."""
TIME_SCALE = 100.0
"""Line seconds in a real second."""


def configuration(
    directory: Path, simulator: Simulator, catcher: Catcher, changes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A configuration for tests: everything fast; `changes` are merged section by section."""
    host, port = catcher.address
    data: dict[str, Any] = {
        "gateway": {
            "hostname": "gw.example.com",
            "domains": [DOMAIN],
            "state_dir": str(directory / "state"),
            "admin": [ADMIN],
        },
        "voipms": {
            "url": simulator.url,
            "username": "demo@example.com",
            "password": "demo",
            "from_number": OUR_NUMBER,
            "calls_per_minute": 600,
            "connect_timeout": 2,
            "write_timeout": 2,
            "read_timeout": 2,
        },
        "smtp": {"listener": [{"address": "127.0.0.1:0"}]},
        "sender": [{"name": "anna", "addresses": [SENDER], "code": CODE}],
        "fax": {
            "track_interval": 0.2,
            "busy_delays": [0.2, 0.2],
            "no_answer_delays": [0.2, 0.2],
            "voice_delays": [0.2],
            "dropped_delays": [0.2],
            "provider_delays": [0.2, 0.4],
            "least_balance": 1000,  # more than the simulator has
            "settle_seconds": 1,
            "hold_after": 4,
            "lease_seconds": 8,
        },
        "receive": {"poll_interval": 0.3},
        "route": [{"numbers": ["*"], "to": [OFFICE]}],
        "mail": {"host": host, "port": port, "sender": f"fax@{DOMAIN}", "retry_delays": [0.3]},
    }
    for section, values in (changes or {}).items():
        if isinstance(values, dict):
            data[section] = {**data.get(section, {}), **values}
        else:
            data[section] = values
    return data


def a_mail(
    *numbers: str, text: str = "", attachments: Mapping[str, bytes] | None = None, subject: str = "Invoice 7"
) -> EmailMessage:
    """A mail with the code in its subject."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = SENDER
    mail["To"] = ", ".join(f"{number}@{DOMAIN}" for number in numbers or (OUTSIDE,))
    mail["Subject"] = f"{CODE} {subject}"
    mail["Message-ID"] = make_msgid(domain="clinic.example.com")
    mail.set_content(text)
    for name, content in (attachments or {}).items():
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail


def post(address: tuple[str, int], mail: EmailMessage | bytes, recipients: list[str] | None = None) -> str:
    """Send by SMTP; return the answer to the message. Raises smtplib's exceptions."""
    if isinstance(mail, EmailMessage):
        recipients = recipients or [part.strip() for part in str(mail["To"]).split(",")]
        mail = mail.as_bytes()
    with smtplib.SMTP(*address, timeout=PATIENCE) as client:
        client.ehlo()
        code, reply = client.mail(SENDER)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, reply, SENDER)
        for recipient in recipients or []:
            code, reply = client.rcpt(recipient)
            if code != 250:
                raise smtplib.SMTPRecipientsRefused({recipient: (code, reply)})
        code, reply = client.data(mail)
        if code != 250:
            raise smtplib.SMTPDataError(code, reply)
        return reply.decode()


@dataclass(slots=True, kw_only=True)
class World:
    """What runs, and how to look at it."""

    gateway: Gateway
    simulator: Simulator
    catcher: Catcher
    directory: Path

    async def send(self, mail: EmailMessage) -> str:
        """Mail something in; return the queue id."""
        reply = await asyncio.to_thread(post, self.gateway.smtp.addresses[0], mail)
        return reply.split()[-1]

    async def fax(self, fax_id: str) -> dict[str, Any]:
        """The Fax as ``queue show`` tells it."""
        shown = await self.gateway.store.read(lambda tx: views.queue_show(tx, fax_id))
        assert shown is not None
        return shown

    async def until(self, fax_id: str, *states: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait until the Fax is in one of `states`."""
        async with asyncio.timeout(timeout):
            while (shown := await self.fax(fax_id))["state"] not in states:
                await asyncio.sleep(0.03)
        return shown

    async def receipt(self, fax_id: str) -> Caught:
        """The final notice of a Fax, from the catcher."""
        return await self.mail_about(fax_id, lambda caught: SENDER in caught.recipients)

    async def mail_about(self, word: str, also: Callable[[Caught], bool] = lambda _: True) -> Caught:
        """The first mail that names `word` in its text."""
        return await self.catcher.wait_for(lambda caught: word in text_of(caught) and also(caught), PATIENCE)

    async def status(self) -> dict[str, Any]:
        """What ``fax-gateway status`` shows."""
        return dict(await asyncio.to_thread(ask, self.gateway.settings.gateway.control_path, "status", {}))

    def calls(self, method: str = "sendFaxMessage") -> list[Record]:
        """The simulator's ledger of one function."""
        return [record for record in self.simulator.ledger if record.method == method]


async def first_contact(gateway: Gateway) -> None:
    """Wait until the account was looked at once: what comes from now on is new."""
    async with asyncio.timeout(PATIENCE):
        while await gateway.store.read(lambda tx: facts.get(tx, POLLED)) is None:
            await asyncio.sleep(0.03)


def text_of(caught: Caught) -> str:
    """The plain text of a mail."""
    part = caught.message.get_body(preferencelist=("plain",))
    return part.get_content() if part is not None else ""


@contextlib.asynccontextmanager
async def a_world(
    directory: Path, changes: Mapping[str, Any] | None = None, *, wire: WireMode | None = None
) -> AsyncIterator[World]:
    """Start everything; stop it in the opposite order."""
    async with (
        Catcher(directory / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=TIME_SCALE, wire=wire) as simulator,
    ):
        gateway = Gateway(from_dict(configuration(directory, simulator, catcher, changes)))
        await gateway.supervisor.start()
        try:
            await first_contact(gateway)
            yield World(gateway=gateway, simulator=simulator, catcher=catcher, directory=directory)
        finally:
            await gateway.supervisor.stop()
