"""The dialogue up to DATA, over a real socket."""

import pytest
from support.door import ALICE, DOMAIN, MAIL, Site, SiteMaker

from gateway.mailin.rules import AccountRow


async def test_greeting_and_ehlo(site: Site) -> None:
    dialog = await site.connect(ehlo=False)
    assert dialog.banner == "220 gw.example.com ESMTP fax gateway"
    assert (await dialog.say("EHLO client")).splitlines() == [
        "250-gw.example.com",
        "250-PIPELINING",
        "250-8BITMIME",
        "250-ENHANCEDSTATUSCODES",
        "250 SIZE 52428800",
    ]
    assert await dialog.say("HELO client") == "250 gw.example.com"
    assert await dialog.say("VRFY somebody") == "252 2.5.0 Not verified; send RCPT and see."
    assert (await dialog.say("BOGUS")).startswith("500 5.5.2")
    assert (await dialog.say("EXPN list")).startswith("502 5.5.1")
    assert (await dialog.say("QUIT")).startswith("221 2.0.0")
    assert await dialog.reply() == ""


async def test_a_mail_becomes_a_fax(site: Site) -> None:
    dialog = await site.connect()
    answer = await dialog.mail()
    (row,) = await site.submissions()
    assert answer == f"250 2.0.0 queued as {row.id}"
    assert (row.source, row.rule, row.identity) == ("smtp", "alice", ALICE)
    assert (row.envelope_from, row.subject, row.from_number) == (ALICE, "Invoice", "5550001111")
    assert row.message_id == "<1@example.com>"
    assert await site.numbers() == ["+15552341234"]
    assert site.woken == [None]
    stored = await site.stored()
    assert stored.startswith(
        b"Received: from client.example.com ([127.0.0.1])\r\n by gw.example.com with ESMTP id "
    )
    assert stored.endswith(MAIL.replace(b"K7Q29X ", b""))


async def test_one_connection_carries_several_mails(site: Site) -> None:
    dialog = await site.connect()
    for number in range(3):
        answer = await dialog.mail(MAIL.replace(b"<1@", f"<{number}@".encode()))
        assert answer.startswith("250 2.0.0 queued as ")
    assert len(await site.submissions()) == 3


async def test_several_recipients_are_several_faxes(site: Site) -> None:
    dialog = await site.connect()
    to = [
        f"{number}@{DOMAIN}"
        for number in ("5552341234", "+15552341235", "FAX=+1-555-234-1236", "15552341234")
    ]
    assert (await dialog.mail(to=to)).startswith("250")
    assert await site.numbers() == ["+15552341234", "+15552341235", "+15552341236"]


async def test_pipelined_commands(site: Site) -> None:
    dialog = await site.connect()
    lines = (
        f"MAIL FROM:<{ALICE}>",
        f"RCPT TO:<5552341234@{DOMAIN}>",
        f"RCPT TO:<wrong@{DOMAIN}>",
        "DATA",
        "",
    )
    await dialog.send("\r\n".join(lines).encode())
    assert [(await dialog.reply())[:3] for _ in range(4)] == ["250", "250", "550", "354"]
    await dialog.send(MAIL + b".\r\nRSET\r\nQUIT\r\n")
    assert [(await dialog.reply())[:3] for _ in range(3)] == ["250", "250", "221"]


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [
        (f"555234x234@{DOMAIN}", '550 5.1.3 "555234x234" is not a fax number.'),
        (f"123@{DOMAIN}", '550 5.1.3 "123" is not a fax number.'),
        (f"555(234)1234@{DOMAIN}", "550 5.1.3"),
        (f"(x)5552341234@{DOMAIN}", "550 5.1.3"),
        (f"@relay.example:5552341234@{DOMAIN}", "550 5.1.3"),
        (f"FAX=+15552341234/T33S=12@{DOMAIN}", "550 5.3.3"),
        ("5552341234@elsewhere.example", "550 5.7.1 Relaying denied"),
        (f"+49301234567@{DOMAIN}", "550 5.7.1"),
        (f"9005551234@{DOMAIN}", "550 5.7.1"),
        ("postmaster", "550 5.1.1"),
        (f"5552341234@{DOMAIN}\0", "550 5.1.3"),
        (f"5552341234\t@{DOMAIN}", "550 5.1.3"),
        (f"+{'1' * 2000}@{DOMAIN}", "500 5.5.2"),
    ],
)
async def test_recipients_that_are_refused(site: Site, recipient: str, answer: str) -> None:
    dialog = await site.connect()
    await dialog.say(f"MAIL FROM:<{ALICE}>")
    assert (await dialog.say(f"RCPT TO:<{recipient}>")).startswith(answer)
    assert (await dialog.say("DATA")).startswith("503 5.5.1")
    assert await site.submissions() == []


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ("<>", "550 5.7.1 Mails without a sender are not faxed"),
        ("<alice>", "553 5.1.7"),
        ("<alice@example.com\0>", "5"),
        ('<"al ice"@example.com>', "553 5.1.7"),
        ("<stranger@elsewhere.example>", "550 5.7.1 stranger@elsewhere.example may not send faxes here."),
        (f"<{ALICE}> SIZE=52428801", "552 5.3.4 The mail is larger than 52.4 MB."),
        (f"<{ALICE}> size=99999999999999999999", "552 5.3.4"),
        (f"<{ALICE}> RET=FULL", "555 5.5.4"),
        (f"<{ALICE}> SIZE=100 BODY=8BITMIME", "250 2.1.0"),
        (f"<{ALICE}> AUTH=<> SIZE=100", "250 2.1.0"),
    ],
)
async def test_senders(site: Site, argument: str, answer: str) -> None:
    dialog = await site.connect()
    assert (await dialog.say(f"MAIL FROM:{argument}")).startswith(answer)


async def test_too_many_recipients(make_site: SiteMaker) -> None:
    site = await make_site(smtp={"max_recipients": 2})
    dialog = await site.connect()
    to = [f"555234123{number}@{DOMAIN}" for number in range(3)]
    assert (await dialog.mail(to=to)).startswith("452 4.5.3 Too many fax numbers, 2 ")
    assert (await dialog.say("DATA")).startswith("354")
    assert (await dialog.content(MAIL)).startswith("250")
    assert len(await site.numbers()) == 2


async def test_the_limits_of_a_rule(make_site: SiteMaker) -> None:
    rule = {"name": "a", "addresses": [ALICE], "code": "K7Q29X", "max_recipients": 1, "allow": ["+1555"]}
    site = await make_site(sender=[rule])
    dialog = await site.connect()
    await dialog.say(f"MAIL FROM:<{ALICE}>")
    assert (await dialog.say(f"RCPT TO:<2122341234@{DOMAIN}>")).startswith(
        "550 5.7.1 Faxes to (212) 234-1234 are not"
    )
    assert (await dialog.say(f"RCPT TO:<5552341234@{DOMAIN}>")).startswith("250")
    assert (await dialog.say(f"RCPT TO:<5552341235@{DOMAIN}>")).startswith("452 4.5.3")


async def test_a_stranger_must_log_in(make_site: SiteMaker) -> None:
    site = await make_site(smtp={"trusted_networks": ["192.0.2.0/24"]})
    dialog = await site.connect()
    assert await dialog.mail() == "530 5.7.0 Authentication required."


async def test_commands_out_of_order(site: Site) -> None:
    dialog = await site.connect(ehlo=False)
    assert (await dialog.say(f"MAIL FROM:<{ALICE}>")).startswith("503 5.5.1")
    assert (await dialog.say("DATA")).startswith("503 5.5.1")
    await dialog.say("EHLO x")
    assert (await dialog.say(f"RCPT TO:<5552341234@{DOMAIN}>")).startswith("503 5.5.1")
    assert (await dialog.say("DATA")).startswith("503 5.5.1")
    await dialog.say(f"MAIL FROM:<{ALICE}>")
    assert (await dialog.say(f"MAIL FROM:<{ALICE}>")).startswith("503 5.5.1")
    await dialog.say(f"RCPT TO:<5552341234@{DOMAIN}>")
    assert (await dialog.say("DATA now")).startswith("501 5.5.4")
    assert (await dialog.say("AUTH PLAIN AGEAYg==")).startswith("503 5.5.1")
    assert (await dialog.say("RSET")).startswith("250 2.0.0")
    assert (await dialog.say("DATA")).startswith("503 5.5.1")


async def test_commands_without_end(site: Site) -> None:
    dialog = await site.connect()
    answers = [await dialog.say("NOOP") for _ in range(41)]
    assert answers[-1].startswith("421 4.7.0")
    assert await dialog.reply() == ""


async def test_refused_commands_without_end(site: Site, log: pytest.LogCaptureFixture) -> None:
    dialog = await site.connect()
    await dialog.send(b"MAIL FROM:<stranger@elsewhere.example>\r\n" * 200)
    answers = [await dialog.reply() for _ in range(22)]
    assert [answer[:3] for answer in answers] == ["550"] * 20 + ["421", ""]
    assert log.text.count("refused_mail") == 20
    await site.until_connections(0)


async def test_a_mail_server_with_too_many_recipients_is_not_shown_out(make_site: SiteMaker) -> None:
    site = await make_site(smtp={"max_recipients": 1})
    dialog = await site.connect()
    to = [f"55523412{number}@{DOMAIN}" for number in range(10, 60)]
    await dialog.say(f"MAIL FROM:<{ALICE}>")
    assert [(await dialog.say(f"RCPT TO:<{one}>"))[:3] for one in to] == ["250"] + ["452"] * 49
    assert (await dialog.say("DATA")).startswith("354")
    assert (await dialog.content(MAIL)).startswith("250")


async def test_an_accepted_mail_makes_up_for_refusals(site: Site) -> None:
    dialog = await site.connect()
    for _ in range(3):
        for _ in range(15):
            assert (await dialog.say("MAIL FROM:<>")).startswith("550")
        assert (await dialog.mail()).startswith("250")


async def test_a_web_browser_is_shown_out(site: Site) -> None:
    dialog = await site.connect(ehlo=False)
    await dialog.send(b"POST / HTTP/1.1\r\nHost: x\r\nOrigin: y\r\nAccept: z\r\nUser-Agent: w\r\n\r\n" + MAIL)
    while await dialog.reply():
        pass
    assert "Too many unrecognized commands" in dialog.said[-2]


async def test_senders_from_the_account_are_not_known_yet(make_site: SiteMaker) -> None:
    async def fetch() -> list[AccountRow]:
        return []

    site = await make_site(fetch=fetch, sender_rules={"source": "account"})
    dialog = await site.connect()
    assert (await dialog.say(f"MAIL FROM:<{ALICE}>")).startswith("451 4.3.0 The list of permitted senders")
