"""The same mail is the same mail, whichever way it took."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin.header import Fingerprint


def fingerprint(header: bytes, *body: bytes) -> str:
    one = Fingerprint()
    one.header(header)
    for chunk in body:
        one.body(chunk)
    return one.hexdigest()


HEADER = b"From: a@b.example\r\nSubject: x\r\n"


def test_trace_fields_do_not_count() -> None:
    way = (
        b"Received: from x\r\n by y\r\nReturn-Path: <a@b>\r\nDelivered-To: f\r\n"
        b"DKIM-Signature: v=1;\r\n b=abc\r\n"
        b"ARC-Seal: i=1\r\nAuthentication-Results: mx; dkim=pass\r\nX-Spam-Score: 1\r\nX-Original-To: z\r\n"
    )
    assert fingerprint(way + HEADER + b"\r\n", b"body") == fingerprint(HEADER, b"body")


def test_everything_else_counts() -> None:
    different = {
        fingerprint(HEADER, b"body"),
        fingerprint(HEADER, b"body "),
        fingerprint(HEADER + b"Date: now\r\n", b"body"),
        fingerprint(HEADER + b"\r\nbody"),
        fingerprint(HEADER.replace(b"x", b"y"), b"body"),
    }
    assert len(different) == 5


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_chunks_may_be_cut_anywhere(body: bytes, cuts: list[int]) -> None:
    edges = sorted({0, *(min(cut, len(body)) for cut in cuts), len(body)})
    chunks = [body[start:end] for start, end in pairwise(edges)]
    assert fingerprint(HEADER, *chunks) == fingerprint(HEADER, body)
