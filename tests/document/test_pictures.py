"""Pictures become fax pages: upright, at their size, in grey that is right, whole or refused."""

from __future__ import annotations

import importlib.util
import io
import os
import struct
import sys
import zlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFile

from gateway.document.formats import picture
from gateway.document.formats.parts import Part
from gateway.document.formats.picture.greys import grey
from gateway.document.formats.sniff import Format
from gateway.document.geometry import Layout
from gateway.document.sheet import Sheet
from gateway.errors import Failure, GatewayError, Kind

LABEL = 'The attachment "x"'
FINE = Layout()


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def draw(
    data: bytes,
    kind: Format,
    *,
    layout: Layout = FINE,
    notes: list[str] | None = None,
    inspect: bool = False,
    most: int = 20,
) -> list[Sheet]:
    notes = [] if notes is None else notes
    part = Part(label=LABEL, data=data)
    return list(picture.sheets(part, kind, layout=layout, notes=notes, inspect=inspect, most=most))


def refused(data: bytes, kind: Format, **more: Any) -> Failure:
    with pytest.raises(GatewayError) as caught:
        draw(data, kind, **more)
    failure = caught.value.failure
    assert failure.kind is Kind.PERMANENT
    assert failure.sentence.startswith((LABEL, "The document"))
    assert failure.sentence.endswith(".")
    return failure


def ink(sheet: Sheet) -> np.ndarray[Any, Any]:
    """Rows of bytes, 1 for black."""
    assert len(sheet.rows) == 216 * sheet.height
    return np.unpackbits(np.frombuffer(sheet.rows, np.uint8)).reshape(sheet.height, 1728)


def extent(sheet: Sheet) -> tuple[int, int, int, int]:
    page = ink(sheet)
    rows, columns = np.flatnonzero(page.any(axis=1)), np.flatnonzero(page.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.fixture(scope="module")
def heic() -> None:
    """Lets Pillow write HEIC, where the extra is installed."""
    if importlib.util.find_spec("pillow_heif") is None:
        give_up = pytest.fail if os.environ.get("FAX_GATEWAY_REQUIRE_PEERS") == "1" else pytest.skip
        give_up("the extra heic is not installed")
    importlib.import_module("pillow_heif").register_heif_opener()


def bar_on_top(size: tuple[int, int] = (400, 600), mode: str = "L") -> Image.Image:
    picture = Image.new("L", size, 255)
    picture.paste(0, (0, 0, size[0], size[1] // 10))
    return picture.convert(mode)


FORMATS = [
    ("JPEG", Format.JPEG),
    ("PNG", Format.PNG),
    ("GIF", Format.GIF),
    ("WEBP", Format.WEBP),
    ("BMP", Format.BMP),
    ("TIFF", Format.TIFF),
    ("AVIF", Format.AVIF),
]


@pytest.mark.parametrize(("name", "kind"), FORMATS)
def test_every_format_is_drawn(name: str, kind: Format) -> None:
    (sheet,) = draw(encoded(bar_on_top(), name), kind)
    left, top, right, bottom = extent(sheet)
    # 400 by 600 dots of a screen, twice as large: 1700 by 2450, which is shrunk to the length of the page
    assert sheet.height == FINE.height
    assert (top, right - left) == (0, pytest.approx(1496, abs=3))
    assert bottom == pytest.approx(216, abs=4)
    assert left == pytest.approx((1728 - 1496) / 2, abs=3)


@pytest.mark.parametrize(("name", "kind"), FORMATS)
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.97])
def test_half_a_file_is_refused(name: str, kind: Format, kept: float) -> None:
    whole = encoded(Image.effect_noise((300, 200), 80), name)
    failure = refused(whole[: int(len(whole) * kept)], kind)
    assert (failure.status, failure.code) == ("5.6.5", "picture_damaged")
    assert "is damaged or incomplete: it is" in failure.sentence


@pytest.mark.parametrize(("name", "kind"), FORMATS)
def test_what_another_library_tolerates_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: Format
) -> None:
    """WeasyPrint, in the same process, has Pillow draw what there is of a file and leave the rest grey."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = encoded(Image.effect_noise((300, 200), 80), name)
    assert refused(whole[: len(whole) // 2], kind).code == "picture_damaged"
    assert ImageFile.LOAD_TRUNCATED_IMAGES  # it is theirs


@pytest.mark.parametrize("size", [(300, 200), (4001, 3001)])
def test_half_a_jpeg_with_an_end_is_refused(size: tuple[int, int]) -> None:
    whole = encoded(Image.effect_noise((size[0] // 4, size[1] // 4), 80).resize(size), "JPEG")
    assert refused(whole[: len(whole) // 2] + b"\xff\xd9", Format.JPEG).code == "picture_damaged"


def test_a_jpeg_that_ends_in_middle_grey_is_whole() -> None:
    picture = Image.effect_noise((304, 208), 80)
    picture.paste(128, (0, 100, 304, 208))
    assert len(draw(encoded(picture, "JPEG"), Format.JPEG)) == 1


@pytest.mark.usefixtures("heic")
def test_heic_is_drawn() -> None:
    (sheet,) = draw(encoded(bar_on_top(), "HEIF", quality=90), Format.HEIF)
    assert extent(sheet)[3] == pytest.approx(216, abs=6)
    lying = Image.Exif()
    lying[0x0112] = 6
    (turned,) = draw(encoded(bar_on_top(), "HEIF", quality=90, exif=lying.tobytes()), Format.HEIF)
    left, _top, right, bottom = extent(turned)
    assert (right - left) < 260  # the bar is on the right now, as the camera was held
    assert left > 1300
    assert bottom > 1000


@pytest.mark.usefixtures("heic")
def test_heic_of_200_megapixels_is_refused_before_it_is_decoded() -> None:
    for wide, high in ((20_000, 10_000), (12_000, 11_000)):
        data = bytearray(encoded(bar_on_top((64, 64)), "HEIF"))
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", wide, high)
        failure = refused(bytes(data), Format.HEIF)
        assert (failure.status, failure.code) == ("5.6.5", "picture_too_large")
        assert "more than 120 million pixels" in failure.sentence


def test_heic_without_its_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    data = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(4000)
    failure = refused(data, Format.HEIF)
    assert failure.sentence == (
        f"{LABEL} is a HEIC picture, and the gateway has no HEIC support here. "
        "Send it as JPEG; administrator: install fax-gateway[heic]."
    )
    assert not picture.is_decoration(Part(label=LABEL, data=data, inline=True), Format.HEIF)


@pytest.mark.parametrize("chunk", ["VP8X", "VP8L", "VP8 "])
def test_webp_is_measured_before_it_takes_memory(chunk: str) -> None:
    bits = {
        "VP8X": bytes(4) + (16_000).to_bytes(3, "little") * 2,
        "VP8L": b"\x2f" + (16_000 | 16_000 << 14).to_bytes(4, "little"),
        "VP8 ": bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 16_000, 16_000),
    }[chunk]
    data = b"RIFF" + bytes(4) + b"WEBP" + chunk.encode() + bytes(4) + bits + bytes(40)
    assert refused(data, Format.WEBP).code == "picture_too_large"


def test_too_many_pixels() -> None:
    header = struct.pack(">II", 12_000, 11_000) + b"\x08\x00\x00\x00\x00"
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    data = struct.pack(">I", 80) + b"IDAT" + bytes(84)
    assert refused(png + crc + data, Format.PNG).code == "picture_too_large"


@pytest.mark.parametrize(("kind", "form"), [("GIF", Format.GIF), ("PNG", Format.PNG), ("WEBP", Format.WEBP)])
def test_of_an_animation_the_first_picture_is_faxed_and_the_rest_is_told(kind: str, form: Format) -> None:
    frames = [bar_on_top((200, 300), "RGB"), Image.new("RGB", (200, 300), "white")]
    frames.append(frames[0].transpose(Image.Transpose.ROTATE_180))
    notes: list[str] = []
    (sheet,) = draw(encoded(frames[0], kind, save_all=True, append_images=frames[1:]), form, notes=notes)
    assert notes == [f"{LABEL}: only the first of 3 pictures of the animation is faxed."]
    assert extent(sheet)[1] == 0


def test_a_gif_of_ten_thousand_pictures() -> None:
    frame = b"\x21\xf9\x04\x00\x02\x00\x00\x00,\x00\x00\x00\x00\x28\x00\x28\x00\x00"
    one = encoded(Image.new("L", (40, 40), 0), "GIF")
    at = (
        one.index(b",", 13 + 3 * 256)
        if one[10] & 0x80 and one[10] & 7 == 7
        else one.index(b",\x00\x00\x00\x00")
    )
    body = one[at + 10 : -1]
    data = one[:at] + (frame + body) * 10_000 + b";"
    notes: list[str] = []
    assert len(draw(data, Format.GIF, notes=notes)) == 1
    assert notes == [f"{LABEL}: only the first of 10000 pictures of the animation is faxed."]
    notes.clear()
    long = one[:at] + (frame + body) * (9_000_000 // len(frame + body)) + b";"
    assert len(draw(long, Format.GIF, notes=notes)) == 1
    assert notes == [f"{LABEL}: only the first of many pictures of the animation is faxed."]


def test_a_still_picture_needs_no_note() -> None:
    notes: list[str] = []
    draw(encoded(bar_on_top(), "GIF"), Format.GIF, notes=notes)
    assert notes == []


# Grey


def wedge(mode: str) -> Image.Image:
    """Black, middle grey and white, 30 pixels each."""
    picture = Image.new("L", (90, 30), 255)
    picture.paste(0, (0, 0, 30, 30))
    picture.paste(128, (30, 0, 60, 30))
    return picture.convert(mode)


def shades(picture: Image.Image) -> list[int]:
    made = grey(picture)
    assert made.mode == "L"
    assert made.size == picture.size
    return [int(made.getpixel((x, 15))) for x in (15, 45, 75)]  # type: ignore[arg-type]  # mode L: numbers


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "CMYK", "YCbCr", "LA", "PA", "RGBA", "La", "RGBa", "HSV"])
def test_modes_of_eight_bits(mode: str) -> None:
    colour = wedge("RGB")
    made = {
        "P": lambda: colour.quantize(3),
        "PA": lambda: colour.quantize(3).convert("PA"),
        "La": lambda: colour.convert("LA").convert("La"),
        "RGBa": lambda: colour.convert("RGBA").convert("RGBa"),
    }.get(mode, lambda: colour.convert(mode))()
    assert made.mode == mode
    assert shades(made) == pytest.approx([0, 128, 255], abs=2)


def test_one_bit() -> None:
    assert shades(wedge("L").point([0] * 100 + [255] * 156, "1")) == [0, 255, 255]


@pytest.mark.parametrize("save", ["TIFF", "JPEG"])
def test_cmyk_as_files_have_it(save: str) -> None:
    """Pillow writes JPEG as Adobe does: inverted."""
    with Image.open(io.BytesIO(encoded(wedge("CMYK"), save))) as picture:
        assert picture.mode == "CMYK"
        assert shades(picture) == pytest.approx([0, 128, 255], abs=3)


def test_lab_keeps_its_lightness() -> None:
    lab = Image.merge("LAB", [wedge("L"), Image.new("L", (90, 30), 128), Image.new("L", (90, 30), 128)])
    with Image.open(io.BytesIO(encoded(lab, "TIFF"))) as picture:
        assert shades(picture) == [0, 128, 255]


@pytest.mark.parametrize(
    ("mode", "kind"), [("I;16", "PNG"), ("I;16", "TIFF"), ("I;16B", "TIFF"), ("I", "TIFF")]
)
@pytest.mark.parametrize("white", [65535, 4095, 1023])
def test_more_than_eight_bits(mode: str, kind: str, white: int) -> None:
    values = np.asarray(wedge("L")).astype(np.uint32) * white // 255
    stored = values.astype({"I": "<i4", "I;16": "<u2", "I;16B": ">u2"}[mode])
    picture = Image.frombytes(mode, (90, 30), stored.tobytes())
    with Image.open(io.BytesIO(encoded(picture, kind))) as read:
        assert shades(read) == pytest.approx([0, 128, 255], abs=1)


def test_more_than_eight_bits_piece_by_piece_are_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).integers(0, 4000, (301, 203)).astype("<u2")
    whole = Image.frombuffer("I;16", (203, 301), noise.tobytes())
    at_once = grey(whole).tobytes()
    monkeypatch.setattr("gateway.document.formats.picture.greys._BAND", 1000)
    assert grey(whole).tobytes() == at_once
    assert at_once == (noise * (255 / 4095)).astype(np.uint8).tobytes()


def test_sixteen_bits_where_white_is_zero() -> None:
    values = 65535 - np.asarray(wedge("L")).astype(np.uint16) * 257
    data = encoded(Image.fromarray(values), "TIFF", tiffinfo={262: 0})
    with Image.open(io.BytesIO(data)) as read:
        assert read.tag_v2[262] == 0  # type: ignore[attr-defined]  # a TIFF
        assert shades(read) == pytest.approx([0, 128, 255], abs=1)


@pytest.mark.parametrize(("scale", "offset"), [(1 / 255, 0.0), (1.0, 0.0), (100.0, -5000.0)])
def test_fractions_are_scaled_and_no_number_is_black(scale: float, offset: float) -> None:
    values = np.asarray(wedge("L")).astype(np.float32) * scale + offset
    assert shades(Image.fromarray(values)) == pytest.approx([0, 128, 255], abs=1)
    broken = np.asarray(wedge("L")).astype(np.float32)
    broken[0, 0], broken[1, 1], broken[2, 2] = np.nan, np.inf, -np.inf
    assert shades(Image.fromarray(broken)) == [0, 128, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_paper(mode: str) -> None:
    picture = wedge("L").convert(mode)
    picture.putalpha(Image.linear_gradient("L").resize((90, 30)).point([0] * 256))
    assert shades(picture) == [255, 255, 255]
    picture.putalpha(128)
    assert shades(picture) == pytest.approx([127, 191, 255], abs=1)


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_colour_that_stands_for_transparent_is_paper(mode: str) -> None:
    picture = wedge("RGB").quantize(3) if mode == "P" else wedge(mode)
    black = picture.getpixel((5, 5))
    data = encoded(picture, "PNG", transparency=black)
    with Image.open(io.BytesIO(data)) as read:
        assert shades(read)[0] == 255
        assert shades(read)[1] == pytest.approx(128, abs=2)


# Which way up, how large


@pytest.mark.parametrize(
    ("kind", "form"),
    [("JPEG", Format.JPEG), ("PNG", Format.PNG), ("WEBP", Format.WEBP), ("TIFF", Format.TIFF)],
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_obeyed(kind: str, form: Format, orientation: int) -> None:
    """A page as it should stand, stored in each of the eight ways."""
    upright = Image.new("RGB", (400, 600), "white")
    upright.paste("black", (0, 0, 400, 60))
    upright.paste("black", (0, 0, 40, 300))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = ink(draw(encoded(upright, kind), form)[0])
    made = ink(draw(encoded(stored, kind, exif=exif), form)[0])
    assert np.mean(expected != made) < 0.005


def test_stated_resolution_is_physical() -> None:
    """A6 at 300 dpi is at least half a sheet one way only; A5 keeps its size."""
    picture = Image.new("L", (round(5.8 * 300), round(8.3 * 300)), 0)
    for kind, form in (
        ("JPEG", Format.JPEG),
        ("PNG", Format.PNG),
        ("TIFF", Format.TIFF),
        ("BMP", Format.BMP),
    ):
        left, top, right, bottom = extent(draw(encoded(picture, kind, dpi=(300, 300)), form)[0])
        assert (right - left, bottom - top) == (
            pytest.approx(5.8 * 204, abs=2),
            pytest.approx(8.3 * 196, abs=2),
        )


def test_a_turned_tiff_has_its_resolution_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.new("L", (1200, 2400), 0)  # 6 by 6 inches, by 200 across and 400 down as stored
    data = encoded(lying, "TIFF", dpi=(200, 400), tiffinfo={274: 6})
    left, top, right, bottom = extent(draw(data, Format.TIFF)[0])
    assert (right - left, bottom - top) == (pytest.approx(6 * 204, abs=2), pytest.approx(6 * 196, abs=2))


@pytest.mark.parametrize("dpi", [(1, 1), (0, 0), (5, 5), (9000, 9000), (300, 20)])
def test_nonsense_is_not_believed(dpi: tuple[int, int]) -> None:
    picture = Image.new("L", (96, 96), 0)
    left, _top, right, bottom = extent(draw(encoded(picture, "TIFF", dpi=dpi), Format.TIFF)[0])
    assert (right - left, bottom) == (408, 392)  # an inch on a screen, twice as large


def test_what_cameras_state_is_not_believed() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x829A] = 0.01
    photo = Image.effect_noise((1200, 1600), 60)
    left, _, right, _ = extent(draw(encoded(photo, "JPEG", dpi=(300, 300), exif=exif), Format.JPEG)[0])
    assert right - left > 1600
    left, _, right, _ = extent(draw(encoded(photo, "JPEG", dpi=(300, 300)), Format.JPEG)[0])
    assert right - left == pytest.approx(2 * 4 * 204 if min(4, 5.3) < 4.2 else 816, abs=60)


def test_broken_exif_does_not_refuse_a_picture() -> None:
    data = encoded(bar_on_top(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f" + bytes(40))
    assert len(draw(data, Format.JPEG)) == 1


def test_a_wide_picture_is_turned() -> None:
    picture = Image.new("L", (2400, 1600), 255)
    picture.paste(0, (0, 0, 2400, 60))
    left, top, right, bottom = extent(draw(encoded(picture, "PNG"), Format.PNG)[0])
    assert (top, bottom) == (0, FINE.height)
    assert right - left < 80
    assert left > 1000  # clockwise: what was above is on the right


def test_a_tall_picture_is_cut_into_pieces_that_overlap() -> None:
    picture = Image.new("L", (800, 4000), 255)
    paint = ImageDraw.Draw(picture)
    for top in range(0, 4000, 100):
        paint.rectangle((0, top, 20 + top // 6, top + 40), fill=0)
    data = encoded(picture, "PNG")
    pages = draw(data, Format.PNG)
    assert len(pages) == 4
    assert {page.height for page in pages} == {FINE.height}
    overlap = round(0.25 * 196)
    for above, below in pairwise(pages):
        assert np.mean(ink(above)[-overlap + 4 : -4] != ink(below)[4 : overlap - 4]) < 0.01
    (scaled,) = draw(data, Format.PNG, layout=Layout(tall="scale"))
    assert extent(scaled)[3] <= FINE.height
    assert refused(data, Format.PNG, most=3).code == "document_pages"


def test_a_thread_of_pixels_is_refused_before_it_is_drawn() -> None:
    failure = refused(encoded(Image.new("1", (10, 400_000), 1), "PNG"), Format.PNG)
    assert failure.code == "document_pages"


def test_standard_resolution_has_half_the_rows() -> None:
    layout = Layout(resolution="standard")
    (sheet,) = draw(encoded(bar_on_top(), "PNG"), Format.PNG, layout=layout)
    assert sheet.height == 1078
    assert extent(sheet)[3] == pytest.approx(108, abs=3)


def test_a_photograph_is_screened_and_a_page_is_not(make: Any) -> None:
    (sheet,) = draw(encoded(make.photograph(), "JPEG"), Format.JPEG)
    assert sheet.look.photographs
    (sheet,) = draw(encoded(make.text_picture("Hello fax", fill=0), "PNG"), Format.PNG)
    assert not sheet.look.photographs


def test_a_scan_is_straightened_where_that_is_wanted() -> None:
    picture = Image.new("L", (1700, 2200), 250)
    paint = ImageDraw.Draw(picture)
    for top in range(300, 1900, 50):
        for left in range(200, 1500, 40):
            paint.rectangle((left, top, left + 25, top + 18), fill=20)
    picture = picture.rotate(2, Image.Resampling.BICUBIC, fillcolor=250)
    data = encoded(picture, "PNG", dpi=(200, 200))
    crooked, straight = (
        ink(draw(data, Format.PNG, layout=Layout(deskew=deskew))[0]) for deskew in (False, True)
    )
    assert (
        np.count_nonzero(~straight[:2000].any(axis=1)) > np.count_nonzero(~crooked[:2000].any(axis=1)) + 300
    )


# Logos and trackers


@pytest.mark.parametrize(
    ("size", "inline", "decoration"),
    [
        ((1, 1), True, True),
        ((1, 1), False, True),
        ((600, 3), False, True),
        ((300, 100), True, True),
        ((300, 100), False, False),
        ((149, 900), True, True),
        ((200, 200), True, True),
        ((200, 200), False, False),
        ((300, 200), True, False),
        ((600, 400), True, False),
    ],
)
def test_decoration(size: tuple[int, int], inline: bool, decoration: bool) -> None:
    part = Part(label=LABEL, data=encoded(Image.new("L", size), "PNG"), inline=inline)
    assert picture.is_decoration(part, Format.PNG) is decoration


@pytest.mark.parametrize(("inline", "decoration"), [(True, True), (False, False)])
def test_a_broken_tracker_is_decoration(inline: bool, decoration: bool) -> None:
    part = Part(label=LABEL, data=b"GIF89a\x01\x00", inline=inline)
    assert picture.is_decoration(part, Format.GIF) is decoration
    large = Part(label=LABEL, data=b"GIF89a\x01" + bytes(5000), inline=True)
    assert not picture.is_decoration(large, Format.GIF)


# Warnings


def warned(picture: Image.Image, **options: Any) -> tuple[str, ...]:
    kind = options.pop("kind", "PNG")
    (sheet,) = draw(encoded(picture, kind, **options), Format[kind], inspect=True)
    (plain,) = draw(encoded(picture, kind, **options), Format[kind])
    assert plain.rows == sheet.rows  # looking changes nothing
    assert plain.warnings == ()
    return sheet.warnings


def chart(*colours: str) -> Image.Image:
    picture = Image.new("RGB", (1200, 800), "white")
    paint = ImageDraw.Draw(picture)
    for number, colour in enumerate(colours):
        paint.rectangle((100 + 200 * number, 100, 250 + 200 * number, 700), fill=colour)
    return picture


def test_nothing_to_warn_of() -> None:
    assert warned(bar_on_top((1700, 2200))) == ()


def test_few_dots() -> None:
    (warning,) = warned(bar_on_top((400, 500)))
    assert warning == f"{LABEL} is only 48 dots an inch on the page: small text will not be legible."


def test_shrunk() -> None:
    (warning,) = warned(bar_on_top((3000, 4000)), dpi=(100, 100))
    assert "is shrunk to 27% of its size" in warning


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_colours_that_look_alike(kind: str) -> None:
    assert any("look alike" in one for one in warned(chart("#e03030", "#3070c0", "#208040"), kind=kind))
    assert not any("look alike" in one for one in warned(chart("#400000", "#f0e060"), kind=kind))
    assert not any("look alike" in one for one in warned(chart("#3070c0", "#3474c4"), kind=kind))


def test_little_contrast() -> None:
    pale = Image.new("L", (1700, 2200), 235)
    ImageDraw.Draw(pale).rectangle((200, 200, 1500, 500), fill=190)
    assert any("little contrast" in one for one in warned(pale))


def test_white_on_black_has_contrast() -> None:
    dark = Image.new("L", (1700, 2200), 25)
    ImageDraw.Draw(dark).rectangle((200, 200, 1500, 260), fill=240)
    assert warned(dark) == ()


def test_sizes_for_the_choice_of_paper() -> None:
    a4 = encoded(Image.new("1", (2480, 3508), 1), "PNG", dpi=(300, 300))
    assert picture.sizes(Part(label=LABEL, data=a4), Format.PNG) == [pytest.approx((8.27, 11.69), abs=0.01)]
    with pytest.raises(GatewayError):
        picture.sizes(Part(label=LABEL, data=a4[:20]), Format.PNG)
