"""The simulated account, a real client on HTTP, a real store, and a clock that the test turns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from gateway.config import Settings, from_dict
from gateway.faxin import Handler, Poller
from gateway.model import ReceivedFax
from gateway.simulator import PASSWORD, USERNAME, Service, Simulator
from gateway.simulator.account import Message
from gateway.store import Store, received, rows, tables
from gateway.voipms import Client

hypothesis_settings.register_profile("gateway", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("gateway")

OWN = "5557654321"
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""A quiet Monday, 10:00 at the provider; daylight saving begins six days later."""


@dataclass
class Bench:
    """Everything around the room, with the handles that the tests turn."""

    simulator: Simulator
    client: Client
    store: Store

    def now(self) -> float:
        """Our clock goes with the provider's."""
        return self.simulator.world.clock.now().timestamp()

    def settings(self, **receive: Any) -> Settings:
        routes = receive.pop("routes", [{"numbers": ["*"], "to": ["office@example.com"]}])
        return from_dict({"receive": receive, "route": routes})

    def poller(self, clock: Callable[[], float] | None = None, **receive: Any) -> Poller:
        return Poller(
            client=self.client, store=self.store, settings=self.settings(**receive), clock=clock or self.now
        )

    def handler(self, **receive: Any) -> Handler:
        return Handler(client=self.client, store=self.store, settings=self.settings(**receive))

    async def arrive(self, *, days_ago: float = 0, folder: str = "INBOX", **values: Any) -> str:
        """A fax comes in, with a date in the past if the test wants it."""
        id_ = await self.simulator.receive(to=OWN, from_="2025550123", **values)
        message = self.message(id_)
        message.date -= timedelta(days=days_ago)
        message.folder = folder
        return id_

    def message(self, id_: str) -> Message:
        return self.simulator.account.messages[int(id_)]

    async def known(self) -> list[ReceivedFax]:
        """What the store has, oldest first."""
        found = await self.store.read(
            lambda tx: tx.execute(tables.received.select().order_by(tables.received.c.id)).all()
        )
        return [rows.received(row) for row in found]

    async def ids(self) -> set[str]:
        return {fax.provider_id for fax in await self.known()}

    async def claim(self) -> ReceivedFax:
        """Lease the one received fax that has a step to take."""
        now = self.now() + 10
        (fax,) = await self.store.write(
            lambda tx: received.claim(tx, owner="test", now=now, seconds=60, limit=5)
        )
        return fax

    def calls(self, method: str) -> list[dict[str, object]]:
        """Parameters of the calls of one function so far."""
        return [record.params for record in self.simulator.world.ledger.calls(method)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state")
    store.open()
    yield store
    store.close()


@pytest.fixture
def service() -> Service:
    """Habits of the service; test modules override it."""
    return Service()


@pytest.fixture
async def bench(store: Store, service: Service) -> AsyncIterator[Bench]:
    async with (
        Simulator(service=service, start=START) as simulator,
        Client(
            url=simulator.url,
            username=USERNAME,
            password=PASSWORD,
            calls_per_minute=100_000,
            read_timeout=20,
        ) as client,
    ):
        yield Bench(simulator=simulator, client=client, store=store)
