"""``fax-gateway preview``: the pages of a fax without sending it, in three formats, and what is said of them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from gateway.simulator.sample import invoice

COMMAND = (sys.executable, "-c", "from gateway.cli import main; main()")
CONFIG = """
[gateway]
name = "Example Clinic"
domains = ["fax.example.com"]
[voipms]
username = "owner@example.com"
password = "secret"
from_number = "5552340000"
[document]
price_per_minute = 0.6
[[sender]]
name = "office"
addresses = ["*@example.com"]
code = "483920"
cover = "on"
header_line = true
[mail]
host = "127.0.0.1"
"""


def preview(directory: Path, *arguments: str, config: str = "") -> subprocess.CompletedProcess[str]:
    settings = directory / "config.toml"
    if config:
        settings.write_text(config)
        settings.chmod(0o600)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FAX_GATEWAY")}
    return subprocess.run(
        [*COMMAND, "preview", *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
        env={**clean, "FAX_GATEWAY_CONFIG": str(settings)},
        timeout=60,
        check=False,
    )


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """Two pages."""
    path = tmp_path / "invoice.pdf"
    path.write_bytes(invoice())
    return path


def test_the_report_is_true_of_the_file(tmp_path: Path, paper: Path) -> None:
    done = preview(tmp_path, paper.name, "-o", "fax.pdf", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    content = (tmp_path / "fax.pdf").read_bytes()
    assert report["bytes"] == len(content)
    assert report["digest"] == hashlib.sha256(content).hexdigest()
    with pypdfium2.PdfDocument(content) as document:
        assert report["pages"] == len(document) == len(report["page"]) == len(report["page_digests"])
    sizes = [page["bytes"] for page in report["page"]]
    assert sum(sizes) < report["bytes"]
    for rate in ("14400", "33600"):
        assert report["seconds"][rate] == pytest.approx(sum(sizes) * 8 / int(rate), abs=0.01)
    assert report["call_seconds"]["14400"] == pytest.approx(report["seconds"]["14400"] + 15 + 2 * 3, abs=0.01)
    assert report["cost"]["14400"] == pytest.approx(report["call_seconds"]["14400"] / 60 * 0.029, abs=0.001)
    assert {page["binarisation"]["base"] for page in report["page"]} == {"drawn"}
    assert report["page"][1]["source"] == 'The file "invoice.pdf", page 2'
    assert isinstance(report["accelerated"], bool)


def test_a_tiff_and_pictures_show_the_same_pages(tmp_path: Path, paper: Path) -> None:
    digests = json.loads(preview(tmp_path, paper.name, "-o", "fax.pdf", "--json").stdout)["page_digests"]
    assert preview(tmp_path, paper.name, "-o", "fax.tif").returncode == 0
    with Image.open(tmp_path / "fax.tif") as tiff:
        for number, digest in enumerate(digests):
            tiff.seek(number)
            assert _digest(tiff) == digest
    done = preview(tmp_path, paper.name, "-o", "fax.png", "--json")
    assert json.loads(done.stdout)["files"] == ["fax-1.png", "fax-2.png"]
    for name, digest in zip(("fax-1.png", "fax-2.png"), digests, strict=True):
        with Image.open(tmp_path / name) as picture:
            assert _digest(picture) == digest


def test_pictures_of_standard_pages_are_as_high_on_paper(tmp_path: Path, paper: Path) -> None:
    config = CONFIG.replace("[document]", '[document]\nresolution = "standard"')
    done = preview(tmp_path, paper.name, "-o", "fax.png", config=config)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "fax-1.png") as picture:
        assert picture.size == (1728, 1078)
        assert [round(dpi) for dpi in picture.info["dpi"]] == [204, 98]


def test_one_page_is_one_picture_of_the_name_given(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Please call back.\n")
    done = preview(tmp_path, "letter.txt", "-o", "fax.png")
    assert done.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"letter.txt", "fax.png"}


def test_a_rule_brings_its_cover_page_and_header_line(tmp_path: Path, paper: Path) -> None:
    plain = json.loads(preview(tmp_path, paper.name, "-o", "1.pdf", "--json", config=CONFIG).stdout)
    done = preview(tmp_path, paper.name, "-o", "2.pdf", "--rule", "office", "--to", "5552341234", "--json")
    ruled = json.loads(done.stdout)
    assert (plain["pages"], ruled["pages"]) == (2, 3)
    assert ruled["page"][0]["source"] == "The cover page"
    assert ruled["cost"]["per_minute"] == 0.6
    unknown = preview(tmp_path, paper.name, "-o", "3.pdf", "--rule", "ofice")
    assert unknown.returncode == 64
    assert "there is no [[sender]] named ofice; there is: office." in unknown.stderr
    assert not (tmp_path / "3.pdf").exists()


def test_what_may_not_be_legible_is_said(tmp_path: Path) -> None:
    Image.new("L", (850, 1100), 0).save(tmp_path / "dark.png", dpi=(100, 100))
    done = preview(tmp_path, "dark.png", "-o", "fax.pdf", "--json")
    report = json.loads(done.stdout)
    assert report["page"][0]["black"] > 0.9
    assert any("black" in warning for warning in report["warnings"])


def _digest(picture: Image.Image) -> str:
    """Of packed rows in which 1 is black; Pillow has 1 for white."""
    return hashlib.sha256(bytes(0xFF ^ byte for byte in picture.convert("1").tobytes())).hexdigest()
