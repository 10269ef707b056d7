"""What is forgotten, what never is, how little at a time, and that its space comes back."""

import asyncio
import itertools
import os
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from support import moving
from support.submissions import make_received, make_submission

from gateway.lifecycle import FaxState, OutboxState
from gateway.model import ReceivedFax, Via, new_id
from gateway.moves import Trigger
from gateway.store import (
    Store,
    attempts,
    documents,
    faxes,
    intake,
    outbox,
    received,
    retention,
    tables,
    views,
)
from gateway.store.received import Delivery
from gateway.store.retention import RECEIVED, SUBMISSIONS, Kind
from gateway.worker.purge import Purge

NUMBER = "+15552341234"
LARGE = os.urandom(600_000)
END = 2000.0
"""When all faxes here end, and their mails leave."""
DAY = 86400.0


async def accept(store: Store, *numbers: str, data: bytes = LARGE) -> list[str]:
    """Ids of the Faxes of a mail; its pages are ready."""
    id_ = new_id()
    content = await asyncio.to_thread(store.spool.keep, id_, data)
    mail = make_submission(id=id_, message_id=f"<{id_}>", content=content)
    accepted = await store.write(
        lambda tx: intake.accept(tx, mail, numbers or [NUMBER], now=1000, deadline=9e9, window=9)
    )
    (work,) = await store.write(
        lambda tx: documents.claim(tx, owner="t", now=1000, seconds=9, limit=1, idle=True)
    )
    pages = await asyncio.to_thread(store.pages.keep, id_, data)
    await store.write(
        lambda tx: documents.ready(
            tx, work.document, content=pages, pages=1, digest="d", page_digests=["1"], notes=[], now=1000
        )
    )
    return list(accepted.faxes)


async def move(store: Store, fax_id: str, *targets: FaxState, at: float = END) -> None:
    for target in targets:
        fax = await store.read(lambda tx: faxes.get(tx, fax_id))
        if target is FaxState.SUBMITTING:
            await store.write(
                lambda tx, fax=fax: attempts.begin(
                    tx, fax, token="T", deadline=1, snapshot=[], digest="d", lease=9, now=1000
                )
            )
            continue
        await store.write(lambda tx, fax=fax, target=target: moving.move(tx, fax, target, now=at, run_at=9e9))


async def mails_end(store: Store, target: OutboxState = OutboxState.SENT, at: float = END) -> None:
    def end(tx: sa.Connection) -> None:
        for mail in outbox.claim(tx, owner="m", now=at, seconds=9, limit=99):
            trigger = Trigger.TAKEN if target is OutboxState.SENT else Trigger.REFUSED
            outbox.move(tx, mail, target, trigger, now=at)
            received.mail_left(tx, mail, target, now=at)

    await store.write(end)


async def due(store: Store, kind: Kind, before: float = END) -> list[str]:
    return await store.read(lambda tx: retention.due(tx, kind, before=before, limit=99))


async def stored_bytes(store: Store) -> int:
    """Content in rows, in parts of files, and in files."""

    def sizes(tx: sa.Connection) -> int:
        columns = (
            tables.submission.c.content,
            tables.document.c.content,
            tables.received.c.content,
            tables.blob.c.data,
        )
        return sum(tx.execute(sa.select(sa.func.sum(sa.func.length(c)))).scalar() or 0 for c in columns)

    files = [entry for room in store.rooms for entry in room.root.iterdir()]
    return int(await store.read(sizes)) + sum(file.stat().st_size for file in files)


async def finished(store: Store, *, data: bytes = LARGE) -> str:
    (fax_id,) = await accept(store, data=data)
    await move(store, fax_id, FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.DELIVERED)
    await mails_end(store)
    return fax_id


@pytest.mark.parametrize("data", [b"small", LARGE])
async def test_the_content_of_a_finished_fax_goes_and_its_history_stays(store: Store, data: bytes) -> None:
    fax_id = await finished(store, data=data)
    before = await store.read(lambda tx: views.queue_show(tx, fax_id))
    assert before is not None
    assert before["purged"] is None
    await Purge(store, keep=30 * DAY).step()
    assert await stored_bytes(store) == 0
    after = await store.read(lambda tx: views.queue_show(tx, fax_id))
    assert after is not None
    assert after["purged"] == pytest.approx(store.now(), abs=60)
    assert {**after, "purged": None} == before
    assert await due(store, SUBMISSIONS, before=9e9) == []


async def test_what_ended_a_moment_ago_stays(store: Store) -> None:
    (fax_id,) = await accept(store)
    await move(store, fax_id, FaxState.CANCELLED, at=store.now())
    await mails_end(store, at=store.now())
    kept = await stored_bytes(store)
    await Purge(store, keep=DAY).step()
    assert await stored_bytes(store) == kept
    await Purge(store, keep=0).step()
    assert await stored_bytes(store) == 0


OPEN = {
    "accepted": (),
    "waiting": (FaxState.WAITING,),
    "submitting": (FaxState.SUBMITTING,),
    "unknown": (FaxState.SUBMITTING, FaxState.UNKNOWN),
    "sent": (FaxState.SUBMITTING, FaxState.SENT),
    "held": (FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD),
}


@pytest.mark.parametrize("state", OPEN)
async def test_nothing_of_a_mail_goes_while_one_of_its_faxes_is_open(store: Store, state: str) -> None:
    first, second = await accept(store, NUMBER, "+15552340000")
    await move(store, first, FaxState.CANCELLED)
    await move(store, second, *OPEN[state])
    await mails_end(store)
    assert (await store.read(lambda tx: faxes.get(tx, second))).state == state
    assert await due(store, SUBMISSIONS, before=9e9) == []


@pytest.mark.parametrize("end", [None, OutboxState.FAILED])
@pytest.mark.parametrize("target", [FaxState.FAILED, FaxState.UNCONFIRMED])
async def test_nothing_goes_before_its_notices_have_left(
    store: Store, end: OutboxState | None, target: FaxState
) -> None:
    (fax_id,) = await accept(store)
    await move(store, fax_id, FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD)
    await mails_end(store)
    await move(store, fax_id, target)
    if end is not None:
        await mails_end(store, end)
    assert await due(store, SUBMISSIONS, before=9e9) == []


async def test_the_alert_of_an_unconfirmed_fax_counts_as_a_notice(store: Store) -> None:
    (fax_id,) = await accept(store)
    await move(store, fax_id, FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD, FaxState.UNCONFIRMED)

    def all_but_the_alert(tx: sa.Connection) -> None:
        for mail in outbox.claim(tx, owner="m", now=END, seconds=9, limit=99):
            if not mail.key.startswith(f"alert:fax:{fax_id}:unconfirmed"):
                outbox.move(tx, mail, OutboxState.SENT, Trigger.TAKEN, now=END)

    await store.write(all_but_the_alert)
    assert await due(store, SUBMISSIONS, before=9e9) == []
    await mails_end(store, at=END + 10)
    assert len(await due(store, SUBMISSIONS, before=9e9)) == 1


async def test_a_mail_that_still_becomes_pages_stays(store: Store) -> None:
    mail = make_submission()
    accepted = await store.write(
        lambda tx: intake.accept(tx, mail, [NUMBER], now=1000, deadline=9e9, window=9)
    )
    await move(store, accepted.faxes[0], FaxState.CANCELLED)
    await mails_end(store)
    assert await due(store, SUBMISSIONS, before=9e9) == []


async def test_a_fax_that_is_sent_again_between_look_and_purge_keeps_its_pages(store: Store) -> None:
    (fax_id,) = await accept(store)
    await move(store, fax_id, FaxState.CANCELLED)
    await mails_end(store)
    found = await due(store, SUBMISSIONS)
    assert len(found) == 1
    fax = await store.read(lambda tx: faxes.get(tx, fax_id))
    await store.write(lambda tx: faxes.again(tx, fax, now=END, deadline=9e9, by="anna"))
    kept = await stored_bytes(store)
    gone = await store.write(lambda tx: retention.forget(tx, SUBMISSIONS, found, before=END, now=END))
    assert (gone.items, gone.files) == (0, ())
    assert await stored_bytes(store) == kept
    assert (await store.read(lambda tx: documents.of(tx, fax.submission_id))).content is not None


async def arrived(store: Store, *vias: Via) -> ReceivedFax:
    """A received fax whose copy is stored, with a mail for each of `vias` under way."""
    seen = make_received(provider_id=new_id())
    await store.write(lambda tx: received.see(tx, [seen], now=1000))

    async def take(work: Callable[[sa.Connection, ReceivedFax], None]) -> None:
        await store.write(lambda tx: work(tx, received.get(tx, seen.id)))

    content = await asyncio.to_thread(store.inbox.keep, seen.id, LARGE)
    await take(lambda tx, fax: received.fetched(tx, fax, content=content, digest="d", now=1000))
    if vias:
        to = [Delivery(recipient=f"{number}@example.com", via=via) for number, via in enumerate(vias)]
        await take(lambda tx, fax: received.routed(tx, fax, to, now=1000))
    return await store.read(lambda tx: received.get(tx, seen.id))


async def acknowledge(store: Store, id_: str) -> None:
    await store.write(lambda tx: received.acknowledged(tx, received.get(tx, id_), folder="", now=END))


async def test_a_received_fax_goes_once_a_mail_server_took_it(store: Store) -> None:
    fax = await arrived(store, Via.SMTP, Via.SMTP)
    assert await due(store, RECEIVED, before=9e9) == []
    await mails_end(store)
    assert await due(store, RECEIVED, before=9e9) == []  # mailed, and yet to be filed
    await acknowledge(store, fax.id)
    assert await due(store, RECEIVED, before=END - 1) == []
    await Purge(store, keep=30 * DAY).step()
    assert await stored_bytes(store) == 0
    shown = await store.read(lambda tx: views.inbox_show(tx, fax.id))
    assert shown is not None
    assert (shown["file"], shown["digest"], shown["state"]) == (None, "d", "acknowledged")
    assert shown["purged"] is not None
    assert await store.read(lambda tx: received.known(tx, [fax.provider_id])) == {fax.provider_id}


async def test_what_was_not_mailed_or_only_by_the_provider_stays(store: Store) -> None:
    await arrived(store)
    await arrived(store, Via.SMTP)
    await mails_end(store, OutboxState.FAILED)
    by_provider = await arrived(store, Via.PROVIDER)
    await mails_end(store, at=END + 10)
    await acknowledge(store, by_provider.id)
    assert await due(store, RECEIVED, before=9e9) == []


async def test_a_received_fax_that_is_mailed_again_keeps_its_copy_until_that_has_left(store: Store) -> None:
    fax = await arrived(store, Via.SMTP)
    await mails_end(store)
    await acknowledge(store, fax.id)
    found = await due(store, RECEIVED)
    to = [Delivery(recipient="else@example.com", via=Via.SMTP)]
    await store.write(lambda tx: received.routed(tx, received.get(tx, fax.id), to, now=END, by="anna"))
    gone = await store.write(lambda tx: retention.forget(tx, RECEIVED, found, before=END, now=END))
    assert gone.items == 0
    await mails_end(store, at=END + 100)
    await acknowledge(store, fax.id)
    assert await due(store, RECEIVED, before=END + 50) == []
    assert await due(store, RECEIVED, before=END + 100) == [fax.id]


async def test_others_write_between_small_slices(store: Store) -> None:
    for _ in range(40):
        await finished(store, data=b"x" * 9000)
    seen: list[int] = []

    def count(tx: sa.Connection) -> None:
        purged = sa.select(sa.func.count()).where(tables.submission.c.purged.is_not(None))
        seen.append(tx.execute(purged).scalar_one())

    await Purge(store.guarded(count), keep=0).step()
    await store.write(count)
    assert seen[-1] == 40
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) == 16


async def test_a_crash_before_the_files_are_removed_leaves_what_the_start_sweeps(store: Store) -> None:
    await finished(store)
    found = await due(store, SUBMISSIONS)
    gone = await store.write(lambda tx: retention.forget(tx, SUBMISSIONS, found, before=END, now=END))
    assert sorted(room for room, _ in gone.files) == ["pages", "spool"]
    assert await stored_bytes(store) >= 2 * len(LARGE)  # the files, here also where they are a cache
    await store.sweep()
    assert await stored_bytes(store) == 0


async def test_sqlites_file_becomes_smaller(store: Store) -> None:
    if store.shared:
        assert await store.write(lambda tx: retention.shrink(tx, pages=9)) == 0
        return

    async def pragma(name: str) -> int:
        return await store.read(lambda tx: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one())

    assert await pragma("auto_vacuum") == 2
    for _ in range(20):
        await finished(store, data=os.urandom(60_000))
    full = await pragma("page_count")
    kept = await store.write(lambda tx: retention.shrink(tx, pages=9))
    assert kept == 0
    found = await due(store, SUBMISSIONS)
    await store.write(lambda tx: retention.forget(tx, SUBMISSIONS, found, before=END, now=END))
    assert await store.write(lambda tx: retention.shrink(tx, pages=9)) == 9  # no more than asked for
    await Purge(store, keep=0).step()
    assert await pragma("freelist_count") == 0
    assert await pragma("page_count") < full / 3
    assert await store.read(lambda tx: tx.exec_driver_sql("PRAGMA integrity_check").scalar_one()) == "ok"
