"""Finding received faxes: each once, none missed, none from before the first contact."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from support.submissions import make_submission

from gateway.errors import GatewayError
from gateway.faxin.poll import MARK, POLLED
from gateway.lifecycle import FaxState, ReceivedState
from gateway.model import Content
from gateway.moves import Trigger
from gateway.simulator import MODES, Service
from gateway.store import Store, StoreUnavailableError, attempts, documents, facts, faxes, intake, received
from gateway.store.faxes import Evidence


async def test_first_contact_takes_nothing_and_later_faxes_are_found(bench: Any) -> None:
    await bench.arrive()
    poller = bench.poller()
    assert await poller.step() == 0
    assert await bench.known() == []
    new = await bench.arrive(name="Harbour Dental", station_id="HARBOUR")
    assert await poller.step() == 1
    (fax,) = await bench.known()
    assert (fax.provider_id, fax.did, fax.caller, fax.caller_name) == (
        new,
        "5557654321",
        "2025550123",
        "Harbour Dental",
    )
    assert (fax.station_id, fax.folder, fax.state) == ("HARBOUR", "INBOX", ReceivedState.SEEN)
    assert fax.pages == bench.message(new).pages
    assert fax.seconds == 38 * fax.pages
    assert fax.received_at == int(bench.message(new).date.timestamp())


async def test_each_fax_is_taken_and_logged_once(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    poller = bench.poller()
    await poller.step()
    await bench.arrive()
    assert [await poller.step() for _ in range(3)] == [1, 0, 0]
    assert await bench.poller().step() == 0, "also after a restart"
    assert caplog.text.count("'event': 'received'") == 1
    assert "2025550123" not in caplog.text


@pytest.mark.parametrize("mode", sorted(MODES))
async def test_every_wire_mode(bench: Any, mode: str) -> None:
    bench.simulator.wire = MODES[mode]
    poller = bench.poller()
    assert await poller.step() == 0
    ids = {await bench.arrive() for _ in range(2)}
    assert await poller.step() == 2
    assert {(fax.did, fax.caller) for fax in await bench.known()} == {("5557654321", "2025550123")}
    assert await bench.ids() == ids


async def test_an_empty_account(bench: Any) -> None:
    poller = bench.poller()
    assert [await poller.step() for _ in range(2)] == [0, 0]
    assert bench.calls("getFaxMessages"), "no_message is an answer"


async def test_a_fax_that_shows_up_late_with_an_older_date(bench: Any) -> None:
    poller = bench.poller(window_days=2)
    await poller.step()
    bench.simulator.advance(86_400)
    await poller.step()
    late = await bench.arrive(days_ago=1.9)
    assert await poller.step() == 1
    assert await bench.ids() == {late}


async def test_several_faxes_of_one_second_and_ids_that_go_down(bench: Any) -> None:
    poller = bench.poller()
    old = await bench.arrive()
    await poller.step()
    ids = {await bench.arrive() for _ in range(3)}
    messages = bench.simulator.account.messages
    for id_ in ids:
        messages[int(id_)].date = bench.message(old).date
    first = messages.pop(int(min(ids)))
    first.number = 7
    messages[7] = first
    assert await poller.step() == 3
    assert await bench.ids() == (ids - {min(ids)}) | {"7"}


async def test_sent_faxes_are_never_taken(bench: Any) -> None:
    poller = bench.poller()
    await poller.step()
    await bench.simulator.put_sent(to="2025550123", from_="5557654321")
    assert await poller.step() == 0
    assert {call["folder"] for call in bench.calls("getFaxMessages")} == {"INBOX", "Archive"}


async def record_sent(store: Store, row_id: str) -> None:
    """A fax of ours whose row in SENT is known."""
    submission, number = make_submission(), "+12025550123"
    await store.write(
        lambda tx: intake.accept(tx, submission, [number], now=1000, deadline=90000, window=600)
    )

    def send(tx: sa.Connection) -> None:
        (work,) = documents.claim(tx, owner="t", now=1000, seconds=9, limit=1, idle=True)
        pages = Content(size=9, file="x.pdf")
        documents.ready(
            tx, work.document, content=pages, pages=1, digest="d", page_digests=["1"], notes=[], now=1000
        )
        (ready,) = faxes.claim(tx, owner="t", now=1000, seconds=9, limit=1)
        attempt = attempts.begin(
            tx, ready.fax, token="T", deadline=1100, snapshot=[], digest="d", lease=50, now=1000
        )
        attempts.end(tx, attempt, "success", FaxState.SENT, Trigger.SUCCESS, now=1001)
        faxes.identify(tx, faxes.get(tx, ready.fax.id), Evidence(provider_id=row_id, how="lone"), now=1002)

    await store.write(send)


async def test_our_own_sent_fax_in_another_folder_is_not_received(bench: Any, store: Store) -> None:
    poller = bench.poller()
    await poller.step()
    sent = await bench.simulator.put_sent(to="2025550123", from_="5557654321")
    await record_sent(store, sent)
    bench.message(sent).folder = "Archive"
    assert await poller.step() == 0
    bench.message(sent).folder = "INBOX"
    assert await poller.step() == 1, "in INBOX it is received, whatever else has its id"


async def test_a_fax_sent_by_hand_and_filed_elsewhere_is_not_received(bench: Any) -> None:
    """Nothing of its id is known here, as with a row of ours that got another id on its way."""
    own = "5557654321"
    poller = bench.poller(routes=[{"numbers": [own, "*"], "to": ["office@example.com"]}])
    await poller.step()
    for to in ("2025550123", own):
        bench.message(await bench.simulator.put_sent(to=to, from_=own)).folder = "Archive"
    assert await poller.step() == 1
    (fax,) = await bench.known()
    assert fax.did == own, "a fax to ourselves is received as well as sent"


async def test_a_fax_in_a_folder_of_the_account_is_found(bench: Any) -> None:
    poller = bench.poller()
    await poller.step()
    filed = await bench.arrive(folder="Archive")
    assert await poller.step() == 1
    (fax,) = await bench.known()
    assert (fax.provider_id, fax.folder) == (filed, "Archive")


class TestWhereSystemFoldersAreNotListed:
    @pytest.fixture
    def service(self) -> Service:
        return Service(list_system_folders=False)

    async def test_inbox_is_looked_at_all_the_same(self, bench: Any) -> None:
        poller = bench.poller()
        await poller.step()
        await bench.arrive()
        assert await poller.step() == 1

    async def test_an_account_without_folders_is_empty(self, bench: Any) -> None:
        bench.simulator.account.folders.clear()
        poller = bench.poller()
        assert [await poller.step() for _ in range(2)] == [0, 0]


async def test_a_listed_folder_that_is_refused_is_trouble(bench: Any) -> None:
    poller = bench.poller()
    await poller.step()
    bench.simulator.line.script([{"status": "invalid_folder"}], method="getFaxMessages")
    with pytest.raises(GatewayError):
        await poller.step()


# First contact


async def test_existing_faxes_are_taken_when_asked_for(bench: Any) -> None:
    old = [await bench.arrive(days_ago=days) for days in (1, 50, 300, 600)]
    await bench.arrive(days_ago=800)
    poller = bench.poller(include_existing=True)
    assert await poller.step() == 4
    assert await bench.ids() == set(old)
    before = len(bench.calls("getFaxMessages"))
    assert await poller.step() == 0
    assert len(bench.calls("getFaxMessages")) == before + 2, "the history is read once"


async def test_existing_faxes_can_be_asked_for_later(bench: Any) -> None:
    old = {await bench.arrive(days_ago=days) for days in (0, 100)}
    assert await bench.poller().step() == 0
    new = await bench.arrive()
    assert await bench.poller(include_existing=True).step() == 3
    assert await bench.ids() == {*old, new}
    assert await bench.poller().step() == 0


async def test_taking_existing_faxes_is_also_a_first_contact(bench: Any) -> None:
    """Switching the setting off later must not make a second first contact, which would swallow new faxes."""
    await bench.poller(include_existing=True).step()
    new = await bench.arrive()
    assert await bench.poller().step() == 1
    assert await bench.ids() == {new}


async def test_a_wider_window_does_not_reach_behind_the_first_contact(bench: Any) -> None:
    await bench.arrive(days_ago=10)
    await bench.poller(window_days=2).step()
    assert await bench.poller(window_days=30).step() == 0


async def test_a_first_contact_that_fails_half_way_did_not_happen(bench: Any, store: Store) -> None:
    await bench.arrive(folder="Archive")
    bench.simulator.line.script(["success", {"fate": "unavailable_info"}], method="getFaxMessages")
    with pytest.raises(GatewayError):
        await bench.poller().step()
    assert await store.read(lambda tx: facts.get(tx, MARK)) is None
    assert await bench.poller().step() == 0
    assert await bench.poller().step() == 0, "the old fax in the second folder is still an old one"


# Outages


async def test_a_long_outage_is_caught_up(bench: Any) -> None:
    poller = bench.poller()
    await poller.step()
    bench.simulator.advance(200 * 86_400)
    missed = {await bench.arrive(days_ago=days) for days in (0, 60, 120, 199)}
    assert await poller.step() == 4
    assert await bench.ids() == missed
    asked = [call for call in bench.calls("getFaxMessages") if call["folder"] == "INBOX"][1:]
    assert [(call["from"], call["to"]) for call in asked] == [
        ("2026-02-28", "2026-05-28"),
        ("2026-05-29", "2026-08-26"),
        ("2026-08-27", "2026-09-19"),
    ]


async def test_one_bad_folder_does_not_stop_the_others(bench: Any, store: Store) -> None:
    poller = bench.poller()
    await poller.step()
    polled = await store.read(lambda tx: facts.get(tx, POLLED))
    inbox, archive = await bench.arrive(), await bench.arrive(folder="Archive")
    bench.simulator.advance(60)
    bench.simulator.line.script(["unavailable_info"], method="getFaxMessages")  # INBOX comes first
    with pytest.raises(GatewayError):
        await poller.step()
    assert await bench.ids() == {archive}
    assert await store.read(lambda tx: facts.get(tx, POLLED)) == polled, "the same days are asked for again"
    assert await poller.step() == 1
    assert await bench.ids() == {archive, inbox}
    assert await store.read(lambda tx: facts.get(tx, POLLED)) > polled


async def test_the_provider_is_down(bench: Any) -> None:
    poller = bench.poller()
    await poller.step()
    await bench.arrive()
    bench.simulator.line.script(["http_5xx"], method="*")
    with pytest.raises(GatewayError):
        await poller.step()
    assert await poller.step() == 1


async def test_a_look_that_cannot_be_stored_is_repeated(bench: Any, tmp_path: Any) -> None:
    poller = bench.poller()
    await poller.step()
    await bench.arrive()

    async def broken(_work: Any) -> Any:
        raise StoreUnavailableError(OSError("disk full"), certain=True)

    write, bench.store.write = bench.store.write, broken
    with pytest.raises(StoreUnavailableError):
        await poller.step()
    bench.store.write = write
    assert await poller.step() == 1


async def test_a_clock_that_was_wrong_loses_nothing(bench: Any) -> None:
    ahead = bench.poller(lambda: bench.now() + 30 * 86_400)
    await bench.poller().step()
    await ahead.step()
    new = await bench.arrive()
    assert await bench.poller().step() == 1
    assert await bench.ids() == {new}


# Ids that change when a fax is moved


async def test_a_fax_that_comes_back_under_another_id_after_our_move(bench: Any) -> None:
    poller = bench.poller(move_to="Archive")
    await poller.step()
    id_ = await bench.arrive()
    await poller.step()
    moved = bench.simulator.account.messages.pop(int(id_))
    moved.number, moved.folder = 999_999, "Archive"
    bench.simulator.account.messages[moved.number] = moved
    assert await poller.step() == 0
    other = await bench.arrive(folder="Archive")
    bench.message(other).date += timedelta(seconds=90)
    assert await poller.step() == 1, "another fax in that folder is another fax"


async def test_found_faxes_can_be_claimed(bench: Any) -> None:
    poller = bench.poller()
    await poller.step()
    id_ = await bench.arrive()
    await poller.step()
    fax = await bench.claim()
    assert fax.provider_id == id_
    assert await bench.store.read(lambda tx: received.get(tx, fax.id).state) is ReceivedState.SEEN


async def test_a_service_that_ignores_the_folder(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = bench.client.get_fax_messages

    async def everything(**question: Any) -> Any:
        return await listing(**{**question, "folder": None})

    monkeypatch.setattr(bench.client, "get_fax_messages", everything)
    poller = bench.poller()
    await poller.step()
    await bench.simulator.put_sent(to="2025550123", from_="5557654321")
    arrived = await bench.arrive()
    assert await poller.step() == 1
    assert await bench.ids() == {arrived}
