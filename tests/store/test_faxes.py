"""A Fax on its way: leases, the line, attempts, exactly one final notice, rescue."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import moving
from support.submissions import make_submission

from gateway import moves
from gateway.lifecycle import FINAL, ON_THE_LINE, FaxState
from gateway.model import Attempt, Content, Fax, MailKind
from gateway.moves import IllegalMoveError, Trigger
from gateway.store import Store, attempts, documents, faxes, history, intake, leases, outbox, tracking
from gateway.store.leases import StaleError

NUMBER = "+15552341234"


async def ready_fax(store: Store, *, number: str = NUMBER, message_id: str = "<one>") -> Fax:
    submission = make_submission(message_id=message_id)
    accepted = await store.write(
        lambda tx: intake.accept(tx, submission, [number], now=1000, deadline=90000, window=600)
    )
    (work,) = await store.write(
        lambda tx: documents.claim(tx, owner="t", now=1000, seconds=9, limit=1, idle=True)
    )
    await store.write(
        lambda tx: documents.ready(
            tx,
            work.document,
            content=Content(size=9, data=b"the pages"),
            pages=2,
            digest="d",
            page_digests=["1", "2"],
            notes=[],
            now=1000,
        )
    )
    return await store.read(lambda tx: faxes.get(tx, accepted.faxes[0]))


async def claim(store: Store, now: float = 1000.0) -> list[faxes.Work]:
    return await store.write(lambda tx: faxes.claim(tx, owner="t", now=now, seconds=50, limit=9))


async def begin(store: Store, fax: Fax, deadline: float = 1100.0) -> Attempt:
    return await store.write(
        lambda tx: attempts.begin(
            tx, fax, token="T", deadline=deadline, snapshot=["7"], digest="d", lease=50, now=1000
        )
    )


async def test_a_lease_keeps_others_away_until_it_ends(store: Store) -> None:
    await ready_fax(store)
    (first,) = await claim(store)
    assert await claim(store) == []
    (second,) = await claim(store, now=1051)
    assert second.fax.fence == first.fax.fence + 1
    with pytest.raises(StaleError):
        await begin(store, first.fax)


async def test_one_fax_per_destination_is_on_the_line(store: Store) -> None:
    await ready_fax(store, message_id="<a>")
    await ready_fax(store, message_id="<b>")
    await ready_fax(store, message_id="<c>", number="+15552340000")
    works = await claim(store)
    assert sorted(work.fax.number for work in works) == ["+15552340000", NUMBER]
    await begin(store, works[0].fax)
    held_back = [work for work in await claim(store, now=2000) if work.fax.number == works[0].fax.number]
    assert held_back == []


async def test_the_index_refuses_a_second_one_whatever_the_claim_said(store: Store) -> None:
    first = await ready_fax(store, message_id="<a>")
    second = await ready_fax(store, message_id="<b>")
    await begin(store, first)
    with pytest.raises(faxes.LineTakenError):
        await begin(store, second)
    assert (await store.read(lambda tx: tracking.attempts_of(tx, second.id))) == ()


async def test_a_late_outcome_is_kept_although_the_lease_is_gone(store: Store) -> None:
    await ready_fax(store)
    (work,) = await claim(store)
    attempt = await begin(store, work.fax)
    assert (
        await store.write(lambda tx: attempts.rescue(tx, now=1051, calling=())) == []
    )  # the call may still run
    assert await store.write(lambda tx: attempts.rescue(tx, now=1101, calling=())) == [work.fax.id]
    state = await store.write(
        lambda tx: attempts.end(tx, attempt, "success", FaxState.SENT, Trigger.SUCCESS, now=1102)
    )
    assert state is FaxState.SENT
    (stored,) = await store.read(lambda tx: tracking.attempts_of(tx, work.fax.id))
    assert stored.outcome == "success"


async def test_rescue_waits_for_the_lease_too(store: Store) -> None:
    await ready_fax(store)
    (work,) = await claim(store, now=1000)
    await begin(store, work.fax, deadline=1010)
    assert await store.write(lambda tx: attempts.rescue(tx, now=1020, calling=())) == []
    await store.write(leases.reclaim)  # a new daemon: the old one is dead
    assert await store.write(lambda tx: attempts.rescue(tx, now=1020, calling=())) == [work.fax.id]


async def test_a_dead_daemons_call_is_only_waited_for_at_the_provider(store: Store) -> None:
    await ready_fax(store)
    (work,) = await claim(store)
    await begin(store, work.fax, deadline=9000)
    await store.write(leases.reclaim)
    await store.write(lambda tx: attempts.orphan(tx, now=1010, longest_call=30))
    assert await store.read(lambda tx: attempts.overdue(tx, now=1040)) == []
    assert [fax.id for fax in await store.read(lambda tx: attempts.overdue(tx, now=1041))] == [work.fax.id]


async def test_a_failed_row_stays_with_its_attempt(store: Store) -> None:
    await ready_fax(store)
    (work,) = await claim(store)
    attempt = await begin(store, work.fax)
    await store.write(
        lambda tx: attempts.end(tx, attempt, "success", FaxState.SENT, Trigger.SUCCESS, now=1001)
    )
    fax = await store.read(lambda tx: faxes.get(tx, work.fax.id))
    evidence = faxes.Evidence(provider_id="77", how="lone", pages=0, seconds=9, cost="0.029")
    await store.write(
        lambda tx: faxes.move(
            tx,
            fax,
            FaxState.WAITING,
            Trigger.ROW,
            now=1002,
            run_at=1100,
            evidence=evidence,
            failure=moving.BECAUSE,
        )
    )
    assert await store.read(lambda tx: tracking.known_rows(tx, ["77", "78"])) == {"77": fax.id}
    waiting = await store.read(lambda tx: faxes.get(tx, fax.id))
    assert (waiting.state, waiting.provider_id) == (FaxState.WAITING, "")
    (work,) = await claim(store, now=1100)
    await begin(store, work.fax, deadline=1200)
    again = await store.read(lambda tx: faxes.get(tx, fax.id))
    assert (again.pages, again.seconds, again.cost) == (None, None, ""), "they were the first call's"


async def test_a_held_fax_does_not_come_back_to_a_taken_line(store: Store) -> None:
    await ready_fax(store, message_id="<a>")
    (work,) = await claim(store)
    await begin(store, work.fax)
    for target in (FaxState.UNKNOWN, FaxState.HELD):
        fax = await store.read(lambda tx: faxes.get(tx, work.fax.id))
        await store.write(lambda tx, fax=fax, target=target: moving.move(tx, fax, target, now=1000))
    await ready_fax(store, message_id="<b>")
    (other,) = await claim(store)
    await begin(store, other.fax)
    held = await store.read(lambda tx: faxes.get(tx, work.fax.id))
    with pytest.raises(faxes.LineTakenError):
        await store.write(lambda tx: moving.move(tx, held, FaxState.SENT, now=1000))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.lists(st.integers(0, 99), min_size=1, max_size=12), data=st.data())
async def test_every_walk_through_the_table_owes_exactly_one_final_notice(
    store: Store, choices: list[int], data: st.DataObject
) -> None:
    number = "+1555" + str(data.draw(st.integers(2000000, 2999999)))
    fax = await ready_fax(store, number=number, message_id=f"<{number}{choices}{data.draw(st.uuids())}>")
    walked: list[tuple[str, str]] = [(fax.state, Trigger.ACCEPTED)]
    for choice in choices:
        ways = [way for way in moves.FAX if fax.state in way.sources]
        if not ways:
            break
        way = ways[choice % len(ways)]
        if way.target is FaxState.SUBMITTING:
            await begin(store, fax)
        else:
            await store.write(lambda tx, fax=fax, way=way: moving.make(tx, fax, way, now=1000))
        fax = await store.read(lambda tx, fax=fax: faxes.get(tx, fax.id))
        walked.append((fax.state, way.trigger))
    if fax.state in ON_THE_LINE:  # free the line for the next example
        await store.write(
            lambda tx: tx.execute(sa.text(f"UPDATE fax SET state='failed' WHERE id='{fax.id}'"))
        )
    mails = await store.write(lambda tx: outbox.claim(tx, owner="t", now=5000, seconds=0, limit=999))
    finals = [m for m in mails if m.kind is MailKind.RECEIPT and m.facts["fax_id"] == fax.id]
    assert len(finals) == (1 if fax.state in FINAL else 0)
    events = await store.read(lambda tx: history.of(tx, "fax", fax.id))
    assert [(event["target"], event["trigger"]) for event in events] == walked
    await store.write(lambda tx: tx.execute(sa.text("UPDATE outbox SET state='sent' WHERE state='queued'")))


async def test_a_call_that_this_process_is_making_is_never_rescued(store: Store) -> None:
    await ready_fax(store)
    (work,) = await claim(store)
    await begin(store, work.fax)
    calling = {work.fax.id}  # the clock on the wall was set forward while the upload runs
    assert await store.write(lambda tx: attempts.rescue(tx, now=9e9, calling=calling)) == []
    assert (await store.read(lambda tx: faxes.get(tx, work.fax.id))).state is FaxState.SUBMITTING


@pytest.mark.parametrize("trigger", [Trigger.DEADLINE, Trigger.NOT_CALLED, Trigger.REFUSAL])
async def test_a_fax_that_was_given_up_in_doubt_does_not_fail_without_a_row(
    store: Store, trigger: Trigger
) -> None:
    """The first call may have arrived: its sender must not be told that it did not."""
    fax = await ready_fax(store)
    (work,) = await claim(store)
    await begin(store, work.fax)
    for target in (FaxState.UNKNOWN, FaxState.WAITING):
        fax = await store.read(lambda tx: faxes.get(tx, work.fax.id))
        way = moves.find(fax.state, target, Trigger.NO_OUTCOME) or moves.check(
            fax.state, target, Trigger.RESEND
        )
        await store.write(lambda tx, fax=fax, way=way: moving.make(tx, fax, way, now=1100, run_at=1100))
    if trigger is Trigger.REFUSAL:
        (work,) = await claim(store, now=1100)
        attempt = await begin(store, work.fax)
        because = moving.BECAUSE
        state = await store.write(
            lambda tx: attempts.end(
                tx, attempt, "invalid_file", FaxState.FAILED, trigger, now=1200, failure=because
            )
        )
    elif trigger is Trigger.DEADLINE:
        (over,) = await store.write(lambda tx: faxes.expire(tx, now=99999))
        state = over.state
    else:
        fax = await store.read(lambda tx: faxes.get(tx, fax.id))
        state = await store.write(
            lambda tx: faxes.move(tx, fax, FaxState.FAILED, trigger, now=1200, failure=moving.BECAUSE)
        )
    fax = await store.read(lambda tx: faxes.get(tx, fax.id))
    assert state is fax.state is FaxState.UNCONFIRMED
    assert "may have arrived" in fax.reason
    mails = await store.write(lambda tx: outbox.claim(tx, owner="t", now=99999, seconds=9, limit=9))
    assert sorted(mail.kind for mail in mails) == [MailKind.ALERT, MailKind.RECEIPT]
    assert {mail.facts["state"] for mail in mails} == {FaxState.UNCONFIRMED}


async def test_a_fax_is_held_since_it_was_last_given_to_a_person(store: Store) -> None:
    fax = await ready_fax(store)
    (work,) = await claim(store)
    await begin(store, work.fax)
    for now, target in enumerate((FaxState.UNKNOWN, FaxState.HELD, FaxState.SENT, FaxState.HELD), 1000):
        fax = await store.read(lambda tx: faxes.get(tx, work.fax.id))
        await store.write(lambda tx, fax=fax, target=target, now=now: moving.move(tx, fax, target, now=now))
        held = {fax.id: now} if target is FaxState.HELD else {}
        assert await store.read(tracking.held_since) == held


async def test_a_late_word_reaches_a_held_fax_unless_its_line_is_taken(store: Store) -> None:
    for taken in (False, True):
        number = f"+1555234900{int(taken)}"
        await ready_fax(store, number=number, message_id=f"<a{taken}>")
        (work,) = await claim(store)
        attempt = await begin(store, work.fax)
        for target in (FaxState.UNKNOWN, FaxState.HELD):
            fax = await store.read(lambda tx: faxes.get(tx, work.fax.id))
            await store.write(lambda tx, fax=fax, target=target: moving.move(tx, fax, target, now=1000))
        if taken:
            await ready_fax(store, number=number, message_id="<b>")
            (other,) = await claim(store)
            await begin(store, other.fax)
        state = await store.write(
            lambda tx: attempts.end(tx, attempt, "success", FaxState.SENT, Trigger.SUCCESS, now=1100)
        )
        assert state is (FaxState.HELD if taken else FaxState.SENT)
        (stored,) = await store.read(lambda tx: tracking.attempts_of(tx, work.fax.id))
        assert stored.outcome == "success"


async def test_what_was_not_sent_in_its_time_fails_with_a_notice(store: Store) -> None:
    fax = await ready_fax(store)
    assert await store.read(lambda tx: faxes.late(tx, now=90000)) == []
    (expired,) = await store.write(lambda tx: faxes.expire(tx, now=90001))
    assert expired.id == fax.id
    row = await store.read(lambda tx: faxes.get(tx, fax.id))
    assert (row.state, row.code) == (FaxState.FAILED, "deadline")
    (mail,) = await store.write(lambda tx: outbox.claim(tx, owner="t", now=9e9, seconds=0, limit=9))
    assert mail.kind is MailKind.RECEIPT


async def test_illegal_moves_raise_and_write_nothing(store: Store) -> None:
    fax = await ready_fax(store)
    with pytest.raises(IllegalMoveError):
        await store.write(lambda tx: faxes.move(tx, fax, FaxState.DELIVERED, Trigger.ROW, now=1000))
    assert (await store.read(lambda tx: faxes.get(tx, fax.id))).state is FaxState.ACCEPTED
