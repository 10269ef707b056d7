"""One mail to the next mail server, by SMTP, in a thread. Says for every way it can end what that means.

Delivery is at least once: whatever happens without a clear refusal is tried again, and a reply that got lost
after the final dot makes a second copy with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gateway.errors import Failure, permanent, temporary
from gateway.mailout.spell import plain

_OURS = frozenset({530, 534, 535, 538})
"""Replies about our login (RFC 4954, 6): the operator corrects them, the mail is not at fault."""
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_MINUTE = 60.0
_SLOWEST = 16 * 1024
"""Bytes a second that an upload makes at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The mail server that takes our mails, and how it is spoken to."""

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"]
    hello: str
    """Our name in EHLO."""
    timeout: float
    """Seconds to wait for each answer."""
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """Certificate authorities (PEM); None: the system's."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A mail in its envelope."""

    sender: str
    """Empty is the null reverse-path."""
    recipients: tuple[str, ...]
    content: bytes
    """Lines end in CRLF."""
    utf8: bool = False
    """Needs SMTPUTF8 (RFC 6531)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a delivery ended: the server took it (`failure` None), or why not."""

    failure: Failure | None = None
    refused: tuple[str, ...] = ()
    """Recipients that were refused although others were taken."""
    reached: bool = True
    """False: the trouble is with the server or the way to it, whatever the mail."""


class _StoppedError(Exception):
    """A report, thrown."""

    def __init__(self, failure: Failure, *, reached: bool = True) -> None:
        super().__init__(failure.sentence)
        self.report = Report(failure=failure, reached=reached)


async def send(relay: Relay, parcel: Parcel) -> Report:
    """Deliver one mail; never raises for what the network or the server do.

    The connection is cut when the caller is cancelled, or when the server keeps it alive without end.
    """
    session = _Session(relay, parcel)
    work = asyncio.create_task(asyncio.to_thread(session.run))
    total = relay.timeout * 8 + _upload_time(relay, parcel) + _MINUTE
    try:
        async with asyncio.timeout(total):
            return await asyncio.shield(work)
    except TimeoutError:
        session.cut()
        report = await work
        if report.failure is None:  # it was taken at the last moment
            return report
        return Report(failure=_lost(relay, f"no end after {total:.0f} seconds"), reached=False)
    except asyncio.CancelledError:
        session.cut()
        raise


class _Smtp(smtplib.SMTP):
    """Shows itself before it connects: its constructor already waits for the greeting."""

    def __init__(self, *args: Any, seen: Callable[[smtplib.SMTP], None], **options: Any) -> None:
        seen(self)
        super().__init__(*args, **options)


class _SmtpTls(_Smtp, smtplib.SMTP_SSL):
    """The same under TLS from the first byte."""


class _Session:
    """One connection. `run` blocks; `cut` may be called from another thread."""

    def __init__(self, relay: Relay, parcel: Parcel) -> None:
        self._relay = relay
        self._parcel = parcel
        self._smtp: smtplib.SMTP | None = None
        self._cut = False

    def cut(self) -> None:
        """End the conversation: what blocks on the socket returns."""
        self._cut = True
        connection = self._smtp.sock if self._smtp is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                # Below TLS: the TLS socket's own shutdown takes its state from under the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def run(self) -> Report:
        """The whole conversation."""
        try:
            with contextlib.ExitStack() as stack:
                smtp = self._connect()
                stack.callback(smtp.close)
                if self._cut:
                    return Report(failure=_lost(self._relay, "stopped"), reached=False)
                self._prepare(smtp)
                return self._deliver(smtp)
        except _StoppedError as stopped:
            return stopped.report
        except smtplib.SMTPResponseException as error:
            return Report(failure=self._unready(error), reached=False)
        except ssl.SSLCertVerificationError as error:
            return Report(failure=self._untrusted(error), reached=False)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            return Report(failure=_lost(self._relay, _cause(error)), reached=False)

    def _connect(self) -> smtplib.SMTP:
        relay = self._relay
        if relay.tls == "implicit":
            trust = _trust(relay)
            return _SmtpTls(
                relay.host, relay.port, relay.hello, timeout=relay.timeout, context=trust, seen=self._see
            )
        return _Smtp(relay.host, relay.port, relay.hello, timeout=relay.timeout, seen=self._see)

    def _see(self, smtp: smtplib.SMTP) -> None:
        self._smtp = smtp

    def _prepare(self, smtp: smtplib.SMTP) -> None:
        """EHLO, STARTTLS and AUTH as configured; what fails here fails for every mail."""
        relay = self._relay
        smtp.ehlo_or_helo_if_needed()
        if relay.tls == "starttls":
            if not smtp.has_extn("starttls"):
                raise _StoppedError(
                    temporary(
                        "4.7.4",
                        f"The mail server {relay.name} does not offer STARTTLS. Set mail.tls as the server "
                        "needs it.",
                        code="no_starttls",
                    ),
                    reached=False,
                )
            smtp.starttls(context=_trust(relay))
            smtp.ehlo_or_helo_if_needed()
        if relay.username:
            try:
                smtp.login(relay.username, relay.password)
            except smtplib.SMTPNotSupportedError:
                raise _StoppedError(
                    temporary(
                        "4.7.4",
                        f"The mail server {relay.name} offers no login. Empty mail.username, or set mail.tls "
                        "as the server needs it.",
                        code="no_auth",
                    ),
                    reached=False,
                ) from None
            except smtplib.SMTPAuthenticationError as error:
                # Its text is the server's and may quote what was sent.
                raise _StoppedError(self._login_refused(error.smtp_code), reached=False) from None

    def _deliver(self, smtp: smtplib.SMTP) -> Report:
        parcel = self._parcel
        options = ["SIZE=" + str(len(parcel.content))] if smtp.has_extn("size") else []
        if parcel.utf8:
            if not smtp.has_extn("smtputf8"):
                sentence = f"The mail server {self._relay.name} takes no addresses beyond ASCII (SMTPUTF8)."
                raise _StoppedError(permanent("5.6.7", sentence, code="no_smtputf8"))
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        self._expect(smtp.mail(parcel.sender, options), "the sender", 250)
        refusals = {}
        for recipient in parcel.recipients:
            reply = smtp.rcpt(recipient)
            if reply[0] not in (250, 251):
                refusals[recipient] = reply
            if reply[0] == 421:
                break
        if len(refusals) == len(parcel.recipients) or any(reply[0] == 421 for reply in refusals.values()):
            self._expect(_mildest(tuple(refusals.values())), "the recipient", 250)
        # For a socket of Python, the time-out is that of the whole upload.
        _wait(smtp, _upload_time(self._relay, parcel))
        try:
            reply = smtp.data(parcel.content)
        except smtplib.SMTPDataError as error:
            reply = (error.smtp_code, _bytes(error.smtp_error))
        self._expect(reply, "the mail", 250, quote=False)
        _wait(smtp, self._relay.timeout)
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        return Report(refused=tuple(refusals))

    def _expect(self, reply: tuple[int, bytes], what: str, *wanted: int, quote: bool = True) -> None:
        """Raise unless the reply is `wanted`.

        A reply is quoted only while the server has not seen the content, which it might repeat.
        """
        status, said = reply
        if status in wanted:
            return
        if status in _OURS:
            raise _StoppedError(self._login_refused(status), reached=False)
        text = plain(said.decode("utf-8", "replace"), 200)
        match = _ENHANCED.match(text)
        own = match[1] if match else ""
        shown = f'{status} "{text}"' if quote and text else f"{status} {own}".rstrip()
        sentence = f"The mail server {self._relay.name} refused {what}: {shown}."
        if 500 <= status <= 599:
            enhanced = own if own.startswith("5") else "5.0.0"
            raise _StoppedError(permanent(enhanced, sentence, code=f"smtp_{status}"))
        enhanced = own if own.startswith("4") else "4.0.0"
        raise _StoppedError(temporary(enhanced, sentence, code=f"smtp_{status}"), reached=status != 421)

    def _login_refused(self, status: int) -> Failure:
        return temporary(
            "4.7.8",
            f"The mail server {self._relay.name} refuses our login ({status}). Check mail.username and "
            "mail.password.",
            code=f"smtp_{status}",
        )

    def _unready(self, error: smtplib.SMTPResponseException) -> Failure:
        """Refused before any mail was named: whatever the code, it says nothing about this mail."""
        text = plain(_bytes(error.smtp_error).decode("utf-8", "replace"), 200)
        sentence = f'The mail server {self._relay.name} takes no mail: {error.smtp_code} "{text}".'
        return temporary("4.3.2", sentence, code=f"smtp_{error.smtp_code}")

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> Failure:
        return temporary(
            "4.7.5",
            f"The certificate of the mail server {self._relay.name} is not trusted "
            f"({plain(error.verify_message, 200)}). Set mail.host to the name in the certificate, or "
            "mail.ca_file to its authority.",
            code="certificate",
        )


def _trust(relay: Relay) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=relay.ca_file)


def _wait(smtp: smtplib.SMTP, seconds: float) -> None:
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)


def _upload_time(relay: Relay, parcel: Parcel) -> float:
    return relay.timeout + len(parcel.content) / _SLOWEST


def _mildest(replies: Sequence[tuple[int, bytes]]) -> tuple[int, bytes]:
    """Of several refusals one that allows another try, if there is one."""
    return min(replies, key=lambda reply: reply[0])


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode("utf-8", "replace")


def _cause(error: Exception) -> str:
    """A few words; never the exception's arguments, which may hold what was sent."""
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
        error = error.__context__  # what the library made a disconnect of
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionResetError | BrokenPipeError):
        return "it closed the connection"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed, {error.reason or 'no reason given'}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _lost(relay: Relay, why: str) -> Failure:
    return temporary(
        "4.4.2",
        f"The mail server {relay.name} cannot be used: {why}. The mail is tried again.",
        code="unreachable",
    )
