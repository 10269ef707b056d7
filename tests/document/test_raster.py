"""The grey page made 1-bit: what becomes ink, what becomes paper, what is screened."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw
from support.fax_pages import bilevel, black, packed, page, photograph, write

from gateway.document import raster
from gateway.document.raster import boxes
from gateway.document.raster.pictures import is_photograph

WORDS = "Thin words of eight points, and more of them"


@pytest.mark.parametrize("grey", [80, 128, 160, 190, 210])
@pytest.mark.parametrize("standard", [False, True])
def test_small_grey_text_is_as_black_as_black_text(grey: int, standard: bool) -> None:
    expected = black(bilevel(write(page(), WORDS), standard=standard)[0])
    found = black(bilevel(write(page(), WORDS, fill=grey), standard=standard)[0])
    assert found == pytest.approx(expected, rel=0.35)


@pytest.mark.parametrize("grey", [0, 128, 200, 225])
@pytest.mark.parametrize("upright", [False, True])
def test_a_hairline_stays_whole(grey: int, upright: bool) -> None:
    image = page()
    line = (500, 300, 500, 1300) if upright else (300, 500, 1300, 500)
    ImageDraw.Draw(image).line(line, fill=grey, width=1)
    box = (500, 300, 501, 1301) if upright else (300, 500, 1301, 501)
    assert black(bilevel(image)[0], box) == 1


@pytest.mark.parametrize("grey", [200, 219, 233])
@pytest.mark.parametrize("top", range(404, 412))
def test_a_faint_rule_right_below_black_words_stays_whole(grey: int, top: int) -> None:
    image = write(page(), "words over a rule, words over a rule", at=(300, 378))
    ImageDraw.Draw(image).line((200, top, 1500, top), fill=grey)
    assert black(bilevel(image)[0], (200, top, 1501, top + 1)) > 0.99


@pytest.mark.parametrize("fill", [110, 150, 200, 235])
@pytest.mark.parametrize("left", range(200, 208))
def test_a_shaded_cell_becomes_clean_and_its_words_stay(fill: int, left: int) -> None:
    image = page()
    draw = ImageDraw.Draw(image)
    draw.rectangle((left, 200, 1000, 500), fill=fill)
    draw.rectangle((400, 300, 420, 400), fill=0)
    rows = bilevel(image)[0]
    assert black(rows, (400, 300, 421, 401)) == 1
    assert black(rows) == 21 * 101 / (1728 * image.height)  # nothing else: no outline


@pytest.mark.parametrize("fill", [0, 60, 90, 130])
def test_white_words_on_a_dark_bar_stay_white_on_black(fill: int) -> None:
    image = page()
    ImageDraw.Draw(image).rectangle((200, 200, 1400, 260), fill=fill)
    image = write(image, "White words on it", at=(220, 215), fill=255)
    rows = bilevel(image)[0]
    assert black(rows, (700, 200, 1401, 261)) == 1
    assert 0.6 < black(rows, (220, 215, 420, 245)) < 0.95


@pytest.mark.parametrize("fill", [120, 170, 200])
def test_a_large_grey_letter_is_a_letter_and_no_shading(fill: int) -> None:
    image = page()
    ImageDraw.Draw(image).rectangle((400, 400, 424, 560), fill=fill)
    assert black(bilevel(image)[0], (400, 400, 425, 561)) == 1


def test_a_gradient_changes_once_from_black_to_white() -> None:
    image = page()
    image.paste(Image.linear_gradient("L").rotate(90).resize((1000, 300)), (300, 400))
    middle = np.unpackbits(np.frombuffer(bilevel(image)[0], dtype=np.uint8)).reshape(-1, 1728)[550, 290:1310]
    assert np.count_nonzero(np.diff(middle)) == 2


def scan(*, noise: int = 16, light: int = 200) -> Image.Image:
    """Words on grey paper with a shadow to one side and noise all over."""
    words = write(page(), "\n".join(["Scanned words in rows"] * 30), size=40)
    paper = ImageChops.multiply(
        words, Image.linear_gradient("L").resize(words.size).point(lambda v: 255 - v // 3)
    )
    shot = paper.point(lambda value: 60 + value * (light - 60) // 255)
    return ImageChops.add(shot, Image.effect_noise(words.size, noise), 1, -128)


def test_the_noise_and_the_shadow_of_a_scan_are_not_drawn_but_its_words_are() -> None:
    image = scan()
    rows, look = bilevel(image, [(0, 0, 1728, image.height)])
    assert look.base == "scan"
    assert look.scans == ((0, 0, 1728, image.height),)
    assert black(rows, (700, 0, 1728, image.height)) < 0.0005
    expected = black(bilevel(write(page(), "\n".join(["Scanned words in rows"] * 30), size=40))[0])
    assert black(rows) == pytest.approx(expected, rel=0.2)


def test_a_noisy_page_without_pictures_is_a_scan_all_the_same() -> None:
    assert bilevel(scan())[1].base == "scan"


def test_only_the_box_of_a_scan_is_treated_as_one() -> None:
    image = page()
    image.paste(scan().crop((80, 80, 720, 720)), (80, 80))
    write(image, WORDS, at=(900, 100), fill=190)
    rows, look = bilevel(image, [(80, 80, 720, 720)])
    assert look == raster.Look(base="drawn", scans=((80, 80, 720, 720),))
    alone = bilevel(write(page(), WORDS, at=(900, 100), fill=190))[0]
    right = (880, 0, 1728, image.height)
    assert black(rows, right) == black(alone, right)


@pytest.mark.parametrize("standard", [False, True])
@pytest.mark.parametrize("grey", [30, 80, 128, 180, 230])
def test_a_screened_photograph_has_its_tones(grey: int, standard: bool) -> None:
    image = photograph()
    image.paste(grey, (400, 400, 880, 880))
    rows, look = bilevel(image, [(0, 0, 1728, image.height)], standard=standard)
    assert look.photographs == ((0, 0, 1728, image.height),)
    meant = 1 - (grey / 255) ** 0.8  # lightened for the spread of printed dots
    assert black(rows, (400, 400, 880, 880)) == pytest.approx(meant, abs=0.03)


def test_the_screen_takes_a_quarter_of_the_bytes_of_error_diffusion() -> None:
    image = photograph()
    rows, _ = bilevel(image, [(0, 0, 1728, image.height)])
    diffused = np.packbits(~np.asarray(image.convert("1")), axis=1).tobytes()
    assert len(raster.encode(rows, image.height)) < len(raster.encode(diffused, image.height)) / 3


def cells(image: Image.Image) -> np.ndarray:
    """Means of cells of 4 by 4 pixels, as photographs are known by."""
    return np.asarray(image.resize((image.width // 4, image.height // 4), Image.Resampling.BOX))


def test_documents_logos_charts_and_screenshots_are_no_photographs() -> None:
    letter = write(page(), "\n".join(["A letter of many words in many lines"] * 60), size=32)
    shadow = Image.linear_gradient("L").resize(letter.size).point(lambda value: 255 - value // 2)
    logo = Image.new("L", (500, 300), 255)
    draw = ImageDraw.Draw(logo)
    draw.ellipse((20, 20, 280, 280), fill=120)
    draw.rectangle((300, 60, 480, 240), fill=60)
    screenshot = write(Image.new("L", (900, 500), 240), "\n".join(["File Edit View"] * 12), fill=50)
    diagram = Image.new("L", (184, 68), 255)
    ImageDraw.Draw(diagram).rounded_rectangle((8, 8, 176, 60), radius=25, fill=205, outline=0, width=2)
    write(diagram, "Execute\ncompiled", at=(40, 12), size=20)
    table = Image.new("L", (1342, 125), 255)
    for column in range(7):
        ImageDraw.Draw(table).rectangle((column * 190, 0, column * 190 + 186, 60), fill=160, outline=0)
        write(table, f"Day {column} of the week", at=(column * 190 + 8, 20), size=18)
    for image in (
        letter,
        diagram,
        table,
        ImageChops.multiply(letter, shadow),
        logo,
        screenshot,
        Image.new("L", (600, 600), 128),
    ):
        assert not is_photograph(cells(image))
    assert is_photograph(cells(photograph()))


@pytest.mark.parametrize(("least", "most"), [(0, 255), (0, 60), (150, 250), (90, 150)])
def test_dark_and_pale_photographs_are_photographs(least: int, most: int) -> None:
    image = photograph().point(lambda value: least + value * (most - least) // 255)
    assert is_photograph(cells(image))


@pytest.mark.parametrize("darkest", [0.3, 0.5, 0.7])
def test_a_document_photographed_in_uneven_light_is_a_document(darkest: float) -> None:
    light = Image.radial_gradient("L").resize((1728, 2156)).point(lambda v: 255 - int(v * (1 - darkest)))
    assert not is_photograph(cells(ImageChops.multiply(scan(), light)))


def test_a_document_on_a_dark_table_is_a_document() -> None:
    table = Image.effect_noise((1728, 2156), 16).point(lambda value: value // 3)
    table.paste(scan().resize((1200, 1500)), (260, 300))
    assert not is_photograph(cells(table))


@pytest.mark.parametrize("grey", [0, 40, 255])
def test_plain_pictures_are_no_photographs(grey: int) -> None:
    assert not is_photograph(np.full((150, 200), grey, dtype=np.uint8))
    assert not is_photograph(np.full((15, 400), grey, dtype=np.uint8))


def test_strips_and_tiles_of_one_picture_are_joined() -> None:
    strips = [(100, top, 900, top + 16) for top in range(200, 1000, 16)]
    tiles = [(x, y, x + 50, y + 40) for x in range(1000, 1500, 50) for y in range(200, 1000, 40)]
    assert boxes.settle(strips + tiles, 2156) == [(100, 200, 900, 1000), (1000, 200, 1500, 1000)]


@settings(max_examples=50)
@given(st.lists(st.tuples(*[st.integers(-3000, 6000)] * 4), max_size=300))
def test_pictures_are_cut_to_the_page_and_their_area_is_bounded(found: list[boxes.Box]) -> None:
    settled = boxes.settle(found, 2156)
    assert all(0 <= x0 < x1 <= 1728 and 0 <= y0 < y1 <= 2156 for x0, y0, x1, y1 in settled)
    assert sum(map(boxes.area, settled)) <= 4 * 1728 * 2156


def test_specks_are_removed_and_dots_of_letters_are_not() -> None:
    image = page()
    draw = ImageDraw.Draw(image)
    for at in range(40, 1700, 60):
        draw.rectangle((at, 1000, at + 1, 1001), fill=0)
    draw.rectangle((0, 0, 1, 1), fill=0)
    draw.rectangle((1726, image.height - 2, 1727, image.height - 1), fill=0)
    write(image, "i. j: ... !", at=(300, 300))
    words = write(page(), "i. j: ... !", at=(300, 300))
    assert bilevel(image, despeckle=True)[0] == bilevel(words)[0]


@pytest.mark.parametrize("ink", [25, 90, 140])
@pytest.mark.parametrize("grain", [3, 6, 12])
@pytest.mark.parametrize("dim", [0.0, 0.25])
def test_scanned_words_are_no_photograph_however_pale_and_grained(ink: int, grain: int, dim: float) -> None:
    image = page()
    for line in range(50):
        write(image, f"{line} {WORDS}", at=(150, 150 + 36 * line), fill=ink)
        if line % 10 == 5:
            ImageDraw.Draw(image).rectangle((1000, 150 + 36 * line, 1600, 190 + 36 * line), fill=215)
    light = 1 - dim * np.linspace(0, 1, image.height)[:, None]
    noise = np.random.default_rng(3).normal(0, grain, (image.height, 1728))
    seen = np.clip(np.asarray(image, dtype=float) * light * 0.9 + noise, 0, 255).astype(np.uint8)
    scanned = Image.fromarray(seen)
    assert not is_photograph(cells(scanned))
    rows, look = bilevel(scanned, [(0, 0, 1728, image.height)])
    assert (look.base, look.photographs) == ("scan", ())
    assert black(rows, (150, 150, 900, 1950)) == pytest.approx(0.09, abs=0.06)
    assert black(rows, (0, 1990, 1728, 2150)) < 0.001


@pytest.mark.parametrize("darkest", [0, 90, 180])
def test_a_pale_or_dark_photograph_is_one(darkest: int) -> None:
    assert is_photograph(cells(photograph().point(lambda grey: darkest + grey * (250 - darkest) // 255)))
    assert is_photograph(cells(photograph().point(lambda grey: grey * (60 + darkest // 3) // 255)))


def dusty(image: Image.Image, specks: int) -> Image.Image:
    for index in range(specks):
        x, y = 100 + index * 97 % 1500, 100 + index * 89 % 1900
        ImageDraw.Draw(image).rectangle((x, y, x + index % 2, y), fill=0)
    return image


def test_dust_and_shadows_of_edges_are_blank() -> None:
    assert raster.is_blank(packed(page()), 2156)
    assert raster.is_blank(packed(dusty(page(), 60)), 2156)
    shadow = dusty(page(), 20)
    ImageDraw.Draw(shadow).rectangle((0, 0, 20, 2156), fill=0)
    ImageDraw.Draw(shadow).rectangle((0, 2150, 1728, 2156), fill=0)
    assert raster.is_blank(packed(shadow), 2156)
    assert raster.is_blank(bytes(216), 1)


def test_bars_that_reach_the_edge_are_no_shadow() -> None:
    bars, short = page(), page(90)
    for x in range(100, 1600, 30):
        ImageDraw.Draw(bars).rectangle((x, 2116, x + x % 13 + 3, 2156), fill=0)
        ImageDraw.Draw(short).rectangle((x, 0, x + 9, 40), fill=0)
    assert not raster.is_blank(packed(bars), 2156)
    assert not raster.is_blank(packed(short), 90)


@pytest.mark.parametrize("text", ["1", "-", "Yes", "Page 2 of 3"])
@pytest.mark.parametrize("at", [(850, 2100), (100, 60)])
def test_a_number_or_a_word_is_not_blank(text: str, at: tuple[int, int]) -> None:
    assert not raster.is_blank(bilevel(write(page(), text, at=at))[0], 2156)


def test_a_hairline_a_dotted_line_and_too_much_dust_are_not_blank() -> None:
    line, dotted = page(), page()
    ImageDraw.Draw(line).line((300, 900, 900, 905), fill=0)
    for x in range(300, 900, 8):
        dotted.putpixel((x, 1000), 0)
    for image in (line, dotted, dusty(page(), 400)):
        assert not raster.is_blank(packed(image), 2156)


@pytest.mark.parametrize("standard", [False, True])
@pytest.mark.parametrize("degrees", [-2.5, -0.8, 0.7, 1.9])
def test_the_skew_of_a_page_is_found_and_undone(degrees: float, standard: bool) -> None:
    image = write(page(), "\n".join(["A row of words on a page that lies askew"] * 40), size=36)
    height = image.height
    askew = raster.straightened(image.tobytes(), height, -degrees, standard=standard)
    assert raster.skew(askew, height, standard=standard) == pytest.approx(degrees, abs=0.15)
    straight = raster.straightened(askew, height, degrees, standard=standard)
    assert raster.skew(straight, height, standard=standard) == 0


def test_what_has_no_lines_is_not_turned() -> None:
    assert raster.skew(page().tobytes(), 2156) == 0
    assert raster.skew(photograph().tobytes(), photograph().height) == 0


@settings(max_examples=15)
@given(st.binary(min_size=1, max_size=3000), st.sampled_from([1, 2, 7, 2156]))
def test_libtiff_decodes_what_was_coded(noise: bytes, height: int) -> None:
    rows = (noise * (height * 216 // len(noise) + 1))[: height * 216]
    strip = raster.encode(rows, height)
    # The smallest TIFF around the strip: little-endian, 8 tags; 0 is white, and one strip.
    tags = (
        (256, 1728),
        (257, height),
        (259, 4),
        (262, 0),
        (273, 134),
        (277, 1),
        (278, height),
        (279, len(strip)),
    )
    entries = b"".join(
        tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little") for tag, value in tags
    )
    head = b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little") + entries + bytes(4)
    tiff = head.ljust(134, b"\0") + strip
    with Image.open(io.BytesIO(tiff)) as image:
        assert bytes(byte ^ 0xFF for byte in image.convert("1").tobytes()) == rows
    assert raster.digest(rows) == hashlib.sha256(rows).digest()
