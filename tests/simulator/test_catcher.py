"""The mail catcher, spoken to by the standard library's SMTP client."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from gateway.simulator import Catcher


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[Catcher]:
    async with Catcher(tmp_path / "mails") as running:
        yield running


def letter(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "alice@example.com"
    message["To"] = "bob@example.com"
    message["Subject"] = subject
    message.set_content("Grüße\n.leading dot\n")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="a.pdf")
    return message


def send(catcher: Catcher, subject: str, sender: str = "alice@example.com") -> None:
    with smtplib.SMTP(*catcher.address, timeout=5) as smtp:
        smtp.send_message(
            letter(subject), from_addr=sender, to_addrs=["bob@example.com", "carol@example.com"]
        )


async def test_mails_are_kept_with_their_envelope(catcher: Catcher) -> None:
    await asyncio.to_thread(send, catcher, "First", "")
    mail = await catcher.wait_for()
    assert (mail.sender, mail.recipients) == ("", ("bob@example.com", "carol@example.com"))
    assert mail.message["subject"] == "First"
    assert "\n.leading dot" in mail.message.get_body().get_content()
    assert mail.attachments() == [b"%PDF-1.7"]
    assert mail.path.read_bytes().count(b"Subject: First\r\n") == 1
    assert mail.path.suffix == ".eml"


async def test_waiting_for_a_later_mail(catcher: Catcher) -> None:
    waiter = asyncio.create_task(catcher.wait_for(lambda mail: mail.message["subject"] == "Second"))
    await asyncio.to_thread(send, catcher, "First")
    await asyncio.to_thread(send, catcher, "Second")
    assert (await waiter).message["subject"] == "Second"
    assert len({mail.path for mail in catcher.messages}) == 2
    with pytest.raises(TimeoutError):
        await catcher.wait_for(lambda mail: mail.message["subject"] == "Third", timeout=0.05)


async def test_refusals(catcher: Catcher) -> None:
    catcher.refuse("451 4.3.0 later")
    catcher.refuse("550 5.7.1 never")
    for code in (451, 550):
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await asyncio.to_thread(send, catcher, "First")
        assert refused.value.smtp_code == code
    await asyncio.to_thread(send, catcher, "First")
    assert len(catcher.messages) == 1
    with pytest.raises(ValueError, match="4xx or 5xx"):
        catcher.refuse("250 fine")


async def test_stop_closes_open_sessions(catcher: Catcher) -> None:
    reader, writer = await asyncio.open_connection(*catcher.address)
    assert (await reader.readline()).startswith(b"220")
    await catcher.stop()
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection(*catcher.address)
    await catcher.stop()
