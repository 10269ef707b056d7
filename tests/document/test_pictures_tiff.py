"""TIFF: fax pages come out as they went in, whoever wrote them; all frames, however the directories lie."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from gateway.document.formats import picture
from gateway.document.formats.parts import Part
from gateway.document.formats.sniff import Format
from gateway.document.geometry import MOST_ROWS, Layout
from gateway.document.sheet import Sheet
from gateway.errors import GatewayError

FINE, STANDARD = Layout(), Layout(resolution="standard")
BAND = Layout(band=44)


def fax_page(rows: int = 2156, wide: int = 1728, seed: int = 1) -> Image.Image:
    """Strokes of all lengths, so that every mode of T.4 and T.6 is used, and a margin of paper."""
    random = np.random.default_rng(seed)
    page = Image.new("1", (wide, rows), 1)
    paint = ImageDraw.Draw(page)
    for _ in range(400):
        x, y = int(random.integers(60, wide - 120)), int(random.integers(60, rows - 60))
        paint.line(
            (x, y, x + int(random.integers(-50, 50)), y + int(random.integers(-40, 40))), fill=0, width=2
        )
    paint.rectangle((wide - 40, 30, wide - 31, rows - 31), fill=0)
    return page


def saved(page: Image.Image, dpi: tuple[float, float] = (204, 196), **options: Any) -> bytes:
    out = io.BytesIO()
    page.save(out, "TIFF", **{"compression": "group4", "dpi": dpi} | options)
    return out.getvalue()


def draw(data: bytes, layout: Layout = FINE, *, most: int = 20) -> list[Sheet]:
    part = Part(label="The file", data=data)
    return list(picture.sheets(part, Format.TIFF, layout=layout, notes=[], inspect=False, most=most))


def black_is_1(page: Image.Image) -> bytes:
    return bytes(255 - value for value in page.tobytes())


def copied(sheet: Sheet, page: Image.Image) -> bool:
    return sheet.look.base == "copied" and sheet.height == page.height and sheet.rows == black_is_1(page)


def code(data: bytes, **more: Any) -> str:
    with pytest.raises(GatewayError) as caught:
        draw(data, **more)
    return caught.value.failure.code


@pytest.mark.parametrize("layout", [FINE, BAND], ids=["page", "page with a header line"])
@pytest.mark.parametrize("compression", ["raw", "packbits", "tiff_lzw", "tiff_ccitt", "group3", "group4"])
@pytest.mark.parametrize("rows", [2156, 2292, 1700, 2744])
def test_a_fax_page_by_pillow(compression: str, rows: int, layout: Layout) -> None:
    page = fax_page(rows)
    (sheet,) = draw(saved(page, compression=compression), layout)
    assert copied(sheet, page)


@pytest.mark.peer("tiffcp")
@pytest.mark.parametrize("order", ["msb2lsb", "lsb2msb"])
@pytest.mark.parametrize("coding", ["g3:1d", "g3:2d", "g3:2d:fill", "g4", "none"])
@pytest.mark.parametrize("rows_a_strip", ["64", "9999"])
def test_a_fax_page_by_libtiff(tmp_path: Path, coding: str, order: str, rows_a_strip: str) -> None:
    page = fax_page()
    (tmp_path / "a.tif").write_bytes(saved(page, compression="raw"))
    command = ["tiffcp", "-c", coding, "-f", order, "-r", rows_a_strip, "a.tif", "b.tif"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (sheet,) = draw((tmp_path / "b.tif").read_bytes())
    assert copied(sheet, page)


@pytest.mark.peer("fax2tiff")
@pytest.mark.parametrize("to", ["-7", "-8"], ids=["MH", "MR"])
def test_raw_fax_data_by_fax2tiff(tmp_path: Path, to: str) -> None:
    """What a fax modem hands over, put into a TIFF of class F by libtiff's own tool."""
    page = fax_page()
    (tmp_path / "a.g3").write_bytes(strip_of(page, "group3"))
    # -M: most significant bit first; -1: one-dimensional; -R: rows an inch
    command = ["fax2tiff", "-M", "-1", to, "-R", "196", "-o", "b.tif", "a.g3"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (sheet,) = draw((tmp_path / "b.tif").read_bytes())
    assert copied(sheet, page)


@pytest.mark.parametrize(
    "dpi", [(204, 196), (200, 200), (203.2, 195.58), (204, 195.9)], ids=["fax", "inch", "metric", "rounded"]
)
def test_fine_by_any_name(dpi: tuple[float, float]) -> None:
    assert copied(draw(saved(fax_page(), dpi))[0], fax_page())


def test_metric_resolution() -> None:
    page = fax_page()
    data = saved(page, tiffinfo={282: 80.31, 283: 77.17, 296: 3}, dpi=None)
    assert copied(draw(data)[0], page)


@pytest.mark.parametrize("dpi", [(204, 98), (200, 100), (1, 1)])
def test_a_standard_page_has_each_row_doubled(dpi: tuple[int, int]) -> None:
    """Where it does not say (1, 1), the number of rows tells."""
    page = fax_page(1078)
    (sheet,) = draw(saved(page, dpi))
    rows = np.frombuffer(sheet.rows, np.uint8).reshape(2156, 216)
    assert sheet.look.base == "copied"
    assert rows[::2].tobytes() == rows[1::2].tobytes() == black_is_1(page)
    assert copied(draw(saved(page, dpi), STANDARD)[0], page)


def test_a_fine_page_in_a_standard_document_is_drawn() -> None:
    (sheet,) = draw(saved(fax_page()), STANDARD)
    assert (sheet.height, sheet.look.base != "copied") == (1078, True)


def test_a_fax_page_of_endless_paper_is_cut() -> None:
    assert copied(draw(saved(fax_page(MOST_ROWS)))[0], fax_page(MOST_ROWS))
    sheets = draw(saved(fax_page(MOST_ROWS + 1)))
    assert len(sheets) == 3
    assert {sheet.height for sheet in sheets} == {FINE.height}


@pytest.mark.parametrize("size", [(1700, 2200), (1654, 2300), (1734, 2156)])
def test_a_scan_near_fax_resolution_is_centred_as_it_is(size: tuple[int, int]) -> None:
    wide, _ = size
    page = Image.new("1", size, 1)
    page.paste(fax_page(1990, 1640), ((wide - 1640) // 2, 80))
    (sheet,) = draw(saved(page, (200, 200)))
    assert (sheet.look.base, sheet.height) == ("copied", FINE.height)
    made = Image.frombytes("1", (1728, FINE.height), bytes(255 - value for value in sheet.rows))
    ink = page.convert("L").point([255] + [0] * 255).getbbox()
    placed = made.convert("L").point([255] + [0] * 255).getbbox()
    assert made.crop(placed).tobytes() == page.crop(ink).tobytes()


def test_a_scan_whose_ink_does_not_fit_is_drawn() -> None:
    (sheet,) = draw(saved(fax_page(2339, 1654), (200, 200)))
    assert (sheet.look.base != "copied", sheet.height) == (True, FINE.height)


@pytest.mark.parametrize("dpi", [300, 400, 600])
def test_thin_lines_of_a_scan_survive(dpi: int) -> None:
    page = Image.new("1", (round(8.5 * dpi), 11 * dpi), 1)
    paint = ImageDraw.Draw(page)
    for number in range(40):
        at = dpi + number * dpi // 5 + number
        paint.line((dpi, at, dpi * 7, at), fill=0, width=max(1, dpi // 300))
        across = dpi + number * dpi // 7 + number
        paint.line((across, dpi * 9, across, dpi * 10), fill=0, width=max(1, dpi // 300))
    (sheet,) = draw(saved(page, (dpi, dpi)))
    rows = np.unpackbits(np.frombuffer(sheet.rows, np.uint8)).reshape(sheet.height, 1728)
    column = rows[:, 900]  # crosses each horizontal line
    assert np.count_nonzero(np.diff(column.astype(int)) == 1) == 40
    row = rows[round(9.5 * 196)]
    assert np.count_nonzero(np.diff(row.astype(int)) == 1) == 40


# Frames and directories


def test_every_frame_has_its_own_size_and_resolution() -> None:
    first, second = fax_page(), fax_page(1078, seed=2)
    third = Image.new("RGB", (850, 1100), "white")
    third.paste("black", (100, 100, 700, 300))
    files = [saved(first), saved(second, (204, 98)), saved(third, (100, 100), compression="tiff_lzw")]
    pages = draw(chained(files))
    assert [page.look.base for page in pages] == ["copied", "copied", "drawn"]
    assert copied(pages[0], first)
    assert pages[1].rows[:216] == black_is_1(second)[:216]
    rows = np.flatnonzero(np.frombuffer(pages[2].rows, np.uint8).reshape(-1, 216).any(axis=1))
    assert len(rows) == pytest.approx(2 * 196, abs=2)


def chained(files: list[bytes]) -> bytes:
    """One TIFF of several of one page each, their directories moved and linked (TIFF 6.0, section 2)."""
    out, link = bytearray(b"II*\0\0\0\0\0"), 4
    for data in files:
        base = len(out)
        assert data[:2] == b"II"
        body, at = bytearray(data), struct.unpack_from("<I", data, 4)[0]
        entries = struct.unpack_from("<H", data, at)[0]
        for entry in range(at + 2, at + 2 + 12 * entries, 12):
            tag, kind, number, value = struct.unpack_from("<HHII", body, entry)
            size = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[kind] * number
            if size > 4:
                if tag == 273:
                    for offset in range(value, value + 4 * number, 4):
                        struct.pack_into("<I", body, offset, struct.unpack_from("<I", body, offset)[0] + base)
                value += base
            elif tag == 273:
                value += base
            struct.pack_into("<I", body, entry + 8, value)
        struct.pack_into("<I", out, link, base + at)
        link = base + at + 2 + 12 * entries
        out += body
    return bytes(out)


def test_more_frames_than_allowed() -> None:
    page = fax_page(400)
    data = chained([saved(page)] * 5)
    assert len(draw(data, most=5)) == 5
    assert code(data, most=4) == "document_pages"


@pytest.mark.parametrize("back_to", [0, 1, 2])
def test_directories_that_lead_in_circles_end(back_to: int) -> None:
    data = bytearray(chained([saved(fax_page(400))] * 3))
    offsets, link = [], 4
    for _ in range(3):
        (offset,) = struct.unpack_from("<I", data, link)
        offsets.append(offset)
        link = offset + 2 + 12 * struct.unpack_from("<H", data, offset)[0]
    struct.pack_into("<I", data, link, offsets[back_to])
    assert len(draw(bytes(data))) == 3


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.7, 0.95])
def test_a_file_that_is_cut_off_between_its_pages_is_damaged(keep: float) -> None:
    whole = chained([saved(fax_page(400, seed=seed)) for seed in range(5)])
    assert len(draw(whole)) == 5
    assert code(whole[: int(len(whole) * keep)]) == "picture_damaged"


def test_thumbnails_among_the_pages_are_passed_over() -> None:
    page, thumbnail = fax_page(), Image.new("L", (60, 80))
    data = chained([saved(page), saved(thumbnail, compression="raw", tiffinfo={254: 1})])
    assert len(draw(data)) == 1
    endless = chained([saved(page), *[saved(thumbnail, compression="raw", tiffinfo={254: 1})] * 100])
    assert code(endless, most=5) == "document_pages"


def test_a_page_that_says_that_it_is_a_thumbnail_is_a_page() -> None:
    pages = [fax_page(seed=seed) for seed in range(3)]
    data = chained([saved(page, tiffinfo={254: number % 2}) for number, page in enumerate(pages)])
    sheets = draw(data)
    assert len(sheets) == 3
    assert all(copied(sheet, page) for sheet, page in zip(sheets, pages, strict=True))


def test_what_is_passed_over_is_said() -> None:
    mask = saved(fax_page(), tiffinfo={254: 4})
    thumbnail = saved(Image.new("L", (60, 80)), compression="raw", tiffinfo={254: 1})
    notes: list[str] = []
    part = Part(label="The file", data=chained([saved(fax_page()), mask, thumbnail]))
    drawn = picture.sheets(part, Format.TIFF, layout=FINE, notes=notes, inspect=False, most=9)
    assert len(list(drawn)) == 1
    assert notes == ["The file: 2 thumbnails or masks among its pages not faxed."]


def test_a_raw_file_of_a_camera_is_refused() -> None:
    """Its first picture is a thumbnail."""
    thumbnail = saved(Image.new("RGB", (160, 120)), compression="raw", tiffinfo={254: 1, 330: 8})
    assert code(thumbnail) == "format_unsupported"


# Damage


def tiny_tiff(
    strip: bytes, compression: int, rows: int, claimed: int | None = None, wide: int = 1728
) -> bytes:
    """A bilevel TIFF with its directory in front, so that its data can be cut."""
    length = len(strip) if claimed is None else claimed
    entries = [
        (256, wide),
        (257, rows),
        (258, 1),
        (259, compression),
        (262, 0),
        (273, 0),
        (277, 1),
        (278, rows),
    ]
    entries.append((279, length))
    at = 8 + 2 + 12 * len(entries) + 4
    packed = b"".join(struct.pack("<HHII", tag, 4, 1, at if tag == 273 else value) for tag, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4) + strip


def strip_of(page: Image.Image, compression: str) -> bytes:
    inverted = page.convert("L").point([255] + [0] * 255, "1")
    data = saved(inverted, compression=compression, strip_size=1 << 30)
    with Image.open(io.BytesIO(data)) as tiff:
        at, length = tiff.tag_v2[273][0], tiff.tag_v2[279][0]  # type: ignore[attr-defined]  # a TIFF
    return data[at : at + length]


@pytest.mark.parametrize(
    ("compression", "number"),
    [("raw", 1), ("tiff_ccitt", 2), ("group3", 3), ("group4", 4), ("tiff_lzw", 5), ("packbits", 32773)],
)
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.8, 0.99])
def test_half_a_page_is_refused(compression: str, number: int, kept: float) -> None:
    page = fax_page()
    strip = strip_of(page, compression)
    assert len(draw(tiny_tiff(strip, number, 2156))) == 1
    cut = tiny_tiff(strip[: int(len(strip) * kept)], number, 2156, claimed=len(strip))
    assert code(cut) == "picture_damaged"


def assert_pages_or_refusal(data: bytes) -> None:
    refusals = {"picture_damaged", "picture_too_large", "document_pages", "format_unsupported"}
    with contextlib.suppress(GatewayError):
        try:
            sheets = draw(data)
        except GatewayError as error:
            if error.failure.code not in refusals:
                raise AssertionError(error.failure) from error
            raise
        assert sheets
        assert all(len(sheet.rows) == 216 * sheet.height for sheet in sheets)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=400),
    st.sampled_from([1, 2, 3, 4, 5, 7, 8, 32773]),
    st.integers(0, 70_000),
    st.integers(0, 70_000),
)
@example(b"", 4, 2156, 1728)
def test_any_bytes_end_in_pages_or_a_refusal(strip: bytes, compression: int, rows: int, wide: int) -> None:
    assert_pages_or_refusal(tiny_tiff(strip, compression, rows, wide=wide))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_end_in_pages_or_a_refusal(changes: list[tuple[float, int]]) -> None:
    data = bytearray(
        chained([saved(fax_page(200)), saved(Image.new("RGB", (40, 40)), compression="tiff_lzw")])
    )
    for where, value in changes:
        data[int(where * len(data))] = value
    assert_pages_or_refusal(bytes(data))


def test_sizes_of_fax_pages_tell_the_paper() -> None:
    data = chained([saved(fax_page(rows)) for rows in (2156, 2292, 2744, 1000)])
    sizes = picture.sizes(Part(label="The file", data=data), Format.TIFF)
    letter, a4, legal, short = sizes
    assert letter == pytest.approx((8.5, 11.0), abs=0.01)
    assert a4 == pytest.approx((8.27, 11.69), abs=0.01)
    assert legal == pytest.approx((8.5, 14.0), abs=0.01)
    assert short == pytest.approx((8.47, 5.1), abs=0.01)


def test_of_a_long_file_the_first_pages_tell() -> None:
    data = chained([saved(Image.new("1", (1728, 8), 1))] * 260)
    assert len(picture.sizes(Part(label="The file", data=data), Format.TIFF)) == 200


def with_strips(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A TIFF whose strips were written over by something as long."""
    with Image.open(io.BytesIO(data)) as tiff:
        places = list(zip(tiff.tag_v2[273], tiff.tag_v2[279], strict=True))
    for at, length in places:
        data = data[:at] + change(data[at : at + length])[:length].ljust(length, b"\0") + data[at + length :]
    return data


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "all ones": lambda strip: b"\xff" * len(strip),
    "noise": lambda strip: np.random.default_rng(1).integers(0, 256, len(strip), np.uint8).tobytes(),
    "cut off": lambda strip: strip[: len(strip) // 2],
    "a hole": lambda strip: strip[: len(strip) // 4] + b"\0" * 400 + strip[len(strip) // 4 + 400 :],
}


@pytest.mark.parametrize("strip_size", [1 << 16, 1 << 30])
@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("wide", [1728, 1600])
def test_a_strip_that_is_damaged_inside_is_refused(name: str, strip_size: int, wide: int) -> None:
    data = saved(fax_page(wide=wide), strip_size=strip_size)
    assert draw(data)
    assert code(with_strips(data, DAMAGE[name])) == "picture_damaged"


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
@pytest.mark.parametrize("colour", [0, 1])
def test_a_page_of_one_colour_is_no_damage(compression: str, colour: int) -> None:
    (sheet,) = draw(saved(Image.new("1", (1728, 2156), colour), compression=compression))
    assert sheet.rows == (b"\0" if colour else b"\xff") * 216 * 2156


def test_white_pages_with_fill_bits_are_white() -> None:
    """Fax machines put zeros between rows where a row takes too little time."""
    data = saved(
        Image.new("1", (1728, 1100), 1),
        (204, 98),
        compression="group3",
        strip_size=1 << 30,
        tiffinfo={292: 4},
    )
    with Image.open(io.BytesIO(data)) as tiff:
        (at,), (count,) = tiff.tag_v2[273], tiff.tag_v2[279]
    filled = data[at : at + count].replace(b"\x00\x01", bytes(37) + b"\x01")
    longer = data.replace(struct.pack("<I", at), struct.pack("<I", len(data)), 1)
    longer = longer.replace(struct.pack("<I", count), struct.pack("<I", len(filled)), 1) + filled
    assert len(longer) > 2 * len(data)
    assert len(draw(longer, STANDARD)) == 1


def test_rows_that_a_call_has_spoilt_are_taken() -> None:
    data = saved(fax_page(), compression="group3", strip_size=1 << 30)

    def spoilt(strip: bytes) -> bytes:
        return strip[:9000] + bytes([strip[9000] ^ 0xFF]) + strip[9001:]

    assert len(draw(with_strips(data, spoilt))) == 1
