"""A mailbox on a real Dovecot: what becomes of mails."""

from __future__ import annotations

import asyncio

import pytest
from support.office import CODE, Office, mail

from gateway.store import tables

pytestmark = pytest.mark.peer("dovecot")


async def test_a_mail_becomes_a_fax_and_is_moved(office: Office) -> None:
    office.poller()
    await office.first_contact()
    await office.put(mail(f"{CODE} (555) 234-1234 Invoice", message_id="<one@example.com>"))
    async with asyncio.timeout(20):
        await office.accepted.get()
    assert await office.filed(1) == {1: ("accepted", True)}
    assert await office.read() == []
    assert len(await office.read("Faxed")) == 1
    [fax] = await office.rows(tables.fax)
    assert fax["number"] == "+15552341234"
    [submission] = await office.rows(tables.submission)
    assert submission["source"] == "imap"
    assert submission["identity"] == submission["envelope_from"] == "ann@example.com"
    assert submission["subject"] == "Invoice"
    assert submission["message_id"] == "<one@example.com>"
    assert await office.rows(tables.outbox) == []
