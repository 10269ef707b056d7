"""The HTTP face of the API: one endpoint, its front door, and answers that obey the scripted line."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.simulator import remote
from gateway.simulator.call import Call
from gateway.simulator.encode import encode_answer
from gateway.simulator.fate import Answer, Fate
from gateway.simulator.form import BadForm, HungUp, read_parameters
from gateway.simulator.functions import Gate
from gateway.simulator.ledger import Record, without_secrets
from gateway.simulator.statuses import Refused, refusal
from gateway.simulator.world import World

PATH = "/api/v1/rest.php"
MAX_URL = 8192
"""Bytes of path and query that the front door lets through."""
PAGE = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


class Endpoint:
    """Serves the API of one world. `closing` is set when the server goes down, to end silent answers."""

    def __init__(self, world: World, closing: asyncio.Event) -> None:
        self._world = world
        self._closing = closing
        self._gate = Gate()

    async def __call__(self, request: Request) -> Response:
        """One call, from the front door to its answer."""
        world = self._world
        world.timeline.run_due()
        client = request.client.host if request.client else ""
        record = world.ledger.open(at=world.clock.now(), verb=request.method, client=client)
        try:
            return front_door(request, record) or await self._serve(request, record, client)
        finally:
            world.changes.notify()

    async def _serve(self, request: Request, record: Record, client: str) -> Response:
        world = self._world

        def hangs_up(known: Mapping[str, str]) -> bool:
            return world.line.peek(known.get("method"), known.get("to_number")).before_body

        try:
            params = await read_parameters(request, hangs_up)
        except HungUp as hung_up:
            record.answer = "reset before body"
            record.method = hung_up.known.get("method", "")
            record.fate = world.line.take(record.method, hung_up.known.get("to_number")).name
            return Unanswered(self._closing, reset=True)
        except BadForm as error:
            record.answer = f"http {error.code}"
            return HTMLResponse(PAGE.format(title=str(error)), error.code)
        except ClientDisconnect:
            record.answer = "caller left"
            return Unanswered(self._closing, reset=True)
        record.method = params.get("method", "")
        fate = world.line.take(record.method, params.get("to_number"))
        record.fate = fate.name
        record.params = without_secrets(params)
        call = Call(world=world, params=params, fate=fate, record=record, client=client)
        record.test = bool(params.get("test")) and call.test
        answer_at = world.clock.seconds() + fate.delay
        answer = await self._perform(call)
        if fate.delay:
            world.changes.notify()
            await self._hold_until(answer_at)
        return self._respond(answer, fate, record)

    async def _perform(self, call: Call) -> dict[str, object]:
        """Carry the call out. What its scripted answer hides from the caller still happens."""
        try:
            answer = await self._gate.admit(call)(call)
        except Refused as refused:
            return dict(refused.answer())
        if call.record.method != "sendFaxMessage":
            call.record.accepted = not call.test
        return answer

    def _respond(self, answer: dict[str, object], fate: Fate, record: Record) -> Response:
        record.answer = str(answer["status"])
        match fate.answer:
            case Answer.NORMAL:
                return self._json(answer)
            case Answer.STATUS:
                record.answer = fate.status
                return self._json(dict(refusal(fate.status)))
            case Answer.NULL:
                record.answer = "null"
                return self._json({"status": None})
            case Answer.HTTP:
                record.answer = f"http {fate.code}"
                return HTMLResponse(PAGE.format(title=f"Error {fate.code}"), fate.code)
            case Answer.HTML:
                record.answer = "html"
                return HTMLResponse(PAGE.format(title="Just a moment..."))
            case Answer.EMPTY:
                record.answer = "empty"
                return Response(b"", media_type="application/json")
            case Answer.SILENCE | Answer.RESET:
                record.answer = fate.answer.value
                return Unanswered(self._closing, reset=fate.answer is Answer.RESET)

    def _json(self, answer: dict[str, object]) -> Response:
        return Response(encode_answer(answer, self._world.wire), media_type="application/json")

    async def _hold_until(self, moment: float) -> None:
        """Keep the caller waiting, but not the server's end."""
        waits = [
            asyncio.ensure_future(self._world.clock.sleep_until(moment)),
            asyncio.ensure_future(self._closing.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class Unanswered(Response):
    """No answer at all: the connection is reset, or stays silent until the caller leaves."""

    def __init__(self, closing: asyncio.Event, *, reset: bool) -> None:
        super().__init__()
        self._closing = closing
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the end of the connection; the server takes a disconnect for an answer."""
        transport: asyncio.Transport = scope["state"]["transport"]
        left = asyncio.ensure_future(_disconnected(receive))
        if not self._reset:
            closing = asyncio.ensure_future(self._closing.wait())
            await asyncio.wait({left, closing}, return_when=asyncio.FIRST_COMPLETED)
            closing.cancel()
        reset(transport)
        await left


def front_door(request: Request, record: Record) -> Response | None:
    """What the proxy before the API answers by itself; None lets the call through."""
    host = request.headers.get("host", "")
    url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if host.startswith("www."):
        record.answer = "http 301"
        return RedirectResponse(f"{request.url.scheme}://{host.removeprefix('www.')}{url}", 301)
    if not request.headers.get("user-agent"):
        record.answer = "http 403"
        return HTMLResponse(PAGE.format(title="403 Forbidden"), 403)
    if len(url) > MAX_URL:
        record.answer = "http 414"
        return HTMLResponse(PAGE.format(title="414 Request-URI Too Large"), 414)
    return None


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a TCP reset, as a broken proxy does."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def build_app(world: World, closing: asyncio.Event, control: remote.Control) -> Starlette:
    """The API and, beside it under ``/_sim/``, the remote control."""
    endpoint = Endpoint(world, closing)

    async def api(request: Request) -> Response:
        return await endpoint(request)

    return Starlette(routes=[Route(PATH, api, methods=["GET", "POST"]), *control.routes()])
