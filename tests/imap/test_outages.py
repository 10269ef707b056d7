"""A mailbox on a real Dovecot: servers that die, connections that break, moves that are cut short."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import Awaitable, Callable

import pytest
from support.dovecot import Cable, Dovecot
from support.office import CODE, Office, mail, until, vouched

from gateway.mailin import header
from gateway.mailin.header import Head
from gateway.mailin.imap import MailboxPoller
from gateway.store import tables

pytestmark = pytest.mark.peer("dovecot")

NUMBER = "555-234-1234"


def cutting(word: bytes, times: int = 1) -> Callable[[bytes], Awaitable[bytes | None]]:
    """Cut the connection when the client sends `word`, so often; the server never sees it."""
    left = times

    async def tamper(data: bytes) -> bytes | None:
        nonlocal left
        if word in data and left > 0:
            left -= 1
            return None
        return data

    return tamper


async def poked(poller: MailboxPoller, check: Callable[[], Awaitable[object]]) -> None:
    """Wait for `check` and cut every pause between two connections short."""

    async def again() -> object:
        poller.poke()
        return await check()

    await until(again)


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_restart_in_idle_is_survived(
    office: Office, dovecot: Dovecot, cable: Cable, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    caplog.set_level("INFO", "gateway")
    poller = office.poller(office.box(port=cable.port))
    await cable.seen(b"IDLE")
    await asyncio.to_thread(getattr(dovecot, end))

    async def told() -> bool:
        return caplog.text.count("mailbox_trouble") > 0

    await until(told)
    attempts = cable.connections
    await poked(poller, lambda: _later(lambda: cable.connections >= attempts + 3))
    await asyncio.to_thread(dovecot.start)
    await poked(poller, lambda: _later(lambda: "mailbox_recovered" in caplog.text))
    assert caplog.text.count("mailbox_trouble") == 1, "said once for each outage"
    await office.put(mail(f"{CODE} {NUMBER} after"))
    assert await office.filed(1) == {1: ("accepted", True)}


async def _later(check: Callable[[], bool]) -> bool:
    return check()


async def test_a_peer_that_falls_silent_is_left(office: Office, cable: Cable) -> None:
    office.poller(office.box(port=cable.port, poll=0.3), read=0.5)
    await cable.seen(b"IDLE")
    cable.freeze()
    await until(lambda: _later(lambda: cable.connections >= 2))
    cable.thaw()
    await office.put(mail(f"{CODE} {NUMBER} after"))
    assert await office.filed(1) == {1: ("accepted", True)}


async def test_a_hint_in_one_packet_with_the_answer_to_idle_is_noticed(office: Office, cable: Cable) -> None:
    cable.glue = (b"+ idling", b"EXISTS")
    office.poller(office.box(port=cable.port))
    await cable.seen(b"IDLE")
    await office.put(mail(f"{CODE} {NUMBER} just now"), poke=False)
    assert await office.filed(1) == {1: ("accepted", True)}


async def test_a_crash_between_commit_and_move_makes_no_second_fax(office: Office, cable: Cable) -> None:
    cable.tamper = cutting(b"MOVE")
    poller = office.poller(office.box(port=cable.port))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x"))
    async with asyncio.timeout(20):
        await office.accepted.get()
    assert await office.ledger() == {1: ("accepted", False)}
    assert len(await office.read()) == 1
    await office.stop(poller)
    office.poller()  # another process, as far as the mailbox can tell
    assert await office.filed(1) == {1: ("accepted", True)}
    assert len(await office.rows(tables.fax)) == 1
    assert await office.read() == []
    assert len(await office.read("Faxed")) == 1
    assert office.accepted.empty()


async def test_a_refused_mail_is_answered_once_over_a_broken_move(office: Office, cable: Cable) -> None:
    cable.tamper = cutting(b"MOVE")
    poller = office.poller(office.box(port=cable.port))
    await office.first_contact()
    await office.put(mail(f"{NUMBER} x", headers=vouched()))
    await poked(poller, lambda: _filed(office, 1))
    assert await office.ledger() == {1: ("refused", True)}
    assert [row["kind"] for row in await office.rows(tables.outbox)] == ["refusal"]
    assert len(await office.read("Refused")) == 1


async def _filed(office: Office, count: int) -> bool:
    return sum(moved for _, moved in (await office.ledger()).values()) >= count


async def test_a_server_without_move_copies_and_expunges_once(office: Office, cable: Cable) -> None:
    cable.hide = (b"MOVE",)
    cable.tamper = cutting(b"UID EXPUNGE")
    poller = office.poller(office.box(port=cable.port))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x"))
    await poked(poller, lambda: _filed(office, 1))
    assert b"MOVE" not in cable.sent
    assert await office.read() == []
    assert len(await office.read("Faxed")) == 1, "the copy was made before the connection broke"


async def test_a_server_without_uidplus_expunges_nothing(office: Office, cable: Cable) -> None:
    cable.hide = (b"MOVE", b"UIDPLUS")
    office.poller(office.box(port=cable.port))
    await office.put(mail("somebody else's draft"), flags=(rb"\Deleted",), poke=False)
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x"))
    await office.filed(1)
    assert b"EXPUNGE" not in cable.sent
    assert len(await office.read()) == 2
    assert len(await office.read("Faxed")) == 1


async def test_missing_folders_are_made_also_later(office: Office) -> None:
    office.poller(office.box(faxed="Büro/Faxed"))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} one"))
    await office.filed(1)
    await asyncio.to_thread(office.account.delete_folder, "Büro/Faxed")
    await office.put(mail(f"{CODE} {NUMBER} two"))
    await office.filed(2)
    assert len(await office.read("Büro/Faxed")) == 1


async def test_a_renumbered_folder_faxes_nothing_twice(office: Office, cable: Cable) -> None:
    known = mail(f"{CODE} {NUMBER} known", message_id="<known@example.com>")
    refused = mail("no code", message_id="<refused@example.com>")
    changed = mail(f"{CODE} {NUMBER} changed", message_id="<known@example.com>")
    stranger = mail(f"{CODE} {NUMBER} stranger", message_id=None)
    cable.tamper = cutting(b"MOVE", 10_000)
    await office.put(known, "Fax", poke=False)
    poller = office.poller(office.box(port=cable.port, folder="Fax", include_existing=True))
    await office.put(refused, "Fax")
    await poked(poller, lambda: _decided(office, 2))
    # Not under an open connection: Dovecot would go on with the old numbers in the new folder's files.
    await office.stop(poller)
    await asyncio.to_thread(office.account.renumber, "Fax", [stranger, known, changed, refused])
    poller = office.poller(office.box(folder="Fax"))

    async def told() -> bool:
        return bool(await office.rows(tables.outbox))

    await poked(poller, told)
    [alert] = await office.rows(tables.outbox)
    assert (alert["kind"], alert["recipient"]) == ("alert", "@admin")
    assert alert["facts"]["about"] == "imap_held"
    assert (alert["facts"]["folder"], alert["facts"]["count"]) == ("Fax", 2)
    await office.put(mail(f"{CODE} {NUMBER} new"), "Fax")
    await poked(poller, lambda: _filed(office, 3))
    assert sorted(await office.read("Fax")) == sorted([stranger, changed])
    assert known in await office.read("Faxed")
    assert await office.read("Refused") == [refused]
    subjects = [row["subject"] for row in await office.rows(tables.submission)]
    assert subjects == ["known", "new"]
    assert len(await office.rows(tables.outbox)) == 1


async def test_a_folder_that_is_removed_under_the_poller_is_taken_up_again(office: Office) -> None:
    await office.put(mail(f"{CODE} {NUMBER} old"), "Fax", poke=False)
    poller = office.poller(office.box(folder="Fax"))
    await office.first_contact()
    await asyncio.to_thread(office.account.delete_folder, "Fax")
    poller.poke()
    await office.put(mail("old mail in a new folder"), "Fax")
    await poked(poller, lambda: _decided(office, 1))  # held, or refused if the new folder was seen empty
    await office.put(mail(f"{CODE} {NUMBER} new"), "Fax")
    async with asyncio.timeout(20):
        await office.accepted.get()
    assert [row["subject"] for row in await office.rows(tables.submission)] == ["new"]


async def _decided(office: Office, count: int) -> bool:
    return len(await office.ledger()) >= count


async def test_a_mail_that_the_server_cannot_read_stops_no_other(office: Office, cable: Cable) -> None:
    async def refuse(data: bytes) -> bytes:
        return data.replace(b"UID FETCH 1 (BODY.PEEK[HEADER]", b"UID FETCH 1 (BODY.PEEK[UNREAD]")

    cable.tamper = refuse
    poller = office.poller(office.box(port=cable.port))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} poison"))
    await office.put(mail(f"{CODE} {NUMBER} fine"))
    await poked(poller, lambda: _decided(office, 2))
    assert await office.ledger() == {1: ("held", False), 2: ("accepted", True)}
    [alert] = await office.rows(tables.outbox)
    assert (alert["facts"]["about"], alert["facts"]["count"]) == ("imap_held", 1)
    assert len(await office.read()) == 1


async def test_a_mail_that_kills_the_connection_stops_no_other(office: Office, cable: Cable) -> None:
    cable.tamper = cutting(b"UID FETCH 1 (BODY", 3)
    poller = office.poller(office.box(port=cable.port))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} poison"))
    await office.put(mail(f"{CODE} {NUMBER} fine"))
    await poked(poller, lambda: _decided(office, 2))
    assert await office.ledger() == {1: ("held", False), 2: ("accepted", True)}


async def test_a_bug_in_reading_a_mail_stops_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = header.parse

    def parse(block: bytes) -> Head:
        if b"X-Poison" in block:
            raise RecursionError("nobody thought of this")
        return real(block)

    monkeypatch.setattr(header, "parse", parse)
    poller = office.poller()
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x", headers={"X-Poison": "1"}))
    await office.put(mail(f"{CODE} {NUMBER} fine"))
    await poked(poller, lambda: _decided(office, 2))
    assert await office.ledger() == {1: ("held", False), 2: ("accepted", True)}
    assert caplog.text.count("crashed_item") == 3


async def test_one_broken_connection_condemns_no_mail(office: Office, cable: Cable) -> None:
    cable.tamper = cutting(b"UID FETCH 1 (BODY.PEEK[TEXT]", 2)
    poller = office.poller(office.box(port=cable.port))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x"))
    await poked(poller, lambda: _filed(office, 1))
    assert await office.ledger() == {1: ("accepted", True)}


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_over_tls(office: Office, dovecot: Dovecot, tls: str) -> None:
    port = dovecot.tls_port if tls == "implicit" else dovecot.port
    box = office.box(port=port, tls=tls, host="localhost", ca_file=dovecot.ca_file)
    poller = office.poller(box)
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x", text="x" * 200_000), poke=False)
    assert await office.filed(1) == {1: ("accepted", True)}
    await office.stop(poller)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "wrong-secret"}, "the login was refused"),
        ({"tls": "implicit", "host": "localhost"}, "its certificate is not accepted"),
        ({"tls": "starttls", "host": "localhost"}, "its certificate is not accepted"),
        ({"host": "unknown.invalid"}, "its host name cannot be resolved"),
        ({"folder": "No/Such"}, "folder No/Such cannot be opened"),
    ],
)
async def test_trouble_is_told_once_and_without_secrets(
    office: Office,
    dovecot: Dovecot,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, object],
    reason: str,
) -> None:
    port = {"port": dovecot.tls_port} if changes.get("tls") == "implicit" else {}
    poller = office.poller(office.box(**(changes | port)))
    looks = 0

    async def several() -> bool:
        nonlocal looks
        looks += 1
        return looks > 20 and "mailbox_trouble" in caplog.text

    await poked(poller, several)
    await office.stop(poller)
    assert caplog.text.count("mailbox_trouble") == 1
    assert reason in caplog.text
    assert "wrong-secret" not in caplog.text


async def test_a_full_disk_leaves_the_mail_where_it_is(
    office: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "gateway")
    poller = office.poller()
    await office.first_contact()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    message = mail(f"{CODE} {NUMBER} x", text="x" * 70 + "\r\n" * 100_000)
    await office.put(message)
    await poked(poller, lambda: _later(lambda: "mailbox_trouble" in caplog.text))
    assert await office.ledger() == {}
    assert await office.read() == [message]
    monkeypatch.undo()
    await poked(poller, lambda: _later(lambda: "mailbox_recovered" in caplog.text))
    assert await office.filed(1) == {1: ("accepted", True)}
    assert caplog.text.count("mailbox_trouble") == 1


async def test_stop_is_prompt_in_idle_in_a_pause_and_in_a_fetch(office: Office, cable: Cable) -> None:
    poller = office.poller(office.box(port=cable.port))
    await cable.seen(b"IDLE")
    await office.stop(poller)

    cable.tamper = cutting(b"AUTHENTICATE", 1000)
    poller = office.poller(office.box(port=cable.port))
    await cable.seen(b"AUTHENTICATE", times=2)
    await office.stop(poller)

    async def freeze(data: bytes) -> bytes:
        if b"(BODY.PEEK" in data:
            cable.freeze()
        return data

    cable.tamper = freeze
    poller = office.poller(office.box(port=cable.port), read=3600)
    await office.put(mail(f"{CODE} {NUMBER} x"))
    await cable.seen(b"(BODY.PEEK")
    await office.stop(poller)
    assert await office.ledger() == {}


async def test_stop_and_poke_may_come_at_any_time(office: Office) -> None:
    poller = office.poller()
    await office.first_contact()
    poller.stop()
    poller.stop()
    poller.poke()
    assert await poller.wait_stopped(10)
    poller.poke()
    never = office.poller(start=False)
    never.stop()
    assert await never.wait_stopped(10)
