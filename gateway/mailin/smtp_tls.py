"""TLS from the first byte: a connection is counted when it is accepted, not when its handshake is done.

To give the certificate to asyncio's server is simpler, but then nobody knows of a connection before its
handshake ends, and silent ones use up the daemon's descriptors whatever the limits say.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol

_SECONDS = 10.0
"""For the handshake; clients need far less."""


class Door(Protocol):
    """Who keeps count of the handshakes."""

    def knocked(self, handshake: Handshake) -> bool:
        """A connection; False when it is one too many."""

    def answered(self, handshake: Handshake) -> None:
        """The handshake is over, either way."""


class Handshake(asyncio.Protocol):
    """One connection until TLS is up; then the protocol that `session` makes takes over."""

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
        self._task: asyncio.Task[None] | None = None
        self._early = bytearray()
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = peer_of(transport)
        if not self._door.knocked(self):
            self.abort()  # a 421 would have to wait for a handshake
            self._door.answered(self)
            return
        self._task = asyncio.get_running_loop().create_task(self._shake_hands(transport))

    def abort(self) -> None:
        """Cut the connection off."""
        assert self._transport is not None
        self._transport.abort()

    # Between the end of the handshake and the turn of `_shake_hands`, what happens is told here.

    def data_received(self, data: bytes) -> None:
        self._early += data

    def eof_received(self) -> None:
        self._gone = True

    def connection_lost(self, _error: Exception | None) -> None:
        self._gone = True

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport, self, self._context, server_side=True, ssl_handshake_timeout=self._seconds
            )
        except OSError:  # no TLS, or none that we speak, or silence
            secured = None
        finally:
            self._door.answered(self)
        if secured is None or self._gone:
            transport.abort()
            return
        session = self._session()
        secured.set_protocol(session)
        session.connection_made(secured)
        if self._early:
            session.data_received(bytes(self._early))


def peer_of(transport: asyncio.BaseTransport) -> str:
    """The address at the other end."""
    peername = transport.get_extra_info("peername")
    return str(peername[0]) if isinstance(peername, tuple) else "local"
