"""A running simulator and a plain HTTP caller for it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator, sample

OWN = "5552341234"
OUTSIDE = "5558880001"


@dataclass
class Api:
    """Calls functions as a client does: POST multipart, every parameter a field."""

    sim: Simulator
    http: httpx.AsyncClient

    async def post(self, method: str, **params: str) -> httpx.Response:
        fields = {"api_username": "demo@example.com", "api_password": "demo", "method": method}
        fields |= {name.removesuffix("_"): value for name, value in params.items()}
        return await self.http.post(
            self.sim.url, files=[(name, (None, value)) for name, value in fields.items()]
        )

    async def call(self, method: str, **params: str) -> dict[str, Any]:
        response = await self.post(method, **params)
        assert response.status_code == 200
        return response.json()

    async def status(self, method: str, **params: str) -> str:
        """The status; a refusal also has the service's text."""
        answer = await self.call(method, **params)
        assert answer["status"] == "success" or answer["message"]
        return answer["status"]

    def fax(self, to: str = OUTSIDE, **changes: str) -> dict[str, str]:
        """Parameters of a good `sendFaxMessage` of two pages."""
        return {
            "to_number": to,
            "from_name": "Front desk",
            "from_number": OWN,
            "station_id": "DESK 1",
            "file": base64.b64encode(sample.invoice()).decode(),
        } | changes

    async def send(self, to: str = OUTSIDE, **changes: str) -> dict[str, Any]:
        return await self.call("sendFaxMessage", **self.fax(to, **changes))

    async def sent(self) -> list[dict[str, Any]]:
        answer = await self.call("getFaxMessages", folder="SENT")
        return answer.get("faxes", [])


EARLY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
"""One in the morning in New York: a day lies ahead, whenever the tests run."""


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(start=EARLY) as simulator:
        yield simulator


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10, verify=False) as client:
        yield client


@pytest.fixture
def connect(http: httpx.AsyncClient) -> Callable[[Simulator], Api]:
    """For tests with a simulator of their own."""
    return lambda simulator: Api(simulator, http)


@pytest.fixture
def api(sim: Simulator, connect: Callable[[Simulator], Api]) -> Api:
    return connect(sim)
