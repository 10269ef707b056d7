"""Splitting a header block and decoding its texts, whatever is in them."""

import email.header
import encodings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin.fields import _CHARSETS, bare_cr, decode, encode, split

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=40)


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"A: b", b"\r\n", b" ", b"\n", b"\r", b":"])).map(b"".join)
)
def test_the_fields_joined_again_are_the_block(block: bytes) -> None:
    assert b"".join(field.raw for field in split(block)) == block


def test_folds_belong_to_their_field() -> None:
    first, second, end = split(b"Subject: one\r\n two\r\n\tthree\r\nX-Y : z\n\r\n")
    assert (first.name, first.text) == ("subject", "one two\tthree")
    assert (second.name, second.text) == ("x-y", "z")
    assert (end.name, end.raw) == ("", b"\r\n")


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("=?utf-8?Q?K7Q29X_Rechnung_f=C3=BCr?=", "K7Q29X Rechnung für"),
        ("=?utf-8?b?SzdR?= =?utf-8?b?MjlY?= rest", "K7Q29X rest"),
        ("=?utf-8?q?K7Q?=  =?UTF-8?b?MjlY?=", "K7Q29X"),
        ("=?utf-8?q?a=C3?= =?utf-8?q?=A9b?=", "aéb"),
        ("=?iso-8859-1?q?caf=E9?= =?utf-8?q?_=E2=82=AC?=", "café €"),
        ("=?utf-8*en?q?hello?=", "hello"),
        ("a=?utf-8?q?b?=c", "abc"),
        ("=?no-such-charset?q?x=C3=A9?=", "xé"),
        ("=?utf-8?b?####?=", ""),
        ("=?utf-8?b?SGVsbG8?=", "Hello"),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("tab\tand\x00controls\x7f", "tab and controls"),
        ("=?utf-8?q?line=0D=0AX-Injected=3A_1?=", "line X-Injected: 1"),
        ("=?rot13?q?abc?=", "abc"),
        ("=?us-ascii?q?caf=E9?=", "café"),
        ("=?windows-1255?q?=F9=EC=E5=ED?=", "שלום"),
        ("=?iso-8859-8-i?q?=F9?= =?ks_c_5601-1987?b?wMzArw==?=", "ש이유"),
        # These are codecs of Python's and no charsets of mail.
        ("=?unicode_escape?q?=5Cud800?=", "\\ud800"),
        ("=?utf-7?q?+2AA-?=", "+2AA-"),
        ("=?punycode?q?b-a?=", "b-a"),
        ("=?idna?q?xn--a?=", "xn--a"),
    ],
)
def test_encoded_words(text: str, decoded: str) -> None:
    assert decode(text) == decoded


@given(TEXT, st.sampled_from(["utf-8", "utf-16-be", "iso-2022-jp"]))
def test_reads_what_the_standard_library_writes(text: str, charset: str) -> None:
    try:
        written = email.header.Header(text, charset).encode(linesep="\r\n")
    except UnicodeError:
        written = email.header.Header(text, "utf-8").encode(linesep="\r\n")
    assert decode(written.replace("\r\n", "")) == text


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["=?", "utf-8", "?q?", "?b?", "=", "?=", " ", "a"])).map("".join)
)
def test_decoding_never_raises(text: str) -> None:
    assert isinstance(decode(text), str)


@given(st.sampled_from(sorted(_CHARSETS)), st.binary(max_size=60))
def test_what_is_decoded_can_be_stored(charset: str, raw: bytes) -> None:
    """No charset makes lone surrogates, whatever its bytes are."""
    quoted = "".join(f"={byte:02X}" for byte in raw)
    decode(f"=?{charset}?q?{quoted}?=").encode("utf-8")


def test_unknown_charsets_leave_nothing_behind() -> None:
    known = len(encodings._cache)
    for number in range(50):
        assert decode(f"=?x-strange-{number}?q?a?=") == "a"
    assert len(encodings._cache) == known


def test_lone_surrogates_are_written_as_something_else() -> None:
    assert encode("a\ud800") == b" a?\r\n"
    assert encode("é\ud800").decode().isascii()


def test_a_bare_cr_ends_no_field() -> None:
    block = b"X: a\rSubject: forged\r\n\rFrom: b\r\n c\r\n"
    assert [(field.name, field.text) for field in split(block)] == [
        ("x", "a\rSubject: forged"),
        ("", "From: b c"),
    ]
    assert bare_cr(block)
    assert not bare_cr(b"X: a\r\n\r\n")


@given(TEXT)
def test_encoding_is_read_back(text: str) -> None:
    (field,) = split(b"Subject:" + encode(text))
    if "=?" not in text:
        assert decode(field.text) == text


def test_a_block_of_the_largest_size_is_read_in_linear_time() -> None:
    """Each of these would take hours if any step were quadratic."""
    for unit in (b"=?a?q?x", b"=?a?q?x?= ", b"=?=?", b" \t", b"(((("):
        block = b"Subject: " + unit * (250_000 // len(unit))
        assert decode(split(block)[0].text) is not None
