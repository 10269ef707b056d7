"""A scriptable mail server over real sockets, and outbox rows as the store makes them."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import settings as hypothesis_settings

from gateway.lifecycle import ReceivedState
from gateway.mailout.compose import Context
from gateway.model import MailKind, OutboxMail, ReceivedFax, Via
from gateway.store import Store

hypothesis_settings.register_profile("gateway", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("gateway")

PASSWORD = "relay-Passw0rd"


@dataclass
class Taken:
    """One mail that the server took."""

    sender: str
    recipients: list[str]
    raw: bytes
    tls: bool
    user: bytes | None

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class MailServer:
    """aiosmtpd with an answer for each stage: a reply, or ``drop``."""

    port: int = 0
    mail: str = ""
    rcpt: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    """Replies after the final dot, one mail each; then mails are taken."""
    taken: list[Taken] = field(default_factory=list)
    sessions: int = 0

    async def handle_MAIL(  # noqa: N802  hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mail:
            return self.mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 fine"

    async def handle_RCPT(  # noqa: N802  hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.rcpt.get(address, "250 2.1.5 fine")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802  hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        reply = self.data.pop(0) if self.data else "250 2.0.0 taken"
        if reply.startswith("250") or reply == "drop":
            self.taken.append(
                Taken(
                    sender=(envelope.mail_from or "").replace("<>", ""),
                    recipients=list(envelope.rcpt_tos),
                    raw=bytes(envelope.original_content or b""),
                    tls=server.transport.get_extra_info("ssl_object") is not None,
                    user=getattr(session.auth_data, "login", None),
                )
            )
        if reply == "drop":
            server.transport.abort()
        return reply


@dataclass(frozen=True)
class Certificates:
    """A certificate authority of this test run, and a server certificate for localhost."""

    authority: Path
    server: ssl.SSLContext


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    directory = tmp_path_factory.mktemp("certificates")
    now = datetime.datetime.now(datetime.UTC)

    def builder(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("Test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = (
        builder("Test authority", authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = (
        builder("localhost", key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(authority.public_bytes(pem))
    (directory / "server.pem").write_bytes(
        leaf.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    return Certificates(authority=directory / "ca.pem", server=context)


Serve = Callable[..., Any]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts mail servers on free ports; they are gone at the end of the test."""
    servers: list[asyncio.Server] = []
    open_sessions: set[SMTP] = set()
    none_open = asyncio.Event()
    none_open.set()

    async def serve(
        *, tls: str = "none", context: ssl.SSLContext | None = None, auth: bool = False
    ) -> MailServer:
        mail_server = MailServer()

        def authenticate(
            server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
        ) -> AuthResult:
            right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
            return AuthResult(success=right, handled=False, auth_data=data)

        class Protocol(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                mail_server.sessions += 1
                open_sessions.add(self)  # once more after STARTTLS
                none_open.clear()
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                super().connection_lost(error)
                open_sessions.discard(self)
                if not open_sessions:
                    none_open.set()

        def protocol() -> SMTP:
            return Protocol(
                mail_server,
                hostname="relay.example.com",
                enable_SMTPUTF8=True,
                tls_context=context if tls == "starttls" else None,
                authenticator=authenticate if auth else None,
                auth_required=auth,
            )

        server = await asyncio.get_running_loop().create_server(
            protocol, "127.0.0.1", 0, ssl=context if tls == "implicit" else None
        )
        servers.append(server)
        mail_server.port = server.sockets[0].getsockname()[1]
        return mail_server

    yield serve
    for server in servers:
        server.close()
    async with asyncio.timeout(10):
        for session in list(open_sessions):
            session.transport.abort()
        await none_open.wait()


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that is ours and on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state")
    store.open()
    yield store
    store.close()


@pytest.fixture
def context() -> Context:
    return Context(
        name="Parkwoods Fax",
        sender="fax@example.com",
        admins=("root@example.com", "ops@example.com"),
        zone=ZoneInfo("America/New_York"),
    )


def fax_facts(**changes: Any) -> dict[str, Any]:
    """Facts of a delivered fax, as `gateway.store.faxes` writes them."""
    return {
        "fax_id": "01KAR4Q1TZ7XM-1",
        "number": "+15552341234",
        "state": "delivered",
        "reason": "",
        "status": "",
        "code": "",
        "subject": "Invoice for Ms. Okafor",
        "in_reply_to": "<mail-2@example.com>",
        "references": "<mail-0@example.com> <mail-1@example.com>",
        "from_number": "5557654321",
        "pages_sent": 3,
        "pages": 3,
        "seconds": 76,
        "cost": "0.058",
        "attempts": 1,
        "created": 1795443120.0,
        "finished": 1795443220.0,
        "notes": [],
        **changes,
    }


def outbox_mail(kind: MailKind, facts: dict[str, Any], **changes: Any) -> OutboxMail:
    values: dict[str, Any] = {
        "id": 1,
        "key": "fax:01KAR4Q1TZ7XM-1:final",
        "kind": kind,
        "recipient": "jane@example.com",
        "facts": facts,
        "message_id": f"{kind}.0123456789abcdef01234567",
        "created": 1795443225.7,
        "via": Via.SMTP,
        **changes,
    }
    return OutboxMail(**values)


def received_fax(**changes: Any) -> ReceivedFax:
    values: dict[str, Any] = {
        "id": "01KAR4Q1TZ7XM",
        "provider_id": "23434",
        "did": "5557654321",
        "caller": "5552341234",
        "caller_name": "HARBOUR DENTAL",
        "station_id": "555 234 1234",
        "pages": 3,
        "seconds": 76,
        "received_at": 1795461120.0,
        "folder": "INBOX",
        "state": ReceivedState.ROUTED,
        **changes,
    }
    return ReceivedFax(**values)


@pytest.fixture
def make() -> Any:
    """The makers above, for test modules."""

    class Make:
        facts = staticmethod(fax_facts)
        mail = staticmethod(outbox_mail)
        received = staticmethod(received_fax)
        password = PASSWORD

    return Make
