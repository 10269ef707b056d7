"""The code leaves the header block in every shape, and nothing else changes."""

import email
import email.header
import email.policy
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin import redact
from gateway.mailin.fields import bare_cr, split
from gateway.mailin.header import parse, without_code

CODE = "K7Q29X"

SHAPES = [
    b"Subject: K7Q29X Invoice\r\n",
    b"Subject:\r\n K7Q29X\r\n Invoice\r\n",
    b"Subject: =?utf-8?q?K7Q?= =?utf-8?q?29X?= Invoice\r\n",
    b"Subject: =?utf-8?b?SzdR?=\r\n =?utf-8?b?MjlYIEludm9pY2U=?=\r\n",
    b"Subject: =?utf-8?Q?=4B7Q29X_Rechnung_f=C3=BCr?=\r\n",
    b"Subject: =?utf-16-be?b?AEsANwBRADIAOQBY?= Invoice\r\n",
    "Subject: k7q29x Größe\r\n".encode(),
    "Subject: K7Q29X Gr\xf6\xdfe\r\n".encode("latin-1"),
    b"Thread-Topic: K7Q29X Invoice\r\n",
    b"Thread-Topic: =?utf-8?q?K7Q?= =?utf-8?q?29X?=\r\n",
    b"X-Original-Subject: xK7Q29Xx\r\n",
    b"References: <K7Q29X.1@example.com> <b@c>\r\n",
    b"Message-ID: <K7Q29X@example.com>\r\n",
    b"Content-Type: application/pdf; name=K7Q29X.pdf\r\n",
    b'Content-Type: application/pdf; x=1; name="K7Q\\29X;K7Q29X.pdf"\r\n',
    b"Content-Disposition: attachment; filename*=utf-8''%4B7Q29X.pdf\r\n",
    b'Content-Disposition: attachment;\r\n filename*0="scan K7Q";\r\n filename*1="29X.pdf"\r\n',
    b"Content-Type: K7Q29X\r\n",
    b"Content-Transfer-Encoding: K7Q29X\r\n",
    b"X-K7Q29X: yes\r\n",
    b"X-Link: https://x.example/?q=%4B7Q29X\r\n",
    b"K7Q29X is no field at all\r\n",
    b"Comments: K7QK7Q29X29X\r\n",
]


def shown(block: bytes) -> str:
    """Everything that other programs would show of the block."""
    texts = [block.decode("latin-1")]
    for policy in (email.policy.default, email.policy.compat32):
        message = email.message_from_bytes(block, policy=policy)
        for name, value in message.items():
            texts += [name, str(value), str(email.header.make_header(email.header.decode_header(str(value))))]
        texts += [str(message.get_filename()), str(message.get_payload())]
    joined = "\n".join(texts)
    return (joined + unquote(joined)).lower()


@pytest.mark.parametrize("field", SHAPES)
def test_no_program_shows_it_any_more(field: bytes) -> None:
    others = b"From: a@b.example\r\nX-Other: =?utf-8?q?kept?=\r\n"
    cleaned = without_code(others + field + b"\r\n", CODE)
    assert cleaned.startswith(others)
    assert cleaned.endswith(b"\r\n\r\n") or cleaned == others + b"\r\n"
    assert CODE.lower() not in shown(cleaned)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("K7Q29X Invoice for you", "Invoice for you"),
        ("=?utf-8?Q?K7Q29X_Rechnung_f=C3=BCr?=", "Rechnung für"),
        ("=?utf-8?b?SzdR?= =?utf-8?b?MjlYIEludm9pY2U=?=", "Invoice"),
        ("K7Q29X about 5K7Q29X5", "about 5K7Q29X5"),
    ],
)
def test_the_rest_of_the_subject_stays_readable(before: str, after: str) -> None:
    assert parse(without_code(f"Subject: {before}\r\n\r\n".encode(), CODE)).subject == after


def test_continuations_without_percent_signs() -> None:
    field = b'Content-Disposition: attachment; filename*0="a%48"; filename*1="3920.pdf"\r\n'
    assert without_code(field, "483920") == b"Content-Disposition: attachment\r\n"


def test_structure_stays_usable() -> None:
    block = (
        b'Content-Type: multipart/mixed; charset=utf-8; name="K7Q29X"; boundary="=_K7Q29X_="\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    message = email.message_from_bytes(without_code(block, CODE))
    assert message.get_content_type() == "multipart/mixed"
    assert message.get_boundary() == "=_K7Q29X_="
    assert message.get_param("charset") == "utf-8"
    assert message.get_param("name") is None
    assert (
        without_code(b"Content-Transfer-Encoding: BASE64\r\n", "base64")
        == b"Content-Transfer-Encoding: BASE64\r\n"
    )


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        (b"DKIM-Signature: v=1; z=Subject:K7Q2\r\n 9X=20Invoice; b=x\r\n", False),
        (b"DKIM-Signature: v=1;\r\n z\t= Subject:=4B=37=51=32=39=58; b=x\r\n", False),
        (b"ARC-Message-Signature: z=Subject:K7=512=39X; i=1\r\n", False),
        (b"DKIM-Signature: v=1; h=from:subject:z; bz=1; b=z=\r\n", True),
    ],
)
def test_signatures_with_copies_of_the_header_are_dropped(field: bytes, kept: bool) -> None:
    rest = b"From: a@b.example\r\n\r\n"
    assert without_code(field + rest, CODE) == (field if kept else b"") + rest


@given(st.binary(max_size=400).filter(lambda block: b"z" not in block.lower()))
def test_a_block_without_it_is_not_touched(block: bytes) -> None:
    if CODE.lower().encode() not in block.lower():
        assert without_code(block, CODE) == block


@given(
    st.lists(st.sampled_from([*SHAPES, b"X-Other: 1\r\n", b"junk\r\n", b"\r\n"]), max_size=8),
    st.integers(0, 50),
)
def test_any_mixture_loses_only_fields_that_held_it(fields: list[bytes], cut: int) -> None:
    block = b"".join(fields)[cut:]
    cleaned = without_code(block, CODE)
    assert cleaned.count(b"X-Other: 1\r\n") == block.count(b"X-Other: 1\r\n")
    subjects = [line for line in cleaned.lower().splitlines() if line.startswith(b"subject:")]
    assert not any(b"k7q29x" in line.split() for line in subjects)


WORDS = (
    b"Subject|X-A|DKIM-Signature|Dkim-Signature |:| |K7Q|k7q29x|29X|=?utf-8?q?|?=|%4B|*0=|z=|;|=|\r\n |\r\n"
)
FIELDS = st.lists(st.sampled_from([*WORDS.split(b"|"), b"\xe2\x84\xaa", b"\xff"]), max_size=12).map(b"".join)


@given(FIELDS)
def test_the_quick_look_misses_nothing(block: bytes) -> None:
    """Of fields that it calls harmless, reading each in full changes none."""
    quick = without_code(block, CODE)
    looked_at = (redact._clean(field, CODE) for field in split(block))
    assert b"".join(field.raw for field in looked_at if field is not None) == quick


@given(FIELDS)
def test_what_is_left_is_split_as_it_was(block: bytes) -> None:
    """So that the fingerprint of the mail that is stored can be taken from the fields."""
    if not bare_cr(block):
        fields = redact.cleaned(split(block + b"\r\n\r\n"), CODE)
        assert fields == split(b"".join(field.raw for field in fields))
