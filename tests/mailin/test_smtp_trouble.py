"""Clients that leave, wait or rush; our own trouble; stopping."""

import asyncio
import contextlib
import logging
import socket
import struct
from zoneinfo import ZoneInfo

import pytest
from support.door import ALICE, CODE, DOMAIN, MAIL, Dialog, Site, SiteMaker

from gateway.mailout.notices import alert
from gateway.store import Store, outbox, tables

TRANSACTION = (f"MAIL FROM:<{ALICE}>", f"RCPT TO:<5552341234@{DOMAIN}>", "DATA")


async def begin(site: Site) -> Dialog:
    """A connection that has read 354."""
    dialog = await site.connect()
    for line in TRANSACTION:
        await dialog.say(line)
    assert dialog.said[-1].startswith("354")
    return dialog


async def committed(site: Site) -> None:
    """Wait for a submission."""
    async with asyncio.timeout(20):
        while not site.woken:
            await asyncio.sleep(0.01)
    assert len(await site.submissions()) == 1


class Brake:
    """Holds the store's writer until it is let go."""

    def __init__(self, store: Store) -> None:
        self._loop = asyncio.get_running_loop()
        self._go = asyncio.Event()
        self._store = store

    async def __aenter__(self) -> "Brake":
        held = asyncio.Event()

        def hold(_tx: object) -> None:
            self._loop.call_soon_threadsafe(held.set)
            asyncio.run_coroutine_threadsafe(self._go.wait(), self._loop).result(20)

        self._task = asyncio.ensure_future(self._store.write(hold))
        await held.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._go.set()
        await self._task


async def test_half_close_after_the_content_is_still_answered(site: Site) -> None:
    dialog = await begin(site)
    async with Brake(site.store):
        await dialog.send(MAIL + b".\r\n")
        dialog.writer.write_eof()
        await asyncio.sleep(0)
    assert (await dialog.reply()).startswith("250 2.0.0 queued as ")
    assert await dialog.reply() == ""
    await committed(site)


async def test_half_close_within_the_content_is_a_lost_mail(site: Site) -> None:
    dialog = await begin(site)
    await dialog.send(MAIL)
    dialog.writer.write_eof()
    assert await dialog.reply() == ""
    assert await site.submissions() == []


async def test_a_client_that_is_gone_does_not_stop_the_commit(site: Site) -> None:
    dialog = await begin(site)
    async with Brake(site.store):
        await dialog.send(MAIL + b"x" * 100_000 + b"\r\n.\r\n")
        async with asyncio.timeout(20):
            while not list(site.store.spool.root.glob("[!.]*")):
                await asyncio.sleep(0.01)
        reset(dialog)
        await site.until_connections(0)
    await committed(site)
    assert len(list(site.store.spool.root.iterdir())) == 1


async def test_who_missed_the_answer_sends_again_and_makes_no_second_fax(site: Site) -> None:
    lost = await begin(site)
    async with Brake(site.store):
        await lost.send(MAIL + b".\r\n")
        async with asyncio.timeout(20):
            while not site.intake._commits:
                await asyncio.sleep(0.01)
        reset(lost)
        await site.until_connections(0)
    await committed(site)
    (first,) = await site.submissions()
    assert await (await site.connect()).mail() == f"250 2.0.0 queued as {first.id}"
    assert len(await site.numbers()) == 1
    (notice,) = await site.rows(tables.outbox)
    assert notice.kind == "duplicate"


async def test_a_header_makes_the_same_mail_another_one(site: Site) -> None:
    dialog = await site.connect()
    answers = {await dialog.mail(b"X-Fax-Repeat: %d\r\n" % number + MAIL) for number in (1, 2, 2)}
    assert len(answers) == 2
    assert len(await site.numbers()) == 2


def reset(dialog: Dialog) -> None:
    """Cut the connection with RST."""
    connection = dialog.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    dialog.writer.transport.abort()


async def test_a_client_that_leaves_within_the_content_leaves_nothing(site: Site) -> None:
    dialog = await begin(site)
    await dialog.send(MAIL + b"x" * 1_000_000)
    async with asyncio.timeout(20):
        while not list(site.store.spool.root.iterdir()):
            await asyncio.sleep(0.01)
    reset(dialog)
    async with asyncio.timeout(20):
        while list(site.store.spool.root.iterdir()):
            await asyncio.sleep(0.01)
    assert await site.submissions() == []


async def test_content_before_354_is_refused(site: Site) -> None:
    dialog = await site.connect()
    await dialog.send("\r\n".join([*TRANSACTION, ""]).encode() + MAIL + b".\r\n")
    answers = [await dialog.reply() for _ in range(4)]
    assert answers[2].startswith("554 5.5.0")
    assert answers[3] == ""
    assert await site.submissions() == []


async def test_a_silent_client(make_site: SiteMaker) -> None:
    site = await make_site(smtp={"command_timeout": 0.2})
    silent = await site.connect(ehlo=False)
    assert (await silent.reply()).startswith("421 4.4.2")
    dialog = await begin(site)
    await dialog.send(MAIL)
    assert (await dialog.reply()).startswith("421 4.4.2")
    assert await dialog.reply() == ""


async def test_a_mail_that_takes_too_long(make_site: SiteMaker) -> None:
    site = await make_site(smtp={"data_timeout": 0.2})
    dialog = await begin(site)
    await dialog.send(MAIL)
    assert (await dialog.reply()).startswith("421 4.4.2 The mail took too long")
    assert await dialog.reply() == ""
    assert await site.submissions() == []


async def trickle(dialog: Dialog, content: bytes, *, size: int) -> None:
    """Send in pieces, with pauses that are shorter than the time-outs in question."""
    with contextlib.suppress(ConnectionError):
        for start in range(0, len(content), size):
            await dialog.send(content[start : start + size])
            await asyncio.sleep(0.05)


async def test_a_slow_client_that_goes_on_sending_may_finish(make_site: SiteMaker) -> None:
    """It takes longer than either time-out."""
    site = await make_site(smtp={"data_timeout": 0.2, "data_min_rate": 10, "command_timeout": 0.3})
    dialog = await begin(site)
    await trickle(dialog, MAIL + b".\r\n", size=10)
    assert (await dialog.reply()).startswith("250 2.0.0 queued as ")


async def test_a_client_that_sends_a_byte_now_and_then_is_cut_off(make_site: SiteMaker) -> None:
    site = await make_site(smtp={"data_timeout": 0.3, "data_min_rate": 100_000})
    dialog = await begin(site)
    sending = asyncio.ensure_future(trickle(dialog, MAIL * 10, size=1))
    assert (await dialog.reply()).startswith("421 4.4.2 The mail took too long")
    assert await dialog.reply() == ""
    sending.cancel()
    assert await site.submissions() == []


async def test_connections_of_one_address_are_limited(make_site: SiteMaker) -> None:
    site = await make_site(smtp={"max_connections_per_ip": 2})
    first, second = await site.connect(), await site.connect()
    third = await site.connect(ehlo=False)
    assert third.banner.startswith("421 4.7.0 Too many connections")
    assert await third.reply() == ""
    assert (await second.mail()).startswith("250")
    await first.say("QUIT")
    await first.close()
    await site.until_connections(1)
    assert (await site.connect()).banner.startswith("220")


async def test_the_administrator_is_told_of_guesses_once_a_day(site: Site) -> None:
    wrong = MAIL.replace(CODE.encode(), b"K7Q29Y")
    for _ in range(5):
        dialog = await site.connect()
        assert (await dialog.mail(wrong)).startswith("550 5.7.1")
    assert (await dialog.mail()).startswith("450 4.7.1 Too many wrong security codes")
    site.intake.report_guesses("alice", {"sender": "again"})
    await site.intake.drain()
    (row,) = await site.rows(tables.outbox)
    assert (row.kind, row.recipient) == ("alert", outbox.ADMIN)
    letter = alert(row.facts, ZoneInfo("UTC"))
    assert "guesses a security code" in letter.subject
    assert "from 127.0.0.1, locked for 1 minute" in letter.lead
    assert [(line.label, line.value) for line in letter.rows] == [("Sender", ALICE)]
    assert "K7Q29" not in str(row.facts)


async def test_an_alert_that_cannot_be_queued_changes_nothing(
    site: Site, log: pytest.LogCaptureFixture
) -> None:
    await site.store.write(lambda tx: tx.exec_driver_sql("PRAGMA query_only = 1"))
    await site.intake.report_guesses("alice", {})
    assert "store_trouble" in log.text


async def test_a_full_spool_is_451_and_no_more(site: Site, log: pytest.LogCaptureFixture) -> None:
    root = site.store.spool.root
    moved = root.rename(root.with_name("gone"))
    dialog = await site.connect()
    answer = await dialog.mail(MAIL + b"x" * 200_000 + b"\r\n")
    assert answer == "451 4.3.0 The gateway cannot take the mail just now. Try again later."
    assert "store_trouble" in log.text
    assert "crashed_item" not in log.text
    moved.rename(root)
    assert (await dialog.mail(MAIL + b"x" * 200_000 + b"\r\n")).startswith("250")


async def test_a_database_that_cannot_commit_is_451(site: Site) -> None:
    await site.store.write(lambda tx: tx.exec_driver_sql("PRAGMA query_only = 1"))
    dialog = await site.connect()
    assert await dialog.mail() == "451 4.3.0 The gateway cannot take the mail just now. Try again later."


async def test_a_bug_is_451_and_is_logged(
    site: Site, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_block: bytes) -> None:
        raise ZeroDivisionError("secret path /var/spool/x")

    monkeypatch.setattr("gateway.mailin.reception.facts", broken)
    dialog = await site.connect()
    assert (await dialog.mail()).startswith("451 4.3.0 The gateway cannot")
    assert "crashed_item" in log.text
    monkeypatch.setattr("gateway.mailin.address.raw_path", broken)
    assert (await dialog.say(f"MAIL FROM:<{ALICE}>")).startswith("451 4.3.0 The gateway cannot")


async def test_a_stop_lets_the_mail_under_way_finish(site: Site) -> None:
    idle, busy = await site.connect(), await begin(site)
    stopping = asyncio.ensure_future(site.server.stop(20.0))
    assert (await idle.reply()).startswith("421 4.3.2 The gateway is stopping")
    assert await idle.reply() == ""
    assert not stopping.done()
    await busy.send(MAIL + b".\r\n" + "\r\n".join([*TRANSACTION, ""]).encode())
    assert (await busy.reply()).startswith("250 2.0.0 queued as ")
    assert (await busy.reply()).startswith("421 4.3.2")
    assert await busy.reply() == ""
    await stopping
    assert len(await site.submissions()) == 1
    assert not site.server._sessions


async def test_a_stop_does_not_wait_for_ever(site: Site) -> None:
    busy = await begin(site)
    await busy.send(MAIL)
    async with asyncio.timeout(20):
        await site.server.stop(0.0)
    assert (await busy.reply()).startswith("421 4.3.2")
    assert await site.submissions() == []


async def test_a_stop_waits_for_a_commit_whose_client_is_gone(site: Site) -> None:
    dialog = await begin(site)
    async with Brake(site.store):
        await dialog.send(MAIL + b".\r\n")
        async with asyncio.timeout(20):
            while not site.intake._commits:
                await asyncio.sleep(0.01)
        reset(dialog)
        await site.until_connections(0)
        stopping = asyncio.ensure_future(site.server.stop(0.0))
        done, _ = await asyncio.wait({stopping}, timeout=0.2)
        assert not done
    await stopping
    assert len(await site.submissions()) == 1


async def test_a_stopped_server_is_not_there(site: Site) -> None:
    host, port = site.server.addresses[0]
    await site.server.stop(0.0)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)


async def test_neither_code_nor_subject_is_stored_or_logged(
    site: Site, log: pytest.LogCaptureFixture
) -> None:
    dialog = await site.connect()
    mail = (
        MAIL.replace(
            b"Subject:", b"Thread-Topic: =?utf-8?q?K7Q?= =?utf-8?q?29X?= Topsecret\r\nSubject: Topsecret"
        )
        + b"x" * 100_000
        + b"\r\n"
    )
    wrong = MAIL.replace(CODE.encode(), b"K7Q29Y")
    assert (await dialog.mail(wrong)).startswith("550")
    assert (await dialog.mail(mail)).startswith("250")
    assert (await dialog.mail(MAIL.replace(b"<1@", b"<2@"))).startswith("250")
    await dialog.say("QUIT")
    disk = site.everything_on_disk().lower()
    assert b"topsecret" in disk
    for secret in (CODE, "K7Q29Y"):
        assert secret.lower().encode() not in disk
        assert secret.lower() not in log.text.lower()
        assert secret not in "".join(dialog.said)
    assert "Topsecret" not in log.text
    assert "5552341234" not in log.text
    for word in ("code_wrong", "refused_mail", "accepted"):
        assert word in log.text
    assert logging.getLogger("mail.log").level == logging.CRITICAL
