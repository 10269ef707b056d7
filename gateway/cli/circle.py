"""The demo's circle: simulator, gateway and mail catcher on free loopback ports, and one fax each way."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import smtplib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.app import Gateway
from gateway.config import Settings, from_dict
from gateway.simulator import PASSWORD, USERNAME, Catcher, Caught, Simulator
from gateway.simulator.sample import incoming, invoice
from gateway.store import views

DOMAIN = "fax.example.com"
CODE = "483920"
SENDER = "reception@clinic.example.com"
INBOX = "office@clinic.example.com"
DESTINATION = "5552348761"
"""A number outside the account, so that the fax goes out on the simulated line."""
OUR_NUMBER = "5552341234"
CALLER = "5553458762"
_PATIENCE = 15.0
"""Seconds that one direction may take."""

Say = Callable[[str, str, int | None], None]
"""direction (``out`` or ``in``), what happened, pages."""


@dataclass(slots=True, kw_only=True)
class Circle:
    """Everything that runs for the demo."""

    gateway: Gateway
    simulator: Simulator
    catcher: Catcher
    directory: Path

    @property
    def smtp(self) -> tuple[str, int]:
        """Where a mail client sends to."""
        host, port = self.gateway.smtp.addresses[0]
        return host, port


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Circle]:
    """Start all three; stop them in the opposite order."""
    async with (
        Catcher(directory / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=30.0) as simulator,
    ):
        gateway = Gateway(_settings(directory, simulator, catcher))
        await gateway.supervisor.start()
        try:
            yield Circle(gateway=gateway, simulator=simulator, catcher=catcher, directory=directory)
        finally:
            await gateway.supervisor.stop()


def _settings(directory: Path, simulator: Simulator, catcher: Catcher) -> Settings:
    host, port = catcher.address
    return from_dict(
        {
            "gateway": {
                "name": "Harbour Clinic",
                "hostname": DOMAIN,
                "domains": [DOMAIN],
                "state_dir": str(directory / "state"),
            },
            "voipms": {
                "url": simulator.url,
                "username": USERNAME,
                "password": PASSWORD,
                "from_number": OUR_NUMBER,
                "from_name": "Harbour Clinic",
                "calls_per_minute": 600,
            },
            "smtp": {"listener": [{"address": "127.0.0.1:0"}]},
            "sender": [{"name": "everybody", "addresses": ["*"], "code": CODE}],
            "fax": {"track_interval": 0.5},
            "receive": {"poll_interval": 0.5},
            "route": [{"numbers": ["*"], "to": [INBOX]}],
            "mail": {"host": host, "port": port, "sender": f"fax@{DOMAIN}"},
        }
    )


async def send_out(circle: Circle, say: Say) -> dict[str, Any]:
    """Mail a two-page PDF in, follow the fax, wait for the receipt."""
    began = time.monotonic()
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = SENDER, f"{DESTINATION}@{DOMAIN}"
    mail["Subject"] = f"{CODE} Invoice 2016-0117"
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="clinic.example.com")
    mail.add_attachment(
        await asyncio.to_thread(invoice), maintype="application", subtype="pdf", filename="invoice.pdf"
    )
    reply = await asyncio.to_thread(_smtp_send, circle.smtp, mail)
    say("out", f"mail accepted: {reply}", None)
    queue_id = reply.split()[-1]

    fax = await _follow(circle, queue_id, say)
    receipt = await circle.catcher.wait_for(
        lambda caught: caught.message["In-Reply-To"] == mail["Message-ID"], _PATIENCE
    )
    say("out", f"receipt mailed: {receipt.message['Subject']}", None)
    (shown,) = await circle.gateway.store.read(lambda tx: [views.queue_show(tx, fax["id"])])
    assert shown is not None
    pdf = circle.gateway.store.pages.path(f"{queue_id}.pdf")
    return {
        "queue_id": queue_id,
        "fax_id": fax["id"],
        "state": fax["state"],
        "number": fax["number"],
        "pages_sent": fax["pages_sent"],
        "pages_delivered": fax["pages"],
        "provider_id": fax["provider_id"],
        "fax_pdf": str(pdf),
        "receipt": str(receipt.path),
        "receipt_subject": receipt.message["Subject"],
        "states": [event["target"] for event in shown["history"]],
        "seconds": round(time.monotonic() - began, 2),
        "ok": fax["state"] == "delivered" and receipt.recipients == (SENDER,),
    }


def _smtp_send(address: tuple[str, int], mail: EmailMessage) -> str:
    """Send by SMTP; return the server's answer to the message."""
    with smtplib.SMTP(*address, timeout=_PATIENCE) as client:
        client.ehlo_or_helo_if_needed()
        client.mail(SENDER)
        client.rcpt(str(mail["To"]))
        code, reply = client.data(mail.as_bytes())
    if code != 250:
        raise smtplib.SMTPDataError(code, reply)
    return reply.decode()


async def _follow(circle: Circle, queue_id: str, say: Say) -> dict[str, Any]:
    """Say each state of the one Fax of `queue_id` until it is final; return its row."""
    seen = 0
    async with asyncio.timeout(_PATIENCE):
        while True:
            shown = await circle.gateway.store.read(lambda tx: views.queue_show(tx, f"{queue_id}-1"))
            assert shown is not None
            for event in shown["history"][seen:]:
                say("out", event["target"], shown["pages_sent"] or None)
            seen = len(shown["history"])
            if shown["finished"]:
                return shown
            await asyncio.sleep(0.05)


async def take_in(circle: Circle, say: Say) -> dict[str, Any]:
    """Let somebody fax to our number, and wait for the mail with the PDF."""
    began = time.monotonic()
    provider_id = await circle.simulator.receive(
        to=OUR_NUMBER, from_=CALLER, name="Dr Adeyemi", pdf=await asyncio.to_thread(incoming)
    )
    say("in", f"a caller faxes to {OUR_NUMBER}", None)
    arrived = await circle.catcher.wait_for(lambda caught: INBOX in caught.recipients, _PATIENCE)
    row = await _settled(circle, provider_id, say)
    say("in", f"mailed: {arrived.message['Subject']}", row["pages"])
    attached = _save_attachment(circle.directory, arrived)
    return {
        "received_id": row["id"],
        "provider_id": provider_id,
        "state": row["state"],
        "pages": row["pages"],
        "mail": str(arrived.path),
        "mail_subject": arrived.message["Subject"],
        "attachment": str(attached) if attached else None,
        "seconds": round(time.monotonic() - began, 2),
        "ok": attached is not None and row["state"] in ("mailed", "acknowledged"),
    }


async def _settled(circle: Circle, provider_id: str, say: Say) -> dict[str, Any]:
    """Say each state of a received fax until it is mailed; return its row."""
    seen = 0
    async with asyncio.timeout(_PATIENCE):
        while True:
            rows = await circle.gateway.store.read(views.inbox_list)
            (row,) = [row for row in rows if row["provider_id"] == provider_id]
            shown = await circle.gateway.store.read(functools.partial(_look, row["id"]))
            assert shown is not None
            for event in shown["history"][seen:]:
                say("in", event["target"], shown["pages"])
            seen = len(shown["history"])
            if shown["state"] in ("mailed", "acknowledged", "parked"):
                return shown
            await asyncio.sleep(0.05)


def _look(received_id: str, tx: sa.Connection) -> dict[str, Any] | None:
    return views.inbox_show(tx, received_id)


def _save_attachment(directory: Path, mail: Caught) -> Path | None:
    for content in mail.attachments("pdf"):
        path = directory / "received-fax.pdf"
        path.write_bytes(content)
        return path
    return None
