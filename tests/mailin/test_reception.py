"""A mail in chunks: judged before a byte is written, cleaned up whatever happens."""

import asyncio
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.mailin.header import Fingerprint, Head
from gateway.mailin.policy import Refusal, Rule, Verdict
from gateway.mailin.reception import Reception
from gateway.store import Draft, Spool

CODE = "K7Q29X"
VERDICT = Verdict(rule=Rule(name="a", code=CODE), identity="a", subject="Invoice", code=CODE)
MAIL = b"Subject: K7Q29X Invoice\r\nX-Other: 1\r\n\r\nbody\r\n\r\nmore\r\n"


class Slow(Draft):
    """Writes only when it is told to."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(spool)
        self.began, self.go_on = threading.Event(), threading.Event()

    def write(self, chunk: bytes) -> None:
        self.began.set()
        assert self.go_on.wait(20)
        super().write(chunk)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def reception(draft: Draft, max_bytes: int = 10_000_000) -> Reception:
    seen: list[Head] = []

    def judge(head: Head) -> Verdict:
        assert draft.size == 0
        assert not seen
        seen.append(head)
        return VERDICT

    return Reception(judge=judge, draft=draft, max_bytes=max_bytes, trace=lambda _: b"Trace: 1\r\n")


async def receive(spool: Spool, chunks: list[bytes]) -> tuple[bytes, str]:
    one = reception(spool.draft())
    for chunk in chunks:
        await one.feed(chunk)
    received = await one.finish()
    one.close()
    content = received.draft.keep("name")
    assert content.data is not None
    return content.data, received.fingerprint


@given(cuts=st.lists(st.integers(0, len(MAIL)), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_where_the_chunks_are_cut_does_not_matter(spool: Spool, cuts: list[int]) -> None:
    edges = sorted({0, len(MAIL), *cuts})
    chunks = [MAIL[start:end] for start, end in pairwise(edges)]
    content, fingerprint = asyncio.run(receive(spool, chunks))
    assert content == b"Trace: 1\r\nSubject: Invoice\r\nX-Other: 1\r\n\r\nbody\r\n\r\nmore\r\n"
    assert fingerprint == asyncio.run(receive(spool, [MAIL]))[1]


async def test_the_fingerprint_does_not_know_the_code(spool: Spool) -> None:
    """Else whoever steals the database, where it stands beside the mail, tries codes until it fits."""
    content, fingerprint = await receive(spool, [MAIL])
    stored = Fingerprint()
    header, _, body = content.removeprefix(b"Trace: 1\r\n").partition(b"\r\n\r\n")
    stored.header(header + b"\r\n\r\n")
    stored.body(body)
    assert stored.hexdigest() == fingerprint
    assert (await receive(spool, [b"Received: again\r\n" + MAIL]))[1] == fingerprint
    assert (await receive(spool, [MAIL.replace(b"Invoice", b"Letter")]))[1] != fingerprint


async def test_nobody_takes_it(spool: Spool) -> None:
    one = reception(spool.draft())
    await one.feed(MAIL + b"x" * 100_000)
    assert list(spool.root.iterdir())
    one.close()
    assert list(spool.root.iterdir()) == []


async def test_closed_while_a_thread_is_writing(spool: Spool) -> None:
    draft = Slow(spool)
    one = reception(draft)
    feeding = asyncio.ensure_future(one.feed(MAIL + b"x" * 100_000))
    await asyncio.to_thread(draft.began.wait, 20)
    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding
    one.close()
    assert one._writing is not None
    draft.go_on.set()
    await one._writing
    await asyncio.sleep(0)
    assert draft.size > 100_000
    assert list(spool.root.iterdir()) == []


async def test_too_large_keeps_nothing(spool: Spool) -> None:
    one = reception(spool.draft(), max_bytes=200_000)
    for _ in range(5):
        await one.feed(MAIL + b"x" * 100_000)
    with pytest.raises(Refusal, match=r"larger than 0\.2 MB"):
        await one.finish()
    one.close()
    assert list(spool.root.iterdir()) == []
