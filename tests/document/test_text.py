"""Charsets, flowed lines, redaction, lines; and the typesetting of them."""

from __future__ import annotations

import io
import re
from collections import Counter

import numpy as np
import pypdf
import pypdfium2
import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import template
from gateway.document.formats import text, typeset
from gateway.document.formats.parts import Part
from gateway.document.geometry import Layout
from gateway.document.sheet import ROW_BYTES, Sheet
from gateway.errors import GatewayError

FINE = Layout()

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


def test_a_letter_carries_so_many_marks_and_no_more() -> None:
    (line,) = text.lines("e" + "\u0301" * 5000 + "f\u0301\u0302")
    assert line.text == "e" + "\u0301" * 30 + "f\u0301\u0302"
    (alone,) = text.lines("\u0301" * 5000)
    assert len(alone.text) == 30


def test_flowed_paragraphs_are_joined_but_quotes_and_signatures_are_not() -> None:
    flowed = "a long \nparagraph\n \n> quoted \n> more\n-- \nName \nStreet"
    assert (
        text.unflow(flowed, delete_space=False) == "a long paragraph\n\n> quoted \n> more\n-- \nName Street"
    )
    assert text.unflow("日 \n本", delete_space=True) == "日本"
    assert text.unflow(" From here", delete_space=False) == "From here"


def test_a_flowed_paragraph_of_many_lines_is_joined() -> None:
    """Each line costs its own length, not that of the paragraph: half a terabyte would be copied."""
    count = 300_000
    joined = text.unflow("some words \n" * count, delete_space=False)
    assert joined == "some words " * count


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
    assert text.redact("48\u200d39\u200e20", ["483920"]) == "●●●"
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


def made(written: str, layout: Layout = FINE) -> bytes:
    return typeset.typeset_lines(text.lines(written), layout=layout)


def set_text(written: str, layout: Layout = FINE) -> list[str]:
    pages = pypdf.PdfReader(io.BytesIO(made(written, layout))).pages
    return [page.extract_text().replace("\u00a0", " ") for page in pages]


def drawn(
    written: str | None = None, *, data: bytes = b"", layout: Layout = FINE, **wishes: object
) -> list[Sheet]:
    options = {"notes": [], "redact": (), "most": 10, "inspect": False} | wishes
    part = Part(label="The text of the mail", text=written, data=data)
    return list(typeset.sheets(part, layout=layout, **options))


def black(sheet: Sheet) -> np.ndarray:
    """The page as an array of booleans."""
    rows = np.frombuffer(sheet.rows, np.uint8).reshape(sheet.height, ROW_BYTES)
    return np.unpackbits(rows, axis=1).astype(bool)


TABLE = "\n".join(f"{n}  |  {n * 7}" for n in range(5))


@pytest.mark.parametrize("more", ["", "\n" + TABLE])
def test_text_is_set_as_it_is_never_as_markup(more: str) -> None:
    nasty = '#read("/etc/passwd") $x$ *bold* _it_ = Title @ref <a> \\ // " {{ }} `raw`' + more
    (page,) = set_text(nasty)
    assert "".join(page.split()) == "".join(nasty.split())


def test_pages_are_not_fewer_than_foretold() -> None:
    for written in ("a line of text\n" * 300, "i" * 20_000, "\n".join(["x"] * 500)):
        for layout in (FINE, Layout(paper="legal", resolution="standard", band=22)):
            pages = len(set_text(written, layout))
            assert typeset.lines_within(written, layout=layout, most=pages) == text.lines(written)


@pytest.mark.parametrize("written", ["x\n", "\n" * 1000 + "x", "x " * 5000 + "\n"])
def test_lines_are_read_no_further_than_there_are_pages(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    rows, is_rtl = 0, text._is_rtl

    def counted(line: str) -> bool:
        nonlocal rows
        rows += 1
        return is_rtl(line)

    monkeypatch.setattr(text, "_is_rtl", counted)
    with pytest.raises(GatewayError, match="more than 3 pages"):
        drawn(written * (2_000_000 // len(written)), most=3)
    assert rows <= 200


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=400))
def test_wrapping_loses_nothing_but_spaces(line: str) -> None:
    pieces = typeset._wrapped(line, 80)
    assert "".join("".join(pieces).split()) == "".join(line.split())
    assert all(typeset._columns(piece) <= 80 for piece in pieces)


def test_wrapping_measures_each_character_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = 0
    columns = typeset._columns

    def counted(line: str) -> int:
        nonlocal measured
        measured += len(line)
        return columns(line)

    monkeypatch.setattr(typeset, "_columns", counted)
    line = "word  " * 100_000
    assert len(typeset._wrapped(line, 80)) > 7000
    assert measured <= len(line)


@given(st.text(st.characters(categories=["L", "M", "N", "P", "Zs"]), max_size=400))
def test_breaking_words_adds_only_places_to_break(line: str) -> None:
    assert typeset.breakable(line).replace("\u200b", "").replace("\u00a0", " ") == line.replace(
        "\u200b", ""
    ).replace("\u00a0", " ")


def test_marks_stay_with_their_letters_and_long_words_on_the_page() -> None:
    assert "\u200b\u0301" not in typeset.breakable("e\u0301" * 100)
    (page,) = set_text("x" * 500)
    assert page.count("x") == 500
    ink = black(drawn("x" * 500)[0])
    assert not ink[:, :100].any()
    assert not ink[:, -100:].any()


def test_empty_lines_keep_their_height() -> None:
    heights = []
    for written in ("x\nx", "x\n\n\nx"):
        rows = np.flatnonzero(black(drawn(written)[0]).any(axis=1))
        starts = rows[np.flatnonzero(np.diff(rows, prepend=-9) > 3)]
        heights.append(starts[-1] - starts[0])
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.05)


def test_wide_tables_are_set_smaller_before_they_are_wrapped() -> None:
    def lines_of(columns: int) -> int:
        table = "\n".join("x" * 10 + "   " + "y" * (columns - 13) for _ in range(5))
        return len([line for line in set_text(table)[0].splitlines() if line.strip()])

    assert [lines_of(columns) for columns in (80, 132, 133)] == [5, 5, 10]


@pytest.mark.parametrize(
    "layout",
    [
        FINE,
        Layout(paper="a4", band=44),
        Layout(paper="legal", resolution="standard", band=22),
    ],
)
def test_a_page_has_its_layouts_height_and_physical_scale(layout: Layout) -> None:
    (sheet,) = drawn("HHHH\n" + "H" * 8, layout=layout)
    assert sheet.height == layout.height
    assert len(sheet.rows) == layout.height * ROW_BYTES
    ink = black(sheet)
    columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    assert columns[0] / 204 == pytest.approx(0.8, abs=0.03)
    assert rows[0] / layout.dpi_y == pytest.approx(0.7, abs=0.03)


def test_a_text_without_ink_makes_no_page() -> None:
    assert drawn(" \n\u200b\n") == []


def test_bytes_are_decoded_and_code_words_blackened() -> None:
    assert black(drawn(data="Grüße 483920".encode("cp1252"), redact=["483920"])[0]).any()
    shown = drawn("code 483920")[0].rows
    assert drawn("code 483920", redact=["483920"])[0].rows == drawn("code ●●●")[0].rows != shown


def test_too_many_pages_are_refused_before_and_after_they_are_set() -> None:
    for written in ("word\n" * 10_000, "word\n" * 60):
        with pytest.raises(GatewayError, match="more than 1 pages"):
            drawn(written, most=1)


def test_what_no_font_has_is_said_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = typst.Fonts(include_system_fonts=False)
    monkeypatch.setattr(template, "_fonts", lambda: embedded)
    notes: list[str] = []
    drawn("Hello, this is a long enough text with one \u65e5 in it", notes=notes)
    assert notes == ["The text of the mail: 1 characters without a font are shown as empty boxes."]
    with pytest.raises(GatewayError, match="no font"):
        drawn("\u65e5\u672c\u8a9e")


def test_what_is_said_to_be_everywhere_is_in_the_fonts_of_typst(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = typst.Fonts(include_system_fonts=False)
    monkeypatch.setattr(template, "_fonts", lambda: embedded)
    everything = "".join(
        chr(point)
        for first, last in template._EVERYWHERE
        for point in range(first, last + 1)
        if chr(point).isprintable()
    )
    pdf = made("\n".join(everything[start : start + 50] for start in range(0, len(everything), 50)))
    assert template.missing_glyphs([everything], pdf) == (0, 0)
    monkeypatch.setattr(template, "_EVERYWHERE", ())
    missing, total = template.missing_glyphs([everything], pdf)
    assert missing == 0
    assert total > 1500


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_makes_pages_or_a_refusal(written: str) -> None:
    try:
        sheets = drawn(written)
    except GatewayError as refused:
        expected = refused.failure.code in ("text_font", "document_pages")
    else:
        expected = bool(sheets) == bool(text.lines(written))
    assert expected


@settings(max_examples=40, deadline=None)
@given(
    st.text(
        st.characters(max_codepoint=0x4FF, categories=["Lu", "Ll", "Nd"]) | st.sampled_from(" \n\t"),
        max_size=400,
    )
)
def test_every_letter_arrives(written: str) -> None:
    lines = text.lines(written)
    if lines:
        document = pypdfium2.PdfDocument(made(written))
        shown = "".join(page.get_textpage().get_text_range() for page in document)
        document.close()
        assert Counter("".join(shown.split())) == Counter(
            "".join(line.text for line in lines).replace(" ", "")
        )
