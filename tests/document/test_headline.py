"""The line on top of every page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.document import Renderer, RenderSettings, headline, template
from gateway.document.geometry import Layout
from gateway.document.raster import Look
from gateway.document.sheet import ROW_BYTES, Sheet
from gateway.document.values import HeaderLine

FINE = Layout(band=44)
STANDARD = Layout(band=22, resolution="standard")
CLINIC = HeaderLine(sender="Example Clinic", number="+1 555 234 1234", time="2026-11-23 08:27 EST")
LONG = "Wolfeschlegelsteinhausenbergerdorff and Partners, Attorneys at Law, " * 3


def sheets(count: int, height: int = 3) -> list[Sheet]:
    look = Look(base="drawn")
    return [Sheet(rows=bytes([n % 256]) * ROW_BYTES * height, height=height, look=look) for n in range(count)]


def band(sheet: Sheet, layout: Layout) -> np.ndarray:
    rows = np.frombuffer(sheet.rows[: layout.band * ROW_BYTES], np.uint8).reshape(layout.band, ROW_BYTES)
    return np.unpackbits(rows, axis=1).astype(bool)


def words(ink: np.ndarray, gap: int = 22) -> list[tuple[int, int]]:
    """Left and right of what stands apart by more than `gap` pixels."""
    columns = np.flatnonzero(ink.any(axis=0))
    cuts = np.flatnonzero(np.diff(columns) > gap)
    return list(zip(columns[[0, *(cuts + 1)]], columns[[*cuts, -1]], strict=True))


@pytest.mark.parametrize("layout", [FINE, STANDARD])
def test_the_line_comes_on_top_and_the_page_stays_as_it_is(layout: Layout) -> None:
    before = sheets(12)
    after = headline.add(before, CLINIC, layout)
    for old, new in zip(before, after, strict=True):
        assert new.height == old.height + layout.band
        assert new.rows[layout.band * ROW_BYTES :] == old.rows
        assert (new.look, new.source, new.warnings) == (old.look, old.source, old.warnings)
        ink = band(new, layout)
        rows = np.flatnonzero(ink.any(axis=1))
        assert rows[0] > 2
        assert rows[-1] < layout.band - 3  # white between the line and the page
        assert len(words(ink)) == 4
        left, right = words(ink)[0][0], words(ink)[-1][1]
        assert left == pytest.approx(72, abs=4)
        assert right == pytest.approx(1728 - 72, abs=6)


def test_only_the_page_number_differs_and_every_number_looks_different() -> None:
    bands = [band(sheet, FINE) for sheet in headline.add(sheets(120), CLINIC, FINE)]
    assert all((bands[0][:, :1400] == other[:, :1400]).all() for other in bands)
    assert len({ink.tobytes() for ink in bands}) == 120


def test_the_digits_are_those_of_the_page() -> None:
    ten, hundreds = (headline.add(sheets(count), CLINIC, FINE) for count in (10, 110))
    cell = headline._CELL
    last = slice(1728 - 72 - cell, 1728 - 72)

    def digit(sheet: Sheet, from_right: int) -> bytes:
        end = 1728 - 72 - cell * from_right
        return band(sheet, FINE)[:, end - cell : end].tobytes()

    assert band(ten[0], FINE)[:, last].any()
    assert digit(ten[9], 4) == digit(hundreds[0], 4) == digit(hundreds[100], 4)  # 1 of 10, 1 of 1, 1 of 101
    assert digit(ten[9], 0) == digit(ten[9], 3) == digit(hundreds[109], 4)  # noughts
    assert digit(ten[3], 3) != digit(ten[4], 3)


@pytest.mark.parametrize("layout", [FINE, STANDARD])
@pytest.mark.parametrize("name", [LONG, "شركة المثال للتجارة العالمية " * 8])
def test_a_long_name_is_cut_and_overlaps_nothing(layout: Layout, name: str) -> None:
    line = HeaderLine(sender=name, number=CLINIC.number, time=CLINIC.time)
    short, long = (band(headline.add(sheets(1), given, layout)[0], layout) for given in (CLINIC, line))
    assert len(words(long)) == 4
    page = words(short)[-1][0]
    assert (long[:, page:] == short[:, page:]).all()
    number, full = words(long)[1], words(short)[1]
    assert number[1] - number[0] == pytest.approx(full[1] - full[0], abs=2)


def test_what_is_empty_takes_no_room() -> None:
    ink = band(headline.add(sheets(1), HeaderLine(sender="", number="+1 555", time=""), FINE)[0], FINE)
    assert [left for left, _right in words(ink)] == [
        pytest.approx(72, abs=4),
        pytest.approx(1728 - 72 - 110, abs=20),
    ]


def test_text_is_data_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    compile_pdf = template.pdf
    monkeypatch.setattr(template, "pdf", lambda *given: made.append(compile_pdf(*given)) or made[-1])
    nasty = HeaderLine(sender='#panic() *x* "\n$y$', number="1\n2", time="\x00t")
    headline.add(sheets(1), nasty, FINE)
    shown = pypdf.PdfReader(io.BytesIO(made[0])).pages[1].extract_text()
    assert "".join(shown.split()).startswith('#panic()*x*"$y$12t')


async def test_the_longest_page_that_is_copied_gets_its_line_too(tmp_path: Path) -> None:
    page, source = Image.new("1", (1728, 5488), 1), tmp_path / "long.tif"
    page.paste(0, (100, 100, 600, 900))
    page.save(source, compression="group4", dpi=(204, 196))
    async with Renderer(RenderSettings(), rooms=("text",)) as renderer:
        made = await renderer.render_files([source], tmp_path / "fax.pdf", header=CLINIC)
    assert [(report.base, report.rows) for report in made.reports] == [("copied", 5488 + FINE.band)]


def test_nothing_to_do() -> None:
    assert headline.add([], CLINIC, FINE) == []
    assert headline.add(sheets(2), CLINIC, Layout()) == sheets(2)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80), st.text(max_size=50), st.text(max_size=50))
def test_any_text_makes_a_line_of_the_right_size(sender: str, number: str, time: str) -> None:
    (sheet,) = headline.add(sheets(1), HeaderLine(sender=sender, number=number, time=time), STANDARD)
    assert len(sheet.rows) == sheet.height * ROW_BYTES
    assert not band(sheet, STANDARD)[:, :60].any()
    assert not band(sheet, STANDARD)[:, -60:].any()
