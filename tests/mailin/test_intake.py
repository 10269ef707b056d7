"""The one door: one commit, or nothing."""

import asyncio
import re

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from support.door import Site, SiteMaker

from gateway.errors import GatewayError
from gateway.mailin.header import Head
from gateway.mailin.intake import split_message
from gateway.mailin.policy import Rule, Verdict
from gateway.model import Source
from gateway.store import Draft, StoreUnavailableError, facts, tables
from gateway.store.intake import Accepted

VERDICT = Verdict(rule=Rule(name="alice", code="K7Q29X"), identity="alice", subject="Invoice", code="K7Q29X")
SMALL, LARGE = b"small", b"large" * 100_000


def draft(site: Site, content: bytes) -> Draft:
    made = site.intake.draft()
    made.write(content)
    return made


async def accept(site: Site, content: bytes = SMALL, **changes: object) -> Accepted:
    values: dict[str, object] = {
        "source": Source.IMAP,
        "verdict": VERDICT,
        "head": Head(message_id="<1@x>"),
        "envelope_from": "alice@example.com",
        "numbers": ["+15552341234", "+15552341235"],
        "draft": draft(site, content),
        "fingerprint": "f" * 64,
    }
    return await site.intake.accept(**{**values, **changes})  # type: ignore[arg-type]


def spooled(site: Site) -> list[str]:
    return sorted(path.name for path in site.store.spool.root.iterdir())


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_mail_for_two_numbers_is_two_faxes(site: Site, content: bytes) -> None:
    accepted = await accept(site, content)
    assert await site.numbers() == ["+15552341234", "+15552341235"]
    (row,) = await site.submissions()
    assert (row.id, row.source, row.rule, row.subject) == (accepted.id, "imap", "alice", "Invoice")
    assert await site.stored() == content
    assert spooled(site) == ([accepted.id] if content is LARGE else [])
    assert site.woken == [None]


async def test_a_repeat_leaves_nothing_behind(site: Site) -> None:
    first = await accept(site, LARGE)
    again = await accept(site, LARGE)
    assert again.id == first.id
    assert again.faxes == ()
    assert len(again.repeats) == 2
    assert spooled(site) == [first.id]
    assert len(await site.submissions()) == 1


async def test_more_can_be_written_in_the_same_transaction(site: Site) -> None:
    seen: list[Accepted] = []

    def also(tx: sa.Connection, accepted: Accepted) -> None:
        seen.append(accepted)
        facts.put(tx, "also", accepted.id)

    accepted = await accept(site, also=also, queue_id="QUEUEID")
    assert accepted.id == "QUEUEID"
    assert await site.store.read(lambda tx: facts.get(tx, "also")) == "QUEUEID"
    assert seen == [accepted]


async def test_if_that_fails_nothing_is_accepted(site: Site) -> None:
    def also(_tx: sa.Connection, _accepted: Accepted) -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await accept(site, LARGE, also=also)
    assert await site.submissions() == []
    assert spooled(site) == []
    assert site.woken == []


async def test_ids_that_hold_the_code_lose_it(site: Site) -> None:
    await accept(site, head=Head(message_id="<K7Q29X@x>", references="<a@x> <k7q29x@y>"))
    (row,) = await site.submissions()
    assert (row.message_id, row.references) == ("<-@x>", "<a@x> <-@y>")


async def test_a_caller_that_leaves_does_not_undo_it(site: Site) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def also(_tx: sa.Connection, _accepted: Accepted) -> None:
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

    caller = asyncio.ensure_future(accept(site, LARGE, also=also))
    await began.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    draining = asyncio.ensure_future(site.intake.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    go_on.set()
    await draining
    assert len(await site.submissions()) == 1
    assert await site.stored() == LARGE


async def test_a_spool_that_takes_nothing_is_our_trouble(site: Site) -> None:
    made = draft(site, LARGE)
    root = site.store.spool.root
    moved = root.rename(root.with_name("gone"))
    try:
        with pytest.raises(StoreUnavailableError):
            await accept(site, draft=made)
    finally:
        moved.rename(root)
    assert await site.submissions() == []


async def test_a_database_that_takes_nothing_is_our_trouble(site: Site) -> None:
    await site.store.write(lambda tx: tx.exec_driver_sql("PRAGMA query_only = 1"))
    with pytest.raises(StoreUnavailableError):
        await accept(site, LARGE)
    assert spooled(site) == []


MESSAGE = b"Subject: Scan\r\nMessage-ID: <2@x>\r\n\r\nbody\r\n"


async def test_the_command_line(site: Site) -> None:
    accepted = await site.intake.accept_command(
        message=MESSAGE, numbers=["(555) 234-1234"], user="root", notify="ops@example.com"
    )
    (row,) = await site.submissions()
    assert (row.id, row.source, row.rule, row.identity) == (accepted.id, "command", "command", "root")
    assert (row.envelope_from, row.subject, row.message_id) == ("ops@example.com", "Scan", "<2@x>")
    assert await site.stored() == MESSAGE
    assert await site.numbers() == ["+15552341234"]


@pytest.mark.parametrize(
    ("numbers", "status"),
    [([], "5.5.4"), (["letters"], "5.1.3"), (["+49301234567"], "5.7.1"), (["9005551234"], "5.7.1")],
)
async def test_numbers_the_command_line_may_not_use(site: Site, numbers: list[str], status: str) -> None:
    with pytest.raises(GatewayError) as caught:
        await site.intake.accept_command(message=MESSAGE, numbers=numbers, user="root", notify="")
    assert caught.value.failure.status == status
    assert await site.rows(tables.submission) == []


async def test_the_limits_of_the_rule_go_with_the_mail(make_site: SiteMaker) -> None:
    site = await make_site()
    rule = Rule(
        name="r",
        from_number="5550001111",
        from_name="A",
        station_id="S",
        max_pages=3,
        resend_unknown=True,
        receipts="failures",
    )
    await accept(site, verdict=Verdict(rule=rule, identity="i", subject="s"))
    (row,) = await site.submissions()
    assert (row.from_number, row.from_name, row.station_id, row.max_pages) == ("5550001111", "A", "S", 3)
    assert (row.resend_unknown, row.receipts) == (True, "failures")


@given(st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"a", b": "]), max_size=12).map(b"".join))
@example(b"A: b\n\r\nbody\r\n\r\n")
@example(b"\r\nA: b\r\n\r\n")
@example(b"a\n\n\r\n")
def test_a_header_ends_at_its_first_empty_line(message: bytes) -> None:
    end = re.search(rb"\A\r?\n|\r?\n\r?\n", message)
    header, body = split_message(message)
    assert header + body == message
    assert len(header) == (len(message) if end is None else end.end())
