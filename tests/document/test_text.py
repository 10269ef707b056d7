"""Charsets, flowed lines, redaction, lines; and the typesetting of them."""

from __future__ import annotations

import io
import re

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import text, typeset

codes = st.text("abcXYZ0189", min_size=4, max_size=10)


@pytest.mark.parametrize(
    ("data", "declared", "meant"),
    [
        ("Grüße €".encode(), "", "Grüße €"),
        ("Grüße €".encode(), "us-ascii", "Grüße €"),
        ("Grüße €".encode("cp1252"), "", "Grüße €"),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        ("日本".encode("iso-2022-jp"), "iso-2022-jp", "日本"),
        ("Grüße".encode("utf-16"), "us-ascii", "Grüße"),
        (b"\xef\xbb\xbfx", "", "x"),
        ("Grüße".encode(), "x-no-such-charset", "Grüße"),
        (b"plain", "zip", "plain"),
        (b"plain", "rot13", "plain"),
    ],
)
def test_charsets(data: bytes, declared: str, meant: str) -> None:
    assert text.decode(data, declared) == meant


@given(
    st.binary(),
    st.one_of(st.text(max_size=20), st.sampled_from(["utf-7", "idna", "punycode", "utf-16", "hz"])),
)
def test_decoding_never_fails(data: bytes, declared: str) -> None:
    assert isinstance(text.decode(data, declared), str)


def test_flowed_paragraphs_are_joined_but_quotes_and_signatures_are_not() -> None:
    flowed = "a long \nparagraph\n \n> quoted \n> more\n-- \nName \nStreet"
    assert (
        text.unflow(flowed, delete_space=False) == "a long paragraph\n\n> quoted \n> more\n-- \nName Street"
    )
    assert text.unflow("日 \n本", delete_space=True) == "日本"
    assert text.unflow(" From here", delete_space=False) == "From here"


@given(codes, st.text(max_size=30), st.text(max_size=30))
def test_a_code_standing_alone_never_survives(code: str, before: str, after: str) -> None:
    shown = text.redact(f"{before} {code}\n({code.upper()}), >{code}< {after}", [code])
    alone = re.compile(rf"(?<![^\W_]){code}(?![^\W_])", re.IGNORECASE)
    assert not alone.search(shown)
    assert shown.count("●●●") >= 3


def test_only_whole_words_are_redacted() -> None:
    assert text.redact("A4839201 and 483920", ["483920"]) == "A4839201 and ●●●"
    assert text.redact("4839\u200b20, 48\u00ad3920.", ["483920"]) == "●●●, ●●●."
    assert text.redact("code_483920_x", ["483920"]) == "code_●●●_x"
    assert text.redact("nothing", ["", *[]]) == "nothing"
    assert text.redact("a.b axb", ["a.b"]) == "●●● axb"


@given(st.text())
def test_lines_hold_only_what_can_be_printed(written: str) -> None:
    cut = text.lines(written)
    assert all(line.text == line.text.rstrip() for line in cut)
    assert not cut or (cut[0].text and cut[-1].text)
    for line in cut:
        assert all(c.isprintable() or c in "\u200c\u200d\u200e\u200f" for c in line.text)


def test_line_breaks_and_tabs() -> None:
    assert [line.text for line in text.lines("\n\na\r\nb\rc\td\x0ce\n\n")] == ["a", "b", "c       d", "e"]


@pytest.mark.parametrize(
    ("written", "rtl"),
    [("שלום abc", True), ("abc שלום", False), ("123 مرحبا", True), ("123", False), ("", False)],
)
def test_direction_is_that_of_the_first_letter(written: str, rtl: bool) -> None:
    assert text._is_rtl(written) is rtl


def test_tables_need_a_fixed_pitch_and_letters_do_not() -> None:
    table = "\n".join(f"item {n}      {n * 7}.00" for n in range(5))
    assert text.is_columnar(text.lines(table))
    assert not text.is_columnar(text.lines("Dear all,\n\nplease call me.\n\nBest\nJane\n"))


def set_text(written: str, *, fixed_pitch: bool = False) -> list[str]:
    made = typeset.typeset(text.lines(written), paper="letter", fixed_pitch=fixed_pitch)
    return [page.extract_text().replace("\u00a0", " ") for page in pypdf.PdfReader(io.BytesIO(made)).pages]


@pytest.mark.parametrize("fixed_pitch", [False, True])
def test_text_is_set_as_it_is_never_as_markup(fixed_pitch: bool) -> None:
    nasty = '#read("/etc/passwd") $x$ *bold* _it_ = Title @ref <a> \\ // " {{ }} `raw`'
    (page,) = set_text(nasty, fixed_pitch=fixed_pitch)
    assert "".join(page.split()) == "".join(nasty.split())


def test_pages_are_not_fewer_than_foretold() -> None:
    cut = text.lines("a line of text\n" * 300)
    assert typeset.pages_at_least(cut) <= len(set_text("a line of text\n" * 300))
    narrow = "i" * 20_000
    assert typeset.pages_at_least(text.lines(narrow)) <= len(set_text(narrow))


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=400))
def test_wrapping_loses_nothing_but_spaces(line: str) -> None:
    pieces = typeset._wrapped(line)
    assert "".join("".join(pieces).split()) == "".join(line.split())
    assert all(typeset._columns(piece) <= 80 for piece in pieces)


def test_empty_lines_keep_their_height() -> None:
    close, apart = set_text("a\nb"), set_text("a\n\n\n\nb")
    assert len(close) == len(apart) == 1
    made = [
        typeset.typeset(text.lines(written), paper="letter", fixed_pitch=False)
        for written in ("a\nb", "a\n\n\nb")
    ]
    heights = []
    for pdf in made:
        found: list[float] = []
        pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text(
            visitor_text=lambda shown, _cm, tm, *_rest, into=found: (
                into.append(tm[5]) if shown.strip() else None
            )
        )
        heights.append(max(found) - min(found))
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.05)
