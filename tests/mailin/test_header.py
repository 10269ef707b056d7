"""The facts of a header block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin import header
from gateway.mailin.header import HEADER_BYTES, HEADER_LINES, Head, addresses, beginning, parse, too_large


def test_an_ordinary_header() -> None:
    head = parse(
        b"Return-Path: <Alice@Example.com>\r\nFrom: =?utf-8?q?=C3=81lice?= <Alice@Example.COM>\r\n"
        b"Sender: Bob <bob@example.com>\r\nReply-To: carol@example.com\r\nSubject: A\r\n folded subject\r\n"
        b"Message-ID:\r\n <1@example.com>\r\nIn-Reply-To: <0@example.com> (of yesterday)\r\n"
        b"References: <a@x>\r\n <b@x> junk <c@x>\r\nContent-Type: Multipart/Mixed; boundary=x\r\n\r\n"
    )
    assert head == Head(
        subject="A folded subject",
        from_addresses=("alice@example.com",),
        message_id="<1@example.com>",
        in_reply_to="<0@example.com>",
        references="<a@x> <b@x> <c@x>",
        return_path="alice@example.com",
        content_type="multipart/mixed",
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@b.example", ("a@b.example",)),
        ('"victim@x.example" <me@y.example>', ("me@y.example",)),
        ("victim@x.example <me@y.example>", ("me@y.example",)),
        ("Foo, Bar <a@b.example>", ()),
        ('"Foo, Bar" <A@B.example>', ("a@b.example",)),
        ("a@b.example, c@d.example", ("a@b.example", "c@d.example")),
        ("a@b.example, junk", ()),
        ("<a@b.example", ()),
        ("a b@c.example", ()),
        ("a@b.example <>", ()),
        ("a(comment)@b.example", ("a@b.example",)),
        ("(" * 3000 + "a@b.example", ()),
        ("a@b.example," * 1000, ()),
        ("", ()),
    ],
)
def test_addresses_are_read_without_doubt_or_not_at_all(text: str, found: tuple[str, ...]) -> None:
    assert addresses([text]) == found


@given(st.from_regex(header._BARE, fullmatch=True))
def test_the_quick_look_reads_addresses_as_the_library_does(text: str) -> None:
    assert addresses([text]) == header._parsed(text) == (text.lower(),)


def test_the_limits_hold_for_all_from_fields_together() -> None:
    """The parser's time grows with the square of what it gets, so that many fields must not get it each."""
    one = f"a({'x' * 100})@b.example"
    assert len(addresses([one] * 4)) == 4
    assert addresses([one] * 5) == ()
    assert addresses(['"' * 513]) == ()
    plain = [f"A <{number}@b.example>" for number in range(17)]
    assert len(addresses(plain[1:])) == 16
    assert addresses(plain) == ()
    assert addresses([", ".join(f"{number}@b.example" for number in range(17))]) == ()


def test_two_from_fields_are_two_senders() -> None:
    assert parse(b"From: a@b.example\r\nFrom: c@d.example\r\n").from_addresses == (
        "a@b.example",
        "c@d.example",
    )
    assert parse(b"From: a@b.example\r\nFrom: junk\r\n").from_addresses == ()


@pytest.mark.parametrize(
    ("line", "automatic"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("Auto-Submitted: auto-generated (by cron); x=y", True),
        ("Auto-Submitted:", True),
        ("Auto-Submitted: no", False),
        ("auto-submitted: No (typed by hand)", False),
        ("Precedence: bulk", True),
        ("Precedence: first-class", False),
        ("List-Id: <list.example.com>", True),
        ("X-Autoreply: yes", True),
        ("X-Auto-Response-Suppress: All", False),
        ("Content-Type: multipart/report; report-type=delivery-status", True),
    ],
)
def test_automatic_mails(line: str, automatic: bool) -> None:
    assert parse(f"From: a@b.example\r\n{line}\r\n\r\n".encode()).auto_submitted is automatic


def test_the_null_return_path_is_not_a_missing_one() -> None:
    assert parse(b"Return-Path: <>\r\n").return_path == ""
    assert parse(b"Subject: x\r\n").return_path is None


@given(st.binary(max_size=500))
def test_junk_gives_a_head_and_no_error(block: bytes) -> None:
    assert isinstance(parse(block), Head)


@given(st.lists(st.sampled_from([b"a: b", b"\n", b"\r\n", b" c", b"d" * 200_000]), max_size=40).map(b"".join))
def test_the_beginning_is_whole_lines_within_the_limits(block: bytes) -> None:
    for long in (block, block * 100):
        front = beginning(long)
        assert long.startswith(front)
        assert not too_large(front)
        assert front == b"" or front.endswith(b"\n")
        if not too_large(long):
            assert b"\n" not in long[len(front) :]


def test_what_is_too_large() -> None:
    assert not too_large(b"X: y\r\n" * HEADER_LINES)
    assert too_large(b"X: y\r\n" * (HEADER_LINES + 1))
    assert too_large(b"x" * (HEADER_BYTES + 1))
