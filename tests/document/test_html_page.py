"""Web pages, HTML mail and Markdown as pages."""

from __future__ import annotations

import base64
import io
import os
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import fromstring

import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.document.formats import html_page, html_tree, markdown, pdf, text
from gateway.document.formats.parts import Part
from gateway.document.geometry import Layout
from gateway.document.sheet import ROW_BYTES, Sheet
from gateway.errors import GatewayError

CODE = "483920"


@pytest.fixture(autouse=True)
def weasyprint(request: pytest.FixtureRequest) -> None:
    """What is tested here needs the extra, except where its absence is."""
    if "without" not in request.fixturenames and html_page._weasyprint() is None:
        if os.environ.get("FAX_GATEWAY_REQUIRE_PEERS") == "1":
            pytest.fail("WeasyPrint or Pango is missing")
        pytest.skip("WeasyPrint or Pango is missing")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """WeasyPrint cannot be imported."""
    monkeypatch.setitem(sys.modules, "gateway.document.formats.weasy", None)
    html_page._weasyprint.cache_clear()
    yield
    html_page._weasyprint.cache_clear()


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Sheets, notes, and the words of the PDF that the sheets were drawn from."""

    sheets: list[Sheet]
    notes: list[str]
    pages: list[str]
    on_paper: list[str]
    """The words of each page that are within its edges."""
    sizes: list[tuple[float, float]]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pages).split())


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch):
    def drawn(
        source: str | bytes, *, module=html_page, most: int = 30, redact: tuple[str, ...] = (), **part: object
    ) -> Drawn:
        given: list[bytes] = []
        sheets_of = pdf.sheets

        def seen(part: Part, **options: object) -> Iterator[Sheet]:
            given.append(part.data)
            return sheets_of(part, **options)

        data = source if isinstance(source, bytes) else source.encode()
        notes: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(pdf, "sheets", seen)
            sheets = list(
                module.sheets(
                    Part(label="The text of the mail", data=data, **part),
                    layout=Layout(),
                    notes=notes,
                    redact=redact,
                    most=most,
                    inspect=False,
                )
            )
        document = pypdfium2.PdfDocument(given[0])
        pages = [page.get_textpage().get_text_range() for page in document]
        on_paper = [page.get_textpage().get_text_bounded() for page in document]
        sizes = [page.get_size() for page in document]
        document.close()
        return Drawn(sheets=sheets, notes=notes, pages=pages, on_paper=on_paper, sizes=sizes)

    return drawn


def ink(sheet: Sheet) -> np.ndarray:
    rows = np.frombuffer(sheet.rows, np.uint8).reshape(sheet.height, ROW_BYTES)
    return np.unpackbits(rows, axis=1).astype(bool)


def picture(size: tuple[int, int] = (300, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("L", size).save(out, "PNG")
    return out.getvalue()


def data_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def test_a_page_is_laid_out_at_physical_scale_and_black_on_white(draw) -> None:
    drawn = draw(
        "<body bgcolor=#003366><p style='color:white;background:navy'>Hello</p><table border=1><td>x</table>"
    )
    (sheet,) = drawn.sheets
    black = ink(sheet)
    assert 0 < black.mean() < 0.05
    assert np.flatnonzero(black.any(axis=0))[0] / 204 == pytest.approx(0.7, abs=0.03)
    assert "Hello" in drawn.text
    assert drawn.notes == []


@pytest.mark.parametrize(
    ("source", "charset", "meant"),
    [
        ("<p>Grüße</p>".encode("cp1252"), "windows-1252", "Grüße"),
        ("<meta charset=koi8-r><p>Привет</p>".encode("koi8-r"), "", "Привет"),
        ("<meta charset=koi8-r><p>Grüße</p>".encode(), "utf-8", "Grüße"),
    ],
)
def test_charsets(draw, source: bytes, charset: str, meant: str) -> None:
    assert meant in draw(source, charset=charset).text


def test_only_pictures_of_the_mail_are_drawn_and_the_others_are_counted(draw) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = f"http://127.0.0.1:{listener.getsockname()[1]}"
        drawn = draw(
            f"""<base href="{there}/"><link rel=stylesheet href="{there}/l.css">
            <style>@import "{there}/i.css"; @font-face {{ font-family: X; src: url({there}/f.ttf) }}
            body {{ font-family: X; background: url({there}/b.png) }}</style>
            <img src="{there}/1.png"><img src="{there}/2.png"><img src="{there}/t.gif" width=1 height=1>
            <img src="file:///etc/hostname"><img src="cid:none">
            <object data="{there}/o"></object><iframe src="{there}/i"></iframe>
            <script src="{there}/s"></script><embed src="{there}/e">
            <img src="relative.png"><svg><image href="{there}/1.png"/></svg>
            <img src="cid:logo%40x" width=96 height=96> text""",
            related={"logo@x": picture()},
        )
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert ink(drawn.sheets[0]).sum() == pytest.approx(204 * 196, rel=0.1)
    assert drawn.notes == [
        "The text of the mail: 2 pictures were not fetched from the internet.",
        "The text of the mail: 2 pictures were not in the mail.",
    ]


def test_pictures_in_the_address_are_drawn_and_broken_ones_do_no_harm(draw) -> None:
    drawn = draw(f"<img src='{data_url(picture())}' width=96 height=96><img src='{data_url(b'broken')}'>")
    assert ink(drawn.sheets[0]).sum() == pytest.approx(204 * 196, rel=0.05)


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 5_000)])
def test_pictures_that_would_fill_the_memory_are_left_out(draw, size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    bomb += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    drawn = draw("<img src='cid:bomb'>text", related={"bomb": bomb})
    assert drawn.notes == ["The text of the mail: 1 picture was too large to be drawn."]
    assert "text" in drawn.text


@pytest.mark.parametrize(
    "source",
    [
        f"<p>Code {CODE}.",
        "<p>48<b>39</b><i>2</i>0",
        "<p>483<!-- x -->920",
        "<p>48&shy;39&#8203;20",
        f"<p><img alt='{CODE}' src='cid:none'>",
        f"<style>p::after {{ content: '{CODE}' }}</style><p>x",
        f"<style>p::after {{ content: attr(title) }}</style><p title='{CODE}'>x",
        "<svg width=200 height=50><text y=20>48<tspan>3920</tspan></text></svg>",
        f"<table><td>{CODE}</table>",
        '<p>48<span style="display:none">x</span>3920',
        "<p>48<span hidden>x</span>3920",
        "<p>48<style>b{}</style>3920",
        "<p>48&zwj;39&lrm;20",
        f"<ul><li>{CODE}</ul>",
    ],
)
def test_code_words_are_blackened(draw, source: str) -> None:
    assert CODE in draw(source).text.replace("\u00ad", "").replace("\u200b", "").replace("\ufffe", "")
    shown = draw(source, redact=(CODE,)).text
    assert CODE not in shown
    assert "●●●" in shown


@pytest.mark.parametrize(
    "source",
    [
        "<style>.x { display: none }</style><p>48<i class=x>x</i>3920",
        "<style>.x { position: absolute; top: 3in }</style><p>48<i class=x>x</i>3920",
        "<style>p::after { content: '83920' }</style><p>4",
    ],
)
def test_code_words_that_a_style_sheet_puts_together_are_not_drawn(draw, source: str) -> None:
    assert CODE in draw(source).text
    drawn = draw(source, redact=(CODE,))
    assert CODE not in drawn.text
    assert drawn.notes == ["The text of the mail cannot be laid out and is shown as plain text."]


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["ab", "ABAB", "x", " ", "<b>a</b>", "b", "<p>", "</p>", "<br/>", "a<i/>b"]),
        max_size=12,
    )
)
def test_redaction_sees_what_a_reader_sees(pieces: list[str]) -> None:
    source = "".join(piece for piece in pieces if piece not in ("<p>", "</p>"))
    tree, untouched = fromstring(f"<body>{source}</body>"), fromstring(f"<body>{source}</body>")
    html_tree.clean(tree, ["abab"])

    def read(root: object) -> str:
        return "".join(
            "\n" if slot is None else (getattr(*slot) or "") for slot in html_tree._slots(root, hidden=True)
        )

    assert read(tree).replace("\n", "") == text.redact(read(untouched), ["abab"]).replace("\n", "")


def table(columns: int) -> str:
    heads = "".join(f"<th>Heading{column}</th>" for column in range(columns))
    return f"<table border=1><tr>{heads}</tr></table>"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("columns", [4, 12, 18, 60])
def test_wide_tables_lose_nothing(draw, columns: int, direction: str) -> None:
    drawn = draw(f"<body dir={direction}>{table(columns)}")
    shown = "".join("".join(drawn.pages).split())
    assert all(f"Heading{column}" in shown for column in range(columns))
    for sheet in drawn.sheets:
        assert not ink(sheet)[:, :20].any()
        assert not ink(sheet)[:, -20:].any()
    assert drawn.notes == []
    assert all(width <= 2.01 * 1728 / 204 * 72 for width, _height in drawn.sizes)


@pytest.mark.parametrize(
    "style",
    [
        "float: left; width: 50%",
        "position: absolute; top: 0; left: 300px",
        "display: inline-block",
        "display: flex",
        "height: 200px; overflow: hidden",
        "columns: 2",
        "break-inside: avoid",
        "width: 1000px",
        "position: fixed; bottom: 0",
        "transform: translate(3000px)",
        "margin-left: 2000px",
    ],
)
def test_boxes_that_do_not_break_lose_nothing(draw, style: str) -> None:
    drawn = draw(f"<div style='{style}'>" + "<p>Paragraph of words</p>" * 60 + "</div>")
    assert drawn.text.count("Paragraph") == 60
    assert drawn.notes == []


SENTENCE = " ".join(f"Word{number}" for number in range(150))


@pytest.mark.parametrize(
    "source",
    [
        f"<table><td nowrap>{SENTENCE}</table>",
        f"<table><td>{SENTENCE.replace(' ', '')}</table>",
        f"<table><td nowrap>left<td nowrap>{SENTENCE}</table>",
        f"<nobr>{SENTENCE}</nobr>",
        f"<div style='overflow: hidden; height: 20px'>{SENTENCE}</div>",
        f"<div style='overflow: hidden; max-height: 2.6em'>{SENTENCE}</div>",
        f"<div style='overflow: hidden; width: 100px; white-space: nowrap'>{SENTENCE}</div>",
        f"<div style='margin-left: -200px'>{SENTENCE}</div>",
        f"<div style='margin-top: -150px'>{SENTENCE}</div>",
        f"<div style='position: absolute; left: 9999px'>{SENTENCE}</div>",
        f"<div style='position: absolute; top: 9999px'>{SENTENCE}</div>",
        f"<p style='color: #fff; background: #fff'>{SENTENCE}</p>",
        f"<div style='display: flex; width: 9000px'><p style='width: 8500px'>x</p><p>{SENTENCE}</p></div>",
        "<blockquote>" * 95 + SENTENCE,
    ],
)
def test_no_word_is_lost_over_an_edge(draw, source: str) -> None:
    drawn = draw(f"<p>before {source} <p>after")
    shown = "".join("".join(drawn.on_paper).replace("\u200b", "").split())
    assert all(f"Word{number}" in shown for number in range(150))
    assert "before" in shown
    assert "after" in shown
    for sheet in drawn.sheets:
        assert not ink(sheet)[:, :20].any()
        assert not ink(sheet)[:, -20:].any()


def test_a_line_of_hundreds_of_pages_widths_is_on_the_paper(draw) -> None:
    drawn = draw(f"<table><td nowrap>{'word ' * 25_000}</table>", most=100)
    assert "".join(drawn.on_paper).count("word") == 25_000


def test_what_is_clipped_is_opened_and_nothing_else_changes(draw) -> None:
    cells = "<table border=1 width=1100><td width=500>left<td width=600>right</table>"
    drawn = draw(f"{cells}<div style='overflow: hidden; height: 20px'>one<br>two<br>three</div>")
    assert drawn.notes == []
    assert "left right" in drawn.text or "leftright" in drawn.text, "cells stay side by side"
    rows = ink(drawn.sheets[0])[:, 150:].any(axis=1)
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) >= 4


@pytest.mark.parametrize(
    "style",
    [
        "position: absolute; left: -9999px",
        "position: absolute; top: -9999px",
        "text-indent: -9999px",
        "max-height: 0; overflow: hidden",
        "position: absolute; width: 1px; height: 1px; overflow: hidden; clip: rect(0,0,0,0)",
        "opacity: 0",
        "visibility: hidden",
        "display: none",
    ],
)
def test_what_was_hidden_on_purpose_stays_hidden(draw, style: str) -> None:
    """Left of or above the paper, or behind a slit: so mails speak to screen readers and lists of mails."""
    drawn = draw(f"<div style='{style}'>HIDDEN HIDDEN HIDDEN</div><p>shown</p>")
    alone = draw("<p>shown</p>")
    assert drawn.notes == []
    assert abs(int(ink(drawn.sheets[0]).sum()) - int(ink(alone.sheets[0]).sum())) < 60


def test_a_page_of_too_many_elements_is_shown_as_text(draw) -> None:
    with pytest.raises(GatewayError, match="more than 30 pages"):
        draw("x<br>" * 45_000)
    drawn = draw("x<br>" * 45_000, most=1000)
    assert drawn.text.count("x") == 45_000
    assert drawn.notes == ["The text of the mail cannot be laid out and is shown as plain text."]


def test_pictures_that_plain_text_cannot_show_are_counted(draw) -> None:
    drawn = draw("<div>" * 500 + "<img src=cid:a> deep", related={"a": picture()})
    assert drawn.notes[1:] == ["The text of the mail: 1 picture was left out with the layout."]


@pytest.mark.parametrize(("doctype", "centred"), [("", False), ("<!DOCTYPE html>", True)])
def test_centring_goes_on_inside_of_tables_only_with_a_doctype(draw, doctype: str, centred: bool) -> None:
    source = "<table width=600><td align=center><table width=100%><td>x</table></table>"
    columns = np.flatnonzero(ink(draw(doctype + source).sheets[0]).any(axis=0))
    assert bool(columns[0] > 2.5 * 204) == centred


def test_hidden_text_stays_hidden(draw) -> None:
    hidden = "<div class=h>" + "hidden " * 100 + "</div>"
    drawn = draw(f"<style>.h {{ display: none }}</style>{hidden}<p style='display:none'>hidden</p>shown")
    assert drawn.text == "shown"


def test_pictures_are_never_larger_than_the_page(draw) -> None:
    drawn = draw(f"<img src='{data_url(picture())}' width=3000 height=9000>")
    (sheet,) = drawn.sheets
    assert not ink(sheet)[:, :100].any()
    assert not ink(sheet)[-100:].any()
    assert ink(sheet).any()


def test_the_page_has_no_say_in_the_paper(draw) -> None:
    drawn = draw("<style>@page { size: 9cm 1000cm !important; margin: 0 !important }</style>Hello")
    assert drawn.sizes == [pytest.approx((1728 / 204 * 72, 792), abs=0.5)]


def test_too_many_pages_are_refused(draw) -> None:
    for source in ("<p style='break-after: page'>x</p>" * 5, "word " * 20_000):
        with pytest.raises(GatewayError, match="more than 2 pages"):
            draw(source, most=2)


def test_endless_lines_are_too_many_pages(draw) -> None:
    """Millions of elements would be too much for the memory."""
    for tag in ("<br>", "<BR />"):
        with pytest.raises(GatewayError, match="more than 30 pages"):
            draw("x" + tag * 40_000)


def test_pages_beyond_the_limit_are_not_laid_out(draw, monkeypatch: pytest.MonkeyPatch) -> None:
    from weasyprint.layout import page

    made: list[int] = []
    remake = page.remake_page

    def counted(index: int, *rest: object) -> object:
        made.append(index)
        return remake(index, *rest)

    monkeypatch.setattr(page, "remake_page", counted)
    with pytest.raises(GatewayError, match="more than 3 pages"):
        draw("word " * 8000, most=3)
    assert made == [0, 1, 2]


@pytest.mark.parametrize(
    ("rows", "settled"), [("<tr><td>{}", 1), ("<tr><td>a<td>{}", 0), ("<thead><tr><th>{}<tbody><tr><td>b", 1)]
)
def test_a_long_column_is_as_wide_as_the_page(draw, rows: str, settled: int) -> None:
    """As it is anyway; but not every word of it is measured for that."""
    words = "word " * 4500
    made = html_page._weasyprint().Page(f"<table>{rows.format(words)}</table>", related={}, redact=())
    styles = [element.get("style", "") for element in made._tree.iter() if element.tag == "table"]
    assert sum("table-layout:fixed" in style for style in styles) == settled
    assert draw(f"<table>{rows.format(words)}</table>").text.count("word") == 4500


def test_what_cannot_be_laid_out_is_shown_as_text(draw) -> None:
    drawn = draw("<div>" * 1500 + f"deep {CODE}", redact=(CODE,))
    assert drawn.text == "deep ●●●"
    assert drawn.notes == ["The text of the mail cannot be laid out and is shown as plain text."]


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("<div>" * 401, True),
        ("<font>x" * 100_000, True),
        ("<b>" * 401 + "</i>" * 100_000, True),
        ("<div>" * 399 + "<br>" * 100, False),
        ("<p>x" * 1000, False),
        ("<ul>" + "<li><b>x" * 1000, False),
        ("<table>" + "<tr><td><font>x<td>y" * 1000, False),
        ("<div><b>x</div>" * 1000, False),
        ("<svg>" + "<path/>" * 1000 + "</svg>", False),
        ("<!-- " + "<b>" * 1000 + "--> <b>", False),
        ("<!-->" + "<b>" * 1000, True),
    ],
)
def test_depth_is_told_by_the_tags_alone(source: str, meant: bool) -> None:
    assert html_tree.may_be_deeper(source, 400) is meant


def test_a_page_that_is_too_deep_is_not_even_parsed(draw, monkeypatch: pytest.MonkeyPatch) -> None:
    weasy = html_page._weasyprint()
    monkeypatch.setattr(weasy.weasyprint, "HTML", lambda **_: pytest.fail("parsed"))
    drawn = draw("<font size=1>x " * 5000)
    assert drawn.text.count("x") == 5000
    assert drawn.notes == ["The text of the mail cannot be laid out and is shown as plain text."]


@settings(max_examples=25, deadline=None)
@given(st.text("<>/abdivptrimgsyle{}:;!-[]&= '\"\n#0123", max_size=200))
def test_tag_soup_never_fails(soup: str) -> None:
    part = Part(label="x", data=f"<table><style>{soup}</style>{soup}".encode())
    options = {"layout": Layout(), "notes": [], "redact": ("123",), "most": 50, "inspect": False}
    assert isinstance(list(html_page.sheets(part, **options)), list)


def test_without_weasyprint_the_text_is_shown(without: None, draw) -> None:
    assert draw(f"<p>One {CODE}</p><b>two</b>", redact=(CODE,)).text == "One ●●● two"
    assert draw("# Title\n\n*text*", module=markdown).text == "# Title *text*"
    html_page.prepare()


def test_nothing_is_left_running_before_a_fork() -> None:
    """In a process of its own, as the helper is."""
    program = (
        "import pathlib\nfrom gateway.document import template\n"
        "from gateway.document.formats import html_page\n"
        "template.prepare(); html_page.prepare(); print(len(list(pathlib.Path('/proc/self/task').iterdir())))"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == "1\n"


MARKDOWN = """# Title

Some *text* with `code` and <b onclick=x()>HTML</b>.

| a | b |
|---|---|
| 1 | 2 |

![remote](http://192.0.2.1/x.png) ![inline](cid:x)
"""


def test_markdown(draw) -> None:
    drawn = draw(MARKDOWN, module=markdown)
    assert drawn.text.startswith("Title Some text with code and <b onclick=x()>HTML</b>. a b 1 2 remote")
    assert drawn.notes == [
        "The text of the mail: 1 picture was not fetched from the internet.",
        "The text of the mail: 1 picture was not in the mail.",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[" * 100_000, True),
        ("![" * 100_000, True),
        ("[" * 50_000 + "]" * 50_000, True),
        ("[x](y) " * 100_000, False),
        ("a [ b\n\n" * 100_000, False),
        ("* [ ] to do\n" * 100_000, False),
    ],
    ids=["links", "pictures", "nested", "ended", "paragraphs", "list"],
)
def test_brackets_that_would_take_the_parser_hours_are_told(written: str, meant: bool) -> None:
    assert markdown.is_tangled(written) is meant


def test_markdown_that_is_too_tangled_is_shown_as_it_is(draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "_MOST_READ", 1000)
    drawn = draw("[" * 100, module=markdown)
    assert drawn.text.count("[") == 100
    assert drawn.notes == ["The text of the mail cannot be laid out and is shown as plain text."]


@pytest.mark.parametrize(
    ("part", "meant"),
    [
        (Part(label="x", declared="text/markdown"), True),
        (Part(label="x", name="README.MD"), True),
        (Part(label="x", name="notes.markdown", declared="application/octet-stream"), True),
        (Part(label="x", name="notes.txt", declared="text/plain"), False),
    ],
)
def test_markdown_is_known_by_what_it_says_of_itself(part: Part, meant: bool) -> None:
    assert markdown.is_markdown(part) is meant
