"""Threshold, screen, classification and coding."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageOps

from gateway.document import raster
from gateway.document.assemble import FaxPdf


def black(page: Image.Image, box: tuple[int, int, int, int] | None = None) -> float:
    """Share of black (1) pixels."""
    part = (page.crop(box) if box else page).convert("L")
    return part.histogram()[255] / (part.width * part.height)


@pytest.mark.parametrize("grey", [0, 80, 128, 160, 190, 210, 220])
def test_small_grey_text_is_as_readable_as_black_text(make: Any, grey: int) -> None:
    reference = raster.threshold(make.text_picture("Thin grey text of eight points", fill=0))
    page = raster.threshold(make.text_picture("Thin grey text of eight points", fill=grey))
    assert black(page) == pytest.approx(black(reference), rel=0.35)


@pytest.mark.parametrize("grey", [0, 128, 200, 225])
@pytest.mark.parametrize("upright", [False, True])
def test_a_hairline_stays_whole(grey: int, upright: bool) -> None:
    image = raster.blank(2156)
    line = (500, 300, 500, 1300) if upright else (300, 500, 1300, 500)
    ImageDraw.Draw(image).line(line, fill=grey, width=1)
    box = (500, 300, 501, 1300) if upright else (300, 500, 1300, 501)
    assert black(raster.threshold(image), box) == 1


def test_a_grey_line_beside_black_text_stays_whole() -> None:
    image = raster.blank(2156)
    draw = ImageDraw.Draw(image)
    draw.line((200, 412, 1500, 412), fill=212, width=2)
    for left in range(200, 1500, 30):
        draw.rectangle((left, 380, left + 12, 405), fill=0)
    assert black(raster.threshold(image), (200, 412, 1500, 413)) > 0.99


@pytest.mark.parametrize("fill", [110, 150, 200, 235])
def test_text_on_a_shaded_cell_is_cleared(fill: int) -> None:
    image = raster.blank(2156)
    draw = ImageDraw.Draw(image)
    draw.rectangle((200, 200, 1000, 500), fill=fill)
    draw.rectangle((400, 300, 420, 400), fill=0)
    page = raster.threshold(image)
    assert black(page, (404, 304, 417, 397)) == 1
    assert black(page, (450, 230, 970, 470)) == 0


def test_solid_black_stays_solid() -> None:
    image = raster.blank(2156)
    ImageDraw.Draw(image).rectangle((200, 200, 1000, 900), fill=20)
    assert black(raster.threshold(image), (200, 200, 1001, 901)) == 1


def test_the_noise_of_scanned_paper_is_not_drawn(make: Any) -> None:
    paper = ImageChops.add(Image.effect_noise((1728, 2156), 16), Image.new("L", (1728, 2156), 100))
    text = make.text_picture("Scanned text", fill=60, size=40)
    scan = ImageChops.darker(paper, text)
    page = raster.threshold(scan)
    assert black(page, (0, 600, 1728, 2156)) < 0.0005
    assert black(page, (100, 100, 400, 150)) > 0.05


def test_a_shadow_over_a_letter_does_not_drown_it(make: Any) -> None:
    shadow = ImageOps.invert(Image.linear_gradient("L").resize((1728, 2156))).point(
        [v // 2 + 100 for v in range(256)]
    )
    lines = Image.new("L", (1728, 2156), 255)
    for top in range(60, 2100, 120):
        ImageDraw.Draw(lines).rectangle((200, top, 1500, top + 6), fill=80)
    page = raster.threshold(ImageChops.multiply(shadow, lines))
    for top in range(60, 2100, 120):
        assert black(page, (210, top + 1, 1490, top + 5)) == 1
        assert black(page, (210, top + 40, 1490, top + 80)) == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 0.6))
def test_a_page_that_is_1_bit_already_is_not_changed(seed: int, density: float) -> None:
    size = 1 + seed % 40
    pattern = Image.new("L", (size, size), 255)
    for index in range(size * size):
        if (index * 2654435761 + seed) % 1000 < density * 1000:
            pattern.putpixel((index % size, index // size), 0)
    page = pattern.resize((320, 400), Image.Resampling.NEAREST)
    assert raster.threshold(page).convert("L").tobytes() == ImageOps.invert(page).tobytes()


@pytest.mark.parametrize("grey", [30, 80, 128, 180, 230])
def test_a_screened_grey_has_its_tone(grey: int) -> None:
    page = raster.screen(Image.new("L", (800, 800), grey))
    meant = 1 - (grey / 255) ** 0.8  # lightened for the spread of printed dots
    assert black(page) == pytest.approx(meant, abs=0.02)


def test_a_screen_continues_across_boxes() -> None:
    grey = Image.new("L", (1728, 400), 120)
    whole = raster.binarise(grey, [(0, 0, 1728, 400)])
    halves = raster.binarise(grey, [(0, 0, 803, 400), (803, 0, 1728, 400)])
    assert whole.tobytes() == halves.tobytes()


def test_photographs_are_told_from_documents(make: Any) -> None:
    assert raster.is_photograph(make.photograph())
    assert raster.is_photograph(make.photograph((700, 1000)))
    letter = make.text_picture("\n".join(["A letter with many words in many lines"] * 40), fill=0, size=32)
    assert not raster.is_photograph(letter)
    shadow = ImageOps.invert(Image.linear_gradient("L").resize(letter.size)).point(lambda v: v / 2 + 100)
    assert not raster.is_photograph(ImageChops.multiply(letter, shadow))
    assert not raster.is_photograph(Image.new("L", (600, 600), 255))
    assert not raster.is_photograph(Image.new("L", (20, 20), 128))


def test_the_screen_takes_a_third_of_the_bytes_of_error_diffusion(make: Any) -> None:
    photograph = make.photograph((1728, 2156))
    screened = raster.encode(raster.binarise(photograph, [(0, 0, 1728, 2156)]))
    diffused = raster.encode(ImageOps.invert(photograph).convert("1"))
    assert len(screened.strip) < len(diffused.strip) / 2


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.sampled_from([1, 2, 7, 2156]))
def test_libtiff_decodes_what_was_coded(noise: bytes, height: int) -> None:
    rows = (noise * (height * 216 // len(noise) + 1))[: height * 216]
    page = Image.frombytes("1", (1728, height), rows)
    coded = raster.encode(page)
    assert coded.height == height
    assert coded.digest == hashlib.sha256(rows).digest()
    file = io.BytesIO()
    pdf = FaxPdf(file)
    pdf.add(coded.strip, coded.height)
    pdf.finish()
    (image,) = pypdf.PdfReader(file).pages[0].images  # pypdf has libtiff decode the strip
    assert image.image is not None
    white_is_1 = bytes(byte ^ 0xFF for byte in rows)
    assert image.image.convert("1").tobytes() == white_is_1


def test_only_fax_pages_have_digests() -> None:
    with pytest.raises(ValueError, match="not a fax page"):
        raster.digest(Image.new("1", (100, 100)))
