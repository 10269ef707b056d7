"""A mailbox on a real Dovecot: what becomes of mails."""

from __future__ import annotations

import asyncio
import gc
import shutil
import tracemalloc
from pathlib import Path

import pytest
from pydantic import SecretStr
from support.dovecot import Cable
from support.office import CODE, Office, mail, until, vouched

from gateway.store import tables

pytestmark = pytest.mark.peer("dovecot")

NUMBER = "555-234-1234"


async def test_a_mail_becomes_a_fax_and_is_moved(office: Office) -> None:
    office.poller()
    await office.first_contact()
    await office.put(mail(f"{CODE} (555) 234-1234 Invoice", message_id="<one@example.com>"), poke=False)
    async with asyncio.timeout(20):  # by IDLE alone: the next poll is an hour away
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


async def test_several_numbers_and_no_message_id(office: Office) -> None:
    office.poller()
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER}, 555 234 1235 Invoice", message_id=None))
    await office.filed(1)
    assert [row["number"] for row in await office.rows(tables.fax)] == ["+15552341234", "+15552341235"]


async def test_the_code_is_found_in_split_encoded_words_and_never_stored(office: Office) -> None:
    office.poller()
    await office.first_contact()
    subject = "=?utf-8?q?4839?=\r\n =?utf-8?q?20_555-?= =?utf-8?b?MjM0LTEyMzQgR3LDvMOfZQ==?="
    message = mail(subject, headers={"Thread-Topic": f"{CODE} {NUMBER}"}, text="x" * 100_000)
    await office.put(message)
    await office.filed(1)
    [submission] = await office.rows(tables.submission)
    assert submission["subject"] == "Grüße"
    stored = (office.store.spool.root / submission["content_file"]).read_bytes()
    assert stored.partition(b"\r\n\r\n")[2] == message.partition(b"\r\n\r\n")[2]
    await office.store.write(lambda tx: None)
    for path in office.store.state_dir.rglob("*"):
        if path.is_file():
            assert CODE.encode() not in path.read_bytes(), path


async def test_what_was_there_before_first_contact_stays(office: Office) -> None:
    await office.put(mail(f"{CODE} {NUMBER} old"))
    office.poller()
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} new"))
    assert await office.filed(1) == {2: ("accepted", True)}
    assert len(await office.read()) == 1
    assert [row["subject"] for row in await office.rows(tables.submission)] == ["new"]


async def test_older_mail_is_taken_when_asked_for(office: Office) -> None:
    for number in range(3):
        await office.put(mail(f"{CODE} 555-234-100{number} old"))
    office.poller(office.box(include_existing=True))
    assert set((await office.filed(3)).values()) == {("accepted", True)}


async def test_a_read_mail_is_new_and_a_deleted_one_is_withdrawn(office: Office) -> None:
    office.poller()
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} gone"), flags=(rb"\Deleted",))
    await office.put(mail(f"{CODE} {NUMBER} read"), flags=(rb"\Seen",))
    assert await office.filed(1) == {2: ("accepted", True)}
    assert [row["subject"] for row in await office.rows(tables.submission)] == ["read"]


@pytest.mark.parametrize(
    ("subject", "status", "told_subject"),
    [
        ("123456 555-234-1234 Invoice", "5.7.1", ""),
        ("555-234-1234 Invoice", "5.7.1", ""),
        (f"{CODE} Invoice", "5.1.3", "Invoice"),
        (f"{CODE} 911 Invoice", "5.1.3", "911 Invoice"),
        (f"{CODE} +1 900 234 1234 Invoice", "5.7.1", "+1 900 234 1234 Invoice"),
        (f"{CODE} +442079460958 Invoice", "5.7.1", "+442079460958 Invoice"),
        (f"{CODE} " + ", ".join(f"555-234-10{n}" for n in range(10, 31)), "5.5.3", None),
    ],
)
async def test_a_refusal_is_answered_to_a_proved_sender(
    office: Office, subject: str, status: str, told_subject: str | None
) -> None:
    office.poller()
    await office.first_contact()
    await office.put(
        mail(
            subject,
            message_id="<one@example.com>",
            headers={**vouched(), "References": "<zero@example.com>"},
        )
    )
    assert await office.filed(1) == {1: ("refused", True)}
    assert len(await office.read("Refused")) == 1
    assert await office.rows(tables.fax) == []
    [row] = await office.rows(tables.outbox)
    assert (row["kind"], row["recipient"]) == ("refusal", "ann@example.com")
    assert row["facts"]["status"] == status
    assert row["facts"]["in_reply_to"] == "<one@example.com>"
    assert row["facts"]["references"] == "<zero@example.com>"
    assert row["facts"]["sentence"].endswith(".")
    if told_subject is not None:
        assert row["facts"]["subject"] == told_subject
    assert CODE not in str(row["facts"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        vouched("example.org"),
        vouched(by="mx.sender.example"),
        vouched(by="mx.sender.example") | {"X-Original-Authentication-Results": "mx.example.net; dmarc=pass"},
        vouched() | {"Return-Path": "<>"},
        vouched() | {"Auto-Submitted": "auto-replied"},
        vouched() | {"List-Id": "<all.example.com>"},
        vouched() | {"Precedence": "bulk"},
    ],
)
async def test_nobody_else_is_answered(office: Office, headers: dict[str, str]) -> None:
    office.poller()
    await office.first_contact()
    await office.put(mail("no code and no number", headers=headers))
    assert await office.filed(1) == {1: ("refused", True)}
    assert len(await office.read("Refused")) == 1
    assert await office.rows(tables.outbox) == []


@pytest.mark.parametrize("changes", [{"answer_refusals": False}, {"trusted_authserv": []}])
async def test_answers_can_be_switched_off(office: Office, changes: dict[str, object]) -> None:
    office.poller(office.box(**changes))
    await office.first_contact()
    await office.put(mail("no code", headers=vouched()))
    await office.put(mail(f"{CODE} {NUMBER} Invoice"))
    assert await office.filed(2) == {1: ("refused", True), 2: ("accepted", True)}
    assert await office.rows(tables.outbox) == []


async def test_automatic_mail_is_refused_even_with_the_code(office: Office) -> None:
    office.poller()
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x", headers=vouched() | {"Auto-Submitted": "auto-replied"}))
    await office.put(mail(f"{CODE} {NUMBER} x", headers=vouched() | {"Return-Path": "<>"}))
    await office.put(mail(f"{CODE} {NUMBER} x", sender="ann@example.com, eve@example.org"))
    assert set((await office.filed(3)).values()) == {("refused", True)}


@pytest.mark.parametrize("headers", [{"Auto-Submitted": "auto-replied"}, {"Return-Path": "<>"}])
async def test_automatic_mail_is_not_answered_whatever_is_wrong_with_it(
    office: Office, headers: dict[str, str]
) -> None:
    office.poller(office.box(max_message_bytes=500))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x", headers=vouched() | headers, text="x" * 1000))
    assert await office.filed(1) == {1: ("refused", True)}
    assert await office.rows(tables.outbox) == []


async def test_a_rule_without_code_needs_a_vouched_sender(office: Office) -> None:
    office.poller()
    await office.first_contact()
    await office.put(mail(f"{NUMBER} forged", sender="bob@example.com"))
    await office.put(mail(f"{NUMBER} real", sender="Bob <bob@example.com>", headers=vouched()))
    assert await office.filed(2) == {1: ("refused", True), 2: ("accepted", True)}
    assert [row["subject"] for row in await office.rows(tables.submission)] == ["real"]


FORGED = "Authentication-Results{}: mx.example.net; dmarc=pass header.from=example.com"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"X-Note: a\r" + FORGED.format("").encode(), "5.6.11"),
        (FORGED.format(" ").encode(), "5.7.1"),
        (b"no field\r\n" + FORGED.format("").encode(), "5.7.1"),
    ],
)
async def test_a_forged_voucher_opens_no_door(
    office: Office, line: bytes, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Bob's rule asks for no code: only the border server's word would let the mail pass, or be answered."""
    caplog.set_level("INFO")
    office.poller()
    await office.first_contact()
    await office.deliver(line + b"\r\n" + mail(f"{NUMBER} forged", sender="bob@example.com"))
    assert await office.filed(1) == {1: ("refused", True)}
    assert line in (await office.read("Refused"))[0]
    assert await office.rows(tables.submission) == []
    assert await office.rows(tables.outbox) == []
    assert status in caplog.text


async def test_a_bare_cr_is_refused_even_with_the_code(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    office.poller()
    await office.first_contact()
    await office.deliver(mail(f"{CODE} {NUMBER} x", headers={"X-Note": "a\rb"}))
    assert await office.filed(1) == {1: ("refused", True)}
    assert "5.6.11" in caplog.text


async def test_a_huge_number_of_lines_is_refused(office: Office) -> None:
    office.poller()
    await office.first_contact()
    junk = b"X: y\r\n" * 2100 + b"MIME-Version"
    await office.put(mail(f"{CODE} {NUMBER} x", headers=vouched()).replace(b"MIME-Version", junk))
    assert await office.filed(1) == {1: ("refused", True)}
    [row] = await office.rows(tables.outbox)
    assert (row["facts"]["status"], row["recipient"]) == ("5.3.4", "ann@example.com")


async def test_guesses_at_a_code_that_is_optional_are_counted_too(office: Office) -> None:
    settings = office.settings
    [_, bob] = settings.senders
    office.settings = settings.model_copy(
        update={"senders": (bob.model_copy(update={"code": SecretStr(CODE)}),)}
    )
    office.poller()
    await office.first_contact()
    for guess in range(5):
        await office.put(mail(f"11111{guess} {NUMBER} guess", sender="bob@example.com"))
    await office.filed(5)
    await office.put(mail(f"{CODE} {NUMBER} late", sender="bob@example.com"))
    await office.put(mail(f"{NUMBER} owner", sender="bob@example.com", headers=vouched()))
    assert (await office.filed(6))[7] == ("accepted", True)
    assert [row["subject"] for row in await office.rows(tables.submission)] == ["owner"]
    [alert] = await office.rows(tables.outbox)
    assert (alert["kind"], alert["recipient"]) == ("alert", "@admin")
    assert alert["facts"]["about"] == "lockout"


async def test_guesses_under_a_forged_name_do_not_lock_its_owner_out(office: Office) -> None:
    poller = office.poller()
    await office.first_contact()
    for guess in range(6):
        await office.put(mail(f"11111{guess} {NUMBER} guess"))
    await office.filed(5)
    await office.put(mail(f"{CODE} {NUMBER} unproved"))
    await office.put(mail(f"{CODE} {NUMBER} owner", headers=vouched()))
    ledger = await office.filed(6)
    assert ledger == {**dict.fromkeys(range(1, 6), ("refused", True)), 8: ("accepted", True)}
    await office.stop(poller)
    assert len(await office.read()) == 2  # the sixth guess and the unproved mail wait, nothing is lost
    assert [row["subject"] for row in await office.rows(tables.submission)] == ["owner"]


async def test_a_large_mail_passes_in_pieces(office: Office) -> None:
    office.poller()
    await office.first_contact()
    line = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/0123456789ab\r\n"
    head = mail(f"{CODE} {NUMBER} large", text="").rstrip() + b"\r\n\r\n"
    await office.put(head + line * (20_000_000 // len(line)))
    gc.collect()
    tracemalloc.start()
    try:
        await office.filed(1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000
    [submission] = await office.rows(tables.submission)
    stored = office.store.spool.root / submission["content_file"]
    with stored.open("rb") as stream:
        assert CODE.encode() not in stream.read(len(head))
        stream.seek(-len(line), 2)
        assert stream.read() == line
    assert stored.stat().st_size == submission["content_size"]
    assert 0 < len(head) + 20_000_000 // len(line) * len(line) - submission["content_size"] < 80


async def test_too_large_a_mail_is_refused_unread(office: Office, cable: Cable) -> None:
    office.poller(office.box(port=cable.port, max_message_bytes=10_000))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} large", text="x\r\n" * 10_000, headers=vouched()))
    assert await office.filed(1) == {1: ("refused", True)}
    [row] = await office.rows(tables.outbox)
    assert row["facts"]["status"] == "5.3.4"
    assert b"[TEXT]" not in cable.sent
    assert b"[HEADER]" in cable.sent


async def test_a_huge_header_is_refused(office: Office) -> None:
    office.poller()
    await office.first_contact()
    junk = b"X-Junk: " + b"x\r\n " * 100_000 + b"\r\nMIME-Version"
    await office.put(mail(f"{CODE} {NUMBER} x", headers=vouched()).replace(b"MIME-Version", junk))
    await office.put(mail(f"{CODE} {NUMBER} after"))
    assert await office.filed(2) == {1: ("refused", True), 2: ("accepted", True)}
    [row] = await office.rows(tables.outbox)
    assert row["facts"]["status"] == "5.3.4"


async def test_a_repeat_is_filed_and_makes_no_second_fax(office: Office) -> None:
    office.poller()
    await office.first_contact()
    message = mail(f"{CODE} {NUMBER} x", message_id="<same@example.com>")
    await office.put(message)
    await office.filed(1)
    await office.put(b"Received: from elsewhere\r\n" + message)
    assert set((await office.filed(2)).values()) == {("accepted", True)}
    assert len(await office.rows(tables.fax)) == 1
    assert [row["kind"] for row in await office.rows(tables.outbox)] == ["duplicate"]


async def test_a_full_disk_leaves_the_mail_where_it_is(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    poller = office.poller()
    await office.first_contact()
    root: Path = office.store.spool.root
    shutil.rmtree(root)
    await office.put(mail(f"{CODE} {NUMBER} x", text="x" * 100_000))

    async def told() -> bool:
        return "mailbox_trouble" in caplog.text

    await until(told)
    assert await office.ledger() == {}
    assert len(await office.read()) == 1
    root.mkdir()
    poller.poke()
    assert await office.filed(1) == {1: ("accepted", True)}


async def test_a_vanished_mail_is_no_trouble(office: Office, cable: Cable) -> None:
    async def remove(data: bytes) -> bytes:
        if b"UID FETCH 1 (BODY" in data:
            await asyncio.to_thread(office.account.expunge, 1)
        return data

    cable.tamper = remove
    office.poller(office.box(port=cable.port))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} withdrawn"))
    await cable.seen(b"UID FETCH 1 (BODY")
    await office.put(mail(f"{CODE} {NUMBER} next"))
    assert await office.filed(1) == {2: ("accepted", True)}


async def test_without_idle_a_poke_is_enough(office: Office, cable: Cable) -> None:
    poller = office.poller(office.box(port=cable.port, idle=False))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x"), poke=False)
    poller.poke()
    assert await office.filed(1) == {1: ("accepted", True)}
    assert b"IDLE" not in cable.sent


async def test_without_idle_polling_finds_mail(office: Office) -> None:
    office.poller(office.box(idle=False, poll=0.05))
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} x"), poke=False)
    assert await office.filed(1) == {1: ("accepted", True)}


async def test_a_node_that_is_not_on_duty_leaves_the_mailbox_alone(office: Office) -> None:
    on_duty = [True, False]
    pollers = [office.poller(on_duty=lambda n=n: on_duty[n]) for n in range(2)]
    await office.first_contact()
    await office.put(mail(f"{CODE} {NUMBER} First"))
    await office.filed(1)
    on_duty[:] = [False, True]
    for poller in pollers:
        poller.poke()
    await office.put(mail(f"{CODE} {NUMBER} Second"))
    await office.filed(2)
    assert len(await office.rows(tables.fax)) == 2
    assert len(await office.read("Faxed")) == 2
