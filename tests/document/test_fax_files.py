"""The PDF and the fax TIFF around the same strips, as other programs read them."""

from __future__ import annotations

import hashlib
import io
import random
import subprocess
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from gateway.document import raster
from gateway.document.fax_pdf import FaxPdf
from gateway.document.fax_tiff import FaxTiff
from gateway.document.geometry import DPI_Y, WIDTH, Resolution

HEIGHTS = (2156, 7, 2744)


def pages() -> list[bytes]:
    """Packed rows of three pages: lines, noise, nothing."""
    noise = random.Random(1).randbytes(216 * HEIGHTS[1])
    lines = (b"\xff" * 216 + b"\x0f" * 216 * 6) * (HEIGHTS[0] // 7)
    return [lines, noise, bytes(216 * HEIGHTS[2])]


def written(kind: type[FaxPdf] | type[FaxTiff], resolution: Resolution) -> bytes:
    file = io.BytesIO()
    out = kind(file, resolution)
    for rows, height in zip(pages(), HEIGHTS, strict=True):
        out.add(raster.encode(rows, height), height)
    out.finish()
    data = file.getvalue()
    assert out.size == len(data)
    assert out.digest == hashlib.sha256(data).hexdigest()
    return data


@pytest.mark.parametrize("resolution", ["fine", "standard"])
def test_a_tiff_holds_the_same_pixels_at_the_right_resolution(resolution: Resolution) -> None:
    with Image.open(io.BytesIO(written(FaxTiff, resolution))) as tiff:
        assert tiff.n_frames == 3  # type: ignore[attr-defined]
        for number, (rows, height) in enumerate(zip(pages(), HEIGHTS, strict=True)):
            tiff.seek(number)
            assert tiff.size == (WIDTH, height)
            assert tiff.info["dpi"] == (204, DPI_Y[resolution])
            assert tiff.convert("1").tobytes() == bytes(0xFF ^ byte for byte in rows)  # 1 is white there
            assert tiff.tag_v2[254] == 2  # type: ignore[attr-defined]
            assert tiff.tag_v2[297] == (number, 0)  # type: ignore[attr-defined]


@pytest.mark.parametrize("resolution", ["fine", "standard"])
def test_a_pdf_page_measures_what_its_pixels_do(resolution: Resolution) -> None:
    with pypdfium2.PdfDocument(written(FaxPdf, resolution)) as document:
        for page, height in zip(document, HEIGHTS, strict=True):
            wide, high = page.get_size()
            assert wide == pytest.approx(WIDTH / 204 * 72, abs=0.01)
            assert high == pytest.approx(height / DPI_Y[resolution] * 72, abs=0.01)


@pytest.mark.peer("tiffinfo")
def test_libtiff_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    file = tmp_path / "fax.tif"
    file.write_bytes(written(FaxTiff, "fine"))
    told = subprocess.run(["tiffinfo", "-D", file], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    assert told.stdout.count("CCITT Group 4") == 3
    assert told.stdout.count("min-is-white") == 3


@pytest.mark.peer("qpdf")
@pytest.mark.peer("gs")
@pytest.mark.peer("mutool")
@pytest.mark.peer("pdfimages")
def test_every_reader_takes_the_pdf(tmp_path: Path) -> None:
    file = tmp_path / "fax.pdf"
    file.write_bytes(written(FaxPdf, "fine"))
    subprocess.run(["qpdf", "--check", file], check=True, capture_output=True)
    for reader in (
        ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-sDEVICE=nullpage", str(file)],
        ["mutool", "draw", "-q", "-o", "/dev/null", str(file)],
    ):
        told = subprocess.run(reader, check=True, capture_output=True, text=True)
        assert "error" not in (told.stdout + told.stderr).lower()
    listed = subprocess.run(["pdfimages", "-list", file], check=True, capture_output=True, text=True).stdout
    images = [line.split() for line in listed.splitlines()[2:]]
    assert [(line[3], line[4], line[8], line[12], line[13]) for line in images] == [
        ("1728", str(height), "ccitt", "204", "196") for height in HEIGHTS
    ]
