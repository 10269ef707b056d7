"""What became of a fax: every fault of the line, with the real client, store and wire.

Each test says what the sender would be told (the state), and what the ledger shows (how often it was sent).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import GatewayError, permanent, temporary
from gateway.faxout.proofs import PROOFS_A_ROUND
from gateway.faxout.sent import latest_meaning, list_sent
from gateway.lifecycle import FaxState
from gateway.moves import Trigger
from gateway.simulator import MODES, WireMode
from gateway.simulator.account import Message
from gateway.simulator.life import finished
from gateway.simulator.redraw import Kept
from gateway.simulator.sample import stranger
from gateway.store import attempts, faxes, history, tracking
from gateway.store.tracking import GivesBack
from gateway.voipms import ApiError
from gateway.worker.outcomes import Traced

OpenOffice = Callable[..., Any]
HOUR = 3600.0
DEADLINE = 2 * 86400.0
"""Seconds that an accepted mail's faxes have, as the office gives them."""
DELIVERED, FAILED, HELD = FaxState.DELIVERED, FaxState.FAILED, FaxState.HELD
SENT, UNKNOWN, WAITING = FaxState.SENT, FaxState.UNKNOWN, FaxState.WAITING


def accepted(office: Any) -> int:
    """How many faxes the provider took."""
    return sum(call.accepted for call in office.calls())


async def how(office: Any, fax: Any) -> str:
    """Why the last row was known to be ours."""
    events = await office.store.read(lambda tx: history.of(tx, "fax", fax.id))
    return next((one["detail"]["how"] for one in reversed(events) if "how" in one["detail"]), "")


async def test_without_open_faxes_the_provider_is_not_called(office: Any) -> None:
    await office.accept()
    assert await office.track() == []
    work = await office.claim()
    now = office.now()
    await office.store.write(
        lambda tx: attempts.begin(
            tx, work.fax, token="T", deadline=now + 9, snapshot=(), digest="d", lease=9, now=now
        )
    )
    assert await office.track() == [], "a submitting fax is its worker's"
    assert office.simulator.ledger == []


# The good ends and the plain bad ones.


async def test_a_delivered_fax(office: Any) -> None:
    fax = await office.accept()
    await office.send()
    await office.track_after(0, 3)
    assert await office.state(fax) is SENT
    await office.track_after(60)
    done = await office.fax(fax.id)
    assert done.state is DELIVERED
    assert (done.pages, done.seconds, done.cost) == (2, 40, "0.029")
    assert done.provider_id == office.calls()[0].message
    assert await how(office, fax) == "pages"
    assert accepted(office) == 1
    assert len(office.calls("getFaxMessagePDF")) == 1


async def test_a_partial_fax_is_reported_and_not_resent(office: Any) -> None:
    office.script({"fate": "partial", "k": 1})
    fax = await office.accept()
    await office.send()
    await office.track_after(60)
    done = await office.fax(fax.id)
    assert (done.state, done.pages) == (FaxState.PARTIAL, 1)
    assert "1 of 2 pages" in done.reason


@pytest.mark.parametrize(("fate", "status"), [("voice", "5.1.1"), ("drop_after", "4.4.2")])
async def test_a_failed_fax_quotes_the_provider(office: Any, fate: str, status: str) -> None:
    office.script(fate)
    fax = await office.accept()
    await office.send()
    await office.track_after(60)
    done = await office.fax(fax.id)
    assert (done.state, done.status) == (FAILED, status)
    assert 'VoIP.ms says: "FAILED: ' in done.reason
    assert await how(office, fax) == "pages", "a failed row is proved rather than waited for"


@pytest.mark.parametrize("fate", ["busy", "no_answer"])
async def test_a_busy_line_is_called_again_and_the_old_row_tells_nothing_new(office: Any, fate: str) -> None:
    office.script(fate, "success")
    fax = await office.accept()
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is WAITING
    office.simulator.advance(120)
    await office.send()
    await office.track_after(0, 3)
    assert await office.state(fax) is SENT, "the first row is still there, and it is the first call's"
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED
    assert accepted(office) == 2


async def test_a_line_that_stays_busy_fails_in_the_end(office: Any) -> None:
    office.script("busy", "busy", "busy")
    fax = await office.accept()
    for _ in range(3):
        await office.send()
        await office.track_after(60)
        office.simulator.advance(300)
    assert await office.state(fax) is FAILED
    assert accepted(office) == 3


async def test_a_failed_row_that_cannot_be_proved_must_stay_alone(office: Any) -> None:
    office.page_digests = never_readable
    office.restart()
    office.script("busy")
    fax = await office.accept()
    await office.send()
    await office.track_after(60, 300, 290)
    assert await office.state(fax) is SENT
    await office.track_after(20)
    assert await office.state(fax) is WAITING
    assert await how(office, fax) == "lone"


async def test_a_failed_row_that_gets_company_is_not_adopted(office: Any) -> None:
    office.page_digests = never_readable
    office.restart()
    fax = await office.accept()
    office.script({"fate": "row_delayed", "seconds": 400})
    await office.send()
    await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2, status="FAILED", msg="Busy")
    await office.track_after(10, 300, 100, 400)
    assert await office.state(fax) is SENT
    await office.track_after(HOUR)
    assert await office.state(fax) is HELD
    assert accepted(office) == 1


async def page_digests(pdf: bytes) -> Sequence[str]:
    """A renderer that finds our pages: equal files have equal ones, as the office has it."""
    return [hashlib.sha256(pdf).hexdigest()]


async def never_readable(pdf: bytes) -> Sequence[str]:
    """A renderer that finds nothing to compare."""
    raise GatewayError(permanent("5.6.1", "The PDF cannot be read."))


# Calls without an answer, when the fax was accepted.


@pytest.mark.parametrize(
    "fate", ["accepted_then_timeout", "accepted_then_reset", {"fate": "http_5xx", "accepted": True}], ids=str
)
@pytest.mark.parametrize("echo", [True, False], ids=["token echoed", "by pages"])
async def test_an_accepted_call_without_an_answer_is_proved(
    open_office: OpenOffice, fate: Any, echo: bool
) -> None:
    office = open_office(voipms={"station_id": "{name} {token}"})
    office.simulator.wire = WireMode(station_echo=echo)
    office.script(fate)
    fax = await office.accept()
    await office.send()
    assert await office.state(fax) is UNKNOWN
    await office.track_after(3)
    assert await office.state(fax) is SENT, "proved while it is still under way"
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED
    assert await how(office, fax) == "known"
    events = await office.store.read(lambda tx: history.of(tx, "fax", fax.id))
    proof = "token" if echo else "pages"
    assert proof in [one["detail"].get("how") for one in events]
    assert len(office.calls("getFaxMessagePDF")) == (0 if echo else 1)
    assert accepted(office) == 1


async def test_pages_that_were_drawn_anew_prove_too(office: Any) -> None:
    compared = []

    async def alike(ours: bytes, theirs: bytes) -> bool:
        compared.append((ours, theirs))
        return True

    office.alike = alike
    office.simulator.wire = WireMode(station_echo=False, kept=Kept.REDRAWN)
    office.restart()
    office.script("accepted_then_reset")
    fax = await office.accept()
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED
    events = await office.store.read(lambda tx: history.of(tx, "fax", fax.id))
    assert "pages" in [one["detail"].get("how") for one in events]
    ((ours, theirs),) = compared
    digest = office.calls()[0].params["file"]["digest"]
    assert hashlib.sha256(ours).hexdigest() == digest != hashlib.sha256(theirs).hexdigest()


async def test_pages_drawn_anew_that_are_others_prove_nothing(office: Any) -> None:
    office.simulator.wire = WireMode(station_echo=False, kept=Kept.REDRAWN)
    office.script("accepted_then_reset")
    fax = await office.accept()
    await office.send()
    await office.track_after(60, HOUR)
    assert await office.state(fax) is HELD
    assert accepted(office) == 1


async def test_an_unknown_fax_whose_line_was_busy_is_sent_again(office: Any) -> None:
    office.script({"fate": "accepted_then_reset", "ending": "busy"}, "success")
    fax = await office.accept()
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is WAITING
    office.simulator.advance(120)
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED
    assert accepted(office) == 2


async def test_a_process_that_died_in_the_call_finds_its_fax(office: Any) -> None:
    office.script("accepted_then_timeout")
    fax = await office.accept()
    running = asyncio.create_task(office.submit())
    await office.simulator.wait_for(
        lambda sim: [one for one in sim.ledger if one.method == "sendFaxMessage" and one.accepted]
    )
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    office.restart()
    office.simulator.advance(2000)
    await office.store.write(lambda tx: attempts.rescue(tx, now=office.now(), calling=()))
    assert await office.state(fax) is UNKNOWN
    await office.track_after(0)
    assert await office.state(fax) is DELIVERED
    assert accepted(office) == 1


@pytest.mark.parametrize("fate", ["success", "accepted_then_reset"])
async def test_a_row_that_somebody_moved_is_found_where_it_is(office: Any, fate: str) -> None:
    office.script(fate)
    fax = await office.accept()
    await office.send()
    (message,) = [one for one in office.simulator.account.messages.values() if one.origin == "call"]
    message.folder = "Archive"
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED


async def test_a_row_in_another_folder_before_the_call_is_no_row_of_it(office: Any) -> None:
    await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
    (old,) = [one for one in office.simulator.account.messages.values() if one.origin == "by hand"]
    old.folder = "Archive"
    office.script("row_never")
    fax = await office.accept()
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is SENT


# Calls without an answer, when nothing was accepted: nobody can know.


@pytest.mark.parametrize(
    "fate",
    ["refused_after_body", "http_5xx", "empty_200", "html_200", "sent_fail", "unavailable_info"],
)
async def test_a_call_in_doubt_without_a_row_waits_for_a_person(office: Any, fate: str) -> None:
    office.script(fate)
    fax = await office.accept()
    await office.send()
    await office.track_after(0, HOUR - 60)
    assert await office.state(fax) is UNKNOWN
    await office.track_after(120)
    done = await office.fax(fax.id)
    assert (done.state, done.code) == (HELD, "held_no_proof")
    assert len(office.calls()) == 1, "never sent again by itself"


async def test_a_row_that_never_comes_is_held_and_never_resent(office: Any) -> None:
    office.script("row_never")
    fax = await office.accept()
    await office.send()
    await office.track_after(60, HOUR)
    done = await office.fax(fax.id)
    assert (done.state, done.code) == (HELD, "held_no_row")
    assert accepted(office) == 1


async def test_a_rule_may_prefer_a_second_fax_to_none(office: Any) -> None:
    office.script("empty_200", "success")
    fax = await office.accept(resend_unknown=True)
    await office.send()
    await office.track_after(HOUR - 60)
    assert await office.state(fax) is UNKNOWN
    await office.track_after(120)
    assert await office.state(fax) is WAITING
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED
    assert accepted(office) == 1


@pytest.mark.parametrize("ours", [True, False])
async def test_a_row_that_comes_while_a_rule_waits_to_send_again_stops_it(office: Any, ours: bool) -> None:
    """The provider is out of order just then, so the second call comes much later than the decision."""
    taken = {"fate": "accepted_then_reset", "row_delay": HOUR + 300}
    office.script(taken if ours else "refused_after_body", "success")
    fax = await office.accept(resend_unknown=True)
    await office.send()
    await office.track_after(HOUR + 60)
    assert await office.state(fax) is WAITING
    office.script("unavailable_info", method="getFaxMessages")
    await office.send()
    if not ours:
        await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
    office.simulator.advance(600)
    assert await office.send() == Traced()
    assert await office.state(fax) is UNKNOWN
    await office.track_after(60)
    assert await office.state(fax) is (DELIVERED if ours else HELD)
    assert len(office.calls()) == 1


async def test_a_person_who_sends_again_is_not_stopped_by_new_rows(office: Any) -> None:
    office.script("refused_after_body", "success")
    fax = await office.accept(resend_unknown=True)
    await office.send()
    await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
    await office.track_after(60, HOUR)
    held, now = await office.fax(fax.id), office.now()
    assert held.state is HELD
    await office.store.write(
        lambda tx: faxes.move(tx, held, WAITING, Trigger.RESOLVE, now=now, run_at=now, by="anna")
    )
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED


async def test_no_rule_resends_beside_a_new_row(office: Any) -> None:
    office.script("empty_200")
    fax = await office.accept(resend_unknown=True)
    await office.send()
    await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
    await office.track_after(60, HOUR)
    assert await office.state(fax) is HELD


# Late rows.


async def test_a_delayed_row(office: Any) -> None:
    office.script({"fate": "row_delayed", "seconds": 1800})
    fax = await office.accept()
    await office.send()
    await office.track_after(60, 1700)
    assert await office.state(fax) is SENT
    await office.track_after(100)
    assert await office.state(fax) is DELIVERED


async def test_a_row_that_comes_while_the_fax_is_held_is_proved(office: Any) -> None:
    office.script({"fate": "accepted_then_reset", "row_delay": 3 * HOUR})
    fax = await office.accept()
    await office.send()
    await office.track_after(60, HOUR)
    assert await office.state(fax) is HELD
    await office.track_after(HOUR)
    assert await office.state(fax) is HELD
    await office.track_after(HOUR)
    assert await office.state(fax) is DELIVERED
    assert await how(office, fax) == "pages"


async def test_a_held_fax_ends_unconfirmed_even_while_the_provider_is_down(office: Any) -> None:
    office.script("empty_200")
    fax = await office.accept()
    await office.send()
    await office.track_after(HOUR + 60, 6.9 * 86400)
    assert await office.state(fax) is HELD
    await office.simulator.stop()
    with pytest.raises(ApiError):
        await office.track_after(0)
    await office.track_after(0.2 * 86400)
    assert await office.state(fax) is FaxState.UNCONFIRMED
    assert await office.track() == []


async def test_a_provider_that_was_down_for_long_is_looked_at_before_anything_is_given_up(
    office: Any,
) -> None:
    office.script("accepted_then_reset")
    fax = await office.accept()
    await office.send()
    office.script(*["http_5xx"] * 3, method="getFaxMessages")
    for _ in range(3):
        with pytest.raises(ApiError):
            await office.track_after(HOUR)
    assert await office.state(fax) is UNKNOWN
    await office.track_after(0)
    assert await office.state(fax) is DELIVERED


@pytest.mark.parametrize("fate", ["success", "accepted_then_reset"])
async def test_a_fax_on_the_line_is_held_in_the_end_while_the_provider_is_down(
    office: Any, fate: str
) -> None:
    office.script(fate)
    fax = await office.accept(resend_unknown=True)
    await office.send()
    await office.simulator.stop()
    with pytest.raises(ApiError):
        await office.track_after(DEADLINE)
    with pytest.raises(ApiError):
        await office.track_after(HOUR - 60)
    assert await office.state(fax) in (SENT, UNKNOWN)
    await office.track_after(120)
    done = await office.fax(fax.id)
    assert (done.state, done.code) == (HELD, "held_unread")
    with pytest.raises(ApiError):
        await office.track()
    assert await office.state(fax) is HELD


async def test_a_fax_that_stays_pending_is_held_at_its_deadline(office: Any) -> None:
    office.script({"fate": "success", "final_status": "IN PROGRESS"})
    fax = await office.accept()
    await office.send()
    await office.track_after(60, 5 * HOUR, 20 * HOUR)
    assert await office.state(fax) is SENT
    await office.track_after(24 * HOUR)
    assert await office.state(fax) is HELD


# Strangers: rows with our number and our page count.


@pytest.mark.parametrize("answer", ["normal", "reset"])
@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize("theirs", ["success", "busy"])
async def test_a_strangers_row_beside_ours(office: Any, answer: str, when: str, theirs: str) -> None:
    """Ours fails for good, theirs does not: nothing but ours may be told."""
    office.script(
        {
            "fate": "stranger_row",
            "when": when,
            "answer": answer,
            "ending": "voice",
            "stranger_ending": theirs,
        }
    )
    fax = await office.accept()
    await office.send()
    await office.track_after(5, 60)
    done = await office.fax(fax.id)
    assert (done.state, done.code) == (FAILED, "no_fax")
    assert done.provider_id == office.calls()[0].message
    assert accepted(office) == 1


@pytest.mark.parametrize("theirs", ["success", "busy", "voice"])
async def test_a_strangers_row_instead_of_ours_resolves_no_doubt(office: Any, theirs: str) -> None:
    office.script(
        {"fate": "stranger_row", "when": "instead", "answer": "reset", "row_shown": False}
        | {"stranger_ending": theirs}
    )
    fax = await office.accept()
    await office.send()
    await office.track_after(60, 600, HOUR)
    assert await office.state(fax) is HELD
    await office.track_after(86400)
    assert await office.state(fax) is HELD
    assert accepted(office) == 1


async def test_a_strangers_failed_row_instead_of_ours_makes_no_second_call(office: Any) -> None:
    """However long it stays alone, and although nothing is known yet of what the provider gives back."""
    office.script({"fate": "stranger_row", "when": "instead", "row_shown": False, "stranger_ending": "busy"})
    fax = await office.accept()
    await office.send()
    await office.track_after(60, 700, 700)
    assert await office.state(fax) is SENT
    await office.track_after(HOUR)
    assert await office.state(fax) is HELD
    assert accepted(office) == 1


@pytest.mark.parametrize("first", ["success", "IN PROGRESS"])
async def test_a_strangers_row_whose_pdf_cannot_be_had_just_now_is_not_taken_before_ours_comes(
    office: Any, first: str
) -> None:
    office.script({"fate": "success", "row_delay": 120})
    fax = await office.accept()
    await office.send()
    theirs = await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2, status=first)
    if first != "success":  # other pages were seen before its end
        other = await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
        await office.track()
        del office.simulator.account.messages[int(other)]
        message = office.simulator.account.messages[int(theirs)]
        message.life = finished(2, 76, 0)
    office.script("unavailable_info", method="getFaxMessagePDF")
    await office.track_after(5)
    assert await office.state(fax) is SENT
    await office.track_after(130, 60)
    done = await office.fax(fax.id)
    assert (done.state, done.provider_id) == (DELIVERED, office.calls()[0].message)


async def test_a_long_round_makes_no_row_settle_that_was_not_looked_at(office: Any) -> None:
    """Ours comes while PDFs are fetched, when the stranger's would have been alone for long enough."""

    async def slowly(pdf: bytes) -> Sequence[str]:
        office.simulator.advance(50)
        raise GatewayError(temporary("4.3.0", "Not now."))

    office.page_digests = slowly
    office.restart()
    office.script({"fate": "success", "row_delay": 640})
    fax = await office.accept()
    await office.send()
    await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
    await office.track_after(5, 560)
    assert await office.state(fax) is SENT
    assert len(office.calls("getFaxMessagePDF")) == 2
    office.page_digests = page_digests
    office.restart()
    await office.track_after(60)
    assert (await office.fax(fax.id)).provider_id == office.calls()[0].message


@pytest.mark.parametrize("theirs", ["success", "busy"])
async def test_that_the_provider_gives_back_our_pages_is_known_after_a_restart(
    office: Any, theirs: str
) -> None:
    """From then on other pages are another fax, however long they stay alone."""
    office.script(
        "success",
        {"fate": "stranger_row", "when": "instead", "row_shown": False, "stranger_ending": theirs},
    )
    first = await office.accept()
    await office.send()
    await office.track_after(60)
    assert await office.state(first) is DELIVERED
    office.restart()
    fax = await office.accept()
    await office.send()
    await office.track_after(60, 700, 700)
    assert await office.state(fax) is SENT
    await office.track_after(HOUR)
    assert await office.state(fax) is HELD
    assert accepted(office) == 2


async def test_where_the_provider_redraws_beyond_recognition_a_busy_line_is_called_again(office: Any) -> None:
    """The first fax that arrived alone has shown it; one that comes back bit for bit shows better."""

    async def redrawn(_pdf: bytes) -> Sequence[str]:
        return ["drawn anew"]

    office.page_digests = redrawn
    office.restart()
    office.script("success", "busy", "success")
    first = await office.accept()
    await office.send()
    await office.track_after(60, 700)
    assert (await office.state(first), await how(office, first)) == (DELIVERED, "lone")
    assert await office.store.read(tracking.gives_back) is GivesBack.UNLIKE
    second = await office.accept()
    await office.send()
    await office.track_after(60, 700)
    assert await office.state(second) is WAITING
    office.page_digests = page_digests
    office.restart()
    office.simulator.advance(200)
    await office.send()
    await office.track_after(60)
    assert await how(office, second) == "pages"
    assert await office.store.read(tracking.gives_back) is GivesBack.AS_SENT


async def test_that_the_provider_echoes_tokens_is_known_after_a_restart(open_office: OpenOffice) -> None:
    """From then on a row without ours is another fax, also where PDFs cannot be had."""
    office = open_office(voipms={"station_id": "{name} {token}"})
    office.script("success", {"fate": "stranger_row", "when": "instead", "row_shown": False})
    office.script(*[{"status": "no_message"}] * 40, method="getFaxMessagePDF")
    first = await office.accept()
    await office.send()
    await office.track_after(60)
    assert (await office.state(first), await how(office, first)) == (DELIVERED, "token")
    office.restart()
    fax = await office.accept()
    await office.send()
    await office.track_after(60, 700, 700)
    assert await office.state(fax) is SENT
    await office.track_after(HOUR)
    assert await office.state(fax) is HELD


async def test_the_same_fax_of_two_senders_is_told_apart_by_what_was_there_before(office: Any) -> None:
    office.script({"fate": "accepted_then_reset", "row_delay": 2 * HOUR, "ending": "voice"})
    first = await office.accept()
    await office.send()
    await office.track_after(HOUR + 60)
    assert await office.state(first) is HELD
    second = await office.accept()
    await office.send()
    await office.track_after(60)
    # One row with both faxes' pages: either could have made it.
    assert await office.state(first) is HELD
    assert await office.state(second) is SENT
    # The first one's own row comes; it is too old to be the second one's.
    await office.track_after(HOUR)
    assert await office.state(first) is FAILED
    assert await office.state(second) is DELIVERED
    assert accepted(office) == 2


# Rows that cannot be read.


class Nameless(Message):
    """A row without an id."""

    def id(self, now: float) -> str:
        return ""


async def put_nameless(office: Any) -> str:
    """Put a row into SENT that cannot be read; returns the key under which it can be taken out again."""
    key = await office.simulator.put_sent(to="5559999999", from_="5552341234")
    messages = office.simulator.world.account.messages
    plain = messages[int(key)]
    messages[int(key)] = Nameless(**{one.name: getattr(plain, one.name) for one in fields(plain)})
    return key


async def test_an_unreadable_row_hides_no_other(office: Any) -> None:
    fax = await office.accept()
    await office.send()
    await put_nameless(office)
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED
    assert await how(office, fax) == "pages", "likeness would do without it"


async def test_beside_an_unreadable_row_an_unproved_one_is_not_taken(office: Any) -> None:
    office.page_digests = never_readable
    office.restart()
    fax = await office.accept()
    await office.send()
    await put_nameless(office)
    await office.track_after(60, HOUR - 120)
    assert await office.state(fax) is SENT
    await office.track_after(120)
    done = await office.fax(fax.id)
    assert (done.state, done.code) == (HELD, "held_ambiguous")


async def test_beside_an_unreadable_row_a_fax_in_doubt_is_not_sent_again(office: Any) -> None:
    office.script("empty_200")
    fax = await office.accept(resend_unknown=True)
    await office.send()
    await put_nameless(office)
    await office.track_after(60, HOUR)
    assert await office.state(fax) is HELD
    assert len(office.calls()) == 1


async def test_a_row_that_was_unreadable_before_the_call_may_be_any_new_row_after_it(office: Any) -> None:
    office.page_digests = never_readable
    office.restart()
    key = await put_nameless(office)
    fax = await office.accept()
    await office.send()
    del office.simulator.world.account.messages[int(key)]
    await office.track_after(60)
    assert await office.state(fax) is SENT, "the lone row is not adopted"
    office.page_digests = page_digests
    office.restart()
    await office.track_after(60)
    assert await office.state(fax) is DELIVERED


# Ids.


async def test_changing_ids(office: Any) -> None:
    office.script("changing_ids")
    fax = await office.accept()
    await office.send()
    await office.track_after(1, 3, 10, 60)
    assert await office.state(fax) is DELIVERED
    assert accepted(office) == 1


async def test_a_row_proved_under_another_id_is_proved_anew(office: Any) -> None:
    office.script({"fate": "changing_ids", "answer": "reset"})
    fax = await office.accept()
    await office.send()
    await office.track_after(10)
    first = await office.fax(fax.id)
    assert first.state is SENT
    await office.track_after(60)
    last = await office.fax(fax.id)
    assert last.state is DELIVERED
    assert last.provider_id != first.provider_id
    assert await how(office, fax) == "pages"


async def test_the_busy_row_of_the_first_call_under_another_id_makes_no_third(office: Any) -> None:
    office.script("busy", {"fate": "success", "row_delay": 300})
    fax = await office.accept()
    await office.send()
    await office.track_after(60)
    assert await office.state(fax) is WAITING
    office.simulator.advance(180)
    await office.send()
    messages = office.simulator.account.messages
    busy = messages.pop(int(office.calls()[0].message))
    busy.number = office.simulator.account.next_id()
    messages[busy.number] = busy
    await office.track_after(30, 60)
    assert await office.state(fax) is SENT
    await office.track_after(300)
    done = await office.fax(fax.id)
    assert (done.state, done.provider_id) == (DELIVERED, office.calls()[1].message)
    assert accepted(office) == 2


# Proofs.


async def test_a_pdf_that_is_not_finished_yet_is_looked_at_again(office: Any) -> None:
    office.script("accepted_then_reset")
    fax = await office.accept()
    await office.send()
    office.simulator.advance(60)
    message = office.simulator.account.messages[int(office.calls()[0].message)]
    whole, message.pdf = message.pdf, stranger(2)
    await office.track()
    message.pdf = whole
    await office.track_after(61)
    assert await office.state(fax) is DELIVERED


async def test_a_strangers_pdf_is_fetched_a_few_times_only(office: Any) -> None:
    office.script("empty_200")
    fax = await office.accept()
    await office.send()
    await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
    await office.track_after(10, 30, 30)
    assert len(office.calls("getFaxMessagePDF")) == 2
    await office.track_after(600, *[HOUR] * 40)
    assert await office.state(fax) is HELD
    assert len(office.calls("getFaxMessagePDF")) == 6


async def test_a_pdf_that_cannot_be_had_yet_is_asked_for_again_with_patience(office: Any) -> None:
    office.script("accepted_then_reset")
    office.script(*["unavailable_info"] * 2, method="getFaxMessagePDF")
    fax = await office.accept()
    await office.send()
    office.simulator.advance(60)
    await office.track_after(0, 30, 0, 0)
    assert len(office.calls("getFaxMessagePDF")) == 1
    await office.track_after(31)
    assert len(office.calls("getFaxMessagePDF")) == 2
    assert await office.state(fax) is UNKNOWN
    await office.track_after(121)
    assert await office.state(fax) is DELIVERED


async def test_only_a_few_pdfs_are_fetched_in_a_round_and_holding_waits_for_all(office: Any) -> None:
    office.script("empty_200")
    fax = await office.accept()
    await office.send()
    for _ in range(PROOFS_A_ROUND + 2):
        await office.simulator.put_sent(to="5551230001", from_="5552341234", pages=2)
    await office.track_after(2 * HOUR)
    assert len(office.calls("getFaxMessagePDF")) == PROOFS_A_ROUND
    assert await office.state(fax) is UNKNOWN
    await office.track_after(30)
    assert len(office.calls("getFaxMessagePDF")) == PROOFS_A_ROUND + 2
    assert await office.state(fax) is HELD


async def test_a_renderer_that_trips_over_a_pdf_does_not_stop_the_others(office: Any) -> None:
    async def trips(pdf: bytes) -> Sequence[str]:
        raise RuntimeError("a bug")

    office.page_digests = trips
    office.restart()
    office.script("accepted_then_reset")
    fax = await office.accept()
    await office.send()
    with pytest.raises(RuntimeError):
        await office.track_after(60)
    await office.track_after(30)
    assert await office.state(fax) is UNKNOWN


async def test_a_restart_forgets_nothing_that_matters(office: Any) -> None:
    office.script({"fate": "accepted_then_reset", "final_status": "IN PROGRESS"})
    fax = await office.accept()
    await office.send()
    await office.track_after(5)
    assert await office.state(fax) is SENT
    office.restart()
    calls = len(office.calls("getFaxMessagePDF"))
    await office.track_after(30)
    assert await office.state(fax) is SENT
    assert len(office.calls("getFaxMessagePDF")) == calls


# A held fax and the line.


async def test_a_proved_held_fax_does_not_take_the_line_from_another(office: Any) -> None:
    slow = {"fate": "accepted_then_reset", "row_delay": 1.5 * HOUR, "final_status": "IN PROGRESS"}
    office.script(slow, "row_never")
    first = await office.accept()
    await office.send()
    await office.track_after(HOUR + 60)
    assert await office.state(first) is HELD
    second = await office.accept(pages=3)
    await office.send()
    await office.track_after(0.75 * HOUR)
    held = await office.fax(first.id)
    assert (held.state, held.provider_id) == (HELD, office.calls()[0].message)
    assert await office.state(second) is SENT


# The window.


async def test_the_window_reaches_back_to_the_oldest_call_in_pieces(open_office: OpenOffice) -> None:
    office = open_office(fax={"held_days": 200})
    office.script({"fate": "accepted_then_reset", "row_delay": 120 * 86400})
    fax = await office.accept()
    await office.send()
    await office.track_after(HOUR + 60)
    assert await office.state(fax) is HELD
    before = len(office.calls("getFaxMessages"))
    await office.track_after(121 * 86400)
    assert len(office.calls("getFaxMessages")) == before + 2
    assert await office.state(fax) is DELIVERED


@pytest.mark.parametrize("everywhere", [True, False])
async def test_rows_of_the_inbox_are_not_listed_and_moved_ones_are(office: Any, everywhere: bool) -> None:
    mine, moved = [
        await office.simulator.put_sent(to="5552341234", from_="5557654321", pages=pages) for pages in (1, 2)
    ]
    await office.simulator.receive(to="5552341234", from_="5557654321")
    office.simulator.account.messages[int(moved)].folder = "Archive"
    found = await list_sent(office.client, since=office.now(), until=office.now(), everywhere=everywhere)
    assert set(found.rows) == ({mine, moved} if everywhere else {mine})
    assert found.unreadable == 0


def test_the_repeated_hour_is_read_as_its_second_pass(office: Any) -> None:
    zone = office.client.zone
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 EDT; an hour later it is 01:30 EST
    assert latest_meaning(first, zone) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC).timestamp()
    plain = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    assert latest_meaning(plain, zone) == plain.timestamp()
    assert latest_meaning(None, zone) is None


async def test_every_wire_is_understood(office: Any) -> None:
    async def alike(_ours: bytes, _theirs: bytes) -> bool:
        return True

    office.alike = alike
    office.restart()
    for mode in MODES.values():
        office.simulator.wire = mode
        fax = await office.accept()
        await office.send()
        await office.track_after(60)
        assert await office.state(fax) is DELIVERED, mode
