"""One SMTP connection: aiosmtpd's protocol with a DATA of its own.

What aiosmtpd 1.4.6 does not do is done here: content in chunks (`data`), replies with enhanced codes and in
one packet, an answer to a client that has closed its sending side, a 421 instead of silence at a time-out or
a stop. Decisions are taken in `smtp_hooks`. Names with an underscore are private ones of aiosmtpd or asyncio;
the version is pinned and differential tests guard them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable, Iterator
from typing import Any, AnyStr, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from gateway.errors import GatewayError
from gateway.mailin.data import DataReader
from gateway.mailin.patience import Patience
from gateway.mailin.reception import Reception
from gateway.mailin.replies import enhanced, reply
from gateway.mailin.smtp_hooks import Hooks, oversized
from gateway.mailin.smtp_tls import peer_of

_CHUNK = 128 * 1024
_FLUSH = 5.0
"""Seconds for a last line to leave."""
_PACKET = 1024
"""Bytes of replies that are held at most."""
_MAX_LOGIN_FAILURES = 3
_MAX_REFUSALS = 20
"""Permanent refusals without an accepted mail in between. A 4xx does not count: a mail server that names too
many recipients shall still send the mail to the others."""
_COMMAND_SIZES = {"MAIL": 1036, "RCPT": 1036, "AUTH": 12_288}
"""Longest command lines (RFC 3461, 5.4; RFC 4954, 4); 512 for the others."""
_CALLS = {"MAIL": 10_000, "RCPT": 100_000, "DATA": 10_000, "RSET": 10_000, "QUIT": 1, "*": 40}
"""How often one connection may use a command."""
_ORDINARY = re.compile(
    r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>((?: [^()]*)?)"
)
"""A path that leaves nothing to interpret, and the parameters after it."""


class SmtpSession(SMTP):
    """One connection. `admitted` False means one too many: it gets 421 and nothing else."""

    line_length_limit = _CHUNK
    """The stream's limit: DATA arrives in chunks of it; commands have limits of their own."""

    @classmethod
    def factory(
        cls,
        hooks: Hooks,
        *,
        hostname: str,
        tls_context: ssl.SSLContext | None,
        offer_auth: bool,
        auth_require_tls: bool,
    ) -> Callable[[], SmtpSession]:
        """What makes the sessions of one listener. Call it on the event loop."""
        first = cls(
            hooks,
            hostname=hostname,
            tls_context=tls_context,
            offer_auth=offer_auth,
            auth_require_tls=auth_require_tls,
        )
        return first._another

    def __init__(
        self,
        hooks: Hooks,
        *,
        hostname: str,
        tls_context: ssl.SSLContext | None,
        offer_auth: bool,
        auth_require_tls: bool,
    ) -> None:
        settings = hooks.smtp
        super().__init__(
            hooks,
            data_size_limit=settings.max_message_bytes,
            hostname=hostname,
            ident=settings.banner,
            tls_context=tls_context,
            timeout=settings.command_timeout,
            auth_require_tls=auth_require_tls,
            auth_exclude_mechanism=() if offer_auth else ("PLAIN", "LOGIN"),
            authenticator=_capture,
            command_call_limit=_CALLS,
            loop=asyncio.get_running_loop(),
        )
        # aiosmtpd shares one dictionary between all connections.
        self.command_size_limits = _Sizes(_COMMAND_SIZES)
        self.hooks = hooks
        self._begin()

    def _another(self) -> SmtpSession:
        """A session with the settings of this one, which was never connected.

        aiosmtpd looks through all methods of the session and of the handler each time one is made, which
        takes longer than anything else that is done for a small mail.
        """
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        asyncio.StreamReaderProtocol.__init__(
            other,
            asyncio.StreamReader(limit=self.line_length_limit, loop=self.loop),
            client_connected_cb=other._cb_client_connected,
            loop=self.loop,
        )
        other._smtp_methods = {name: getattr(other, f"smtp_{name}") for name in self._smtp_methods}
        other._auth_methods = {
            name: known._replace(method=getattr(other, known.method.__name__))
            for name, known in self._auth_methods.items()
        }
        other._begin()
        return other

    def _begin(self) -> None:
        """What every connection has for itself."""
        smtp = self.hooks.smtp
        self.argument: str | None = None
        """Raw argument of MAIL or RCPT."""
        self.receiving = False
        """Between 354 and the answer to the mail."""
        self.peer = ""
        self.queue_id = ""
        """Of the mail under way."""
        self.believed = False
        """Whether the peer's envelope sender is believed without AUTH."""
        self._patience = Patience(
            silence=smtp.command_timeout,
            content=smtp.data_timeout,
            rate=smtp.data_min_rate,
            most=smtp.max_message_bytes,
        )
        self._storing = False
        self._grouped = False
        """The command under way may come together with others."""
        self._held = b""
        """Replies that wait for the next one."""
        self._admitted = True
        self._half_closed = False
        self._login_failures = 0
        self._refusals = 0

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on, by STARTTLS or from the first byte."""
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is not None

    @property
    def _shaking_hands(self) -> bool:
        """Whether STARTTLS has begun and TLS has not."""
        started = self._original_transport is not None and self.transport is not None
        return started and self.session is not None and self.session.ssl is None

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._original_transport is None:  # else it is the same connection after STARTTLS
            self.peer = peer_of(transport)
            self.believed = self.hooks.believed(self.peer)
            self._admitted = self.hooks.opened(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.hooks.closed(self)

    def eof_received(self) -> bool | None:
        """A client that has sent its mail may close its side and still wants the answer."""
        if self.receiving and self._tls_protocol is None:
            self._half_closed = True
            return asyncio.StreamReaderProtocol.eof_received(self)
        return super().eof_received()

    def data_received(self, data: bytes) -> None:
        if self.receiving:
            self._patience.received(len(data), self.loop.time())
        super().data_received(data)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """A command came. The one timer of the connection is set anew only when it fires."""
        self._patience.heard(self.loop.time())
        if self._timeout_handle is None:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._timeout_handle = self.loop.call_at(self._patience.until, self._timeout_cb)

    def _timeout_cb(self) -> None:
        if self._storing or self._patience.until > self.loop.time():
            self._set_timer()
        elif self._patience.slow:
            self.goodbye("421 4.4.2 The mail took too long, closing the connection.")
        else:
            self.goodbye("421 4.4.2 Timeout, closing the connection.")

    def goodbye(self, line: str) -> None:
        """Say a last line and close; a client that does not read it is cut off."""
        if self._shaking_hands:
            self.abort()
            return
        if self.transport is None or self.transport.is_closing():
            return
        held, self._held = self._held, b""
        transport = cast("asyncio.Transport", self.transport)
        transport.write(held + line.encode("ascii") + b"\r\n")
        transport.close()
        self.loop.call_later(_FLUSH, self.abort)

    def abort(self) -> None:
        """Close without waiting for the client to read."""
        if self._shaking_hands:
            # asyncio's TLS layer tells nobody about a connection that ends before its handshake.
            cast("asyncio.Transport", self._original_transport).abort()
            self.connection_lost(None)
        elif self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    async def _handle_client(self) -> None:
        if not self._admitted:
            self.goodbye("421 4.7.0 Too many connections, try again later.")
            return
        await super()._handle_client()

    async def push(self, status: AnyStr) -> None:
        line = status if isinstance(status, str) else status.decode("ascii")
        exempt = line == f"250 {self.hostname}"  # the answer to HELO (RFC 2034, 4)
        self._held += (line if exempt else enhanced(line)).encode("ascii") + b"\r\n"
        if not self._more_comes():
            held, self._held = self._held, b""
            self._writer.write(held)
            await self._writer.drain()
        self._refusals += line.startswith("5")
        if self._refusals >= _MAX_REFUSALS:
            self.goodbye("421 4.7.0 Too many refused commands, closing the connection.")
            raise asyncio.CancelledError  # what the client has sent already is not looked at

    def _more_comes(self) -> bool:
        """Whether the next command is here already, so that its answer can leave together with this one.

        Only within a group of commands that a client need not wait for (RFC 2920, 3.1 and 3.2).
        """
        waiting: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        return self._grouped and len(self._held) < _PACKET and b"\n" in waiting

    # Commands

    @contextlib.contextmanager
    def _in_group(self) -> Iterator[None]:
        self._grouped = True
        try:
            yield
        finally:
            self._grouped = False

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        with self._in_group():
            await super().smtp_RSET(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        with self._in_group():
            await self._mail(arg)

    async def _mail(self, arg: str | None) -> None:
        self.argument = arg
        if (answer := oversized(arg or "", self.hooks.smtp.max_message_bytes)) is not None:
            await self.push(answer)
            return
        # RFC 4954, 5: whoever offers AUTH must take this parameter, and need not believe it.
        words = (arg or "").split(" ")
        await super().smtp_MAIL(
            " ".join(word for word in words if not word.upper().startswith("AUTH=")) or None
        )

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        self.argument = arg
        with self._in_group():
            await super().smtp_RCPT(arg)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """As the library, which takes most of a command's time for it, also for ordinary addresses."""
        match = _ORDINARY.fullmatch(arg)
        return (match[1], match[2]) if match is not None else super()._getaddr(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        if self.envelope is not None and self.envelope.mail_from:
            await self.push("503 5.5.1 AUTH is not possible within a mail.")
            return
        mechanism, blank, initial = (arg or "").partition(" ")
        await super().smtp_AUTH(mechanism.upper() + blank + initial)

    async def auth_PLAIN(self, _: Any, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._verified(await super().auth_PLAIN(_, args))

    async def auth_LOGIN(self, _: Any, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._verified(await super().auth_LOGIN(_, args))

    async def _verified(self, captured: AuthResult) -> AuthResult:
        """Check what the mechanism captured. An unhandled failure is the one that gets an answer."""
        if not captured.success:
            return captured
        login = captured.auth_data
        assert isinstance(login, LoginPassword)
        try:
            user = await self.hooks.authenticator.verify(login.login, login.password, peer=self.peer)
        except GatewayError as error:
            self.goodbye(reply(error.failure))
            return AuthResult(success=False)
        if user is not None:
            return AuthResult(success=True, auth_data=user)
        self._login_failures += 1
        if self._login_failures >= _MAX_LOGIN_FAILURES:
            self.goodbye("421 4.7.0 Too many wrong passwords, closing the connection.")
            return AuthResult(success=False)
        return AuthResult(success=False, handled=False)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Send RCPT first.")
        elif arg:
            await self.push("501 5.5.4 Syntax: DATA")
        elif DataReader.early(self._reader):
            self.goodbye("554 5.5.0 Protocol error: content before 354.")
        else:
            self.receiving = True
            self._patience.begin(self.loop.time())
            self._set_timer()
            try:
                await self._receive(self.envelope)
            finally:
                self.receiving = False
                self._patience.end(self.loop.time())
                self.envelope = self._create_envelope()
                self.hooks.received(self)

    async def _receive(self, envelope: Envelope) -> None:
        assert self.session is not None
        data = DataReader(self._reader)
        data.begin()
        reception = self.hooks.begin(self, self.session, envelope)
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            try:
                while (chunk := await data.read()) is not None:
                    await self._store(reception, chunk)
            except asyncio.IncompleteReadError:
                raise asyncio.CancelledError from None  # what aiosmtpd understands as a lost connection
            self._patience.end(self.loop.time())
            answer = await self.hooks.complete(self, reception, envelope)
        finally:
            reception.close()
        if answer.startswith("250"):
            self._refusals = 0
        await self.push(answer)
        if self._half_closed:
            raise asyncio.CancelledError  # nothing more will come: the library closes after the answer

    async def _store(self, reception: Reception, chunk: bytes) -> None:
        """Hand a chunk on. That our disk is slow is not the client's fault."""
        began, self._storing = self.loop.time(), True
        try:
            await reception.feed(chunk)
        finally:
            self._storing = False
        now = self.loop.time()
        self._patience.waited(now - began, now)


class _Sizes(dict[str, int]):
    def __missing__(self, command: str) -> int:
        return SMTP.command_size_limit

    def __setitem__(self, command: str, size: int) -> None:
        """Stays as it is: aiosmtpd adds room at each EHLO."""


def _capture(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
) -> AuthResult:
    """Hands the login data on: aiosmtpd verifies synchronously, we do it afterwards."""
    return AuthResult(success=True, auth_data=data)
