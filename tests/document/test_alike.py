"""Pages that came back in another form: proof that they are ours, and that others are not."""

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from gateway.document import Renderer
from gateway.document.raster import alike
from gateway.simulator.redraw import Kept, redraw

SIZE = (1728, 1000)
LETTER = """Lakeside Clinic, 1200 Harbour Street. Please dispense 25 mg of metoprolol
twice daily until 14 March, then 50 mg once daily. Patient 4711-0815, born 3 June 1967.
Call 555 234 1187 with questions; the next visit is on 29 May at 10:45."""


def page(text: str, size: int = 28) -> Image.Image:
    """A fax page, black on white."""
    drawn = Image.new("1", SIZE, 1)
    ImageDraw.Draw(drawn).multiline_text(
        (150, 200), text, fill=0, font=ImageFont.load_default(size), spacing=20
    )
    return drawn


def rows(image: Image.Image, grey: int = 128) -> bytes:
    """Packed; 1 is what is darker than `grey`."""
    black = np.asarray(image.convert("L")) < grey
    fitted = np.zeros((black.shape[0], SIZE[0]), np.bool_)
    fitted[:, : black.shape[1]] = black[:, : SIZE[0]]
    return np.packbits(fitted, axis=1).tobytes()


def looks(image: Image.Image) -> tuple[bytes, bytes]:
    """What is dark, and what is grey."""
    return rows(image), rows(image, 208)


def through_jpeg(image: Image.Image) -> Image.Image:
    out = io.BytesIO()
    image.convert("L").save(out, "JPEG", quality=50)
    return Image.open(out)


def at_200_dpi(image: Image.Image) -> Image.Image:
    small = image.convert("L").resize((1700, 1020), Image.Resampling.BICUBIC)
    return small.resize(SIZE, Image.Resampling.BICUBIC)


def moved(image: Image.Image) -> Image.Image:
    other = Image.new("L", (1728, 1100), 255)
    other.paste(image.convert("L"), (-20, 31))
    return other


def a_little_smaller(image: Image.Image) -> Image.Image:
    other = Image.new("L", SIZE, 255)
    other.paste(image.convert("L").resize((1676, 970), Image.Resampling.BICUBIC), (26, 33))
    return other


def bolder(image: Image.Image) -> Image.Image:
    grey = np.asarray(image.convert("L"))
    return Image.fromarray(np.minimum(grey, np.roll(grey, 1, 1)))


def every_other_row(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L"))[1::2].copy())


def two_rows_in_one(image: Image.Image) -> Image.Image:
    grey = np.asarray(image.convert("L"))
    return Image.fromarray(np.minimum(grey[::2], grey[1::2]))


@pytest.mark.parametrize(
    "change",
    [through_jpeg, at_200_dpi, moved, a_little_smaller, bolder],
)
def test_a_page_is_known_in_another_form(change: Callable[[Image.Image], Image.Image]) -> None:
    ours = page(LETTER)
    assert alike(rows(ours), *looks(change(ours)))


@pytest.mark.parametrize("change", [every_other_row, two_rows_in_one])
def test_a_page_is_known_at_half_the_resolution(change: Callable[[Image.Image], Image.Image]) -> None:
    ours = page(LETTER)
    assert alike(rows(ours), rows(change(ours)))
    assert not alike(rows(ours), rows(change(page(LETTER.replace("25 mg", "26 mg")))))


@pytest.mark.parametrize("size", [18, 22, 30], ids="{} pixels".format)
def test_one_other_digit_is_another_page(size: int) -> None:
    drawn = {digit: page(f"{LETTER}\nDose: {digit} mg", size) for digit in "0123456789"}
    ours = {digit: rows(image) for digit, image in drawn.items()}
    theirs = {digit: looks(at_200_dpi(image)) for digit, image in drawn.items()}
    for one, other in itertools.permutations(drawn, 2):
        assert not alike(ours[one], ours[other]), (one, other)
        assert not alike(ours[one], *theirs[other]), (one, other)
    assert all(alike(ours[digit], *theirs[digit]) for digit in drawn)


@pytest.mark.parametrize(
    "other",
    [
        page(LETTER.replace("metoprolol", "metoprolal")),
        page(LETTER.replace("14 March", "14. March")),
        page(LETTER + "\nThank you."),
        page(LETTER.partition("\n")[0]),
        page(LETTER, 36),
        page(""),
    ],
    ids=["a letter", "a full stop", "a line more", "lines less", "larger type", "blank"],
)
def test_other_pages(other: Image.Image) -> None:
    ours = page(LETTER)
    assert not alike(rows(ours), rows(other))
    assert not alike(rows(other), rows(ours))


def test_a_blank_page_proves_nothing() -> None:
    assert not alike(rows(page("")), rows(page("")))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kept", list(Kept))
async def test_a_renderer_knows_our_pdf_in_another_form(
    renderer: Renderer, make: Any, tmp_path: Path, kept: Kept
) -> None:
    ours, other = tmp_path / "ours.pdf", tmp_path / "other.pdf"
    attached = ("a.pdf", "application/pdf", make.pdf())
    await renderer.render_message(make.mail(LETTER, attached).as_bytes(), ours)
    await renderer.render_message(make.mail(LETTER.replace("25 mg", "26 mg"), attached).as_bytes(), other)
    assert await renderer.alike(ours, redraw(ours.read_bytes(), kept))
    assert not await renderer.alike(ours, redraw(other.read_bytes(), kept))
    assert not await renderer.alike(ours, redraw(make.pdf(pages=3), Kept.REDRAWN))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_less_or_more_is_another_document(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    short, long = tmp_path / "short.pdf", tmp_path / "long.pdf"
    await renderer.render_message(make.mail("", ("a.pdf", "application/pdf", make.pdf())).as_bytes(), short)
    await renderer.render_message(
        make.mail("", ("a.pdf", "application/pdf", make.pdf(pages=2))).as_bytes(), long
    )
    assert not await renderer.alike(short, long)
    assert not await renderer.alike(long, short)
