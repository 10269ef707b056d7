"""What the SMTP commands decide: who speaks, which number a RCPT means, what becomes of the mail."""

from __future__ import annotations

import email.utils
import functools
import ipaddress
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from aiosmtpd.smtp import Envelope, Session, TLSSetupException

from gateway import journal
from gateway.config import Listener, Settings
from gateway.errors import GatewayError, permanent, temporary
from gateway.mailin import address
from gateway.mailin.auth import Authenticator
from gateway.mailin.code import holds
from gateway.mailin.gate import Gate
from gateway.mailin.header import Head
from gateway.mailin.intake import Intake
from gateway.mailin.policy import Claim, Reason, Refusal, Verdict, null_sender
from gateway.mailin.reception import Reception, oversize
from gateway.mailin.replies import OWN_TROUBLE, of_store, reply
from gateway.model import Source, new_id
from gateway.store import StoreUnavailableError

if TYPE_CHECKING:
    from gateway.mailin.smtp_session import SmtpSession

_NOT_IN_TRACE = re.compile(r"[^A-Za-z0-9.:\[\]_-]")
_SIZE = re.compile(r"SIZE=(\d{1,20})")


class Tracker(Protocol):
    """Who keeps count of the sessions."""

    def opened(self, session: SmtpSession) -> bool:
        """A connection; False when it is one too many."""

    def closed(self, session: SmtpSession) -> None:
        """Its end; may be told twice."""

    def received(self, session: SmtpSession) -> None:
        """A mail was answered."""


class Hooks:
    """The handler of all sessions of one listener. aiosmtpd finds the methods by their names."""

    def __init__(
        self,
        settings: Settings,
        listener: Listener,
        *,
        gate: Gate,
        intake: Intake,
        authenticator: Authenticator,
        tracker: Tracker,
        hostname: str,
    ) -> None:
        self.smtp = settings.smtp
        self.authenticator = authenticator
        self.opened = tracker.opened
        self.closed = tracker.closed
        self.received = tracker.received
        self._gateway = settings.gateway
        self._listener = listener
        self._gate = gate
        self._intake = intake
        self._hostname = hostname

    # Commands

    async def handle_HELO(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, hostname: str
    ) -> str:
        session.host_name = hostname
        return f"250 {self._hostname}"

    async def handle_EHLO(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, hostname: str, offered: list[str]
    ) -> list[str]:
        """All lines in one, so that they leave in one packet."""
        session.host_name = hostname
        lines = [self._hostname, "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"]
        lines.append(f"SIZE {self.smtp.max_message_bytes}")
        lines += [line[4:] for line in offered if line[4:] == "STARTTLS"]
        if self._listener.auth != "none" and any(line[4:].startswith("AUTH ") for line in offered):
            lines.append("AUTH PLAIN LOGIN")
        return ["\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"])]

    async def handle_VRFY(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, argument: str
    ) -> str:
        return "252 2.5.0 Not verified; send RCPT and see."

    async def handle_MAIL(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, parsed: str, options: list[str]
    ) -> str:
        sender = ""
        try:
            path = address.raw_path(server.argument)
            if not path:
                raise Refusal(null_sender(), Reason.NULL_SENDER)
            sender = address.sender(path)
            _check(path, parsed)
            self._gate.claimed_rule(self._claim(server, session, sender))
        except GatewayError as error:
            return _refused(server, error, sender)
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, parsed: str, options: list[str]
    ) -> str:
        """Puts the number (E.164) into the envelope, not the address."""
        assert envelope.mail_from is not None
        try:
            path = address.raw_path(server.argument)
            number = address.destination(path, domains=self._gateway.domains, region=self._gateway.country)
            _check(path, parsed)
            rule = self._gate.claimed_rule(self._claim(server, session, envelope.mail_from))
            self._gate.permit(rule, [number])
            limit = min(self.smtp.max_recipients, rule.max_recipients or self.smtp.max_recipients)
            if len(envelope.rcpt_tos) >= limit:
                raise Refusal(
                    temporary("4.5.3", f"Too many fax numbers, {limit} are permitted in one mail."),
                    Reason.RECIPIENTS,
                )
        except GatewayError as error:
            return _refused(server, error, envelope.mail_from)
        envelope.rcpt_tos.append(number)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """A bug, or a TLS handshake that failed (then nobody reads the answer)."""
        if not isinstance(error, TLSSetupException | ConnectionError):
            journal.crashed_item(stage="smtp", item_id="", error=error)
        return OWN_TROUBLE

    # The mail

    def begin(self, server: SmtpSession, session: Session, envelope: Envelope) -> Reception:
        """Where the content goes."""
        assert envelope.mail_from is not None
        claim = self._claim(server, session, envelope.mail_from)
        numbers = tuple(envelope.rcpt_tos)
        server.queue_id = new_id()

        def judge(head: Head) -> Verdict:
            verdict = self._gate.judge(claim, head, peer=server.peer)
            self._gate.permit(verdict.rule, numbers)
            return verdict

        return Reception(
            judge=judge,
            draft=self._intake.draft(),
            max_bytes=self.smtp.max_message_bytes,
            trace=lambda verdict: self._trace(server, session, verdict),
        )

    async def complete(self, server: SmtpSession, reception: Reception, envelope: Envelope) -> str:
        """The answer to a mail: 250 only after the commit."""
        assert envelope.mail_from is not None
        try:
            received = await reception.finish()
            accepted = await self._intake.accept(
                source=Source.SMTP,
                verdict=received.verdict,
                head=received.head,
                envelope_from=envelope.mail_from,
                numbers=envelope.rcpt_tos,
                draft=received.draft,
                fingerprint=received.fingerprint,
                queue_id=server.queue_id,
            )
        except StoreUnavailableError as error:
            journal.store_trouble(reason=error.failure.code)
            return of_store(error.failure)
        except GatewayError as error:
            return _refused(server, error, envelope.mail_from)
        except Exception as error:
            journal.crashed_item(stage="smtp", item_id=server.queue_id, error=error)
            return OWN_TROUBLE
        return f"250 2.0.0 queued as {accepted.id}"

    def _claim(self, server: SmtpSession, session: Session, sender: str) -> Claim:
        """Who speaks. Raises `GatewayError` (permanent, 5.7.0) for a stranger without AUTH."""
        if session.authenticated:
            return Claim(envelope_from=sender, user=str(session.auth_data))
        if self._listener.auth == "required" or not server.believed:
            raise GatewayError(permanent("5.7.0", "Authentication required."))
        return Claim(envelope_from=sender)

    def believed(self, peer: str) -> bool:
        """Whether the envelope sender of `peer` is believed without AUTH."""
        try:
            ip = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self.smtp.trusted_networks)

    def _trace(self, server: SmtpSession, session: Session, verdict: Verdict) -> bytes:
        """The Received field that every server adds (RFC 5321, 4.4)."""
        name = _NOT_IN_TRACE.sub("?", session.host_name or "")[:255]
        protocol = "ESMTP" if session.extended_smtp else "SMTP"
        protocol += "S" * server.encrypted + "A" * bool(session.authenticated)
        line = (
            f"Received: from {name} ([{server.peer}])\r\n by {self._hostname} with {protocol}"
            f" id {server.queue_id};\r\n {_date(int(time.time()))}\r\n"
        )
        # A client may call itself anything.
        return b"" if verdict.code is not None and holds(line, verdict.code) else line.encode("ascii")


def oversized(options: str, limit: int) -> str | None:
    """The answer to a MAIL that declares more than `limit` bytes (RFC 1870), None if it does not."""
    match = _SIZE.search(options.upper())
    return reply(oversize(limit)) if match is not None and int(match[1]) > limit else None


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    """RFC 5322, 3.3, in local time."""
    return email.utils.format_datetime(datetime.fromtimestamp(second).astimezone())


def _check(path: str, parsed: str) -> None:
    """Refuse an address that the library reads differently from what was written."""
    if not address.survives(path, parsed):
        raise GatewayError(permanent("5.1.3", "This address can be read in two ways. Write it plainly."))


def _refused(server: SmtpSession, error: GatewayError, sender: str) -> str:
    reason = error.reason if isinstance(error, Refusal) else ""
    failure = error.failure
    journal.refused_mail(
        peer=server.peer, sender=sender, reason=reason or failure.kind, status=failure.status
    )
    return reply(failure)
