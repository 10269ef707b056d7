"""DATA over a real socket: what is judged, what is stored, what is refused."""

import asyncio
import base64
import email
import email.policy
import os
import smtplib
from email.message import EmailMessage

import pytest
from support.door import ALICE, CODE, DOMAIN, MAIL, Site

OFFICE = "scanner@office.example.com"


def header(subject: str, *more: str) -> bytes:
    fields = [f"From: {ALICE}", f"Subject: {subject}", *more]
    return "\r\n".join([*fields, "", "Hello", ""]).encode()


@pytest.mark.parametrize(
    ("subject", "kept"),
    [
        (f"{CODE} Invoice", "Invoice"),
        (f"=?utf-8?Q?{CODE}_Rechnung_f=C3=BCr_M=C3=BCller?=", "Rechnung für Müller"),
        ("=?utf-8?q?K7Q?= =?utf-8?q?29X?= Invoice", "Invoice"),
        ("=?utf-8?b?SzdR?=\r\n =?utf-8?b?MjlYIEludm9pY2U=?=", "Invoice"),
        (f"\r\n {CODE}\r\n\tInvoice", "Invoice"),
        (f"Re: [{CODE}] Invoice", "Re: Invoice"),
        (CODE, ""),
    ],
)
async def test_subjects_with_the_code(site: Site, subject: str, kept: str) -> None:
    dialog = await site.connect()
    assert (await dialog.mail(header(subject))).startswith("250")
    (row,) = await site.submissions()
    assert row.subject == kept
    message = email.message_from_bytes(await site.stored(), policy=email.policy.default)
    assert str(message["Subject"]).strip() == kept


@pytest.mark.parametrize(
    "subject", ["Invoice", "K7Q29Y Invoice", "k7q29x Invoice", f"{CODE}9", "=?utf-8?q?K7Q?= 29X"]
)
async def test_subjects_without_it(site: Site, subject: str) -> None:
    dialog = await site.connect()
    assert await dialog.mail(header(subject)) == (
        "550 5.7.1 The security code in the subject is wrong or missing. Write it as a word of its own."
    )
    assert await site.submissions() == []
    assert (await dialog.mail()).startswith("250")


async def test_the_fifth_wrong_code_locks(site: Site) -> None:
    dialog = await site.connect()
    for _ in range(5):
        assert (await dialog.mail(header("K7Q29Y"))).startswith("550 5.7.1")
    assert await dialog.mail() == "450 4.7.1 Too many wrong security codes. Try again in 1 minute."
    other = MAIL.replace(ALICE.encode(), OFFICE.encode())
    assert (await dialog.mail(other, sender=OFFICE)).startswith("250")


@pytest.mark.parametrize(
    ("mail", "answer"),
    [
        (header(CODE, "Auto-Submitted: auto-replied"), "550 5.7.1 Automatic mails"),
        (header(CODE, "List-Id: <x.example>"), "550 5.7.1 Automatic mails"),
        (MAIL.replace(b"From: Alice <alice@", b"From: Bob <bob@"), "550 5.7.1 The From address"),
        (MAIL.replace(b"\r\nTo:", b", bob@example.com\r\nTo:"), "550 5.7.1 The From address"),
        (b"no header at all\r\n", "550 5.7.1 The From address"),
        (b"", "550 5.7.1 The From address"),
        (b"\r\n" + MAIL, "550 5.7.1 The From address"),
        (MAIL.replace(b"Invoice\r\n", b"Invoice\rX: y\r\n"), "550 5.6.11"),
        (
            header(CODE, "X-Pad: " + "x" * 1_000_000),
            "552 5.3.4 The header of the mail is larger than 256 kB.",
        ),
        (header(CODE, *["X-Pad: x"] * 5000), "552 5.3.4 The header"),
        (header("x" * 1_000_000), "552 5.3.4 The header"),
    ],
)
async def test_mails_that_are_refused(site: Site, mail: bytes, answer: str) -> None:
    dialog = await site.connect()
    assert (await dialog.mail(mail)).startswith(answer)
    assert await site.submissions() == []
    assert list(site.store.spool.root.iterdir()) == []
    assert (await dialog.mail()).startswith("250")


async def test_no_message_id(site: Site) -> None:
    dialog = await site.connect()
    answers = {await dialog.mail(header(CODE)) for _ in range(2)}
    assert len(answers) == 1
    assert (await dialog.mail(header(f"{CODE} another"))) not in answers
    assert [row.message_id for row in await site.submissions()] == ["", ""]


async def test_a_repeat_is_answered_with_the_first_id(site: Site) -> None:
    first = await (await site.connect()).mail()
    again = await (await site.connect()).mail(b"Received: from elsewhere\r\n" + MAIL)
    assert first == again
    assert len(await site.numbers()) == 1


async def test_a_mail_without_body(site: Site) -> None:
    dialog = await site.connect()
    assert (await dialog.mail(MAIL.partition(b"\r\n\r\n")[0] + b"\r\n")).startswith("250")
    assert (await site.stored()).endswith(b"Message-ID: <1@example.com>\r\n")


@pytest.mark.parametrize("size", [10, 70_000, 3_000_000])
async def test_bodies_arrive_as_they_were_sent(site: Site, size: int) -> None:
    body = base64.encodebytes(os.urandom(size)).replace(b"\n", b"\r\n") + b".\r\n..\r\n.x\r\n"
    dialog = await site.connect()
    assert (await dialog.mail(MAIL + body)).startswith("250")
    assert (await site.stored()).endswith(b"\r\nHello\r\n" + body)


async def test_a_line_of_a_megabyte_is_no_trouble(site: Site) -> None:
    dialog = await site.connect()
    assert (await dialog.mail(MAIL + b"x" * 1_000_000 + b"\r\n")).startswith("250")
    assert (await site.stored()).endswith(b"x\r\n")


async def test_sixty_megabytes_are_read_and_refused(site: Site) -> None:
    dialog = await site.connect()
    for line in (f"MAIL FROM:<{ALICE}>", f"RCPT TO:<5552341234@{DOMAIN}>", "DATA"):
        await dialog.say(line)
    await dialog.send(MAIL)
    block = (b"x" * 998 + b"\r\n") * 1000
    for _ in range(60):
        await dialog.send(block)
    await dialog.send(b".\r\n")
    assert await dialog.reply() == "552 5.3.4 The mail is larger than 52.4 MB. Send less at a time."
    assert list(site.store.spool.root.iterdir()) == []
    assert (await dialog.mail()).startswith("250")


async def test_bare_line_feeds_are_line_ends(site: Site) -> None:
    dialog = await site.connect()
    for line in (f"MAIL FROM:<{ALICE}>", f"RCPT TO:<5552341234@{DOMAIN}>", "DATA"):
        await dialog.say(line)
    await dialog.send(MAIL.replace(b"\r\n", b"\n") + b"\n.\nMAIL FROM:<x@y>\n\r\n.\r\n")
    assert (await dialog.reply()).startswith("250")
    assert (await site.stored()).endswith(b"Hello\r\n\r\n\r\nMAIL FROM:<x@y>\r\n\r\n")
    assert len(await site.submissions()) == 1


async def test_what_the_standard_library_sends(site: Site) -> None:
    message = EmailMessage()
    message["From"] = f"Alice <{ALICE}>"
    message["To"] = f"5552341234@{DOMAIN}"
    message["Subject"] = f"{CODE} Größe"
    message.set_content(".\nGröße\n..dots\n")
    message.add_attachment(os.urandom(200_000), maintype="application", subtype="pdf", filename=f"{CODE}.pdf")

    def send(data: bytes) -> None:
        host, port = site.server.addresses[0]
        with smtplib.SMTP(host, port, timeout=20) as client:
            client.sendmail(ALICE, [f"5552341234@{DOMAIN}"], data)

    await asyncio.to_thread(send, message.as_bytes())  # bare line feeds
    stored = email.message_from_bytes(await site.stored(), policy=email.policy.default)
    assert stored["Subject"] == "Größe"
    body = stored.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == ".\nGröße\n..dots\n"
    assert next(stored.iter_attachments()).get_content() == next(message.iter_attachments()).get_content()


async def test_a_client_that_calls_itself_by_the_code(site: Site) -> None:
    dialog = await site.connect(ehlo=False)
    await dialog.say(f"EHLO {CODE.lower()}")
    assert (await dialog.mail()).startswith("250")
    assert not (await site.stored()).startswith(b"Received:")
