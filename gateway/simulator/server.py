"""The simulator as a whole: starts and stops on a loopback port, in the caller's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Self, TypeVar

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.simulator.account import SENT, Account, demo_account
from gateway.simulator.app import PATH, build_app
from gateway.simulator.call import digits
from gateway.simulator.clock import Clock, Timeline
from gateway.simulator.deliveries import Deliveries
from gateway.simulator.encode import WireMode
from gateway.simulator.ledger import Ledger, Record
from gateway.simulator.life import finished
from gateway.simulator.line import Line
from gateway.simulator.papers import Paper, to_paper
from gateway.simulator.remote import Control
from gateway.simulator.rows import Caller, Phone
from gateway.simulator.sample import incoming, stranger
from gateway.simulator.waiting import Changes
from gateway.simulator.world import SECONDS_PER_PAGE, Service, World

T = TypeVar("T")

USERNAME = "demo@example.com"
PASSWORD = "demo"  # noqa: S105  the public password of a made-up account
MAX_REQUEST_HEAD = 16 * 1024 * 1024
"""The HTTP parser reads longer URLs than the front door lets through, to refuse them by itself."""
GRACE = 1
"""Seconds that open requests get when the server stops."""
_TURNS = 3
"""Turns of the event loop until a connection that was accepted before a stop is known to the server."""


class Simulator:
    """The VoIP.ms fax API on a port of its own.

    Args:
        listen: host and port; port 0 takes a free one, which later starts of this object keep.
        smtp: server for the mails it sends; None lets `mailFaxMessagePDF` answer ``problem_sending_mail``.
        time_scale: line seconds in a real second.
        wire: habits of the wire.
        service: knobs of the service.
        username, password: of the account.
        start: the date to begin with, aware; None is now.
    """

    def __init__(
        self,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        *,
        smtp: tuple[str, int] | None = None,
        time_scale: float = 1.0,
        wire: WireMode | None = None,
        service: Service | None = None,
        username: str = USERNAME,
        password: str = PASSWORD,
        start: datetime | None = None,
    ) -> None:
        self._listen = listen
        self._wire = wire or WireMode()
        self._login = (username, password)
        self._closing = asyncio.Event()
        self._server: _Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        clock, changes, knobs = Clock(scale=time_scale, start=start), Changes(), service or Service()
        self.world = World(
            account=demo_account(username, password),
            service=knobs,
            clock=clock,
            timeline=Timeline(clock),
            line=Line(),
            ledger=Ledger(),
            deliveries=Deliveries(
                clock=clock, smtp=smtp, retry_every=knobs.callback_retry_every, changed=changes.notify
            ),
            changes=changes,
            wire=self._wire,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is 0 until the first start."""
        return self._listen

    @property
    def base_url(self) -> str:
        """Where it is served, without a path."""
        host, port = self._listen
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def url(self) -> str:
        """The endpoint of the API."""
        return self.base_url + PATH

    @property
    def ledger(self) -> list[Record]:
        """Every call so far."""
        return self.world.ledger.records

    @property
    def line(self) -> Line:
        """The scripted line."""
        return self.world.line

    @property
    def account(self) -> Account:
        """The state of the account."""
        return self.world.account

    @property
    def wire(self) -> WireMode:
        """Habits of the wire; may be changed at any time."""
        return self.world.wire

    @wire.setter
    def wire(self, mode: WireMode) -> None:
        self.world.wire = mode

    async def start(self) -> None:
        """Listen. The account keeps its state over a stop and a new start.

        Raises:
            OSError: the address is taken or not ours.
        """
        if self._server is not None:
            raise RuntimeError("the simulator is already running")
        family = socket.AF_INET6 if ":" in self._listen[0] else socket.AF_INET
        # asyncio turns Nagle's delay off only for sockets that name their protocol
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self._listen)
        except BaseException:
            sock.close()
            raise
        self._listen = (self._listen[0], sock.getsockname()[1])
        self._closing = asyncio.Event()
        self._server = _Server(
            uvicorn.Config(
                _dated(build_app(self.world, self._closing, Control(self)), self.world.clock),
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,  # the world has a clock of its own
                h11_max_incomplete_event_size=MAX_REQUEST_HEAD,
            )
        )
        self._tasks = [
            asyncio.create_task(self._server.serve(sockets=[sock])),
            asyncio.create_task(self.world.timeline.run()),
        ]
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Close the port and end what is under way; nothing if it does not run."""
        if self._server is None:
            return
        self._closing.set()
        self._server.ended.set()
        serving, timeline = self._tasks
        timeline.cancel()
        await self.world.deliveries.stop()
        ends = await asyncio.gather(serving, timeline, return_exceptions=True)
        self._server = None
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def receive(
        self, *, to: str, from_: str, pdf: bytes | None = None, station_id: str = "", name: str = ""
    ) -> str:
        """Somebody faxes to one of our numbers; the id of the message in INBOX. Without `pdf` a sample comes.

        Raises:
            LookupError: `to` is not a number of the account.
            Refused: the file cannot be faxed.
        """
        paper = await asyncio.to_thread(to_paper, pdf or incoming())
        caller = Caller(number=Phone(digits(from_)), name=name)
        message = self.world.receive(to=digits(to), caller=caller, station_id=station_id, paper=paper)
        return str(message.number)

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
        """Put a row into SENT that no call made; its id. Without `pdf` it has `pages` pages of a stranger."""
        paper = (
            Paper(pdf=stranger(pages), pages=pages) if pdf is None else await asyncio.to_thread(to_paper, pdf)
        )
        message = self.world.put(
            folder=SENT,
            caller=Caller(number=Phone(digits(from_))),
            station_id=station_id,
            destination=digits(to),
            paper=paper,
            life=finished(
                paper.pages,
                float(SECONDS_PER_PAGE * paper.pages),
                self.world.clock.seconds(),
                status=status,
                msg=msg,
            ),
            origin="by hand",
        )
        return str(message.number)

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self.world.clock.advance(seconds)
        self.world.timeline.run_due()
        self.world.changes.notify()

    def reset(self) -> None:
        """The account as it was in the beginning, without scripts, ledger and plans. The clock goes on."""
        world = self.world
        world.account = demo_account(*self._login)
        world.wire = self._wire
        world.timeline.clear()
        world.line.clear()
        world.ledger.clear()
        world.deliveries.done.clear()
        world.changes.notify()

    async def wait_for(self, look: Callable[[Simulator], T | None], timeout: float = 10.0) -> T:
        """The first true value of ``look(simulator)``, asked again after every call and event.

        Raises:
            TimeoutError: none within `timeout` real seconds.
        """
        return await self.world.changes.until(lambda: look(self) or None, timeout)


def _dated(app: ASGIApp, clock: Clock) -> ASGIApp:
    """Answers with a Date field (RFC 9110, 6.6.1)."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(clock.now(), usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        await app(scope, receive, dated)

    return answer


class _Protocol(H11Protocol):
    """Lets a route reach its connection, to reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """A server that leaves signals to its host, tells when it listens, and does not poll for its end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        await self.ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        for server in self.servers:
            server.close()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=GRACE)
        for connection in list(state.connections):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=GRACE)
