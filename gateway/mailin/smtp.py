"""The SMTP server: listeners, TLS, limits, and a stop that loses no mail.

It runs on the daemon's own loop; a Controller would bring a thread. `asyncio.Server.wait_closed` is never
awaited: it returns at once in Python 3.11 and hangs with open sessions in 3.12.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from collections.abc import Callable

import aiosmtpd.smtp

from gateway.config import Listener, Settings
from gateway.mailin.auth import Authenticator
from gateway.mailin.connections import Connections
from gateway.mailin.gate import Gate
from gateway.mailin.intake import Intake
from gateway.mailin.provider import RulesProvider
from gateway.mailin.smtp_hooks import Hooks
from gateway.mailin.smtp_session import SmtpSession
from gateway.mailin.smtp_tls import Handshake

_FLUSH = 2.0
"""Seconds for a last line to leave before the connection is cut."""

# aiosmtpd writes every command to this logger, and so numbers and whatever a confused client sends as one. It
# would also look for passwords in each of them, for lines that are never written.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
aiosmtpd.smtp.sanitized_log = lambda *_args, **_options: None


class SmtpServer:
    """All ``[[smtp.listener]]`` together."""

    def __init__(
        self, settings: Settings, *, intake: Intake, rules: RulesProvider, login_delay: float = 1.0
    ) -> None:
        """`login_delay`: seconds that a wrong password costs the client."""
        self._settings = settings
        self._intake = intake
        self._gate = Gate(settings, rules, alarm=intake.report_guesses)
        self._authenticator = Authenticator(settings.users, delay=login_delay)
        self._connections = Connections(
            total=settings.smtp.max_connections, per_address=settings.smtp.max_connections_per_ip
        )
        self._servers: list[asyncio.Server] = []
        self._sessions: set[SmtpSession] = set()
        self._handshakes: set[Handshake] = set()
        self._changed = asyncio.Event()
        self._stopping = False

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens, in the order of the configuration."""
        return [socket.getsockname()[:2] for server in self._servers for socket in server.sockets]

    async def start(self) -> list[tuple[str, int]]:
        """Listen; returns the bound addresses. Raises OSError, and ssl.SSLError for certificates."""
        hostname = await asyncio.to_thread(lambda: self._settings.gateway.host)
        try:
            for listener in self._settings.smtp.listeners:
                self._servers.append(await self._listen(listener, hostname))
        except BaseException:
            await self.stop(0.0)
            raise
        return self.addresses

    async def _listen(self, listener: Listener, hostname: str) -> asyncio.Server:
        hooks = Hooks(
            self._settings,
            listener,
            gate=self._gate,
            intake=self._intake,
            authenticator=self._authenticator,
            tracker=self,
            hostname=hostname,
        )
        context = None if listener.tls == "none" else await asyncio.to_thread(_context, listener)
        implicit = listener.tls == "implicit"
        session = SmtpSession.factory(
            hooks,
            hostname=hostname,
            tls_context=None if implicit else context,
            offer_auth=listener.auth != "none",
            # aiosmtpd knows only of its own STARTTLS. What promises TLS keeps passwords to it, anywhere.
            auth_require_tls=not implicit and (listener.tls == "starttls" or not listener.loopback),
        )
        protocol: Callable[[], asyncio.Protocol] = session
        if implicit:
            assert context is not None
            protocol = functools.partial(Handshake, self, context=context, session=session)
        return await asyncio.get_running_loop().create_server(protocol, listener.host, listener.port)

    async def stop(self, grace: float) -> None:
        """Take no new mail, give those under way `grace` seconds, say 421 to the rest, await commits."""
        self._stopping = True
        for server in self._servers:
            server.close()
        for handshake in list(self._handshakes):
            handshake.abort()
        for session in list(self._sessions):
            if not session.receiving:
                _dismiss(session)
        await self._until(lambda: not any(session.receiving for session in self._sessions), grace)
        for session in list(self._sessions):
            _dismiss(session)
        await self._until(self._empty, _FLUSH)
        for session in list(self._sessions):
            session.abort()
        await self._until(self._empty, _FLUSH)
        await self._intake.drain()

    def _empty(self) -> bool:
        return not self._sessions and not self._handshakes

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    # What the handshakes tell (`smtp_tls.Door`)

    def knocked(self, handshake: Handshake) -> bool:
        """Count a connection before its handshake; False when it is one too many or too late."""
        self._handshakes.add(handshake)
        return self._connections.add(handshake.peer) and not self._stopping

    def answered(self, handshake: Handshake) -> None:
        """Forget it: a session that follows counts itself before anything else happens."""
        self._handshakes.discard(handshake)
        self._connections.remove(handshake.peer)
        self._changed.set()

    # What the sessions tell (`smtp_hooks.Tracker`)

    def opened(self, session: SmtpSession) -> bool:
        """Count a connection; False when it is one too many or too late."""
        self._sessions.add(session)
        return self._connections.add(session.peer) and not self._stopping

    def closed(self, session: SmtpSession) -> None:
        """Forget a connection."""
        if session in self._sessions:
            self._sessions.discard(session)
            self._connections.remove(session.peer)
            self._changed.set()

    def received(self, session: SmtpSession) -> None:
        """A mail was answered; during a stop that was the connection's last."""
        if self._stopping:
            _dismiss(session)
        self._changed.set()


def _dismiss(session: SmtpSession) -> None:
    session.goodbye("421 4.3.2 The gateway is stopping, try again later.")


def _context(listener: Listener) -> ssl.SSLContext:
    assert listener.tls_cert is not None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(listener.tls_cert, listener.tls_key)
    return context
