"""What a mail says, how it is built, and that hostile facts stay facts."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError, Kind
from gateway.mailout.compose import Context, compose, recipients
from gateway.model import MailKind
from gateway.store.outbox import ADMIN

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF"
HOSTILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def sent(message: EmailMessage) -> EmailMessage:
    """The message as the other side reads it."""
    raw = message.as_bytes()
    assert b"\n" not in raw.replace(b"\r\n", b""), "a bare LF"
    assert b"\r" not in raw.replace(b"\r\n", b""), "a bare CR"
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.isascii()
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(message: EmailMessage) -> str:
    """The text part as one flowing line."""
    part = message.get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    content: str = part.get_content()
    return content


class Page(HTMLParser):
    """Which elements and references a page has, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self._words: list[str] = []
        self._silent = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._silent += tag in ("style", "title")
        self.references += [
            value or "" for name, value in attrs if name in ("src", "href", "background", "action")
        ]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())


STATES = ["delivered", "partial", "failed", "cancelled", "unconfirmed"]


@pytest.mark.parametrize(
    ("changes", "result", "said"),
    [
        ({}, "delivered", ["was delivered: 3 of 3 pages", "1 min 16 s", "US$0.058"]),
        (
            {"state": "partial", "pages": 1},
            "partly delivered",
            [
                "success for 1 of 3 pages",
                "Most likely pages 2 and 3 did not arrive",
                "Nothing is sent again by itself",
            ],
        ),
        (
            {
                "state": "failed",
                "pages": 0,
                "status": "4.4.1",
                "code": "busy",
                "reason": "The line was busy.",
            },
            "not delivered",
            ["was not delivered. The line was busy.", "Check the number", "4.4.1 busy"],
        ),
        (
            {
                "state": "failed",
                "pages": 1,
                "status": "4.4.2",
                "code": "dropped",
                "reason": "The line dropped",
            },
            "not delivered",
            ["failed after 1 of 3 pages. The line dropped.", "If it breaks again, have the recipient"],
        ),
        (
            {
                "state": "failed",
                "attempts": 0,
                "pages": None,
                "pages_sent": 0,
                "status": "5.6.0",
                "code": "document_empty",
                "reason": "There is nothing to fax.",
            },
            "not delivered",
            [
                "nothing went out. There is nothing to fax. "
                "Attach a document or write some text, and send a new mail."
            ],
        ),
        (
            {"state": "failed", "status": "5.3.0", "reason": "The account is closed."},
            "not delivered",
            ["send your mail once more. If it fails again, please tell the administrator"],
        ),
        (
            {"state": "cancelled", "attempts": 0, "pages": None},
            "cancelled",
            ["was cancelled before it was sent. If you did not expect this"],
        ),
        (
            {"state": "unconfirmed", "pages": None, "reason": "Nobody could confirm it."},
            "unconfirmed",
            ["nothing more will be found out. Ask the recipient. If it did not arrive"],
        ),
    ],
)
def test_a_receipt_says_what_happened_and_what_to_do(
    make: Any, context: Context, changes: dict[str, Any], result: str, said: list[str]
) -> None:
    message = sent(compose(make.mail(MailKind.RECEIPT, make.facts(**changes)), context))
    assert message["Subject"] == f"Fax to (555) 234-1234 {result}: Invoice for Ms. Okafor"
    shown = Page(html_of(message)).text
    for words in [*said, "(555) 765-4321", "2026-11-23 09:12:00 -05:00", "01KAR4Q1TZ7XM-1"]:
        assert words in text_of(message)
        assert words in shown


def test_a_receipt_stands_in_the_senders_thread(make: Any, context: Context) -> None:
    message = sent(compose(make.mail(MailKind.RECEIPT, make.facts()), context))
    assert message["In-Reply-To"] == "<mail-2@example.com>"
    assert message["References"].split() == [
        "<mail-0@example.com>", "<mail-1@example.com>", "<mail-2@example.com>"
    ]  # fmt: skip
    assert message["From"] == "Parkwoods Fax <fax@example.com>"
    assert message["To"] == "jane@example.com"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<receipt.0123456789abcdef01234567@example.com>"
    assert message["Date"] == "Mon, 23 Nov 2026 09:13:45 -0500"
    assert message["Reply-To"] is None
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_long_message_ids_are_not_encoded(make: Any, context: Context) -> None:
    long = [f"<{'x' * 180}{number}@{'y' * 150}.example.com>" for number in range(30)]
    facts = make.facts(in_reply_to=long[-1], references=" ".join(long))
    raw = compose(make.mail(MailKind.RECEIPT, facts), context).as_bytes()
    assert b"=?" not in raw.split(b"\r\n\r\n")[0]
    ids = sent(compose(make.mail(MailKind.RECEIPT, facts), context))["References"].split()
    assert ids == [long[0], *long[-11:]], "the first and the newest"


@pytest.mark.parametrize(
    "answered", ["", "no id", "<>", "<a b@c>", "<=?utf-8?q?x=0D=0ABcc=3A_y?=@c>", None, 7]
)
def test_without_a_usable_message_id_there_is_no_thread(make: Any, context: Context, answered: Any) -> None:
    message = sent(compose(make.mail(MailKind.RECEIPT, make.facts(in_reply_to=answered)), context))
    assert message["In-Reply-To"] is None
    assert message["References"] is None


def test_composing_again_makes_the_same_bytes(make: Any, context: Context) -> None:
    mail = make.mail(MailKind.RECEIVED, {}, received_id="01KAR4Q1TZ7XM")
    first, second = (compose(mail, context, received=make.received(), pdf=PDF).as_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("state", STATES)
def test_old_rows_may_lack_any_fact(make: Any, context: Context, state: str) -> None:
    for facts in ({"state": state, "number": "+15552341234"}, {"state": "from the future"}, {}):
        message = sent(compose(make.mail(MailKind.RECEIPT, facts), context))
        assert message["Subject"].startswith("Fax to ")
        assert "None" not in text_of(message)


def test_held(make: Any, context: Context) -> None:
    reason = "The answer was lost. Use fax-gateway queue resolve."
    facts = make.facts(state="held", pages=None, reason=reason, notes=["letter.pdf: page 1"])
    message = sent(compose(make.mail(MailKind.HELD, facts), context))
    assert message["Subject"] == "Fax to (555) 234-1234 on hold: Invoice for Ms. Okafor"
    assert "Nobody can tell at the moment whether your fax" in text_of(message)
    assert "not sent again by itself" in text_of(message)
    assert "fax-gateway" not in text_of(message), "a command for the administrator"
    assert "letter.pdf" not in message.as_string()


def test_duplicate(make: Any, context: Context) -> None:
    message = sent(compose(make.mail(MailKind.DUPLICATE, make.facts()), context))
    assert message["Subject"] == "Fax to (555) 234-1234 was accepted before: Invoice for Ms. Okafor"
    assert "No second fax was made" in text_of(message)
    assert "write it as a new mail" in text_of(message)
    assert "X-Fax-Repeat" in text_of(message)
    assert message["In-Reply-To"] == "<mail-2@example.com>"


def test_refusal(make: Any, context: Context) -> None:
    facts = {
        "sentence": "The subject names no fax number.",
        "status": "5.1.3",
        "subject": "Invoice",
        "in_reply_to": "<mail-2@example.com>",
        "references": "",
    }
    message = sent(compose(make.mail(MailKind.REFUSAL, facts), context))
    assert message["Subject"] == "Not faxed: Invoice"
    assert "The subject names no fax number. Nothing was sent." in text_of(message)
    assert message["References"] == "<mail-2@example.com>"
    assert message["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"about": "account", "reason": "Add funds.", "code": "non_sufficient_funds"},
            ["Add funds.", "non_sufficient"],
        ),
        (
            {"about": "fax_held", "fax_id": "01K-1", "sender": "jane@example.com"},
            ["queue resolve", "jane@example.com"],
        ),
        ({"about": "fax_unconfirmed", "fax_id": "01K-1"}, ["nobody settled it"]),
        (
            {"about": "notice_undeliverable", "recipient": "x@example.com", "reason": "gone"},
            ["x@example.com", "gone"],
        ),
        (
            {"about": "received_parked", "did": "5557654321", "reason": "No route."},
            ["(555) 765-4321", "No route.", "fax-gateway inbox remail delivers it"],
        ),
        (
            {"about": "imap_held", "mailbox": "office", "count": 17, "reason": "It was renumbered"},
            ["office", "17"],
        ),
        (
            {"about": "lockout", "sender": "jane@example.com", "reason": "Too many wrong security codes."},
            ["Somebody guesses a security code", "jane@example.com", "Reason: Too many wrong"],
        ),
        ({"about": "something new", "reason": "Look."}, ["Something needs a person. Reason: Look."]),
    ],
)
def test_alerts_go_to_all_administrators(
    make: Any, context: Context, facts: dict[str, Any], said: list[str]
) -> None:
    hidden = {"subject": "SECRET-SUBJECT", "notes": ["SECRET-NOTE"], "text": "SECRET-TEXT"}
    mail = make.mail(MailKind.ALERT, {**facts, **hidden}, recipient=ADMIN)
    assert recipients(mail, context) == ("root@example.com", "ops@example.com")
    message = sent(compose(mail, context))
    assert message["To"] == "root@example.com, ops@example.com"
    assert message["Subject"].startswith("Fax gateway: ")
    assert message["Auto-Submitted"] == "auto-generated"
    assert all(words in text_of(message) for words in said)
    assert "SECRET" not in message.as_string()


def test_a_received_fax_carries_its_pages(make: Any, context: Context) -> None:
    mail = make.mail(MailKind.RECEIVED, {"received_id": "01KAR4Q1TZ7XM"}, received_id="01KAR4Q1TZ7XM")
    message = sent(compose(mail, context, received=make.received(), pdf=PDF))
    assert message["Subject"] == "Fax from HARBOUR DENTAL (555) 234-1234, 3 pages, to (555) 765-4321"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == "<received.0123456789abcdef01234567@example.com>"
    (attachment,) = message.iter_attachments()
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_filename() == "2026-11-23_1412_from-5552341234_3p.pdf"
    assert attachment.get_content() == PDF
    assert "2026-11-23 14:12:00 -05:00" in text_of(message)
    assert 'href="tel:+15552341234"' in html_of(message)


@pytest.mark.parametrize(
    ("changes", "subject", "name"),
    [
        ({"caller": "", "caller_name": ""}, "Fax from an unknown number, 3 pages, to (555) 765-4321",
         "2026-11-23_1412_from-unknown_3p.pdf"),
        ({"caller": "", "caller_name": "Anonymous"}, "Fax from Anonymous, 3 pages, to (555) 765-4321",
         "2026-11-23_1412_from-unknown_3p.pdf"),
        ({"pages": 1, "caller_name": ""}, "Fax from (555) 234-1234, 1 page, to (555) 765-4321",
         "2026-11-23_1412_from-5552341234_1p.pdf"),
        ({"pages": 0, "did": ""}, "Fax from HARBOUR DENTAL (555) 234-1234, to an unknown number",
         "2026-11-23_1412_from-5552341234.pdf"),
    ],
)  # fmt: skip
def test_a_received_fax_of_little_known_origin(
    make: Any, context: Context, changes: dict[str, Any], subject: str, name: str
) -> None:
    message = sent(
        compose(make.mail(MailKind.RECEIVED, {}), context, received=make.received(**changes), pdf=PDF)
    )
    assert message["Subject"] == subject
    assert next(message.iter_attachments()).get_filename() == name


def test_a_received_fax_without_its_pages_is_a_bug(make: Any, context: Context) -> None:
    mail = make.mail(MailKind.RECEIVED, {})
    for arguments in ({}, {"received": make.received()}):
        with pytest.raises(ValueError, match="pages"):
            compose(mail, context, **arguments)


@pytest.mark.parametrize(
    "subject",
    [
        "Rechnung für Müller",
        "請求書 2026",
        "فاتورة رقم ٥",
        "😀 " * 60,
        "a" * 400,
        "=?utf-8?q?x=0D=0ABcc=3A_y?=",
        'naïve, "quoted"',
    ],
)
def test_subjects_in_any_language_survive(make: Any, context: Context, subject: str) -> None:
    message = sent(compose(make.mail(MailKind.RECEIPT, make.facts(subject=subject)), context))
    head = "Fax to (555) 234-1234 delivered: "
    assert message["Subject"].startswith(head)
    kept = message["Subject"].removeprefix(head).removesuffix("…")
    assert kept
    assert subject.replace("=?", "= ?").startswith(kept.strip())
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    ("recipient", "header"),
    [
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("o'brien+fax@example.com", "o'brien+fax@example.com"),
        ('"jane doe"@example.com', '"jane doe"@example.com'),
    ],
)
def test_recipients_are_written_as_servers_want_them(
    make: Any, context: Context, recipient: str, header: str
) -> None:
    message = compose(make.mail(MailKind.RECEIPT, make.facts(), recipient=recipient), context)
    assert message["To"].addresses[0].addr_spec == header
    sent(message)


def test_a_local_part_beyond_ascii_makes_a_utf8_message(make: Any, context: Context) -> None:
    message = compose(make.mail(MailKind.RECEIPT, make.facts(), recipient="zoë@example.com"), context)
    assert "To: zoë@example.com\r\n".encode() in message.as_bytes()


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "jane",
        "@example.com",
        "jane@",
        "a@b\r\nBcc: c@d",
        "a b@example.com",
        "a@exa mple.com",
        "a@" + "x." * 99 + "ü" * 80,
    ],
)
def test_what_is_no_address_is_refused(make: Any, context: Context, recipient: str) -> None:
    with pytest.raises(GatewayError) as caught:
        compose(make.mail(MailKind.RECEIPT, make.facts(), recipient=recipient), context)
    assert caught.value.failure.kind is Kind.PERMANENT
    assert caught.value.failure.status == "5.1.3"


HOSTILE_TEXT = st.one_of(
    st.text(st.characters(), max_size=120),
    st.sampled_from(
        [
            "x\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>",
            "</style></title><img src=https://evil.example/x onerror=alert(1)>",
            "{{ 7*7 }} {% include 'x' %}",
            "\u202egnp.exe \u2066hidden\u2069",
            "=?utf-8?b?DQpCY2M6IHg=?= =?utf-8?q?=0D=0A?=",
            "\ud800 lone \udfff",
            "\r\n.\r\nQUIT\r\n",
            "-- \n=_0_receipt",
            "x" * 5000,
        ]
    ),
)


@HOSTILE
@given(
    kind=st.sampled_from([kind for kind in MailKind if kind is not MailKind.RECEIVED]),
    state=st.sampled_from([*STATES, "held"]),
    facts=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ["subject", "reason", "code", "status", "number", "from_number", "in_reply_to", "references",
             "sentence", "sender", "cost", "fax_id", "mailbox", "about"],
            HOSTILE_TEXT,
        ),
    ),
    notes=st.lists(HOSTILE_TEXT, max_size=3),
)  # fmt: skip
def test_hostile_facts_stay_facts(
    make: Any, context: Context, kind: MailKind, state: str, facts: dict[str, str], notes: list[str]
) -> None:
    message = sent(compose(make.mail(kind, make.facts(state=state, notes=notes, **facts)), context))
    _assert_clean(message, {"text/plain", "text/html"})
    pattern = make.mail(kind, make.facts(state=state))
    expected = Page(html_of(compose(pattern, context)))
    assert set(Page(html_of(message)).tags) <= {*expected.tags, "p", "a", "table", "tr", "th", "td"}


@HOSTILE
@given(
    name=HOSTILE_TEXT, caller=HOSTILE_TEXT, station=HOSTILE_TEXT, did=HOSTILE_TEXT, pages=st.integers(0, 9999)
)
def test_hostile_callers_stay_callers(
    make: Any, context: Context, name: str, caller: str, station: str, did: str, pages: int
) -> None:
    fax = make.received(caller_name=name, caller=caller, station_id=station, did=did, pages=pages)
    message = sent(compose(make.mail(MailKind.RECEIVED, {}), context, received=fax, pdf=PDF))
    _assert_clean(message, {"text/plain", "text/html", "application/pdf"})
    file_name = next(message.iter_attachments()).get_filename()
    assert file_name is not None
    assert re.fullmatch(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{4}_from-([0-9]{1,20}|unknown)(_[0-9]+p)?\.pdf", file_name
    )


def _assert_clean(message: EmailMessage, parts: set[str]) -> None:
    allowed = {
        "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted",
        "mime-version", "content-type",
    }  # fmt: skip
    assert {name.lower() for name in message} <= allowed
    assert {part.get_content_type() for part in message.walk() if not part.is_multipart()} == parts
    assert not message.defects
    page = Page(html_of(message))
    assert not {"script", "img", "link", "iframe", "form", "object"} & set(page.tags)
    assert {urlsplit(reference).scheme for reference in page.references} <= {"tel"}
    for shown in (html_of(message), text_of(message), message["Subject"]):
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
