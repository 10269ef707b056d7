"""One POST and what became of it. The only module that knows the HTTP library.

Nothing here is retried, redirected or reused: every exchange has its own connection, because a kept one that
the peer has just dropped would turn a harmless failure into doubt. Network trouble is a value, not an
exception: the library's exceptions hold the request, whose form fields are secrets.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import errno
import fcntl
import logging
import math
import os
import socket
import ssl
import termios
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Protocol, TypeAlias, cast

import httpx

from gateway.voipms.payload import Base64Reader, PayloadSource
from gateway.voipms.settings import Settings
from gateway.voipms.statuses import Phase

# At DEBUG httpcore logs the peer's answer headers: cookies, and whatever a broken peer echoes.
logging.getLogger("httpcore").setLevel(logging.INFO)

Guard = Callable[[], None]
"""Asked before the first byte and before every further piece of a request; raises to stop it."""

_PIECE = 64 * 1024
"""Bytes that leave at once, or a little more."""
_ROOM = 3 * _PIECE
"""Bytes that the system may have under way for us: one piece, and another that it takes over at once."""
_LOOK_AGAIN = 0.005
"""Seconds."""
_CAN_SEND = (1, 8)
"""TCP_ESTABLISHED and TCP_CLOSE_WAIT (linux/tcp_states.h)."""
_Part: TypeAlias = tuple[str, tuple[None, bytes | BinaryIO]]
_NETWORK_ERRORS = (httpx.TransportError, OSError)  # OSError: time-outs too


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How one POST ended."""

    phase: Phase
    """`Phase.STATUS`: a whole answer with HTTP 200 was read; else where it ended."""
    body: bytes = field(default=b"", repr=False)
    http_status: int | None = None
    reason: str = ""
    """For people; the system's words or ours, never the peer's."""
    cause: Exception | None = None
    """What our own side raised after the first byte: the guard, or the file that was being read."""


class Transport:
    """Posts forms to one address."""

    def __init__(self, settings: Settings, *, verify: ssl.SSLContext | None = None) -> None:
        if verify is not None and (verify.verify_mode is not ssl.CERT_REQUIRED or not verify.check_hostname):
            raise ValueError("verify must check the server's certificate and its host name")
        if verify is None and settings.url.startswith("https:"):
            verify = httpx.create_ssl_context(trust_env=False)
        self._settings = settings
        self.answers = 0
        """Whole ones with HTTP 200 so far."""
        self._told: tuple[float, float] | None = None
        self._http = httpx.AsyncHTTPTransport(
            # Plain http is for loopback; loading all public authorities for it would cost 30 ms.
            verify=verify or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
            retries=0,
            socket_options=[
                (socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM),
                # What the system has taken over must not leave long after us.
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, math.ceil(settings.write_timeout * 1000)),
            ],
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._http.aclose()

    def told_time(self) -> float | None:
        """Epoch seconds by the peer's clock, after the Date field of its latest answer; None without one."""
        return None if self._told is None else self._told[0] + _ticking() - self._told[1]

    def _hear(self, date: str) -> None:
        with contextlib.suppress(ValueError, OverflowError):
            self._told = parsedate_to_datetime(date).timestamp(), _ticking()

    async def post(
        self, fields: Mapping[str, str], *, file: PayloadSource | None = None, guard: Guard | None = None
    ) -> Exchange:
        """Post `fields`, and `file` as base64 in a field of that name, as multipart/form-data.

        Raises:
            Exception: what `guard` raised, or opening `file`, before the first byte had left. Later it is the
                `cause` of the result.
        """
        progress = _Progress(self._settings, guard)
        with contextlib.ExitStack() as stack:
            parts: list[_Part] = [(name, (None, value.encode())) for name, value in fields.items()]
            if file is not None:
                stream = file.open()
                stack.callback(_close, stream)
                parts.append(("file", (None, cast(BinaryIO, Base64Reader(stream, file.size)))))
            progress.check()
            try:
                async with asyncio.timeout(None) as progress.timer:
                    return await self._exchange(self._request(parts, progress), progress)
            except Exception as error:
                ours = error is progress.cause
                harmless = progress.phase is Phase.BEFORE_REQUEST
                if harmless and (ours or not isinstance(error, _NETWORK_ERRORS)):
                    raise
                # After the first byte even a bug must not look like anything but doubt.
                reason = "the gateway stopped it" if ours else progress.describe(error)
                return Exchange(phase=progress.phase, reason=reason, cause=progress.cause)

    def _request(self, parts: list[_Part], progress: _Progress) -> httpx.Request:
        request = httpx.Request(
            "POST",
            self._settings.url,
            headers={
                "User-Agent": self._settings.user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            files=parts,
            # Connecting is timed by the library: cancelled in a handshake, it would leave the socket open.
            extensions={
                "trace": progress.trace,
                "timeout": {"connect": self._settings.connect_timeout},
            },
        )
        request.stream = _Watched(cast(httpx.AsyncByteStream, request.stream), progress)
        return request

    async def _exchange(self, request: httpx.Request, progress: _Progress) -> Exchange:
        response = await self._http.handle_async_request(request)
        self._hear(response.headers.get("date", ""))
        try:
            if response.status_code != 200:
                return Exchange(phase=Phase.HTTP_STATUS, http_status=response.status_code)
            progress.phase = Phase.BODY
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > self._settings.max_answer:
                    return Exchange(phase=Phase.BODY, reason="it is too large")
        finally:
            await response.aclose()
        self.answers += 1
        return Exchange(phase=Phase.STATUS, http_status=200, body=bytes(body))


def _ticking() -> float:
    """Seconds on a clock that nobody sets, and that runs while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _close(stream: BinaryIO) -> None:
    """Quietly: this comes after the exchange, and an error would hide how that ended."""
    with contextlib.suppress(OSError):
        stream.close()


class _Progress:
    """Where an exchange is, and until when that may last."""

    def __init__(self, settings: Settings, guard: Guard | None) -> None:
        self.phase = Phase.BEFORE_REQUEST
        self.cause: Exception | None = None
        self.timer: asyncio.Timeout | None = None
        self.connection: _Connection | None = None
        self._settings = settings
        self._guard = guard

    def check(self) -> None:
        """Ask the guard."""
        if self._guard is not None:
            try:
                self._guard()
            except Exception as error:
                self.cause = error
                raise

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        """The library tells what it is about to do (the ``trace`` request extension)."""
        if event == "connection.connect_tcp.complete":
            self.connection = cast(_Stream, info["return_value"]).get_extra_info("socket")
        elif event == "http11.send_request_headers.started":
            self.check()  # connecting took its time
            self.phase = Phase.SENDING
            self._allow(self._settings.write_timeout)
        elif event == "http11.send_request_body.complete":
            self.phase = Phase.WAITING_RESPONSE
        elif event == "http11.receive_response_headers.started":
            # Also after a broken upload, in case the peer said why before it hung up.
            self._allow(self._settings.read_timeout)

    async def room(self) -> None:
        """Return when the system will take over a whole piece at once.

        A piece that waits in our own memory would leave by itself when a process that was stopped goes on,
        before anybody asks the guard.
        """
        while self.connection and _under_way(self.connection) > _PIECE:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(_LOOK_AGAIN)

    def describe(self, error: Exception) -> str:
        """Why the network failed: which limit has passed, or the system's words."""
        if not isinstance(error, TimeoutError | httpx.TimeoutException):
            return _reason(error)
        match self.phase:
            case Phase.BEFORE_REQUEST:
                return f"no connection within {self._settings.connect_timeout:g} s"
            case Phase.SENDING:
                return f"not sent within {self._settings.write_timeout:g} s"
            case _:
                return f"no complete answer within {self._settings.read_timeout:g} s"

    def _allow(self, seconds: float) -> None:
        if self.timer is not None and not self.timer.expired():
            self.timer.reschedule(asyncio.get_running_loop().time() + seconds)


class _Watched(httpx.AsyncByteStream):
    """A request's content in pieces of a fair size, for each of which the guard is asked.

    The library would send every boundary, field name and value by itself: a packet each.
    """

    def __init__(self, stream: httpx.AsyncByteStream, progress: _Progress) -> None:
        self._stream = stream
        self._progress = progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        waiting = bytearray()
        try:
            async for part in self._stream:
                waiting += part
                if len(waiting) >= _PIECE:
                    await self._progress.room()
                    self._progress.check()
                    yield bytes(waiting)
                    waiting.clear()
            await self._progress.room()
            self._progress.check()
            yield bytes(waiting)
        except Exception as error:
            self._progress.cause = error
            raise


class _Connection(Protocol):
    """What an event loop shows of its socket."""

    def fileno(self) -> int: ...

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...


class _Stream(Protocol):
    """What the library tells of a connection."""

    def get_extra_info(self, info: str) -> _Connection: ...


def _under_way(connection: _Connection) -> int:
    """Bytes that the system has taken over and the peer has not acknowledged (SIOCOUTQ, tcp(7)).

    None on a connection that has ended: writing will tell.
    """
    count = array.array("i", [0])
    try:
        if connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _CAN_SEND:
            fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, count)
    except OSError:
        pass
    return count[0]


def _reason(error: BaseException) -> str:
    """The system's words for a failed connection, found behind the libraries' wrappers."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"the server's certificate is not accepted ({seen.verify_message})"
        if isinstance(seen, ssl.SSLError):
            return "TLS failed"
        if isinstance(seen, OSError) and seen.errno:
            # asyncio puts the address into strerror; name resolution has numbers of its own.
            return os.strerror(seen.errno) if seen.errno in errno.errorcode else seen.strerror or "OS error"
        if isinstance(seen, BaseExceptionGroup):
            seen = seen.exceptions[0]
        else:
            seen = seen.__cause__ or seen.__context__
    return (
        "the content could not be unpacked" if isinstance(error, httpx.DecodingError) else "connection lost"
    )
