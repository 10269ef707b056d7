"""What the service sends by itself: notifications, copies, callbacks; received by real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.simulator import Catcher, Simulator, sample
from gateway.simulator.deliveries import is_loopback

if TYPE_CHECKING:
    from conftest import Api

OWN = "5552341234"


class Receiver:
    """Takes callbacks and answers what it was told to."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.forms: list[dict[str, object]] = []
        self.url = ""

    async def take(self, request: Request) -> Response:
        async with request.form() as form:
            pdf = form["pdf"]
            self.forms.append(
                {name: str(form[name]) for name in ("from", "to", "title")}
                | {"pdf": await pdf.read(), "name": pdf.filename, "query": request.url.query}
            )
        code, text = self.answers.pop(0) if self.answers else (200, "ok")
        return PlainTextResponse(text, code)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taker = Receiver()
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=[Route("/hook", taker.take, methods=["POST"])]),
            port=0,
            log_config=None,
            lifespan="off",
            ws="none",
        )
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    taker.url = f"http://127.0.0.1:{port}/hook?key=1"
    yield taker
    await server.shutdown()


def outcomes(sim: Simulator, count: int) -> list[str] | None:
    done = sim.world.deliveries.done
    return [delivery.outcome for delivery in done] if len(done) >= count else None


async def test_a_callback_has_the_file_and_the_fields(api: Api, receiver: Receiver) -> None:
    await api.call("setFaxNumberURLCallback", did=OWN, url_callback=receiver.url, url_callback_enable="1")
    fax_id = await api.sim.receive(to=OWN, from_="5558889999", pdf=sample.invoice())
    assert await api.sim.wait_for(lambda sim: outcomes(sim, 1)) == ["ok"]
    assert receiver.forms == [
        {
            "from": "5558889999",
            "to": OWN,
            "title": f"fax_{fax_id}.pdf",
            "pdf": sample.invoice(),
            "name": f"fax_{fax_id}.pdf",
            "query": "key=1",
        }
    ]


async def test_a_callback_comes_again_until_it_is_told_ok(api: Api, receiver: Receiver) -> None:
    receiver.answers = [(500, "ok"), (200, "thanks")]
    settings = {"url_callback": receiver.url, "url_callback_enable": "1", "url_callback_retry": "1"}
    await api.call("setFaxNumberURLCallback", did=OWN, **settings)
    await api.sim.receive(to=OWN, from_="5558889999")
    for tries in (1, 2, 3):
        await api.sim.wait_for(lambda sim, tries=tries: outcomes(sim, tries))
        api.sim.advance(api.sim.world.service.callback_retry_every)
    assert outcomes(api.sim, 3) == ["HTTP 500 without ok", "HTTP 200 without ok", "ok"]


async def test_without_retry_a_callback_comes_once(api: Api, receiver: Receiver) -> None:
    receiver.answers = [(500, "")]
    await api.call("setFaxNumberURLCallback", did=OWN, url_callback=receiver.url, url_callback_enable="1")
    await api.sim.receive(to=OWN, from_="5558889999")
    await api.sim.wait_for(lambda sim: outcomes(sim, 1))
    api.sim.advance(10 * 3600)
    await api.sim.receive(to=OWN, from_="5558889999")
    assert await api.sim.wait_for(lambda sim: outcomes(sim, 2)) == ["HTTP 500 without ok", "ok"]


@pytest.mark.parametrize(
    "url", ["http://www.example.com/", "www.example.com", "https://127.0.0.1:1/", "http://192.0.2.1/"]
)
async def test_callbacks_stay_on_this_machine(api: Api, url: str) -> None:
    await api.call("setFaxNumberURLCallback", did=OWN, url_callback=url, url_callback_enable="1")
    await api.sim.receive(to=OWN, from_="5558889999")
    (outcome,) = await api.sim.wait_for(lambda sim: outcomes(sim, 1))
    assert outcome.startswith("not sent")


def test_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("example.com", "192.0.2.1", "localhost.example.com", "")))


async def test_a_dead_callback_is_noted(api: Api) -> None:
    await api.call(
        "setFaxNumberURLCallback", did=OWN, url_callback="http://127.0.0.1:1/", url_callback_enable="1"
    )
    await api.sim.receive(to=OWN, from_="5558889999")
    (outcome,) = await api.sim.wait_for(lambda sim: outcomes(sim, 1))
    assert "refused" in outcome


@pytest.mark.parametrize("attach", [True, False])
async def test_notifications_by_mail(
    connect: Callable[[Simulator], Api], tmp_path: Path, attach: bool
) -> None:
    async with Catcher(tmp_path) as catcher, Simulator(smtp=catcher.address) as sim:
        await connect(sim).call(
            "setFaxNumberEmail",
            did=OWN,
            email="desk@example.com",
            email_enable="1",
            email_attach_file=str(int(attach)),
        )
        await sim.receive(to=OWN, from_="5558889999", pdf=sample.invoice())
        mail = await catcher.wait_for()
    assert mail.recipients == ("desk@example.com",)
    assert mail.attachments() == ([sample.invoice()] if attach else [])


async def test_a_copy_of_a_sent_fax(connect: Callable[[Simulator], Api], tmp_path: Path) -> None:
    async with Catcher(tmp_path) as catcher, Simulator(smtp=catcher.address) as sim:
        api = connect(sim)
        sim.line.script(["busy"], destination="5558880001")
        await api.send(send_email_enabled="1", send_email="me@example.com")
        sim.advance(600)
        mail = await catcher.wait_for()
    assert mail.message.get_body().get_content().strip() == "FAILED Busy"
    assert mail.attachments() == [sample.invoice()]
