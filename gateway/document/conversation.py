"""One document's conversation with one child: send the request, take its pages, judge how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.document import verdict, wire
from gateway.document.errand import Errand
from gateway.document.helper import Child, Helper, HelperDied
from gateway.document.lanes import Place
from gateway.document.office import Office
from gateway.document.office.allowance import Allowance
from gateway.document.pace import Pace
from gateway.errors import Failure, GatewayError, permanent, temporary

_BUFFER_BYTES = 256 << 10
"""What is read ahead of a child: a few pages."""
_END_SECONDS = 5.0
"""How long a killed child may take to be reaped; longer means that the helper itself hangs."""

_Concluded = TypeVar("_Concluded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a document has for all its conversations: its place, and what LibreOffice may do for it."""

    place: Place
    office: Office
    allowance: Allowance


Sink = Callable[[bytes, bytes], Awaitable[None]]
"""Takes the type and the payload of a frame that carries a page or a picture."""


async def converse(
    helper: Helper,
    request: wire.Request,
    inputs: Sequence[Path | bytes],
    take: Sink,
    turn: Turn,
    conclude: Callable[[bytes], Awaitable[_Concluded]],
) -> _Concluded:
    """Have one child do `request`; what it draws goes to `take`.

    Returns what `conclude` makes of the payload of the result frame, while the child ends. Raises
    `GatewayError` for the document, `HelperDied` when the helper is to blame, `Crowded` when it has to begin
    again. The child is gone then.
    """
    try:
        with _opened(inputs) as fds:
            async with Errand(turn.office, turn.allowance) as errand:
                return await _with_child(helper, _Talk(request, take, errand, turn.place), fds, conclude)
    except OSError as error:  # no descriptors or no memory left; a child that ends is no surprise below
        raise GatewayError(_unable(error)) from error


async def _with_child(
    helper: Helper, talk: _Talk, fds: Sequence[int], conclude: Callable[[bytes], Awaitable[_Concluded]]
) -> _Concluded:
    settings = talk.request.settings
    limits = wire.Limits(memory_bytes=settings.memory_bytes, cpu_seconds=settings.cpu_seconds)
    child = helper.fork(limits)
    pace = Pace(helper, child, talk.place)
    try:
        async with pace.keeping(settings.timeout):
            answer = await talk.run(child, fds, pace)
    except TimeoutError:
        raise verdict.out_of_time(talk.part, await _end(helper, child), settings.timeout) from None
    except (EOFError, ConnectionError):
        # The child closed its end, so it is ending by itself: killing it now would hide why.
        end = await _end(helper, child, kill=False)
        raise verdict.ended_early(talk.part, end, limits) from None
    except wire.Malformed:
        raise verdict.died(talk.part, "renderer_lied") from None
    else:
        helper.kill(child)  # it has nothing more to say, and its end takes as long as a short document
        return await conclude(answer)
    finally:
        child.connection.close()
        with contextlib.suppress(HelperDied):
            await _end(helper, child)


class _Talk:
    """The frames of one conversation. `part` is what the child says it is working on."""

    def __init__(self, request: wire.Request, take: Sink, errand: Errand, place: Place) -> None:
        self.request = request
        self.place = place
        self._take = take
        self._errand = errand
        self._drawn = 0
        self.part = "The document"

    async def run(self, child: Child, fds: Sequence[int], pace: Pace) -> bytes:
        """The result's payload. While it waits for LibreOffice, others are drawn and no time passes."""
        request = wire.send_request(child.connection, self.request, fds)
        reader, writer = await asyncio.open_unix_connection(sock=child.connection, limit=_BUFFER_BYTES)
        try:
            writer.write(request)
            await writer.drain()
            while True:
                kind, length = wire.HEADER.unpack(await reader.readexactly(wire.HEADER.size))
                if length > wire.frame_limit(kind):
                    raise wire.Malformed("frame too long")
                payload = await reader.readexactly(length)
                if kind == wire.RESULT:
                    return payload
                if kind == wire.CONVERT:
                    async with pace.stopped(), self.place.at_a_desk():
                        await self._errand.run(child.connection, wire.read_text(payload, most=20), self.part)
                else:
                    await self._note(kind, payload)
        finally:
            writer.close()

    async def _note(self, kind: bytes, payload: bytes) -> None:
        if kind in (wire.PAGE, wire.PICTURE):
            self._drawn += 1
            if self._drawn > self.request.settings.max_pages:
                raise wire.Malformed("more pages than asked for")
            await self._take(kind, payload)
        elif kind == wire.PART:
            self.part = wire.read_text(payload, most=200)
        elif kind == wire.CHUNK:
            await self._errand.add(payload)
        elif kind == wire.REFUSAL:
            raise GatewayError(wire.read_refusal(payload))
        else:
            raise verdict.died(self.part, "renderer_bug " + wire.read_bug(payload))


async def _end(helper: Helper, child: Child, *, kill: bool = True) -> wire.Exit:
    """How the child ended; a helper that cannot tell in time is killed, and `HelperDied` raised."""
    if not kill:
        await asyncio.wait([child.ended], timeout=_END_SECONDS)
    helper.kill(child)
    await asyncio.wait([child.ended], timeout=_END_SECONDS)
    if not child.ended.done():
        helper.kill_helper()
        raise HelperDied
    return child.ended.result()


@contextlib.contextmanager
def _opened(inputs: Sequence[Path | bytes]) -> Iterator[list[int]]:
    """Each input as a descriptor open for reading; bytes become an anonymous file in memory."""
    with contextlib.ExitStack() as stack:
        fds = []
        for value in inputs:
            fd = os.memfd_create("document") if isinstance(value, bytes) else _open(value)
            stack.callback(os.close, fd)
            if isinstance(value, bytes):
                with open(fd, "wb", closefd=False) as file:
                    file.write(value)
            fds.append(fd)
        yield fds


def _open(path: Path) -> int:
    name = wire.displayed(path.name, 100)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # opening a FIFO must not wait
    except OSError as error:
        sentence = f'The file "{name}" cannot be read: {os.strerror(error.errno or 0)}.'
        raise GatewayError(temporary("4.3.0", sentence, code="input_unreadable")) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise GatewayError(permanent("5.6.1", f'"{name}" is not a file.', code="input_unreadable"))
    return fd


def _unable(error: OSError) -> Failure:
    why = os.strerror(error.errno or 0)
    return temporary(
        "4.3.0",
        f"The gateway cannot draw pages at the moment: {why}. It is tried again.",
        code="renderer_resources",
    )
