"""Everyday statements take the same time however long the history is: none of them reads a whole table."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from support.submissions import make_received, make_submission

from gateway.lifecycle import FaxState, OutboxState
from gateway.model import Content
from gateway.moves import Trigger
from gateway.store import (
    Store,
    attempts,
    documents,
    faxes,
    history,
    intake,
    outbox,
    pauses,
    received,
    retention,
    tracking,
    views,
)

LONG = {"submission", "document", "fax", "attempt", "received", "outbox", "event"}
LEASE: dict[str, Any] = {"owner": "t", "now": 1000, "seconds": 50, "limit": 4}
EVIDENCE = faxes.Evidence(provider_id="7", pages=1, how="token")
Verb = Callable[[sa.Connection], Any]


class Watch:
    """The plans of what a verb says to the database."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []

    def __call__(self, verb: Verb) -> Verb:
        def watched(tx: sa.Connection) -> Any:
            if tx.dialect.name == "sqlite":
                raw: Any = tx.connection.driver_connection
                raw.set_trace_callback(lambda text: self.said.append((text, ())))
                try:
                    return verb(tx)
                finally:
                    raw.set_trace_callback(None)
            heard = lambda _tx, _cursor, text, values, *_: self.said.append((text, values))  # noqa: E731
            sa.event.listen(tx.engine, "before_cursor_execute", heard)
            try:
                return verb(tx)
            finally:
                sa.event.remove(tx.engine, "before_cursor_execute", heard)

        return watched

    def whole_tables(self, tx: sa.Connection) -> set[tuple[str, str]]:
        """Tables read from end to end, each with the statement."""
        found = set()
        sqlite = tx.dialect.name == "sqlite"
        if not sqlite:  # with few rows it would read them all, which is right
            tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        scan = r"SCAN (\w+)(?! USING)\b" if sqlite else r"Seq Scan on (\w+)"
        for text, values in self.said:
            if text.lstrip().startswith(("SELECT", "UPDATE", "WITH", "DELETE")):
                plan = "\n".join(str(row) for row in tx.exec_driver_sql(explain + text, values))
                found |= {(name, text) for name in re.findall(scan, plan) if name in LONG | {"other"}}
        return found


async def test_the_watch_sees_a_whole_table(store: Store) -> None:
    watch = Watch()
    await store.write(watch(lambda tx: tx.execute(sa.text("SELECT count(*) FROM fax WHERE cost = '1'"))))
    assert {name for name, _ in await store.write(watch.whole_tables)} == {"fax"}


async def test_everyday_verbs_read_no_whole_table(store: Store) -> None:
    watch = Watch()

    async def do(verb: Verb) -> Any:
        return await store.write(watch(verb))

    fax = (await do(lambda tx: accept(tx))).faxes[0]
    (pages,) = await do(lambda tx: documents.claim(tx, idle=True, **LEASE))
    await do(lambda tx: documents.next_due(tx, now=1000))
    await do(lambda tx: ready(tx, pages))
    (work,) = await do(lambda tx: faxes.claim(tx, **LEASE))
    await do(lambda tx: faxes.next_due(tx, now=1000))
    attempt = await do(
        lambda tx: attempts.begin(
            tx, work.fax, token="T", deadline=1100, snapshot=[], digest="d", lease=50, now=1000
        )
    )
    await do(lambda tx: attempts.overdue(tx, now=9000))
    await do(lambda tx: attempts.end(tx, attempt, "success", FaxState.SENT, Trigger.SUCCESS, now=1000))
    await do(lambda tx: attempts.rescue(tx, now=9000, calling=[]))
    (claimant,) = await do(tracking.claimants)
    await do(tracking.held_since)
    await do(
        lambda tx: faxes.move(tx, claimant.fax, FaxState.DELIVERED, Trigger.ROW, now=1000, evidence=EVIDENCE)
    )
    await do(lambda tx: faxes.late(tx, now=1000))
    await do(lambda tx: faxes.expire(tx, now=1000))
    await do(lambda tx: pauses.current(tx, now=1000))
    (mail,) = await do(lambda tx: outbox.claim(tx, **LEASE))
    await do(lambda tx: outbox.next_due(tx, now=1000))
    await do(lambda tx: outbox.move(tx, mail, OutboxState.SENT, Trigger.TAKEN, now=1000))
    await do(lambda tx: received.see(tx, [make_received()], now=1000))
    (incoming,) = await do(lambda tx: received.claim(tx, **LEASE))
    await do(lambda tx: received.next_due(tx, now=1000))
    await do(lambda tx: received.has_twin(tx, incoming))
    await do(lambda tx: received.fetched(tx, incoming, content=Content(size=1, data=b"x"), digest="d", now=1))
    await do(lambda tx: outbox.of_received(tx, incoming.id))
    await do(views.queue_list)
    await do(lambda tx: views.queue_list(tx, everything=True))
    await do(lambda tx: views.queue_show(tx, fax))
    await do(views.counts)
    await do(views.inbox_list)
    await do(lambda tx: views.inbox_show(tx, incoming.id))
    await do(lambda tx: views.faxes_of(tx, work.submission.id))
    await do(lambda tx: history.of(tx, "fax", fax))
    for kind in (retention.SUBMISSIONS, retention.RECEIVED):
        await do(lambda tx, kind=kind: retention.due(tx, kind, before=9000, limit=16))
        await do(lambda tx, kind=kind: retention.forget(tx, kind, ["none"], before=9000, now=9000))
    assert len(watch.said) > 50
    assert await store.write(watch.whole_tables) == set()


def accept(tx: sa.Connection) -> intake.Accepted:
    submission = make_submission()
    return intake.accept(tx, submission, ["+15552341234"], now=1000, deadline=90000, window=600)


def ready(tx: sa.Connection, work: documents.Work) -> None:
    content = Content(size=9, data=b"the pages")
    values: dict[str, Any] = {"pages": 1, "digest": "d", "page_digests": ["1"], "notes": [], "now": 1000}
    documents.ready(tx, work.document, content=content, **values)


@pytest.mark.parametrize("backlog", [0, 3])
async def test_a_claim_takes_no_more_than_asked_oldest_first(store: Store, backlog: int) -> None:
    numbers = [f"+1555234{number:04}" for number in range(backlog)]
    for number, when in zip(numbers, (3, 1, 2), strict=False):
        submission = make_submission(message_id=f"<{number}>")
        await store.write(
            lambda tx, submission=submission, number=number, when=when: (
                intake.accept(tx, submission, [number], now=when, deadline=90000, window=600),
                tx.execute(sa.text("UPDATE fax SET run_at = created")),
            )
        )
    works = await store.write(lambda tx: faxes.claim(tx, owner="t", now=1000, seconds=50, limit=2))
    assert [work.fax.number for work in works] == [*numbers[1:3]]
