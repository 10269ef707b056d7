"""The remote control under ``/_sim/``: the ledger, the scripts, and what happens beyond the API.

It has no login: it belongs on loopback. Mistakes are answered 400 with ``{"error": text}``.

* ``GET /_sim/ledger``: every call, a list of `gateway.simulator.ledger.Record`.
* ``GET /_sim/messages``: every message with its folder, state, pages and digest, shown or not.
* ``GET /_sim/deliveries``: mails and callbacks tried.
* ``GET /_sim/script``: fates still queued. ``POST``: ``{"destination": "5551230001", "fates": ["busy", …]}``
  or ``{"method": "getFaxMessages", "fates": […]}``, optionally ``"repeat": true``.
* ``POST /_sim/receive`` (form): somebody faxes to one of our numbers; ``to``, ``from``, and optionally
  ``pdf`` (a file), ``stationid``, ``name``.
* ``POST /_sim/sent`` (form): a row in SENT that no call made; ``to``, ``from``, ``pages`` or ``pdf`` (a
  file), and optionally ``stationid``, ``status``, ``msg``.
* ``POST /_sim/wire``: ``{"mode": "native"}`` and keys of `WireMode` to change. ``GET`` shows them.
* ``POST /_sim/clock``: ``{"advance": seconds}``. ``GET`` shows the time.
* ``POST /_sim/reset``: the account as it was in the beginning, without scripts, ledger and plans.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Protocol

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.simulator.account import Message
from gateway.simulator.encode import parse_mode
from gateway.simulator.statuses import Refused
from gateway.simulator.world import World

MAX_FORM_FIELD = 1024 * 1024


class Controlled(Protocol):
    """What the remote control works on: the running simulator."""

    world: World

    async def receive(
        self, *, to: str, from_: str, pdf: bytes | None = None, station_id: str = "", name: str = ""
    ) -> str:
        """A fax comes in."""

    async def put_sent(
        self,
        *,
        to: str,
        from_: str,
        pages: int = 1,
        pdf: bytes | None = None,
        station_id: str = "",
        status: str = "SUCCESS",
        msg: str = "",
    ) -> str:
        """A row by hand."""

    def advance(self, seconds: float) -> None:
        """Time passes."""

    def reset(self) -> None:
        """As in the beginning."""


class Control:
    """The routes, bound to one simulator."""

    def __init__(self, simulator: Controlled) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """All routes of the remote control."""
        return [
            Route("/_sim/ledger", _guarded(self.ledger)),
            Route("/_sim/messages", _guarded(self.messages)),
            Route("/_sim/deliveries", _guarded(self.deliveries)),
            Route("/_sim/script", _guarded(self.script), methods=["GET", "POST"]),
            Route("/_sim/receive", _guarded(self.receive), methods=["POST"]),
            Route("/_sim/sent", _guarded(self.sent), methods=["POST"]),
            Route("/_sim/wire", _guarded(self.wire), methods=["GET", "POST"]),
            Route("/_sim/clock", _guarded(self.clock), methods=["GET", "POST"]),
            Route("/_sim/reset", _guarded(self.reset), methods=["POST"]),
        ]

    async def ledger(self, request: Request) -> object:
        """``GET /_sim/ledger``."""
        return [record.to_json() for record in self._simulator.world.ledger.records]

    async def messages(self, request: Request) -> object:
        """``GET /_sim/messages``."""
        world = self._simulator.world
        world.timeline.run_due()
        return [describe(message, world.clock.seconds()) for message in world.account.messages.values()]

    async def deliveries(self, request: Request) -> object:
        """``GET /_sim/deliveries``."""
        return [delivery.to_json() for delivery in self._simulator.world.deliveries.done]

    async def script(self, request: Request) -> object:
        """``/_sim/script``."""
        line = self._simulator.world.line
        if request.method == "POST":
            body = await _json_object(request)
            fates = body.pop("fates", None)
            if not isinstance(fates, list) or set(body) - {"destination", "method", "repeat"}:
                raise ValueError("a script has fates (a list), destination or method, and maybe repeat")
            destination, method = body.get("destination"), body.get("method")
            line.script(
                fates,
                destination=None if destination is None else str(destination),
                method=None if method is None else str(method),
                repeat=bool(body.get("repeat")),
            )
        return line.pending()

    async def receive(self, request: Request) -> object:
        """``POST /_sim/receive``."""
        fields, pdf = await _form(request)
        fax_id = await self._simulator.receive(
            to=fields.get("to", ""),
            from_=fields.get("from", ""),
            pdf=pdf,
            station_id=fields.get("stationid", ""),
            name=fields.get("name", ""),
        )
        return {"id": fax_id}

    async def sent(self, request: Request) -> object:
        """``POST /_sim/sent``."""
        fields, pdf = await _form(request)
        fax_id = await self._simulator.put_sent(
            to=fields.get("to", ""),
            from_=fields.get("from", ""),
            pages=int(fields.get("pages", "1")),
            pdf=pdf,
            station_id=fields.get("stationid", ""),
            status=fields.get("status", "SUCCESS"),
            msg=fields.get("msg", ""),
        )
        return {"id": fax_id}

    async def wire(self, request: Request) -> object:
        """``/_sim/wire``."""
        world = self._simulator.world
        if request.method == "POST":
            world.wire = parse_mode(await _json_object(request), world.wire)
        return asdict(world.wire)

    async def clock(self, request: Request) -> object:
        """``/_sim/clock``."""
        if request.method == "POST":
            self._simulator.advance(float(str((await _json_object(request))["advance"])))
        clock = self._simulator.world.clock
        return {"now": clock.now().isoformat(), "seconds": clock.seconds(), "scale": clock.scale}

    async def reset(self, request: Request) -> object:
        """``POST /_sim/reset``."""
        self._simulator.reset()
        return {"reset": True}


def describe(message: Message, now: float) -> dict[str, object]:
    """A message as the simulator knows it, shown or not."""
    step = message.life.at(now)
    return {
        "id": message.id(now),
        "number": str(message.number),
        "folder": message.folder,
        "origin": message.origin,
        "date": message.date.isoformat(),
        "callerid": message.caller.number,
        "stationid": message.station_id,
        "destination": message.destination,
        "status": step.status,
        "msg": step.msg,
        "final": step.final,
        "shown": message.life.shown(now),
        "pages": message.pages,
        "pages_done": step.pages,
        "digest": hashlib.sha256(message.pdf).hexdigest(),
        "upload": message.upload,
        "bytes": len(message.pdf),
    }


def _guarded(work: Callable[[Request], Awaitable[object]]) -> Callable[[Request], Awaitable[Response]]:
    """A route that answers JSON, and 400 for what its caller got wrong."""

    async def route(request: Request) -> Response:
        try:
            return JSONResponse(await work(request))
        except (ValueError, KeyError, LookupError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        except Refused as refused:
            return JSONResponse({"error": f"the file was refused: {refused.status}"}, 400)

    return route


async def _json_object(request: Request) -> dict[str, object]:
    body = json.loads(await request.body() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")  # noqa: TRY004  answered like every other mistake
    return body


async def _form(request: Request) -> tuple[dict[str, str], bytes | None]:
    """Text fields, and the file ``pdf`` if there is one."""
    async with request.form(max_part_size=MAX_FORM_FIELD) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("pdf")
        return fields, await file.read() if isinstance(file, UploadFile) else None
