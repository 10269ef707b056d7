"""``fax-gateway preview``: the pages of a fax without sending it, in three formats, and what is said."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from support.world import CODE, DOMAIN, OUR_NUMBER, OUTSIDE, PATIENCE, SENDER, World, a_mail, a_world, post

from gateway.lifecycle import DocumentState
from gateway.simulator.sample import invoice
from gateway.store import documents

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
    return command(directory, "preview", *arguments, config=config)


def command(directory: Path, *arguments: str, config: str = "") -> subprocess.CompletedProcess[str]:
    settings = directory / "config.toml"
    if config:
        settings.write_text(config)
        settings.chmod(0o600)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FAX_GATEWAY")}
    return subprocess.run(
        [*COMMAND, *arguments],
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
    assert report["page"][1]["source"] == 'The attachment "invoice.pdf", page 2'
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


COVER = """#let given = json(bytes(sys.inputs.given))
#set page(width: given.width * 1in, height: given.height * 1in)
From #given.organisation #given.from_name #given.from_address #given.from_number,
to #given.to_name #given.to_number, about #given.subject: #given.message.map(it => it.at(0)).join("/")"""
"""Everything but the time."""
CODE_ON_PAPER = f"The code is {CODE}, or 48<span hidden>x</span>3920."


def settings_of(directory: Path) -> dict[str, Any]:
    """What decides about the pages."""
    template = directory / "cover.typ"
    template.write_text(COVER)
    return {
        "document": {"cover": "on", "cover_template": str(template), "paper": "auto"},
        "sender": [
            {"name": "anna", "addresses": [SENDER], "code": CODE, "from_name": "Anna", "max_pages": 9}
        ],
    }


def written(directory: Path) -> str:
    """The same as a file."""
    settings = settings_of(directory)
    document = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings["document"].items())
    sender = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings["sender"][0].items())
    account = f'username = "demo@example.com"\npassword = "demo"\nfrom_number = "{OUR_NUMBER}"\n'
    mail = f'sender = "fax@{DOMAIN}"\nhost = "127.0.0.1"\n'
    return (
        f'[gateway]\ndomains = ["{DOMAIN}"]\n[voipms]\n{account}[document]\n{document}'
        f"[[sender]]\n{sender}[mail]\n{mail}"
    )


async def pages_of(world: World, queue_id: str) -> list[str]:
    """Digests of the pages that a queued fax got."""
    async with asyncio.timeout(PATIENCE):
        while True:
            document = await world.gateway.store.read(lambda tx: documents.of(tx, queue_id))
            if document.state is not DocumentState.PENDING:
                assert document.state is DocumentState.READY
                return list(document.page_digests)
            await asyncio.sleep(0.03)


async def shown(directory: Path, *arguments: str) -> list[str]:
    """Digests of the pages of a preview."""
    done = await asyncio.to_thread(
        preview, directory, *arguments, "-o", "fax.pdf", "--json", config=written(directory)
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout)["page_digests"])


async def test_a_preview_has_the_pages_that_are_sent(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(invoice())
    (tmp_path / "b.pdf").write_bytes(invoice())  # the same file is faxed once
    (tmp_path / "c.txt").write_text("Please call back.")
    (tmp_path / "d.ics").write_text("BEGIN:VCALENDAR\r\n")
    files = ["a.pdf", "b.pdf", "c.txt", "d.ics"]
    async with a_world(tmp_path, settings_of(tmp_path)) as world:
        socket = str(world.gateway.settings.gateway.control_path)
        for more in ([], ["--text", "Hello", "--subject", "Grüße"], ["--to", "5559876544"]):
            options = ["--to", OUTSIDE, *more, *files]
            sent = await asyncio.to_thread(
                command, tmp_path, "send", *options, "--socket", socket, "--json", config=written(tmp_path)
            )
            assert sent.returncode == 0, sent.stderr
            queued = await pages_of(world, json.loads(sent.stdout)["id"])
            assert await shown(tmp_path, *options) == queued
            assert len(queued) == 4


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_a_preview_of_a_mail_has_the_pages_of_the_fax_of_that_mail(
    tmp_path: Path, line_end: str
) -> None:
    mail = a_mail(
        OUTSIDE, attachments={"a.pdf": invoice(), "b.pdf": invoice()}, subject="Invoice, 5552341235"
    )
    mail.replace_header("To", f'"Jane Roe" <{OUTSIDE}@{DOMAIN}>')
    mail.get_payload()[0].set_content(f"<p>{CODE_ON_PAPER}</p>", subtype="html")
    (tmp_path / "mail.eml").write_bytes(mail.as_bytes().replace(b"\r\n", line_end.encode()))
    async with a_world(tmp_path, settings_of(tmp_path)) as world:
        address = world.gateway.smtp.addresses[0]
        reply = await asyncio.to_thread(post, address, mail, [f"{OUTSIDE}@{DOMAIN}"])
        queued = await pages_of(world, reply.split()[-1])
        options = ("--rule", "anna", "--to", OUTSIDE, "mail.eml")
        assert await shown(tmp_path, *options) == queued
        assert len(queued) == 3
        # And from the shell it is the same mail, under the rule of the shell.
        socket = str(world.gateway.settings.gateway.control_path)
        options = ("--to", OUTSIDE, "mail.eml")
        for _ in range(2):
            sent = await asyncio.to_thread(
                command, tmp_path, "send", *options, "--socket", socket, "--json", config=written(tmp_path)
            )
            assert sent.returncode == 0, sent.stderr
            assert not json.loads(sent.stdout)["repeats"]
        assert await shown(tmp_path, *options) == await pages_of(world, json.loads(sent.stdout)["id"])


def test_a_preview_refuses_what_the_rule_would(tmp_path: Path, paper: Path) -> None:
    config = CONFIG.replace("header_line = true", "max_pages = 2")
    done = preview(tmp_path, paper.name, "-o", "fax.pdf", "--rule", "office", config=config)
    assert done.returncode == 65
    assert "The fax has 3 pages and you may send 2. Send fewer pages." in done.stderr
    assert not (tmp_path / "fax.pdf").exists()


def _digest(picture: Image.Image) -> str:
    """Of packed rows in which 1 is black; Pillow has 1 for white."""
    return hashlib.sha256(bytes(0xFF ^ byte for byte in picture.convert("1").tobytes())).hexdigest()
