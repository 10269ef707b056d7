"""TLS from the first byte: a connection is counted when it is accepted, not when its handshake is done.

To give the certificate to asyncio's server is simpler, but then nobody knows of a connection before its
handshake ends, and silent ones use up the daemon's descriptors whatever the limits say.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Callable
from typing import Protocol, cast

_SECONDS = 10.0
"""For the handshake; clients need far less."""


class Door(Protocol):
    """Who keeps count of the handshakes."""

    def knocked(self, handshake: Handshake) -> bool:
        """A connection; False when it is one too many."""

    def answered(self, handshake: Handshake) -> None:
        """The handshake is over, either way."""


class Handshake(asyncio.Protocol):
    """One connection until TLS is up; then the protocol that `session` makes takes over.

    It is the application of asyncio's TLS layer, which is put in place at once: `loop.start_tls` would do it
    later, and a loop that reads in between (uvloop) loses the client's first words.
    """

    def __init__(
        self,
        door: Door,
        *,
        context: ssl.SSLContext,
        session: Callable[[], asyncio.Protocol],
        seconds: float = _SECONDS,
    ) -> None:
        self.peer = ""
        """The client's address."""
        self._door = door
        self._context = context
        self._session = session
        self._seconds = seconds
        self._transport: asyncio.Transport | None = None
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called twice: for the bare connection, and when TLS is up."""
        if self._transport is None:
            self._transport = cast("asyncio.Transport", transport)
            self._knock(self._transport)
            return
        self._answer()
        secured = cast("asyncio.Transport", transport)
        session = self._session()
        secured.set_protocol(session)
        session.connection_made(secured)

    def _knock(self, transport: asyncio.Transport) -> None:
        self.peer = peer_of(transport)
        if not self._door.knocked(self):
            self.abort()  # a 421 would have to wait for a handshake
            self._answer()
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        waiter.add_done_callback(self._ended)
        layer = sslproto.SSLProtocol(
            loop,
            self,
            self._context,
            waiter,
            server_side=True,
            ssl_handshake_timeout=self._seconds,  # type: ignore[arg-type]  # a fraction will do as well
        )
        transport.set_protocol(layer)
        layer.connection_made(transport)

    def _ended(self, waiter: asyncio.Future[None]) -> None:
        """The handshake is over: TLS is up, or the client speaks none that we know, or is silent or gone."""
        waiter.exception()  # looked at
        self._answer()

    def _answer(self) -> None:
        if not self._answered:
            self._answered = True
            self._door.answered(self)

    def abort(self) -> None:
        """Cut the connection off."""
        assert self._transport is not None
        self._transport.abort()


def peer_of(transport: asyncio.BaseTransport) -> str:
    """The address at the other end."""
    peername = transport.get_extra_info("peername")
    return str(peername[0]) if isinstance(peername, tuple) else "local"
