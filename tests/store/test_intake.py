"""Accepting a mail, once."""

import asyncio
from dataclasses import replace

import sqlalchemy as sa
from support import moving
from support.submissions import make_submission

from gateway.lifecycle import FaxState
from gateway.model import MailKind, Submission, new_id
from gateway.store import Store, documents, faxes, intake, outbox, views

ONE, TWO = "+15552341234", "+15552341235"


async def accept(store: Store, submission: Submission, *numbers: str, now: float = 1000.0) -> intake.Accepted:
    return await store.write(
        lambda tx: intake.accept(tx, submission, numbers, now=now, deadline=now + 100, window=600)
    )


async def test_a_fax_for_each_number_in_order(store: Store, submission: Submission) -> None:
    accepted = await accept(store, submission, TWO, ONE, TWO)
    assert accepted.faxes == (f"{submission.id}-1", f"{submission.id}-2")
    rows = {row["id"]: row for row in await store.read(views.queue_list)}
    assert rows[f"{submission.id}-1"]["number"] == TWO
    assert rows[f"{submission.id}-2"]["state"] == FaxState.ACCEPTED


async def test_the_same_mail_again_makes_no_second_fax_and_tells_once(
    store: Store, submission: Submission
) -> None:
    first = await accept(store, submission, ONE)
    for _ in range(2):
        again = await accept(store, replace(submission, id=new_id()), ONE)
        assert (again.id, again.faxes, again.repeats) == (first.id, (), first.faxes)
    mails = await store.write(lambda tx: outbox.claim(tx, owner="t", now=2000, seconds=9, limit=9))
    assert [mail.kind for mail in mails] == [MailKind.DUPLICATE]


async def test_another_number_content_or_window_is_another_fax(store: Store, submission: Submission) -> None:
    await accept(store, submission, ONE)
    other_number = await accept(store, replace(submission, id=new_id()), ONE, TWO)
    assert len(other_number.faxes) == 1
    assert len(other_number.repeats) == 1
    edited = await accept(store, replace(submission, id=new_id(), fingerprint="e" * 64), ONE)
    assert len(edited.faxes) == 1
    later = await accept(store, replace(submission, id=new_id()), ONE, now=1601.0)
    assert len(later.faxes) == 1


async def test_a_failed_first_lets_the_same_mail_try_again(store: Store, submission: Submission) -> None:
    first = await accept(store, submission, ONE)
    fax = await store.read(lambda tx: faxes.get(tx, first.faxes[0]))
    await store.write(lambda tx: moving.move(tx, fax, FaxState.FAILED, now=1001))
    again = await accept(store, replace(submission, id=new_id()), ONE)
    assert len(again.faxes) == 1


async def test_suspects_run_alone_and_random_kills_park_nobody(store: Store) -> None:
    for name in "abc":
        await accept(store, make_submission(message_id=f"<{name}>"), ONE)

    async def claim(idle: bool) -> list[documents.Work]:
        return await store.write(
            lambda tx: documents.claim(tx, owner="t", now=2000, seconds=9, limit=9, idle=idle)
        )

    assert len(await claim(True)) == 3
    assert (
        await store.write(lambda tx: documents.recover(tx, now=3000)) == 3
    )  # the daemon died with three under way
    (alone,) = await claim(True)
    assert alone.document.deaths == 0
    assert await claim(False) == []
    assert (
        await store.write(lambda tx: documents.recover(tx, now=3000)) == 1
    )  # and died again with that one alone
    (again,) = await claim(True)
    assert again.document.deaths == 1


async def test_a_mail_that_kills_the_daemon_is_refused_and_the_others_go_on(store: Store) -> None:
    poison = await accept(store, make_submission(message_id="<poison>"), ONE)
    for _ in range(4):
        (work,) = await store.write(
            lambda tx: documents.claim(tx, owner="t", now=2000, seconds=9, limit=1, idle=True)
        )
        assert work.document.id == poison.id
        await store.write(lambda tx: documents.recover(tx, now=3000))  # the daemon dies
    (fax,) = await store.read(lambda tx: views.queue_list(tx, everything=True))
    assert (fax["state"], fax["code"]) == (FaxState.FAILED, "renderer_died")


async def test_a_leased_suspect_does_not_block_the_others_for_ever(store: Store) -> None:
    await accept(store, make_submission(message_id="<suspect>"), ONE)
    await store.write(lambda tx: documents.claim(tx, owner="t", now=2000, seconds=9, limit=1, idle=True))
    await store.write(lambda tx: documents.recover(tx, now=2000))
    await store.write(lambda tx: documents.claim(tx, owner="t", now=2000, seconds=99, limit=1, idle=True))
    good = await accept(store, make_submission(message_id="<good>"), ONE)
    (work,) = await store.write(
        lambda tx: documents.claim(tx, owner="t", now=2001, seconds=9, limit=9, idle=True)
    )
    assert work.document.id == good.id


async def together(
    store: Store, *mails: Submission, numbers: tuple[str, ...] = (ONE,)
) -> list[intake.Accepted]:
    """Accept mails in one call, each with its number."""
    return await store.write(
        lambda tx: intake.accept_all(
            tx,
            [
                intake.Mail(submission=mail, numbers=numbers, now=1000, deadline=1100, window=600)
                for mail in mails
            ],
        )
    )


async def test_many_mails_at_once_are_what_they_are_one_by_one(store: Store, submission: Submission) -> None:
    """Also where one of them repeats another of the same call."""
    twin = replace(submission, id=new_id() + "T")
    others = [make_submission(message_id=f"<{number}@x>") for number in range(12)]
    answers = await together(store, submission, *others, twin, numbers=(ONE, TWO))
    assert [answer.id for answer in answers] == [submission.id, *(mail.id for mail in others), submission.id]
    assert all(answer.faxes == (f"{answer.id}-1", f"{answer.id}-2") for answer in answers[:-1])
    assert (answers[-1].faxes, answers[-1].repeats) == ((), answers[0].faxes)
    assert len(await store.read(views.queue_list)) == 26
    mails = await store.write(lambda tx: outbox.claim(tx, owner="t", now=2000, seconds=9, limit=9))
    assert [mail.kind for mail in mails] == [MailKind.DUPLICATE] * 2


async def test_one_mail_that_fails_spares_those_that_wait_with_it(store: Store) -> None:
    good, other = make_submission(message_id="<1@x>"), make_submission(message_id="<2@x>")
    clash = replace(other, id=good.id, message_id="<3@x>")
    mails = [
        intake.Mail(submission=mail, numbers=[ONE], now=1000, deadline=1100, window=600)
        for mail in (good, clash, other)
    ]
    answers = await asyncio.gather(
        store.write(lambda tx: None),
        *(store.write_together(intake.accept_all, mail) for mail in mails),
        return_exceptions=True,
    )
    failed = [answer for answer in answers if isinstance(answer, sa.exc.IntegrityError)]
    assert len(failed) == 1
    assert len(await store.read(views.queue_list)) == 2


def test_ids_differ_and_sort_by_time() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert len(set(ids)) == len(ids)
    stamps = [id_[:9] for id_ in ids]
    assert stamps == sorted(stamps)
    assert {len(id_) for id_ in ids} == {13}
