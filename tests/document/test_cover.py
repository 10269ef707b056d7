"""The cover page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import numpy as np
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.document import cover, template
from gateway.document.geometry import Layout
from gateway.document.sheet import ROW_BYTES, Sheet
from gateway.document.values import Cover
from gateway.errors import GatewayError, Kind

CODE = "483920"
FIELDS = {
    "organisation": "Example Clinic",
    "to_name": "Dr. Jane Roe",
    "to_number": "+1 555 234 1234",
    "from_name": "John Doe",
    "from_number": "+1 555 987 6543",
    "from_address": "john@clinic.example",
    "date": "23 November 2026",
    "subject": "Laboratory results",
}
NOTICE = "Confidential: for the person named above only."


class Drawn:
    """What was drawn: the sheets and, from the PDF on the way to them, the words."""

    def __init__(self, sheets: Sequence[Sheet], pdf: bytes) -> None:
        self.sheets = sheets
        self.pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch):
    def drawn(
        given: Cover,
        *,
        message: str = "",
        pages: int = 3,
        redact: Sequence[str] = (CODE,),
        layout: Layout | None = None,
        most: int = 10,
    ) -> Drawn:
        made: list[bytes] = []
        compile_pdf = template.pdf
        with monkeypatch.context() as patch:
            patch.setattr(template, "pdf", lambda *args: made.append(compile_pdf(*args)) or made[-1])
            sheets = cover.sheets(
                given, message=message, pages=pages, redact=redact, layout=layout or Layout(), most=most
            )
        return Drawn(sheets, made[-1])

    return drawn


def ink(sheet: Sheet) -> np.ndarray:
    rows = np.frombuffer(sheet.rows, np.uint8).reshape(sheet.height, ROW_BYTES)
    return np.unpackbits(rows, axis=1).astype(bool)


def picture(kind: str, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (300, 100), "black").save(out, kind)
    return out.getvalue()


def test_everything_is_on_it(draw) -> None:
    drawn = draw(Cover(fields=FIELDS, notice=NOTICE), message="Dear Jane,\n\nsee the results.", pages=3)
    (page,) = drawn.pages
    shown = " ".join(page.split())
    for text in (*FIELDS.values(), NOTICE, "Dear Jane,", "see the results.", "4 including this cover"):
        assert text in shown
    assert len(drawn.sheets) == 1


@pytest.mark.parametrize(
    "layout",
    [Layout(band=44), Layout(paper="a4"), Layout(paper="legal", resolution="standard", band=22)],
)
def test_it_fills_the_layouts_page(draw, layout: Layout) -> None:
    (sheet,) = draw(Cover(fields=FIELDS, notice=NOTICE), layout=layout).sheets
    assert (sheet.height, len(sheet.rows)) == (layout.height, layout.height * ROW_BYTES)
    black = ink(sheet)
    columns, rows = np.flatnonzero(black.any(axis=0)), np.flatnonzero(black.any(axis=1))
    assert columns[0] / 204 == pytest.approx(0.85, abs=0.03)
    assert columns[-1] / 204 == pytest.approx(1728 / 204 - 0.85, abs=0.03)
    assert rows[-1] / layout.dpi_y == pytest.approx(layout.height / layout.dpi_y - 0.7, abs=0.1)


def test_what_is_unknown_leaves_no_row(draw) -> None:
    (page,) = draw(Cover(fields={"to_number": "+1 555"})).pages
    assert "TO" in page.split()
    assert not {"FROM", "DATE", "SUBJECT"} & set(page.split())


def test_a_long_message_flows_on_and_the_pages_are_counted(draw) -> None:
    message = "\n".join(f"line {number}" for number in range(150))
    drawn = draw(Cover(fields=FIELDS, notice=NOTICE), message=message, pages=2)
    assert len(drawn.sheets) == len(drawn.pages) == 4
    assert "6 including this cover" in " ".join(drawn.pages[0].split())
    assert "".join(drawn.pages).count("line ") == 150
    assert [NOTICE in " ".join(page.split()) for page in drawn.pages] == [True, False, False, False]


def test_a_message_of_too_many_pages_is_refused(draw) -> None:
    for lines in (150, 5000):
        with pytest.raises(GatewayError, match="more than 2 pages"):
            draw(Cover(), message="line\n" * lines, most=2)


@pytest.mark.parametrize("name", [*cover.FIELDS, "message", "notice"])
def test_the_security_code_is_never_on_it(draw, name: str) -> None:
    told = f"the code {CODE}, or 483\u00ad920."
    fields = {name: told} if name in FIELDS else {}
    drawn = draw(
        Cover(fields=fields, notice=told if name == "notice" else ""),
        message=told if name == "message" else "",
    )
    shown = " ".join(drawn.pages[0].split())
    assert CODE not in shown
    assert "the code ●●●, or ●●●." in shown


def test_fields_are_data_and_one_line(draw) -> None:
    nasty = '#read("/etc/passwd") *b* $x$\n= Title\x00'
    (page,) = draw(Cover(fields={"subject": nasty})).pages
    assert '#read("/etc/passwd") *b* $x$ = Title' in " ".join(page.split())


def test_names_in_other_scripts_are_drawn(draw) -> None:
    fields = {"to_name": "ليلى حسن", "from_name": "山田 太郎", "organisation": "בית חולים"}
    with_names, without = (draw(Cover(fields=given)).sheets[0] for given in (fields, {}))
    assert ink(with_names).sum() > ink(without).sum() + 2000


def test_a_word_too_long_for_the_paper_is_broken(draw) -> None:
    (sheet,) = draw(Cover(fields={"subject": "x" * 300}), message="y" * 300).sheets
    assert not ink(sheet)[:, -150:].any()


@pytest.mark.parametrize(
    "logo",
    [
        picture("PNG"),
        picture("JPEG"),
        picture("PNG", "L"),
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 1"><rect width="3" height="1"/></svg>',
    ],
    ids=["png", "jpeg", "grey", "svg"],
)
def test_the_logo_is_drawn(draw, logo: bytes) -> None:
    black = ink(draw(Cover(logo=logo)).sheets[0])
    square = black[round(0.65 * 196) : round(1.25 * 196), round(0.9 * 204) : round(2.9 * 204)]
    assert square.mean() > 0.97


def test_a_transparent_logo_is_on_white_and_a_wide_one_fits(draw) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (4000, 100), (0, 0, 0, 0)).save(out, "PNG")
    clear = draw(Cover(logo=out.getvalue())).sheets[0]
    assert not ink(clear)[: round(0.7 * 196), :1020].any()
    wide = io.BytesIO()
    Image.new("L", (4000, 100)).save(wide, "PNG")
    black = ink(draw(Cover(logo=wide.getvalue())).sheets[0])
    logo = np.flatnonzero(black[: round(0.9 * 196), :1020].any(axis=0))
    assert (logo[-1] - logo[0]) / 204 == pytest.approx(3.5, abs=0.05)


@pytest.mark.parametrize("logo", [b"GIF89a not", b"\x89PNG\r\n\x1a\nbroken", b"text"])
def test_a_logo_that_cannot_be_read_is_told_to_the_administrator(draw, logo: bytes) -> None:
    with pytest.raises(GatewayError, match="logo is no PNG") as caught:
        draw(Cover(logo=logo))
    assert caught.value.failure.kind is Kind.TEMPORARY


def test_a_template_of_ones_own_gets_the_same_data(draw) -> None:
    own = """#let given = json(bytes(sys.inputs.given))
    #set page(width: given.width * 1in, height: given.height * 1in)
    For #given.to_name and #given.message.at(0).at(0), #given.pages more"""
    (page,) = draw(Cover(template=own, fields=FIELDS), message="all").pages
    assert " ".join(page.split()) == "For Dr. Jane Roe and all, 3 more"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("\n#unknown", "in line 2, column 1 (unknown variable…)."),
        ('\n\n#read("/etc/passwd")', "in line 3, column 6"),
        ('#import "@preview/x:0.1.0": y', "in line 1, column 8"),
        (
            "#let given = json(bytes(sys.inputs.given))\n#panic(given.subject)",
            "in line 2, column 1 (panicked…).",
        ),
        (
            "#let given = json(bytes(sys.inputs.given))\n#assert(false, message: given.subject)",
            "in line 2, column 1 (assertion failed…).",
        ),
        ("#let given = json(bytes(sys.inputs.given))\n#float(given.subject)", "in line 2, column"),
        ("#let given = json(bytes(sys.inputs.given))\n#image(given.subject)", "in line 2, column"),
        ("#let given = json(bytes(sys.inputs.given))\n#eval(given.subject)", "(expected…)."),
        ("#let given = json(bytes(sys.inputs.given))\n#given.at(given.subject)", "in line 2, column 1"),
    ],
)
def test_a_wrong_template_is_told_with_its_line_and_without_the_mail(draw, source: str, said: str) -> None:
    with pytest.raises(GatewayError) as caught:
        draw(Cover(template=source, fields=FIELDS))
    failure = caught.value.failure
    assert (failure.kind, failure.status) == (Kind.TEMPORARY, "4.3.5")
    assert said in failure.sentence
    assert re.fullmatch(r"cover_template( \d+:\d+)?", failure.code)
    assert not any(word in failure.sentence for word in FIELDS["subject"].split())


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(cover.FIELDS), st.text(max_size=400)),
    st.text(max_size=400),
    st.text(max_size=100),
)
def test_any_text_makes_a_cover(fields: dict[str, str], message: str, notice: str) -> None:
    wanted = Cover(fields=fields, notice=notice)
    made = cover.sheets(wanted, message=message, pages=0, redact=["0"], layout=Layout(), most=20)
    assert all(ink(sheet).any() for sheet in made)
