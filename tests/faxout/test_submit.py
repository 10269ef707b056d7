"""One call: what comes before it, how it may end, and what each end proves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from support import moving
from support.plans import PATIENCE, plan

from gateway.errors import Kind, Scope, temporary
from gateway.faxout import Submitter
from gateway.faxout.interpret import surely_not_sent
from gateway.lifecycle import FaxState
from gateway.model import Attempt
from gateway.simulator import Simulator
from gateway.store import StoreUnavailableError, attempts, faxes, pauses, tables, tracking
from gateway.worker import apply
from gateway.worker.lease import Lease
from gateway.worker.outcomes import Abandoned, Called, LineTaken, NotCalled, Released, Unsure

OpenOffice = Callable[..., Any]
FROM_NUMBER = "5552341234"
"""The account's own, in the office's settings."""
DEADLINE = 2 * 86400.0
"""Seconds that an accepted mail's faxes have, as the office gives them."""
LOOK = ["getFaxMessages"]
"""Calls of a look before the call."""
POLICY = apply.Policy(plan=plan((120, 300)), patience=PATIENCE, mail_delays=(60,), mail_give_up=3600)


async def the_attempt(office: Any, fax: Any) -> Attempt:
    (attempt,) = await office.store.read(lambda tx: tracking.attempts_of(tx, fax.id))
    return attempt


@pytest.mark.parametrize("inline", [True, False], ids=["in the row", "in a file"])
async def test_a_fax_is_sent_as_it_was_rendered(office: Any, inline: bool) -> None:
    fax = await office.accept(inline=inline, from_name="Dr. Müller")
    outcome = await office.send()
    assert isinstance(outcome, Called)
    assert (outcome.word, outcome.failure) == ("success", None)
    assert await office.state(fax) is FaxState.SENT
    (call,) = office.calls()
    assert call.accepted
    assert call.params["to_number"] == "5551230001"
    assert call.params["from_number"] == "5552341234"
    assert call.params["from_name"] == "Dr Muller"
    assert "station_id" not in call.params
    assert call.params["file"]["digest"] == outcome.attempt.digest


async def test_the_intent_is_on_disk_before_the_call_with_all_that_later_tells(office: Any) -> None:
    mine = await office.simulator.put_sent(to="5551230001", from_="5552341234")
    await office.simulator.put_sent(to="5559999999", from_="5552341234")
    office.script("accepted_then_timeout")
    fax = await office.accept()
    before = office.now()
    running = asyncio.create_task(office.submit())
    await office.simulator.wait_for(lambda sim: [one for one in sim.ledger if one.method == "sendFaxMessage"])
    attempt = await the_attempt(office, fax)
    assert await office.state(fax) is FaxState.SUBMITTING
    assert attempt.snapshot == (mine,)
    assert attempt.outcome == ""
    assert len(attempt.token) == 8
    longest = office.client.settings.longest_call
    assert before + 890 + longest <= attempt.deadline <= office.now() + 900 + longest
    await running


async def test_a_token_is_sent_where_the_template_has_one(open_office: OpenOffice) -> None:
    office = open_office(voipms={"station_id": "{name} {token}"})
    fax = await office.accept()
    await office.send()
    attempt = await the_attempt(office, fax)
    assert office.calls()[0].params["station_id"] == f"Clinic {attempt.token}"


async def test_the_senders_rule_wins_over_the_account(office: Any) -> None:
    await office.accept(from_number="5557654321", from_name="Lab", station_id="Lab {token}")
    await office.send()
    params = office.calls()[0].params
    assert (params["from_number"], params["from_name"]) == ("5557654321", "Lab")
    assert str(params["station_id"]).startswith("Lab ")


# Not called at all.


async def test_nothing_is_sent_while_the_sent_folder_cannot_be_read(office: Any) -> None:
    office.script("http_5xx", method="getFaxMessages")
    fax = await office.accept()
    outcome = await office.send()
    assert isinstance(outcome, NotCalled)
    assert outcome.failure.kind is Kind.TEMPORARY
    assert await office.state(fax) is FaxState.WAITING
    assert office.calls() == []


async def test_a_listing_that_is_refused_for_good_is_the_operators_trouble(office: Any) -> None:
    office.script({"status": "invalid_folder"}, method="getFaxMessages")
    fax = await office.accept()
    outcome = await office.send()
    assert isinstance(outcome, NotCalled)
    assert (outcome.failure.kind, outcome.failure.scope) == (Kind.TEMPORARY, Scope.ACCOUNT)
    assert await office.state(fax) is FaxState.WAITING


async def test_without_a_number_to_send_from_the_fax_waits(open_office: OpenOffice) -> None:
    office = open_office(voipms={"from_number": ""})
    await office.accept()
    _, outcome = await office.submit()
    assert isinstance(outcome, NotCalled)
    assert (outcome.failure.kind, outcome.failure.scope) == (Kind.TEMPORARY, Scope.ITEM)
    assert office.simulator.ledger == []


async def test_a_fax_that_is_too_large_is_refused(open_office: OpenOffice) -> None:
    office = open_office(voipms={"max_file_bytes": 1000})
    fax = await office.accept()
    outcome = await office.send()
    assert isinstance(outcome, NotCalled)
    assert outcome.failure.status == "5.3.4"
    assert await office.state(fax) is FaxState.FAILED
    assert office.simulator.ledger == []


@pytest.mark.parametrize("damage", ["changed", "gone"])
async def test_damaged_pages_are_not_sent(office: Any, damage: str) -> None:
    fax = await office.accept(inline=False)
    path = office.store.pages.path(f"{fax.submission_id}.pdf")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"X")
    outcome = await office.send()
    assert isinstance(outcome, NotCalled)
    assert outcome.failure.kind is Kind.PERMANENT
    assert "damaged" in outcome.failure.sentence
    assert await office.state(fax) is FaxState.FAILED
    assert office.simulator.ledger == []


async def test_pages_that_cannot_be_read_just_now_are_tried_again(office: Any) -> None:
    fax = await office.accept(inline=False)
    path = office.store.pages.path(f"{fax.submission_id}.pdf")
    path.rename(path.with_suffix(".kept"))
    path.mkdir()
    outcome = await office.send()
    assert isinstance(outcome, NotCalled)
    assert (outcome.failure.kind, outcome.failure.status) == (Kind.TEMPORARY, "4.3.0")
    assert await office.state(fax) is FaxState.WAITING
    assert office.simulator.ledger == []
    path.rmdir()
    path.with_suffix(".kept").rename(path)
    office.simulator.advance(120)
    await office.send()
    assert await office.state(fax) is FaxState.SENT


async def test_pages_that_vanish_before_the_first_byte_were_certainly_not_sent(office: Any) -> None:
    fax = await office.accept(inline=False)
    path = office.store.pages.path(f"{fax.submission_id}.pdf")

    def clock() -> float:
        path.unlink(missing_ok=True)
        return 0.0

    work, outcome = await office.submit(Lease(until=900.0, clock=clock))
    assert isinstance(outcome, Called)
    assert outcome.failure is not None
    assert (outcome.word, outcome.failure.kind) == ("pages_unreadable", Kind.TEMPORARY)
    assert surely_not_sent(outcome.word)
    assert office.calls() == []
    await office.store.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=office.now()))
    assert (await the_attempt(office, fax)).outcome == "pages_unreadable"
    assert await office.state(fax) is FaxState.WAITING


async def test_only_one_fax_to_a_number_is_on_the_line(office: Any) -> None:
    await office.accept()
    late = await office.claim()
    lease = Lease.lasting(900)
    await office.store.write(lambda tx: faxes.release(tx, late.fax, run_at=office.now() + 99))
    fax = await office.accept()
    await office.send()
    work = replace(late, fax=await office.fax(late.fax.id))
    assert await office.submitter.step(work, lease) == LineTaken()
    assert len(office.calls()) == 1
    assert await office.state(fax) is FaxState.SENT


@pytest.mark.parametrize("committed", [True, False])
async def test_an_intent_that_may_be_committed_makes_no_call(
    office: Any, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax = await office.accept()
    work = await office.claim()
    write = office.store.write

    async def answer_lost(verb: Callable[[Any], Any]) -> Any:
        if committed:
            await write(verb)
        raise StoreUnavailableError(ConnectionError(), certain=False)

    with monkeypatch.context() as patch:
        patch.setattr(office.store, "write", answer_lost)
        outcome = await office.submitter.step(work, Lease.lasting(900))
    assert isinstance(outcome, Unsure)
    assert office.calls() == []
    state = await office.store.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=office.now()))
    assert state is (FaxState.WAITING if committed else FaxState.ACCEPTED)
    if committed:
        assert surely_not_sent((await the_attempt(office, fax)).outcome)
    await office.send()  # at once, and only this time
    assert len(office.calls()) == 1


async def test_a_claim_that_was_taken_over_is_abandoned(office: Any) -> None:
    fax = await office.accept()
    work = await office.claim()
    office.simulator.advance(901)
    await office.claim()
    assert await office.submitter.step(work, Lease.lasting(900)) == Abandoned()
    assert office.calls() == []
    assert await office.state(fax) is FaxState.ACCEPTED


async def test_a_lease_that_ended_before_the_intent_abandons(office: Any) -> None:
    fax = await office.accept()
    _, outcome = await office.submit(Lease.lasting(0))
    assert outcome == Abandoned()
    assert await office.store.read(lambda tx: tracking.attempts_of(tx, fax.id)) == ()


# Not begun any more.


@pytest.mark.parametrize("asked", [1, 2], ids=["before the look", "before the intent"])
async def test_a_call_is_not_begun_while_the_gateway_drains(office: Any, asked: int) -> None:
    answers = [False, False]
    answers[asked - 1] = True
    fax = await office.accept()
    office.submitter = Submitter(
        client=office.client,
        store=office.store,
        settings=office.settings,
        clock=office.now,
        draining=lambda: answers.pop(0),
    )
    assert await office.send() == Released()
    assert [call.method for call in office.simulator.ledger] == LOOK * (asked - 1)
    assert await office.store.read(lambda tx: tracking.attempts_of(tx, fax.id)) == ()
    assert await office.state(fax) is FaxState.ACCEPTED
    assert (await office.claim()).fax.id == fax.id, "whoever comes next can take it at once"


async def test_a_call_is_not_begun_once_the_whole_queue_waits(office: Any) -> None:
    """Somebody else's call met what keeps everything back, after this fax was claimed."""
    fax = await office.accept()
    work = await office.claim()
    failure = temporary("4.7.0", "No.", code="invalid_credentials", scope=Scope.ACCOUNT)
    await office.store.write(lambda tx: pauses.note(tx, failure, PATIENCE, now=office.now()))
    assert await office.submitter.step(work, Lease.lasting(900)) == Released()
    assert await office.store.read(lambda tx: tracking.attempts_of(tx, fax.id)) == ()
    assert office.calls() == []


async def test_past_its_deadline_a_fax_is_not_even_looked_for(office: Any) -> None:
    fax = await office.accept()
    work = await office.claim()
    office.simulator.advance(work.fax.deadline - office.now() + 1)
    outcome = await office.submitter.step(work, Lease.lasting(900))
    assert isinstance(outcome, NotCalled)
    assert (outcome.failure.kind, outcome.failure.status) == (Kind.PERMANENT, "5.4.7")
    assert outcome.failure.code == "deadline"
    await office.store.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=office.now()))
    assert await office.state(fax) is FaxState.FAILED
    assert office.simulator.ledger == []


async def test_a_deadline_that_passes_during_the_look_ends_it_too(office: Any) -> None:
    fax = await office.accept()
    office.submitter = Submitter(
        client=office.client,
        store=office.store,
        settings=office.settings,
        clock=lambda: fax.deadline + 1 if office.simulator.ledger else office.now(),
    )
    outcome = await office.send()
    assert isinstance(outcome, NotCalled)
    assert outcome.failure.code == "deadline"
    assert [call.method for call in office.simulator.ledger] == LOOK
    assert await office.state(fax) is FaxState.FAILED


async def test_until_its_deadline_a_fax_is_sent(office: Any) -> None:
    fax = await office.accept()
    soon = office.now() + 60
    await office.store.write(lambda tx: tx.execute(sa.update(tables.fax).values(deadline=soon)))
    office.submitter = Submitter(
        client=office.client, store=office.store, settings=office.settings, clock=lambda: soon
    )
    await office.send()
    assert await office.state(fax) is FaxState.SENT


async def test_a_failed_fax_keeps_the_last_reason_it_waited_for(office: Any) -> None:
    office.script("limit_reached")
    await office.accept()
    await office.send()
    office.simulator.advance(DEADLINE + 1)
    outcome = await office.send()
    assert isinstance(outcome, NotCalled)
    assert "used up" in outcome.failure.sentence


# The lease around the call.


async def test_the_intent_renews_the_lease_for_the_call(office: Any) -> None:
    """What came before it, however long it took, is not cut from the upload's time."""
    fax = await office.accept()
    times = iter([800.0, 899.0])  # the new lease begins; the old one is still there
    before = office.now()
    _, outcome = await office.submit(Lease(until=900.0, clock=lambda: next(times, 901.0)))
    assert isinstance(outcome, Called)
    assert outcome.word == "success"
    leased = (await office.fax(fax.id)).lease_until
    assert leased is not None
    assert before + 900 <= leased <= office.now() + 900
    assert outcome.attempt.deadline == leased + office.client.settings.longest_call


async def test_every_wait_for_a_turn_comes_before_the_intent(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax = await office.accept()
    states = []
    take_turn = office.client.take_turn

    async def spy() -> None:
        states.append(await office.state(fax))
        await take_turn()

    monkeypatch.setattr(office.client, "take_turn", spy)
    await office.send()
    assert await office.state(fax) is FaxState.SENT
    assert states == [FaxState.ACCEPTED] * (1 + len(LOOK)), "its own, and the look's"


class LostAt:
    """A clock that passes the end of a lease at its `reading`-th reading, so a chosen check finds it over."""

    def __init__(self, reading: int) -> None:
        self._left = reading

    def __call__(self) -> float:
        self._left -= 1
        return 0.0 if self._left > 0 else 1000.0


async def readings_of_a_call(office: Any) -> int:
    """How often a whole step reads the lease's clock."""
    count = 0

    def clock() -> float:
        nonlocal count
        count += 1
        return 0.0

    await office.accept()
    await office.submit(Lease(until=900.0, clock=clock))
    return count


async def test_wherever_the_lease_ends_nothing_is_sent_or_it_is_unknown(
    open_office: OpenOffice, simulator: Simulator
) -> None:
    office = open_office()
    total = await readings_of_a_call(office)
    assert total > 5, "before the intent, after it, and for each piece of the upload"
    seen = []
    for reading in range(1, total + 1):
        simulator.reset()
        await office.store.write(lambda tx: attempts.rescue(tx, now=office.now() + 99999, calling=()))
        for one in await office.store.read(tracking.claimants):
            await office.store.write(
                lambda tx, one=one: (
                    moving.move(tx, one.fax, FaxState.FAILED, now=office.now())
                    if one.fax.state is FaxState.UNKNOWN
                    else None
                )
            )
        await office.accept()
        work, outcome = await office.submit(Lease(until=900.0, clock=LostAt(reading)))
        accepted = [call for call in office.calls() if call.accepted]
        match outcome:
            case Abandoned():
                seen.append("abandoned")
                assert office.calls() == []
                await office.store.write(
                    lambda tx, fax=work.fax: moving.move(tx, fax, FaxState.CANCELLED, now=office.now())
                )
            case Called(word="lease_lost", failure=failure):
                seen.append("not sent")
                assert failure is not None
                assert failure.kind is Kind.TEMPORARY
                assert accepted == []
            case Called(failure=failure):
                seen.append("unknown")
                assert failure is not None
                assert failure.kind is Kind.UNKNOWN
                assert accepted == [], "half an upload is no fax"
            case _:
                pytest.fail(f"reading {reading}: {outcome}")
    assert sorted(set(seen), key=seen.index) == ["abandoned", "not sent", "unknown"]


async def test_a_cancelled_call_records_nothing_and_is_rescued_as_unknown(office: Any) -> None:
    office.script("accepted_then_timeout")
    fax = await office.accept()
    running = asyncio.create_task(office.submit())
    await office.simulator.wait_for(
        lambda sim: [one for one in sim.ledger if one.method == "sendFaxMessage" and one.accepted]
    )
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await the_attempt(office, fax)).outcome == ""
    assert await office.state(fax) is FaxState.SUBMITTING
    office.simulator.advance(2000)
    await office.store.write(lambda tx: attempts.rescue(tx, now=office.now(), calling=()))
    assert await office.state(fax) is FaxState.UNKNOWN


# How the call may end.


@pytest.mark.parametrize(
    ("fate", "kind", "state"),
    [
        ("accepted_then_timeout", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("accepted_then_reset", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("refused_after_body", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("close_before_body", Kind.UNKNOWN, FaxState.UNKNOWN),
        ({"fate": "http_5xx", "accepted": True}, Kind.UNKNOWN, FaxState.UNKNOWN),
        ({"fate": "http_5xx", "accepted": False}, Kind.UNKNOWN, FaxState.UNKNOWN),
        ("empty_200", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("html_200", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("null_status", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("sent_fail", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("unavailable_info", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("tls_error", Kind.UNKNOWN, FaxState.UNKNOWN),
        ("provider_outofservice", Kind.UNKNOWN, FaxState.UNKNOWN),
        ({"status": "a_new_one"}, Kind.UNKNOWN, FaxState.UNKNOWN),
        ("api_limit_exceeded", Kind.TEMPORARY, FaxState.WAITING),
        ("limit_reached", Kind.TEMPORARY, FaxState.WAITING),
        ("method_maintenance", Kind.TEMPORARY, FaxState.WAITING),
        ("non_sufficient_funds", Kind.TEMPORARY, FaxState.WAITING),
        ({"status": "invalid_from_number"}, Kind.TEMPORARY, FaxState.WAITING),
        ({"status": "invalid_to_number"}, Kind.PERMANENT, FaxState.FAILED),
        ({"status": "no_base64file"}, Kind.PERMANENT, FaxState.FAILED),
    ],
    ids=str,
)
async def test_only_a_documented_refusal_proves_that_nothing_was_sent(
    office: Any, fate: Any, kind: Kind, state: FaxState
) -> None:
    office.script(fate)
    fax = await office.accept()
    outcome = await office.send()
    assert isinstance(outcome, Called)
    assert outcome.failure is not None
    assert outcome.failure.kind is kind
    assert outcome.word not in ("", "success")
    assert len(office.calls()) == 1
    now = await office.fax(fax.id)
    assert now.state is state
    assert (await the_attempt(office, fax)).outcome == outcome.word


@pytest.mark.parametrize("rule", ["5557654321", "", FROM_NUMBER])
async def test_a_foreign_number_in_one_rule_does_not_stop_the_others(office: Any, rule: str) -> None:
    office.script({"status": "invalid_from_number"})
    fax = await office.accept(from_number=rule)
    outcome = await office.send()
    assert isinstance(outcome, Called)
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.code) == (Kind.TEMPORARY, "invalid_from_number")
    assert outcome.failure.scope is Scope.ITEM
    assert await office.state(fax) is FaxState.WAITING


async def test_a_rules_number_will_do_without_one_of_the_account(open_office: OpenOffice) -> None:
    office = open_office(voipms={"from_number": ""})
    fax = await office.accept(from_number=FROM_NUMBER)
    await office.send()
    assert await office.state(fax) is FaxState.SENT


async def test_a_provider_that_cannot_be_reached_leaves_the_fax_waiting(office: Any) -> None:
    """The listing before the call already fails; the call itself is refused the same way."""
    fax = await office.accept()
    work = await office.claim()
    await office.simulator.stop()
    outcome = await office.submitter.step(work, Lease.lasting(900))
    assert isinstance(outcome, NotCalled)
    assert outcome.failure.code == "before_request"
    assert await office.state(fax) is FaxState.ACCEPTED


async def test_a_provider_that_is_gone_at_the_call_got_nothing(
    open_office: OpenOffice, simulator: Simulator
) -> None:
    """The listing came through a relay that has closed its door by the time the lease is checked."""
    host, port = simulator.address

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        async with asyncio.TaskGroup() as both:
            both.create_task(pump(reader, back))
            both.create_task(pump(there, writer))

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    door = await asyncio.start_server(relay, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}/api/v1/rest.php"
    office = open_office(voipms={"url": url})
    fax = await office.accept()

    def clock() -> float:
        door.close()
        return 0.0

    outcome = await office.submitter.step(await office.claim(), Lease(until=900.0, clock=clock))
    assert isinstance(outcome, Called)
    assert outcome.failure is not None
    assert (outcome.word, outcome.failure.kind) == ("before_request", Kind.TEMPORARY)
    assert await office.state(fax) is FaxState.SUBMITTING, "its outcome is for the worker to write"
    assert [call.method for call in simulator.ledger] == LOOK


async def test_no_secret_and_no_content_is_in_an_outcome(
    office: Any, caplog: pytest.LogCaptureFixture
) -> None:
    office.script("accepted_then_reset")
    await office.accept(subject="Diagnosis of Mrs Smith")
    _, outcome = await office.submit()
    text = repr(outcome) + caplog.text
    assert "Diagnosis" not in text
    assert "demo" not in text.replace("demo@example.com", ""), "the password of the simulated account"
