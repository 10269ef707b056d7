"""Answers requests on the unix socket, one at a time for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import journal
from gateway.errors import Failure, GatewayError, permanent, temporary

_REQUEST_LINE = 64 * 1024
_IDLE = 300.0
"""Seconds a client may take to send its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who asks, as the kernel knows it."""

    pid: int
    uid: int
    user: str


_NONSENSE = (
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a request that is none makes of reading it."""

Handler = Callable[[Peer, Mapping[str, Any], bytes], Awaitable[Any]]


class ControlServer:
    """Listens at `path`, readable and writable for its owner and group."""

    def __init__(self, path: Path, verbs: Mapping[str, Handler], *, max_body: int) -> None:
        self._path = path
        self._verbs = verbs
        self._max_body = max_body
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._reading: set[asyncio.Task[None]] = set()
        """Sessions whose request has not come yet: nothing is owed to them."""
        self._closing = False

    @property
    def busy(self) -> int:
        """Connections that are open."""
        return len(self._sessions)

    async def start(self) -> None:
        """Bind; a socket left by a dead daemon is replaced (the store's lock proves that it is dead)."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(
            self._session, path=str(self._path), limit=_REQUEST_LINE
        )
        self._path.chmod(0o660)

    async def stop(self, grace: float) -> None:
        """Take no more requests; give those under way `grace` seconds."""
        if self._server is None:
            return
        self._closing = True
        self._server.close()
        for session in self._reading:
            session.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=grace)
        for session in self._sessions:
            session.cancel()
        self._path.unlink(missing_ok=True)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            if self._closing:
                return
            # A cancelled session ends here: the streams' own callback would take it for a crash.
            with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                answer = await self._answer(reader, _peer(writer))
                writer.write(json.dumps(answer, default=str).encode() + b"\n")
                await writer.drain()
        finally:
            self._sessions.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, peer: Peer) -> dict[str, Any]:
        task = asyncio.current_task()
        assert task is not None
        self._reading.add(task)
        try:
            async with asyncio.timeout(_IDLE):
                verb, args, body = await self._request(reader)
            self._reading.discard(task)
            result = await self._verbs[verb](peer, args, body)
        except GatewayError as error:
            return _refusal(error.failure)
        except _NONSENSE:
            return _refusal(permanent("5.5.2", "The daemon does not understand this request.", code="usage"))
        except Exception as error:
            journal.crashed_item(stage="control", item_id="", error=error)
            return _refusal(temporary("4.3.0", "The daemon could not do this; its log says why."))
        finally:
            self._reading.discard(task)
        return {"ok": True, "result": result}

    async def _request(self, reader: asyncio.StreamReader) -> tuple[str, Mapping[str, Any], bytes]:
        request = json.loads(await reader.readuntil(b"\n"))
        size = int(request.get("body", 0))
        if size > self._max_body:
            raise GatewayError(
                permanent(
                    "5.3.4", f"This is {size} bytes; at most {self._max_body} are allowed.", code="too_large"
                )
            )
        verb = str(request["verb"])
        if verb not in self._verbs:
            raise GatewayError(
                permanent("5.5.1", f'The daemon does not know "{verb}"; is it older than this command?')
            )
        return verb, dict(request.get("args", {})), await reader.readexactly(size)


def _peer(writer: asyncio.StreamWriter) -> Peer:
    connection: socket.socket = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _gid = struct.unpack("3i", credentials)
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    return Peer(pid=pid, uid=uid, user=user)


def _refusal(failure: Failure) -> dict[str, Any]:
    return {
        "ok": False,
        "error": {
            "kind": failure.kind,
            "status": failure.status,
            "sentence": failure.sentence,
            "code": failure.code,
        },
    }
