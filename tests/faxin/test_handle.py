"""The steps of a received fax, with the real store's moves between them."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import Kind
from gateway.lifecycle import OutboxState, ReceivedState
from gateway.model import ReceivedFax, Via
from gateway.moves import Trigger
from gateway.store import outbox, received
from gateway.store.received import Delivery
from gateway.worker.outcomes import Acknowledged, Fetched, Later, Parked, Routed


@pytest.fixture
async def seen(bench: Any) -> ReceivedFax:
    """A fax that the poller found and a worker claimed."""
    poller = bench.poller()
    await poller.step()
    await bench.arrive()
    await poller.step()
    fax: ReceivedFax = await bench.claim()
    return fax


async def mailed(bench: Any, seen: ReceivedFax, handler: Any) -> ReceivedFax:
    """The same fax after its mails were accepted."""
    now = bench.now()
    fetched = await handler.step(seen)
    await bench.store.write(
        lambda tx: received.fetched(tx, seen, content=fetched.content, digest=fetched.digest, now=now)
    )
    fax = await bench.claim()
    routed = await handler.step(fax)
    await bench.store.write(lambda tx: received.routed(tx, fax, routed.deliveries, now=now))
    for mail in await bench.store.write(
        lambda tx: outbox.claim(tx, owner="t", now=now + 1, seconds=9, limit=9)
    ):

        def sent(tx: Any, mail: Any = mail) -> None:
            outbox.move(tx, mail, OutboxState.SENT, Trigger.TAKEN, now=now)
            received.mail_left(tx, mail, OutboxState.SENT, now=now)

        await bench.store.write(sent)
    claimed: ReceivedFax = await bench.claim()
    assert claimed.state is ReceivedState.MAILED
    return claimed


def reason(outcome: Any, kind: type) -> str:
    assert isinstance(outcome, kind)
    return str(outcome.failure.sentence if isinstance(outcome, Later) else outcome.reason)


async def test_the_whole_way(bench: Any, seen: ReceivedFax) -> None:
    handler = bench.handler(move_to="Done")
    fax = await mailed(bench, seen, handler)
    pdf = bench.message(fax.provider_id).pdf
    assert fax.content is not None
    assert bench.store.inbox.read(fax.content) == pdf
    assert fax.digest == hashlib.sha256(pdf).hexdigest()
    assert await handler.step(fax) == Acknowledged(folder="Done")
    assert bench.message(fax.provider_id).folder == "Done"
    assert bench.calls("deleteFaxMessage") == []


# Fetch


async def test_small_and_large_pages_are_stored(bench: Any, seen: ReceivedFax) -> None:
    large = b"%PDF-1.7\n" + bytes(200_000)
    bench.message(seen.provider_id).pdf = large
    outcome = await bench.handler().step(seen)
    assert isinstance(outcome, Fetched)
    assert outcome.content.file == f"{seen.id}.pdf"
    assert bench.store.inbox.path(outcome.content.file).read_bytes() == large
    bench.message(seen.provider_id).pdf = b"%PDF-1.7\nsmall"
    assert (await bench.handler().step(seen)).content.data == b"%PDF-1.7\nsmall"


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        ("http_5xx", Later),
        ("empty_200", Later),
        ("html_200", Later),
        ("accepted_then_reset", Later),
        ("unavailable_info", Later),
        ("api_limit_exceeded", Later),
        ({"status": "invalid_credentials"}, Later),
        ({"status": "no_message"}, Parked),
        ({"status": "invalid_id"}, Parked),
        ({"status": "invalid_fax_id"}, Parked),
    ],
)
async def test_what_the_provider_may_answer(bench: Any, seen: ReceivedFax, fate: Any, kind: type) -> None:
    bench.simulator.line.script([fate], method="getFaxMessagePDF")
    assert reason(await bench.handler().step(seen), kind)


async def test_deleted_at_the_provider(bench: Any, seen: ReceivedFax) -> None:
    bench.simulator.account.messages.clear()
    outcome = await bench.handler().step(seen)
    assert "getFaxMessagePDF" in reason(outcome, Parked)


async def test_what_is_no_pdf_is_asked_for_again_and_then_a_persons_matter(
    bench: Any, seen: ReceivedFax
) -> None:
    bench.message(seen.provider_id).pdf = b"<html>SECRET-PAGE</html>"
    handler = bench.handler()
    assert isinstance(await handler.step(seen), Later)
    outcome = await handler.step(replace(seen, attempts=10))
    assert "SECRET" not in reason(outcome, Parked)
    bench.simulator.line.script(["http_5xx"], method="getFaxMessagePDF")
    assert isinstance(await handler.step(replace(seen, attempts=10)), Later), "an outage parks nothing"


async def test_a_full_disk(bench: Any, seen: ReceivedFax) -> None:
    bench.message(seen.provider_id).pdf = b"%PDF-1.7\n" + bytes(200_000)
    shutil.rmtree(bench.store.inbox.root)
    outcome = await bench.handler().step(seen)
    assert "cannot store" in reason(outcome, Later)
    assert outcome.failure.kind is Kind.TEMPORARY


# Route


async def test_routes(bench: Any, seen: ReceivedFax) -> None:
    fax = replace(seen, state=ReceivedState.FETCHED)
    routes = [
        {"numbers": ["5557654321"], "to": ["office@example.com"]},
        {"numbers": ["5557654321"], "to": ["jane@example.com"], "via": "provider"},
    ]
    assert await bench.handler(routes=routes).step(fax) == Routed(
        deliveries=(
            Delivery(recipient="office@example.com", via=Via.SMTP),
            Delivery(recipient="jane@example.com", via=Via.PROVIDER),
        )
    )


@pytest.mark.parametrize(
    ("did", "shown"),
    [("5557654321", "No route for (555) 765-4321:"), ("", "No route for an unknown number:")],
)
async def test_a_number_without_a_route(bench: Any, seen: ReceivedFax, did: str, shown: str) -> None:
    routes = [{"numbers": ["5552341234"], "to": ["office@example.com"]}]
    outcome = await bench.handler(routes=routes).step(replace(seen, did=did, state=ReceivedState.FETCHED))
    assert reason(outcome, Parked).startswith(shown)
    assert outcome.code == "no_route"


# Acknowledge


@pytest.fixture
def done(seen: ReceivedFax) -> ReceivedFax:
    return replace(seen, state=ReceivedState.MAILED)


async def test_without_a_folder_it_stays_where_it_is(bench: Any, done: ReceivedFax) -> None:
    assert await bench.handler().step(done) == Acknowledged(folder="INBOX")
    assert bench.calls("moveFaxMessage") == []


async def test_an_existing_folder_is_used_and_looked_up_once(bench: Any, done: ReceivedFax) -> None:
    handler = bench.handler(move_to="archive")
    before = len(bench.calls("getFaxFolders"))
    assert await handler.step(done) == Acknowledged(folder="archive")
    assert await handler.step(done) == Acknowledged(folder="archive"), "moving twice is harmless"
    assert len(bench.calls("getFaxFolders")) == before + 1
    assert bench.calls("setFaxFolder") == []
    assert bench.message(done.provider_id).folder == "Archive"


async def test_it_lies_there_already(bench: Any, done: ReceivedFax) -> None:
    outcome = await bench.handler(move_to="archive").step(replace(done, folder="Archive"))
    assert outcome == Acknowledged(folder="archive")
    assert bench.calls("moveFaxMessage") == []


async def test_somebody_else_made_the_folder_meanwhile(bench: Any, done: ReceivedFax) -> None:
    bench.simulator.line.script([{"status": "no_folder"}], method="getFaxFolders")
    assert await bench.handler(move_to="Archive").step(done) == Acknowledged(folder="Archive")


async def test_a_folder_that_was_deleted_is_made_again(bench: Any, done: ReceivedFax) -> None:
    handler = bench.handler(move_to="Done")
    await handler.step(done)
    folders = bench.simulator.account.folders
    del folders[next(id_ for id_, name in folders.items() if name == "Done")]
    assert "made again" in reason(await handler.step(done), Later)
    assert await handler.step(done) == Acknowledged(folder="Done")


async def test_a_folder_that_cannot_be_made(bench: Any, done: ReceivedFax) -> None:
    assert reason(await bench.handler(move_to="Fertig!").step(done), Parked).startswith("It was mailed.")


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        ("accepted_then_reset", Later),
        ("http_5xx", Later),
        ({"status": "moving_fail"}, Later),
        ({"status": "invalid_fax_id"}, Parked),
    ],
)
async def test_moves_that_fail(bench: Any, done: ReceivedFax, fate: Any, kind: type) -> None:
    bench.simulator.line.script([fate], method="moveFaxMessage")
    handler = bench.handler(move_to="Archive")
    assert reason(await handler.step(done), kind)
    assert await handler.step(done) == Acknowledged(folder="Archive")


async def test_a_state_without_a_step_is_a_bug(bench: Any, seen: ReceivedFax) -> None:
    with pytest.raises(ValueError, match="no step"):
        await bench.handler().step(replace(seen, state=ReceivedState.ROUTED))
