"""DATA in chunks gives what the library's DATA in lines gives."""

import asyncio
from itertools import pairwise

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.mailin.data import END, DataReader, Transparency

PIECES = st.lists(
    st.sampled_from([b"\r\n", b".", b"..", b"a", b"\r\n.", b"\r\n..\r\n", b"word", b"\r\n\r\n", b"\r"])
)
CONTENT = PIECES.map(b"".join).map(
    lambda text: text if not text or text.endswith(b"\r\n") else text + b"\r\n"
)


class Stock(SMTP):
    """The library's own session, with a stream instead of a connection."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.kept = b""
        super().__init__(self, data_size_limit=None, hostname="x")
        self._reader = stream
        self.transport = asyncio.Transport()
        self.session = Session(self.loop)
        self.session.host_name = "client"
        self.envelope = Envelope()
        self.envelope.rcpt_tos = ["x"]

    async def push(self, status: object) -> None:
        """Nobody listens."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.kept = envelope.content
        return "250 OK"


def stream(raw: bytes, limit: int = 1 << 16) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=limit)
    reader.feed_data(raw)
    return reader


async def stock(raw: bytes) -> bytes:
    session = Stock(stream(raw))
    await session.smtp_DATA("")
    return session.kept


async def ours(raw: bytes, limit: int) -> bytes:
    reader = asyncio.StreamReader(limit=limit)
    data = DataReader(reader)
    data.begin()
    reader.feed_data(raw)
    parts = []
    while (part := await data.read()) is not None:
        parts.append(part)
    assert bytes(reader._buffer) == b""  # type: ignore[attr-defined]
    return b"".join(parts)


@given(CONTENT.filter(lambda content: END not in b"\r\n" + content), st.integers(5, 40))
@example(b"", 5)
@example(b"..\r\n..\r\n", 5)
@settings(max_examples=300)
def test_the_same_as_the_library(content: bytes, limit: int) -> None:
    raw = content + b".\r\n"
    with asyncio.Runner() as runner:
        assert runner.run(ours(raw, limit)) == runner.run(stock(raw))


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"a"])).map(b"".join),
    st.lists(st.integers(0, 30), max_size=6),
)
def test_where_the_chunks_are_cut_does_not_matter(text: bytes, cuts: list[int]) -> None:
    whole = Transparency()
    expected = whole.feed(text) + whole.finish()
    parts = Transparency()
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    found = b"".join(parts.feed(text[start:end]) for start, end in pairwise(edges))
    assert found + parts.finish() == expected


@given(st.lists(st.sampled_from([b"\r\n", b"\n", b"a", b"\r\r\n"])).map(b"".join))
def test_every_line_feed_ends_up_behind_a_carriage_return(text: bytes) -> None:
    transparency = Transparency()
    content = transparency.feed(text) + transparency.finish()
    assert content.count(b"\n") == content.count(b"\r\n") == text.count(b"\n")
    assert content.replace(b"\r", b"") == text.replace(b"\r", b"")


@pytest.mark.parametrize(
    "fake", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\r\n.\n"]
)
async def test_nothing_but_the_real_end_ends_a_mail(fake: bytes) -> None:
    content = await ours(b"one" + fake + b"MAIL FROM:<b@c>\r\n.\r\n", 1 << 16)
    assert content.startswith(b"one")
    assert content.endswith(b"MAIL FROM:<b@c>\r\n")


async def test_a_client_that_leaves_is_noticed() -> None:
    reader = stream(b"half a mail\r\n.")
    data = DataReader(reader)
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await data.read()


async def test_talking_before_354_is_noticed() -> None:
    assert DataReader.early(stream(b"Subject: x\r\n"))
    assert not DataReader.early(stream(b""))
