"""SMTP over real sockets: every way a delivery can end, and what it means."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Failure, Kind
from gateway.mailout.relay import Parcel, Relay, Report, send

CONTENT = b"From: fax@example.com\r\nSubject: SECRET-SUBJECT\r\n\r\n.dot\r\nSECRET-TEXT\r\n"
TO = "jane@example.com"


def relay(port: int, **changes: Any) -> Relay:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "hello": "fax.example.com",
        "timeout": 20.0,
        **changes,
    }
    return Relay(**values)


def parcel(**changes: Any) -> Parcel:
    values: dict[str, Any] = {"sender": "", "recipients": (TO,), "content": CONTENT, **changes}
    return Parcel(**values)


def failure_of(report: Report, kind: Kind, status: str) -> Failure:
    assert report.failure is not None
    assert (report.failure.kind, report.failure.status) == (kind, status)
    assert report.failure.sentence.endswith(".")
    for secret in ("SECRET", "Passw0rd", "dXNlcg"):
        assert secret not in repr(report)
    return report.failure


async def test_a_mail_arrives_unchanged_in_its_envelope(serve: Any) -> None:
    server = await serve()
    report = await send(relay(server.port), parcel())
    assert report == Report()
    (taken,) = server.taken
    assert (taken.sender, taken.recipients, taken.raw) == ("", [TO], CONTENT)


async def test_content_without_a_final_line_end(serve: Any) -> None:
    server = await serve()
    assert (await send(relay(server.port), parcel(content=b"a: b\r\n\r\n" + b"x" * 70))).failure is None
    assert server.taken[0].raw.endswith(b"xx\r\n")


@pytest.mark.parametrize(
    ("stage", "reply", "kind", "status"),
    [
        ("mail", "451 4.3.0 not now", Kind.TEMPORARY, "4.3.0"),
        ("mail", "552 5.3.4 too big", Kind.PERMANENT, "5.3.4"),
        ("rcpt", "450 4.2.1 greylisted", Kind.TEMPORARY, "4.2.1"),
        ("rcpt", "550 5.1.1 no such user", Kind.PERMANENT, "5.1.1"),
        ("rcpt", "550 no such user", Kind.PERMANENT, "5.0.0"),
        ("rcpt", "452 5.1.1 contradicts itself", Kind.TEMPORARY, "4.0.0"),
        ("data", "451 4.3.0 not now", Kind.TEMPORARY, "4.3.0"),
        ("data", "550 5.7.1 spam", Kind.PERMANENT, "5.7.1"),
        ("data", "421 4.3.2 going down", Kind.TEMPORARY, "4.3.2"),
    ],
)
async def test_refusals(serve: Any, stage: str, reply: str, kind: Kind, status: str) -> None:
    server = await serve()
    if stage == "mail":
        server.mail = reply
    elif stage == "rcpt":
        server.rcpt = {TO: reply}
    else:
        server.data = [reply]
    report = await send(relay(server.port), parcel())
    failure = failure_of(report, kind, status)
    assert failure.code == f"smtp_{reply[:3]}"
    assert report.reached is not reply.startswith("421")
    assert not server.taken
    assert reply[:3] in failure.sentence


async def test_a_reply_is_quoted_only_before_the_server_saw_the_content(serve: Any) -> None:
    server = await serve()
    server.rcpt = {TO: "550 5.1.1 mailbox is gone"}
    assert (
        "mailbox is gone"
        in failure_of(await send(relay(server.port), parcel()), Kind.PERMANENT, "5.1.1").sentence
    )
    server.rcpt, server.data = {}, ["554 5.7.1 we do not like SECRET-SUBJECT"]
    failure = failure_of(await send(relay(server.port), parcel()), Kind.PERMANENT, "5.7.1")
    assert "refused the mail: 554 5.7.1." in failure.sentence


async def test_a_lost_answer_after_the_final_dot_is_tried_again(serve: Any) -> None:
    server = await serve()
    server.data = ["drop"]
    report = await send(relay(server.port), parcel())
    failure_of(report, Kind.TEMPORARY, "4.4.2")
    assert (await send(relay(server.port), parcel())).failure is None
    assert [taken.raw for taken in server.taken] == [CONTENT, CONTENT], "at least once"


async def test_one_taken_recipient_is_enough_and_the_others_are_named(serve: Any) -> None:
    server = await serve()
    server.rcpt = {"a@example.com": "550 5.1.1 gone", "b@example.com": "450 4.2.0 later"}
    both = parcel(recipients=("a@example.com", TO, "b@example.com"))
    assert await send(relay(server.port), both) == Report(refused=("a@example.com", "b@example.com"))
    assert server.taken[0].recipients == [TO]


async def test_when_all_are_refused_the_mildest_refusal_counts(serve: Any) -> None:
    server = await serve()
    server.rcpt = {"a@example.com": "550 5.1.1 gone", "b@example.com": "450 4.2.0 later"}
    report = await send(relay(server.port), parcel(recipients=("a@example.com", "b@example.com")))
    failure_of(report, Kind.TEMPORARY, "4.2.0")


async def test_nobody_listens(unused_port: int) -> None:
    report = await send(relay(unused_port), parcel())
    assert "Connection refused" in failure_of(report, Kind.TEMPORARY, "4.4.2").sentence
    assert not report.reached


async def test_a_name_that_does_not_exist() -> None:
    report = await send(relay(25, host="no-such-host.invalid"), parcel())
    assert "no-such-host.invalid:25" in failure_of(report, Kind.TEMPORARY, "4.4.2").sentence


# TLS and login


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_tls_with_a_known_authority(serve: Any, certificates: Any, tls: str) -> None:
    server = await serve(tls=tls, context=certificates.server)
    report = await send(
        relay(server.port, tls=tls, host="localhost", ca_file=certificates.authority), parcel()
    )
    assert report.failure is None
    assert server.taken[0].tls


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_an_unknown_authority_gets_nothing(serve: Any, certificates: Any, tls: str) -> None:
    server = await serve(tls=tls, context=certificates.server)
    report = await send(relay(server.port, tls=tls, host="localhost"), parcel())
    assert "not trusted" in failure_of(report, Kind.TEMPORARY, "4.7.5").sentence
    assert not server.taken


async def test_a_certificate_for_another_name_gets_nothing(serve: Any, certificates: Any) -> None:
    server = await serve(tls="implicit", context=certificates.server)
    report = await send(
        relay(server.port, tls="implicit", host="127.1", ca_file=certificates.authority), parcel()
    )
    failure_of(report, Kind.TEMPORARY, "4.7.5")
    assert not server.taken


async def test_starttls_that_is_not_offered_is_no_reason_to_go_on_in_clear(serve: Any) -> None:
    server = await serve()
    report = await send(
        relay(server.port, tls="starttls", username="fax", password="relay-Passw0rd"), parcel()
    )
    failure_of(report, Kind.TEMPORARY, "4.7.4")
    assert not server.taken


async def test_an_authority_file_that_is_gone(serve: Any, certificates: Any, tmp_path: Path) -> None:
    server = await serve(tls="implicit", context=certificates.server)
    report = await send(relay(server.port, tls="implicit", ca_file=tmp_path / "gone.pem"), parcel())
    failure_of(report, Kind.TEMPORARY, "4.4.2")


async def test_login(serve: Any, make: Any, certificates: Any) -> None:
    server = await serve(tls="starttls", context=certificates.server, auth=True)
    secure = {"tls": "starttls", "host": "localhost", "ca_file": certificates.authority}
    report = await send(relay(server.port, username="fax", password=make.password, **secure), parcel())
    assert report.failure is None
    assert server.taken[0].user == b"fax"


@pytest.mark.parametrize(
    ("changes", "status"), [({"username": "fax", "password": "wrong-Passw0rd"}, "4.7.8"), ({}, "4.7.8")]
)
async def test_a_refused_login_is_the_operators_matter(
    serve: Any, certificates: Any, changes: dict[str, str], status: str
) -> None:
    server = await serve(tls="starttls", context=certificates.server, auth=True)
    secure = {"tls": "starttls", "host": "localhost", "ca_file": certificates.authority}
    report = await send(relay(server.port, **secure, **changes), parcel())
    assert "mail.username" in failure_of(report, Kind.TEMPORARY, status).sentence
    assert not report.reached


async def test_a_server_without_login(serve: Any, make: Any) -> None:
    server = await serve()
    report = await send(relay(server.port, username="fax", password=make.password), parcel())
    failure_of(report, Kind.TEMPORARY, "4.7.4")


def test_the_password_is_not_shown() -> None:
    assert "Passw0rd" not in repr(relay(25, password="relay-Passw0rd"))


# Servers that are not aiosmtpd


Dialogue = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def raw_server() -> AsyncIterator[Callable[[Dialogue], Awaitable[int]]]:
    """Starts servers that speak as told; returns the port."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[Any]] = set()

    async def start(dialogue: Dialogue, context: ssl.SSLContext | None = None) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await dialogue(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    await writer.drain()


async def test_a_banner_of_5xx_says_nothing_about_the_mail(raw_server: Any) -> None:
    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say(writer, "554 5.7.1 your address is on a list")
        await reader.read()

    report = await send(relay(await raw_server(dialogue)), parcel())
    assert "your address is on a list" in failure_of(report, Kind.TEMPORARY, "4.3.2").sentence
    assert not report.reached


@pytest.mark.parametrize(
    "banner", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\xff" * 5000, b"220-" + b"a" * 9000]
)
async def test_something_that_is_no_mail_server(raw_server: Any, banner: bytes) -> None:
    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(banner)
        writer.write_eof()
        await reader.read()

    report = await send(relay(await raw_server(dialogue)), parcel())
    assert report.failure is not None
    assert report.failure.kind is Kind.TEMPORARY
    assert not report.reached


async def test_a_silent_server_is_left_after_the_timeout(raw_server: Any) -> None:
    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    report = await send(relay(await raw_server(dialogue), timeout=0.2), parcel())
    assert "did not answer in time" in failure_of(report, Kind.TEMPORARY, "4.4.2").sentence


@pytest.mark.parametrize("tls", ["none", "implicit"])
async def test_cancelling_cuts_the_connection(raw_server: Any, certificates: Any, tls: str) -> None:
    reached, left = asyncio.Event(), asyncio.Event()

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say(writer, "220 hello")
        await reader.readline()
        reached.set()
        await reader.read()
        left.set()

    port = await raw_server(dialogue, certificates.server if tls == "implicit" else None)
    way = {"tls": tls, "host": "localhost", "ca_file": certificates.authority}
    task = asyncio.create_task(send(relay(port, timeout=600, **way), parcel()))
    async with asyncio.timeout(10):
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await left.wait()


async def test_a_server_that_drips_for_ever_is_cut(raw_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.mailout.relay._MINUTE", 0.0)

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await say(writer, "220-wait")
            await asyncio.sleep(0.01)

    report = await send(relay(await raw_server(dialogue), timeout=0.1), parcel())
    assert "no end after" in failure_of(report, Kind.TEMPORARY, "4.4.2").sentence


async def test_a_server_that_hangs_up_on_quit_has_taken_the_mail(raw_server: Any) -> None:
    commands: list[bytes] = []

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say(writer, "220 hello")
        for reply in (("250-me", "250 SIZE 1000"), ("250 ok",), ("250 ok",), ("354 go",)):
            commands.append(await reader.readline())
            await say(writer, *reply)
        await reader.readuntil(b"\r\n.\r\n")
        await say(writer, "250 ok")
        await reader.readline()

    report = await send(relay(await raw_server(dialogue)), parcel())
    assert report == Report()
    assert commands == [
        b"ehlo fax.example.com\r\n",
        b"mail FROM:<> SIZE=%d\r\n" % len(CONTENT),
        b"rcpt TO:<jane@example.com>\r\n",
        b"data\r\n",
    ]


async def test_a_large_mail_may_take_longer_than_one_answer(raw_server: Any) -> None:
    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say(writer, "220 hello")
        for reply in ("250 me", "250 ok", "250 ok", "354 go"):
            await reader.readline()
            await say(writer, reply)
        await asyncio.sleep(0.6)  # twice the time-out, with the client's buffers full
        tail = b""
        while not tail.endswith(b"\r\n.\r\n"):
            tail = (tail + await reader.read(1 << 20))[-5:]
        await say(writer, "250 ok")
        await reader.read()

    large = parcel(content=(b"x" * 76 + b"\r\n") * 250_000)
    assert await send(relay(await raw_server(dialogue), timeout=0.3), large) == Report()


async def test_addresses_beyond_ascii_need_smtputf8(serve: Any, raw_server: Any) -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say(writer, "220 hello")
        await reader.readline()
        await say(writer, "250 me")
        await reader.read()

    to = parcel(recipients=("zoë@example.com",), utf8=True)
    failure_of(await send(relay(await raw_server(old)), to), Kind.PERMANENT, "5.6.7")
    server = await serve()
    assert (await send(relay(server.port), to)).failure is None
    assert server.taken[0].recipients == ["zoë@example.com"]


def test_the_trust_is_the_systems_unless_told_otherwise() -> None:
    from gateway.mailout import relay as module

    context = module._trust(relay(465, tls="implicit"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
