"""Outcomes become writes: retries, limits, alerts, and what a person is told."""

from dataclasses import replace

import pytest
from support.plans import PATIENCE, plan
from support.submissions import make_received, make_submission

from gateway.errors import Failure, Scope, permanent, temporary, unknown
from gateway.lifecycle import DocumentState, FaxState, OutboxState, ReceivedState
from gateway.model import Content, MailKind, OutboxMail, ReceivedFax, Via
from gateway.retries import Cause
from gateway.store import (
    Store,
    attempts,
    documents,
    faxes,
    intake,
    outbox,
    pauses,
    received,
    tracking,
    views,
)
from gateway.store.received import Delivery
from gateway.worker import apply
from gateway.worker.outcomes import (
    Accepted,
    Acknowledged,
    Called,
    Fetched,
    Later,
    LineTaken,
    NotCalled,
    Parked,
    Refused,
    Rendered,
    RendererDied,
    Routed,
    Tracked,
    Undeliverable,
)

WAITS = (10.0, 20.0)
POLICY = apply.Policy(
    plan=plan(WAITS, voice=(40.0,)), patience=PATIENCE, mail_delays=(5.0, 50.0), mail_give_up=100.0
)
NUMBER = "+15552341234"


async def claimed_document(store: Store, **changes: object) -> documents.Work:
    submission = make_submission(**changes)
    await store.write(lambda tx: intake.accept(tx, submission, [NUMBER], now=1000, deadline=5000, window=600))
    return await next_document(store, 1000)


async def next_document(store: Store, now: float) -> documents.Work:
    (work,) = await store.write(
        lambda tx: documents.claim(tx, owner="t", now=now, seconds=9, limit=1, idle=True)
    )
    return work


async def claimed_fax(store: Store, now: float = 1000) -> faxes.Work:
    work = await claimed_document(store)
    pages = Rendered(content=Content(size=1, file="x.pdf"), pages=2, digest="d", page_digests=["a", "b"])
    await store.write(lambda tx: apply.document(tx, work, pages, now=now))
    return await next_fax(store, now)


async def next_fax(store: Store, now: float) -> faxes.Work:
    (work,) = await store.write(lambda tx: faxes.claim(tx, owner="t", now=now, seconds=50, limit=1))
    return work


async def called(store: Store, work: faxes.Work, failure: Failure | None, now: float) -> FaxState | None:
    attempt = await store.write(
        lambda tx: attempts.begin(
            tx, work.fax, token="T", deadline=now + 9, snapshot=[], digest="d", lease=50, now=now
        )
    )
    outcome = Called(attempt=attempt, word=failure.code if failure else "success", failure=failure)
    return await store.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=now))


async def mails(store: Store) -> list[OutboxMail]:
    return await store.write(lambda tx: outbox.claim(tx, owner="t", now=9e9, seconds=0, limit=99))


async def test_a_refused_document_fails_its_faxes_and_says_why(store: Store) -> None:
    work = await claimed_document(store)
    failure = permanent("5.6.1", 'The attachment "x.zip" cannot be faxed.', code="type")
    assert await store.write(lambda tx: apply.document(tx, work, Refused(failure=failure), now=1)) == failure
    (fax,) = await store.read(lambda tx: views.queue_list(tx, everything=True))
    assert (fax["state"], fax["reason"]) == (FaxState.FAILED, failure.sentence)
    (mail,) = await mails(store)
    assert (mail.kind, mail.facts["reason"]) == (MailKind.RECEIPT, failure.sentence)


async def test_three_deaths_of_the_renderer_park_the_item(store: Store) -> None:
    work = await claimed_document(store)
    died = RendererDied(failure=temporary("4.3.0", "It died.", code="renderer_killed"))
    for now in (1000, 1100):
        assert await store.write(lambda tx, now=now, w=work: apply.document(tx, w, died, now=now)) is None
        work = await next_document(store, now + 50)
    assert await store.write(lambda tx: apply.document(tx, work, died, now=1200)) is not None
    document = await store.read(lambda tx: documents.of(tx, work.document.id))
    assert document.state is DocumentState.REFUSED


async def test_own_trouble_postpones_a_document_without_counting(store: Store) -> None:
    work = await claimed_document(store)
    later = Later(failure=temporary("4.3.0", "The disk is full."))
    await store.write(lambda tx: apply.document(tx, work, later, now=1000))
    again = await next_document(store, 1100)
    assert again.document.deaths == 0


async def row_failed(store: Store, cause: Cause, now: float) -> faxes.Fax:
    """The fax on the line is reported failed."""
    (claimant,) = await store.read(tracking.claimants)
    news = Tracked(
        claimant=claimant,
        target=FaxState.FAILED,
        evidence=faxes.Evidence(provider_id=f"{now}", how="lone"),
        failure=temporary("4.4.1", "It did not work.", code=cause.value),
        cause=cause,
    )
    await store.write(lambda tx: apply.tracked(tx, news, POLICY, now=now))
    return await store.read(lambda tx: faxes.get(tx, claimant.fax.id))


async def test_busy_line_retries_until_the_delays_are_used_up(store: Store) -> None:
    work = await claimed_fax(store)
    now = 1000.0
    for delay in WAITS:
        await called(store, work, None, now)
        fax = await row_failed(store, Cause.BUSY, now)
        assert (fax.state, fax.run_at) == (FaxState.WAITING, now + delay)
        now += delay
        work = await next_fax(store, now)
    await called(store, work, None, now)
    assert (await row_failed(store, Cause.BUSY, now)).state is FaxState.FAILED
    assert [mail.kind for mail in await mails(store)] == [MailKind.RECEIPT]


async def test_each_cause_has_tries_of_its_own(store: Store) -> None:
    work = await claimed_fax(store)
    now = 1000.0
    for cause in (Cause.BUSY, Cause.VOICE, Cause.BUSY):
        await called(store, work, None, now)
        fax = await row_failed(store, cause, now)
        assert fax.state is FaxState.WAITING
        assert fax.run_at is not None
        now = fax.run_at
        work = await next_fax(store, now)
    assert fax.tries == {"busy": 2, "no_fax": 1}
    await called(store, work, None, now)
    assert (await row_failed(store, Cause.VOICE, now)).state is FaxState.FAILED


async def test_the_providers_trouble_spends_no_tries_and_the_deadline_ends_it(store: Store) -> None:
    work, now, down = await claimed_fax(store), 1000.0, temporary("4.3.0", "Down.", code="odd")
    for _ in range(20):
        assert await called(store, work, down, now) is FaxState.WAITING
        now += 30
        work = await next_fax(store, now)
    work = await next_fax(store, 4999)  # that lease is over
    assert await called(store, work, down, 4999) is FaxState.FAILED


async def test_a_days_limit_waits_for_the_next_day_unless_that_is_too_late(store: Store) -> None:
    work = await claimed_fax(store)
    tomorrow = temporary("4.3.2", "The daily limit is reached.", code="limit_reached", retry_after=3000)
    assert await called(store, work, tomorrow, 1000) is FaxState.WAITING
    assert await store.write(lambda tx: faxes.claim(tx, owner="t", now=3999, seconds=1, limit=9)) == []
    late = replace(tomorrow, retry_after=4500)
    assert await called(store, await next_fax(store, 4000), late, 4000) is FaxState.FAILED
    assert [mail.kind for mail in await mails(store)] == [MailKind.RECEIPT]


async def test_trouble_of_the_account_keeps_all_back_spends_no_tries_and_alerts_once(store: Store) -> None:
    work = await claimed_fax(store)
    money = temporary("4.3.0", "No money.", code="non_sufficient_funds", scope=Scope.ACCOUNT)
    for now in (1000.0, 1060.0, 1120.0):
        outcome = NotCalled(failure=money)
        state = await store.write(lambda tx, w=work, n=now: apply.submit(tx, w, outcome, POLICY, now=n))
        assert state is FaxState.WAITING
        assert await store.write(lambda tx: faxes.claim(tx, owner="t", now=4999, seconds=1, limit=9)) == []
        pause = await store.read(lambda tx: pauses.current(tx, now=4999))
        assert pause is not None
        assert await store.write(lambda tx, since=pause.since: pauses.end(tx, since=since))
        work = await next_fax(store, now + 60)
    assert work.fax.tries == {}
    assert [mail.kind for mail in await mails(store)] == [MailKind.ALERT]


async def test_a_number_that_is_not_ours_keeps_only_its_own_faxes_back(store: Store) -> None:
    work = await claimed_fax(store)
    foreign = temporary("4.3.5", "Not ours.", code="invalid_from_number")
    assert await called(store, work, foreign, 1000) is FaxState.WAITING
    assert await store.read(lambda tx: pauses.current(tx, now=1000)) is None
    assert [mail.kind for mail in await mails(store)] == [MailKind.ALERT]


async def test_a_fax_that_waited_for_the_account_too_long_says_what_it_waited_for(store: Store) -> None:
    work = await claimed_fax(store)
    await store.write(lambda tx: faxes.release(tx, work.fax, run_at=1000))
    money = temporary("4.3.0", "No money.", code="non_sufficient_funds", scope=Scope.ACCOUNT)
    await store.write(lambda tx: apply.noted(tx, money, POLICY, now=1000))
    (fax,) = await store.write(lambda tx: faxes.expire(tx, now=5001))
    expired = await store.read(lambda tx: faxes.get(tx, fax.id))
    assert (expired.state, expired.code) == (FaxState.FAILED, "deadline")
    assert "No money." in expired.reason


async def test_unknown_is_unknown_and_never_waits(store: Store) -> None:
    work = await claimed_fax(store)
    assert await called(store, work, unknown("4.4.2", "Lost.", code="timeout"), 1000) is FaxState.UNKNOWN
    assert await store.write(lambda tx: faxes.claim(tx, owner="t", now=9e9, seconds=1, limit=9)) == []


async def test_a_taken_line_costs_nothing(store: Store) -> None:
    work = await claimed_fax(store)
    await store.write(lambda tx: apply.submit(tx, work, LineTaken(), POLICY, now=1000))
    assert (await next_fax(store, 1010)).fax.attempts == 0


@pytest.mark.parametrize(("deadline", "expected"), [(5000, FaxState.WAITING), (1005, FaxState.FAILED)])
async def test_a_busy_row_waits_while_the_deadline_allows(
    store: Store, deadline: float, expected: FaxState
) -> None:
    work = await claimed_fax(store)
    await called(store, work, None, 1000)
    await store.write(
        lambda tx: tx.exec_driver_sql(f"UPDATE fax SET deadline = {deadline} WHERE id = '{work.fax.id}'")
    )
    assert (await row_failed(store, Cause.BUSY, 1000)).state is expected


async def step(store: Store, outcome: object, now: float) -> ReceivedFax:
    (fax,) = await store.write(lambda tx: received.claim(tx, owner="t", now=now, seconds=9, limit=9))
    await store.write(
        lambda tx: apply.received_fax(tx, fax, outcome, POLICY, now=now)  # type: ignore[arg-type]
    )
    return await store.read(lambda tx: received.get(tx, fax.id))


async def test_a_received_fax_goes_its_way(store: Store) -> None:
    await store.write(lambda tx: received.see(tx, [make_received()], now=1000))
    assert await store.write(lambda tx: received.see(tx, [make_received()], now=1000)) == []
    fax = await step(store, Later(failure=temporary("4.4.1", "Down.")), 1000)
    assert fax.run_at == 1030
    fax = await step(store, Fetched(content=Content(size=4, data=b"%PDF"), digest="d"), 1030)
    assert fax.state is ReceivedState.FETCHED
    two = [Delivery(recipient=f"{name}@example.com", via=Via.SMTP) for name in "ab"]
    fax = await step(store, Routed(deliveries=two), 1031)
    assert fax.state is ReceivedState.ROUTED
    first, second = await mails(store)
    await store.write(lambda tx: apply.mail(tx, first, Accepted(), POLICY, now=1032))
    assert (await store.read(lambda tx: received.get(tx, fax.id))).state is ReceivedState.ROUTED
    await store.write(lambda tx: apply.mail(tx, second, Accepted(), POLICY, now=1033))
    fax = await step(store, Acknowledged(folder="DONE"), 1034)
    assert (fax.state, fax.folder) == (ReceivedState.ACKNOWLEDGED, "DONE")


async def test_a_mail_that_never_arrives_parks_the_fax_and_alerts(store: Store) -> None:
    await store.write(lambda tx: received.see(tx, [make_received()], now=1000))
    await step(store, Fetched(content=Content(size=4, data=b"%PDF"), digest="d"), 1000)
    await step(store, Routed(deliveries=[Delivery(recipient="a@example.com", via=Via.SMTP)]), 1000)
    (mail,) = await mails(store)
    gone = Undeliverable(failure=permanent("5.1.1", "No such mailbox."))
    assert await store.write(lambda tx: apply.mail(tx, mail, gone, POLICY, now=1001)) is OutboxState.FAILED
    (row,) = await store.read(views.inbox_list)
    assert row["state"] == ReceivedState.PARKED
    assert [mail.kind for mail in await mails(store)] == [MailKind.ALERT]


async def test_parked_with_a_reason_and_taken_up_again(store: Store) -> None:
    await store.write(lambda tx: received.see(tx, [make_received()], now=1000))
    fax = await step(store, Parked(reason="It is gone.", code="invalid_fax_id"), 1000)
    assert (fax.state, fax.reason) == (ReceivedState.PARKED, "It is gone.")
    await store.write(lambda tx: received.resume(tx, fax, now=1001, by="anna"))
    assert (await store.read(lambda tx: received.get(tx, fax.id))).state is ReceivedState.SEEN


async def test_a_mail_is_tried_until_given_up_and_the_administrator_learns(store: Store) -> None:
    work = await claimed_document(store)
    failure = permanent("5.6.1", "No.", code="type")
    await store.write(lambda tx: apply.document(tx, work, Refused(failure=failure), now=1000))
    down = Later(failure=temporary("4.4.1", "Down."))
    now, states = 1000.0, []
    while OutboxState.FAILED not in states:
        (mail,) = await mails(store)
        states.append(await store.write(lambda tx, m=mail, n=now: apply.mail(tx, m, down, POLICY, now=n)))
        now += 50
    assert states[:-1] == [OutboxState.QUEUED] * (len(states) - 1)
    assert len(states) == 3
    (alert,) = await mails(store)
    assert alert.kind is MailKind.ALERT
    assert alert.facts["about"] == "notice_undeliverable"
