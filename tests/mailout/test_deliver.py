"""Outbox rows on their way: a real store, a real mail server, and the provider's own mailer."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway import journal
from gateway.config import Settings, from_dict
from gateway.errors import Kind
from gateway.lifecycle import OutboxState, ReceivedState
from gateway.mailout import Deliverer
from gateway.model import MailKind, OutboxMail, ReceivedFax, Via
from gateway.moves import Trigger
from gateway.simulator import PASSWORD, USERNAME, Catcher, Simulator
from gateway.store import Store, outbox, received
from gateway.store.received import Delivery
from gateway.voipms import Client
from gateway.worker.outcomes import Accepted, Later, MailOutcome, Undeliverable

NOW = 1_795_461_120.0
PDF = b"%PDF-1.7\n" + b"page \x00\xff" * 20_000 + b"\n%%EOF"
"""Larger than what fits into a row."""


def settings_for(
    port: int,
    admin: tuple[str, ...] = ("root@example.com",),
    hostname: str = "fax.example.com",
    **mail: Any,
) -> Settings:
    return from_dict(
        {
            "gateway": {"name": "Parkwoods Fax", "hostname": hostname, "admin": admin},
            "mail": {"host": "127.0.0.1", "port": port, "sender": "fax@example.com", "timeout": 20, **mail},
        }
    )


async def queued(store: Store) -> list[OutboxMail]:
    return await store.write(lambda tx: outbox.claim(tx, owner="test", now=NOW, seconds=60, limit=20))


async def routed(store: Store, make: Any, *deliveries: Delivery, digest: str = "", **fax: Any) -> ReceivedFax:
    """A fetched fax with its mails in the outbox."""
    fax = make.received(state=ReceivedState.SEEN, **fax)
    await store.write(lambda tx: received.see(tx, [fax], now=NOW))

    async def claimed() -> ReceivedFax:
        rows = await store.write(lambda tx: received.claim(tx, owner="t", now=NOW, seconds=9, limit=1))
        return rows[0]

    content = store.inbox.keep(f"{fax.id}.pdf", PDF)
    digest = digest or hashlib.sha256(PDF).hexdigest()
    seen = await claimed()
    await store.write(lambda tx: received.fetched(tx, seen, content=content, digest=digest, now=NOW))
    fetched = await claimed()
    await store.write(lambda tx: received.routed(tx, fetched, deliveries, now=NOW))
    return await store.read(lambda tx: received.get(tx, fax.id))


def failed(outcome: MailOutcome, kind: type[Later | Undeliverable]) -> str:
    assert isinstance(outcome, kind)
    assert outcome.failure.kind is (Kind.TEMPORARY if kind is Later else Kind.PERMANENT)
    return outcome.failure.sentence


async def test_a_receipt_leaves_with_the_null_sender(serve: Any, store: Store, make: Any) -> None:
    server = await serve()
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    assert await deliverer.step(make.mail(MailKind.RECEIPT, make.facts())) == Accepted()
    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("", ["jane@example.com"])
    assert taken.message["Subject"] == "Fax to (555) 234-1234 delivered: Invoice for Ms. Okafor"
    assert taken.message["From"] == "Parkwoods Fax <fax@example.com>"


async def test_a_second_delivery_is_recognisably_the_same_mail(serve: Any, store: Store, make: Any) -> None:
    server = await serve()
    server.data = ["drop"]
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    mail = make.mail(MailKind.RECEIPT, make.facts())
    failed(await deliverer.step(mail), Later)
    assert await deliverer.step(mail) == Accepted()
    first, second = server.taken
    assert first.raw == second.raw


async def test_a_second_delivery_by_another_node_is_the_same_mail(
    serve: Any, store: Store, make: Any
) -> None:
    """Nodes differ in their names (docs/operations.md); a mail has one Message-ID all the same."""
    server = await serve()
    server.data = ["drop"]
    mail = make.mail(MailKind.RECEIPT, make.facts())
    nodes = [
        Deliverer(settings=settings_for(server.port, hostname=name), store=store, client=None)
        for name in ("a.example.com", "b.example.com")
    ]
    failed(await nodes[0].step(mail), Later)
    assert await nodes[1].step(mail) == Accepted()
    first, second = server.taken
    assert first.raw == second.raw


@pytest.mark.parametrize(
    ("reply", "kind"), [("451 4.3.0 later", Later), ("550 5.1.1 unknown", Undeliverable), ("drop", Later)]
)
async def test_refusals(
    serve: Any, store: Store, make: Any, reply: str, kind: type[Later | Undeliverable]
) -> None:
    server = await serve()
    server.data = [reply]
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    failed(await deliverer.step(make.mail(MailKind.RECEIPT, make.facts())), kind)


async def test_a_recipient_that_is_no_address(unused_port: int, store: Store, make: Any) -> None:
    deliverer = Deliverer(settings=settings_for(unused_port), store=store, client=None)
    failed(await deliverer.step(make.mail(MailKind.RECEIPT, make.facts(), recipient="nobody")), Undeliverable)


async def test_alerts_go_to_the_administrators(serve: Any, store: Store, make: Any) -> None:
    server = await serve()
    settings = settings_for(server.port, admin=("a@example.com", "b@example.com"))
    server.rcpt = {"a@example.com": "550 5.1.1 left"}
    mail = make.mail(MailKind.ALERT, {"about": "account", "reason": "Add funds."}, recipient=outbox.ADMIN)
    assert await Deliverer(settings=settings, store=store, client=None).step(mail) == Accepted()
    assert server.taken[0].recipients == ["b@example.com"]


async def test_an_alert_for_nobody_is_logged(
    unused_port: int, store: Store, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(unused_port, admin=())
    mail = make.mail(MailKind.ALERT, {"about": "account"}, recipient=outbox.ADMIN)
    assert await Deliverer(settings=settings, store=store, client=None).step(mail) == Accepted()
    assert "nobody is configured" in caplog.text


async def test_a_received_fax_is_mailed_with_its_pages(serve: Any, store: Store, make: Any) -> None:
    server = await serve()
    fax = await routed(
        store,
        make,
        Delivery(recipient="office@example.com", via=Via.SMTP),
        Delivery(recipient="jane@example.com", via=Via.SMTP),
    )
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    for mail in await queued(store):
        assert await deliverer.step(mail) == Accepted()
    assert [taken.sender for taken in server.taken] == ["fax@example.com"] * 2, "bounces must be seen"
    assert [taken.recipients for taken in server.taken] == [["office@example.com"], ["jane@example.com"]]
    assert len({taken.message["Message-ID"] for taken in server.taken}) == 2
    for taken in server.taken:
        (attachment,) = taken.message.iter_attachments()
        assert attachment.get_content() == PDF
        assert attachment.get_filename() == "2026-11-23_1412_from-5552341234_3p.pdf"
    assert fax.state is ReceivedState.ROUTED


@pytest.mark.parametrize("damage", ["missing", "other bytes"])
async def test_pages_that_are_not_what_was_fetched_are_not_mailed(
    serve: Any, store: Store, make: Any, damage: str
) -> None:
    server = await serve()
    fax = await routed(store, make, Delivery(recipient="office@example.com", via=Via.SMTP))
    path = store.inbox.path(f"{fax.id}.pdf")
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(PDF.replace(b"page", b"evil"))
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    (mail,) = await queued(store)
    assert "missing or damaged" in failed(await deliverer.step(mail), Undeliverable)
    assert not server.taken


async def test_a_disk_that_cannot_be_read_just_now(serve: Any, store: Store, make: Any) -> None:
    server = await serve()
    fax = await routed(store, make, Delivery(recipient="office@example.com", via=Via.SMTP))
    path = store.inbox.path(f"{fax.id}.pdf")
    path.unlink()
    path.mkdir()  # reading fails with something else than "not found"
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    (mail,) = await queued(store)
    assert "cannot be read just now" in failed(await deliverer.step(mail), Later)


async def test_the_password_reaches_no_log_and_no_outcome(
    serve: Any, certificates: Any, store: Store, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server = await serve(tls="starttls", context=certificates.server, auth=True)
    settings = settings_for(
        server.port,
        host="localhost",
        tls="starttls",
        ca_file=certificates.authority,
        username="fax",
        password="wrong-S3cret",
    )
    outcome = await Deliverer(settings=settings, store=store, client=None).step(
        make.mail(MailKind.RECEIPT, make.facts(subject="SECRET-SUBJECT"))
    )
    failed(outcome, Later)
    for secret in ("wrong-S3cret", "d3JvbmctUzNjcmV0", "SECRET-SUBJECT"):
        assert secret not in caplog.text + repr(outcome)


@pytest.mark.parametrize(
    ("script", "code"),
    [({"mail": "421 4.3.2 SECRET closing"}, "smtp_421"), ({"data": ["451 4.3.0 SECRET later"]}, "")],
)
async def test_the_servers_words_reach_no_log(
    serve: Any, store: Store, make: Any, caplog: pytest.LogCaptureFixture, script: dict[str, Any], code: str
) -> None:
    journal.forget_outages()
    server = await serve()
    for name, value in script.items():
        setattr(server, name, value)
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    failed(await deliverer.step(make.mail(MailKind.RECEIPT, make.facts())), Later)
    assert "SECRET" not in caplog.text
    assert ("relay_trouble" in caplog.text) is bool(code)
    assert f"127.0.0.1:{server.port}" in caplog.text or not code
    assert code in caplog.text


# By the provider


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[Catcher]:
    async with Catcher(tmp_path / "mails") as catcher:
        yield catcher


@pytest.fixture
async def simulator(catcher: Catcher) -> AsyncIterator[Simulator]:
    async with Simulator(smtp=catcher.address) as simulator:
        yield simulator


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Client]:
    async with Client(
        url=simulator.url, username=USERNAME, password=PASSWORD, calls_per_minute=600, read_timeout=20
    ) as client:
        yield client


async def provider_mail(store: Store, make: Any, provider_id: str) -> OutboxMail:
    delivery = Delivery(recipient="office@example.com", via=Via.PROVIDER)
    await routed(store, make, delivery, provider_id=provider_id)
    (mail,) = await queued(store)
    return mail


async def test_the_provider_mails_it(
    simulator: Simulator, catcher: Catcher, client: Client, store: Store, make: Any, unused_port: int
) -> None:
    fax_id = await simulator.receive(to="5557654321", from_="2025550123")
    mail = await provider_mail(store, make, fax_id)
    deliverer = Deliverer(settings=settings_for(unused_port), store=store, client=client)
    assert await deliverer.step(mail) == Accepted()
    caught = await catcher.wait_for(lambda mail: "office@example.com" in mail.recipients)
    assert caught.attachments()
    assert not simulator.world.ledger.calls("deleteFaxMessage")


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        ({"status": "problem_sending_mail"}, "later"),
        ("api_limit_exceeded", "later"),
        ("accepted_then_reset", "later"),
        ("http_5xx", "later"),
        ({"status": "invalid_email"}, "undeliverable"),
        ({"status": "no_message"}, "undeliverable"),
    ],
)
async def test_what_the_provider_may_answer(
    simulator: Simulator, client: Client, store: Store, make: Any, unused_port: int, fate: Any, kind: str
) -> None:
    fax_id = await simulator.receive(to="5557654321", from_="2025550123")
    mail = await provider_mail(store, make, fax_id)
    simulator.line.script([fate], method="mailFaxMessagePDF")
    outcome = await Deliverer(settings=settings_for(unused_port), store=store, client=client).step(mail)
    assert isinstance(outcome, Later if kind == "later" else Undeliverable)


async def test_without_an_account_the_mail_waits(store: Store, make: Any, unused_port: int) -> None:
    mail = await provider_mail(store, make, "100201")
    deliverer = Deliverer(settings=settings_for(unused_port), store=store, client=None)
    failed(await deliverer.step(mail), Later)


async def test_the_row_survives_its_way_through_the_store(serve: Any, store: Store, make: Any) -> None:
    """Facts and Message-ID as JSON in the database and back, the way the daemon uses them."""
    server = await serve()
    await store.write(
        lambda tx: outbox.queue(
            tx,
            key="fax:01K-1:final",
            kind=MailKind.RECEIPT,
            recipient="jane@example.com",
            facts=make.facts(),
            now=NOW,
        )
    )
    (mail,) = await queued(store)
    deliverer = Deliverer(settings=settings_for(server.port), store=store, client=None)
    assert await deliverer.step(mail) == Accepted()
    await store.write(lambda tx: outbox.move(tx, mail, OutboxState.SENT, Trigger.TAKEN, now=NOW))
    assert server.taken[0].message["Message-ID"] == f"<{mail.message_id}@example.com>"
    assert await queued(store) == []
