"""The document as a whole: paper, blank pages, parts that cannot be drawn, cover, header line, pictures."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gateway.document import Renderer, RenderSettings
from gateway.document.values import Cover, HeaderLine
from gateway.errors import GatewayError

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAIN = RenderSettings(max_pages=20)
A4 = "[0 0 595.3 841.9]"
HEADER = HeaderLine(sender="Example Clinic", number="(555) 234-0000", time="2026-01-02 03:04 EST")
ZIP = ("a.zip", "application/zip", b"PK\x03\x04" + bytes(40) + b"PK\x05\x06" + bytes(18))


async def test_the_paper_follows_the_majority(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    auto = replace(PLAIN, paper="auto")
    files = [tmp_path / "a4.pdf", tmp_path / "letter.pdf"]
    files[0].write_bytes(make.pdf(pages=2, box=A4))
    files[1].write_bytes(make.pdf())
    done = await renderer.render_files(files, tmp_path / "fax.pdf", settings=auto)
    assert done.paper == "a4"
    assert {report.rows for report in done.reports} == {2292}
    done = await renderer.render_files(files[1:], tmp_path / "fax.pdf", settings=auto)
    assert done.paper == "letter"


async def test_standard_resolution_has_half_the_rows(
    renderer: Renderer, make: Any, look: Any, tmp_path: Path
) -> None:
    mail = make.mail(
        "Hello", ("a.pdf", "application/pdf", make.pdf()), ("b.png", "image/png", make.picture("PNG"))
    )
    fine = await renderer.render_message(mail.as_bytes(), tmp_path / "fine.pdf")
    half = await renderer.render_message(
        mail.as_bytes(), tmp_path / "standard.pdf", settings=replace(PLAIN, resolution="standard")
    )
    assert [report.rows for report in half.reports] == [1078] * 3
    assert half.size < fine.size
    for one, other in zip(look.pages(fine.path), look.pages(half.path), strict=True):
        assert one.size == other.size
        assert all(abs(a - b) <= 3 for a, b in zip(look.extent(one), look.extent(other), strict=True))


async def test_blank_pages_are_left_out_and_named(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    files = [tmp_path / "blank.pdf", tmp_path / "full.pdf"]
    files[0].write_bytes(make.pdf(b"", pages=2))
    files[1].write_bytes(make.pdf())
    done = await renderer.render_files(files, tmp_path / "fax.pdf")
    assert done.pages == 1
    assert 'The file "blank.pdf", pages 1 and 2 are blank and were left out.' in done.notes
    kept = await renderer.render_files(files, tmp_path / "fax.pdf", settings=replace(PLAIN, drop_blank=False))
    assert kept.pages == 3
    with pytest.raises(GatewayError) as refused:
        await renderer.render_files(files[:1], tmp_path / "none.pdf")
    assert refused.value.failure.code == "document_blank"
    assert not (tmp_path / "none.pdf").exists()


async def test_hundreds_of_blank_backs_are_one_note(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    files = [tmp_path / "scan.pdf", tmp_path / "full.pdf"]
    files[0].write_bytes(make.pdf(b"", pages=520))
    files[1].write_bytes(make.pdf())
    many = replace(PLAIN, max_pages=1000, cpu_seconds=60)
    done = await renderer.render_files(files, tmp_path / "fax.pdf", settings=many)
    assert done.notes == (
        'The file "scan.pdf": a PDF, 520 pages.',
        'The file "full.pdf": a PDF, 1 page.',
        'The file "scan.pdf", pages 1 to 520 are blank and were left out.',
    )


async def test_pages_have_the_numbers_that_they_have_in_their_file(
    renderer: Renderer, make: Any, tmp_path: Path
) -> None:
    strips = [Image.new("L", size, 200) for size in ((850, 3000), (850, 1100))]
    strips[0].save(tmp_path / "till.tif", dpi=(100, 100), save_all=True, append_images=strips[1:])
    (tmp_path / "long.pdf").write_bytes(make.pdf(box="[0 -2208 612 792]"))
    (tmp_path / "two.pdf").write_bytes(make.pdf(pages=2))
    files = [tmp_path / name for name in ("till.tif", "long.pdf", "two.pdf")]
    keeping = replace(PLAIN, drop_blank=False)
    done = await renderer.render_files(files, tmp_path / "fax.pdf", settings=keeping)
    assert [report.source.removeprefix("The file ") for report in done.reports] == [
        *(f'"till.tif", page 1, part {part}' for part in (1, 2, 3)),
        '"till.tif", page 2',
        *(f'"long.pdf", page 1, part {part}' for part in (1, 2, 3, 4)),
        '"two.pdf", page 1',
        '"two.pdf", page 2',
    ]


async def test_a_pdf_without_its_first_line_is_mended_and_not_faxed_as_text(
    renderer: Renderer, make: Any, out: Path
) -> None:
    data = make.pdf(pages=2).replace(b"%PDF-1.7\n", b"%\xe2\xe3\xcf\xd3\n")
    done = await renderer.render_message(make.mail(None, ("a.pdf", "text/plain", data)).as_bytes(), out)
    assert done.pages == 2
    assert any("It was repaired" in note for note in done.notes)


async def test_a_part_that_cannot_be_drawn_is_noted_in_its_place(
    renderer: Renderer, make: Any, tmp_path: Path
) -> None:
    mail = make.mail("Hello", ZIP, ("b.pdf", "application/pdf", make.pdf())).as_bytes()
    with pytest.raises(GatewayError, match=r'"a\.zip" is a ZIP archive'):
        await renderer.render_message(mail, tmp_path / "fax.pdf")
    noting = replace(PLAIN, bad_part="note")
    done = await renderer.render_message(mail, tmp_path / "fax.pdf", settings=noting)
    assert [report.source for report in done.reports] == [
        "The text of the mail, page 1",
        'The attachment "a.zip", page 1',
        'The attachment "b.pdf", page 1',
    ]
    assert any(note.startswith('The attachment "a.zip" is a ZIP archive') for note in done.notes)


async def test_what_came_encrypted_or_damaged_is_noted_in_its_place_too(
    renderer: Renderer, make: Any, out: Path
) -> None:
    mail = make.mail(
        "Hello",
        ("a.p7m", "application/pkcs7-mime", b"0\x80\x06\x09*\x86H\x86\xf7\r\x01\x07\x03"),
        ("b.bin", "application/octet-stream", b"x" * 30),
        ("winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22cut"),
        ("d.pdf", "application/pdf", make.pdf()),
    )
    data = mail.as_bytes().replace(b"eHh4eHh4", b"eHh4e", 1)
    with pytest.raises(GatewayError, match=r'"a\.p7m" is encrypted'):
        await renderer.render_message(data, out)
    done = await renderer.render_message(data, out, settings=replace(PLAIN, bad_part="note"))
    assert [report.source for report in done.reports] == [
        "The text of the mail, page 1",
        *(f'The attachment "{name}", page 1' for name in ("a.p7m", "b.bin", "winmail.dat", "d.pdf")),
    ]
    assert len(done.notes) == 5  # the three say nothing of kinds and pages
    sealed = make.mail()
    sealed["Content-Type"] = "application/pkcs7-mime"
    with pytest.raises(GatewayError, match="The mail is encrypted"):
        await renderer.render_message(sealed.as_bytes(), out, settings=replace(PLAIN, bad_part="note"))


async def test_an_attachment_that_shows_nothing_is_named(renderer: Renderer, make: Any, out: Path) -> None:
    mail = make.mail("Hello", ("list.txt", "text/plain", "\u00a0\u200b\n".encode()))
    done = await renderer.render_message(mail.as_bytes(), out)
    assert done.pages == 1
    assert 'The attachment "list.txt" shows nothing that could be drawn, and makes no page.' in done.notes


async def test_nothing_but_parts_that_cannot_be_drawn_is_refused(
    renderer: Renderer, make: Any, out: Path
) -> None:
    with pytest.raises(GatewayError, match="ZIP"):
        await renderer.render_message(
            make.mail(None, ZIP, ZIP).as_bytes(), out, settings=replace(PLAIN, bad_part="note")
        )


async def test_a_header_line_is_added_above_every_page(
    renderer: Renderer, make: Any, look: Any, tmp_path: Path
) -> None:
    file = tmp_path / "two.pdf"
    file.write_bytes(make.pdf(pages=2))
    bare = await renderer.render_files([file], tmp_path / "bare.pdf")
    done = await renderer.render_files([file], tmp_path / "fax.pdf", header=HEADER)
    assert [report.rows for report in done.reports] == [2156, 2156]
    assert done.page_digests[0] != done.page_digests[1]  # "page 1/2", "page 2/2"
    assert bare.page_digests[0] == bare.page_digests[1]
    for page in look.pages(done.path):
        assert look.ink(page, (0, 0, page.width, 22)) > 0.01


@pytest.mark.parametrize(
    ("mode", "text", "covered"),
    [("off", "Hello", False), ("on", None, True), ("text", "Hello", True), ("text", None, False)],
)
async def test_when_there_is_a_cover_page(
    renderer: Renderer, make: Any, out: Path, mode: Any, text: str | None, covered: bool
) -> None:
    mail = make.mail(text, ("b.pdf", "application/pdf", make.pdf())).as_bytes()
    done = await renderer.render_message(mail, out, cover=Cover(mode=mode), header=HEADER)
    # The text stands on the cover, and nowhere else.
    assert done.pages == 1 + (covered or text is not None)
    assert any(report.source == "The cover page" for report in done.reports) == covered
    assert any("The text of the mail" in report.source for report in done.reports) == (
        text is not None and not covered
    )


async def test_words_on_the_cover_page_are_a_fax(renderer: Renderer, make: Any, out: Path) -> None:
    for mode in ("on", "text"):
        done = await renderer.render_message(make.mail("Hello").as_bytes(), out, cover=Cover(mode=mode))
        assert [report.source for report in done.reports] == ["The cover page"]
    blank = ("b.pdf", "application/pdf", make.pdf(b""))
    done = await renderer.render_message(make.mail("Hello", blank).as_bytes(), out, cover=Cover(mode="on"))
    assert done.pages == 1
    assert any("b.pdf" in note and "blank" in note for note in done.notes)
    noting = replace(PLAIN, bad_part="note")
    mail = make.mail("Hello", ZIP).as_bytes()
    done = await renderer.render_message(mail, out, cover=Cover(mode="on"), settings=noting)
    assert [report.source for report in done.reports] == ["The cover page", 'The attachment "a.zip", page 1']


@pytest.mark.parametrize("attachments", [(), (ZIP,), (("b.pdf", "application/pdf", None),)])
async def test_a_cover_page_without_words_is_none(
    renderer: Renderer, make: Any, out: Path, attachments: Any
) -> None:
    files = [(name, kind, make.pdf(b"") if data is None else data) for name, kind, data in attachments]
    mail = make.mail(None, *files).as_bytes()
    with pytest.raises(GatewayError):
        await renderer.render_message(
            mail, out, cover=Cover(mode="on"), settings=replace(PLAIN, bad_part="note")
        )
    with pytest.raises(GatewayError, match="nothing to fax"):
        await renderer.render_message(
            make.mail("Hello").as_bytes(), out, cover=Cover(mode="on"), include_text=False
        )


async def test_a_text_that_is_a_picture_is_not_lost_on_the_cover_page(
    renderer: Renderer, make: Any, out: Path
) -> None:
    mail = make.mail()
    encoded = base64.b64encode(make.picture("PNG")).decode()
    mail.set_content(f'<img src="data:image/png;base64,{encoded}">', subtype="html")
    done = await renderer.render_message(mail.as_bytes(), out, cover=Cover(mode="on"))
    assert [report.source for report in done.reports] == ["The cover page", "The text of the mail, page 1"]


TELLING = """#let given = json(bytes(sys.inputs.given))
#set page(width: given.width * 1in, height: given.height * 1in)
To #given.to_name about #given.subject"""


async def test_the_subject_that_is_given_stands_on_the_cover_page_and_not_the_mails(
    renderer: Renderer, make: Any, out: Path
) -> None:
    mail = make.mail("Hello")
    drawn = []
    for written, given in (("5552341234, 5552341235 Invoice", "Invoice"), ("Invoice", "Invoice"), ("x", "")):
        mail.replace_header("Subject", written)
        cover = Cover(mode="on", template=TELLING, fields={"subject": given})
        drawn.append((await renderer.render_message(mail.as_bytes(), out, cover=cover)).page_digests)
    assert drawn[0] == drawn[1] != drawn[2]
    mail.replace_header("Subject", "")
    cover = Cover(mode="on", template=TELLING)
    assert (await renderer.render_message(mail.as_bytes(), out, cover=cover)).page_digests == drawn[2]


@pytest.mark.parametrize(
    ("to", "cc", "name"),
    [
        ('"Jane Roe" <5552341234@fax.example.com>', "", "Jane Roe"),
        ('"Jane Roe" <+1-555-234-1234@fax.example.com>', "", "Jane Roe"),
        ('"Jane Roe" <"/FAX=+15552341234/ATTN=Lee/"@fax.example.com>', "", "Jane Roe"),
        ("Bob <bob@example.com>, x@y.z", "Jane Roe <FAX=15552341234@fax.example.com>", "Jane Roe"),
        ('"Jane Roe" <5552341235@fax.example.com>', "", ""),
        ("Bob <bob@example.com>", "", ""),
        ('"Bob" <fax@example.com>, 5552341234@fax.example.com', "", ""),
    ],
)
async def test_the_cover_page_names_whom_the_number_belongs_to_and_nobody_else(
    renderer: Renderer, make: Any, out: Path, to: str, cc: str, name: str
) -> None:
    mail = make.mail("Hello").as_bytes()
    addressed = f"To: {to}\nCc: {cc}\n".encode() + mail
    cover = Cover(mode="on", template=TELLING, number="+15552341234")
    drawn = await renderer.render_message(addressed, out, cover=cover)
    named = await renderer.render_message(mail, out, cover=replace(cover, fields={"to_name": name}))
    assert drawn.page_digests == named.page_digests


async def test_a_cover_page_counts_as_a_page(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    file = tmp_path / "two.pdf"
    file.write_bytes(make.pdf(pages=2))
    tight = replace(PLAIN, max_pages=2)
    with pytest.raises(GatewayError, match="more than 2 pages"):
        await renderer.render_files([file], tmp_path / "fax.pdf", cover=Cover(mode="on"), settings=tight)


async def test_pictures_show_the_same_pixels(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    file = tmp_path / "two.pdf"
    file.write_bytes(make.pdf(pages=2))
    done = await renderer.render_files([file], tmp_path / "fax.pdf", header=HEADER)
    pictures: list[bytes] = []

    async def take(picture: bytes) -> None:
        pictures.append(picture)

    await renderer.pictures(done.path, take)
    assert len(pictures) == 2
    import hashlib

    for data, digest in zip(pictures, done.page_digests, strict=True):
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "1", (1728, 2156))
            assert tuple(round(dpi) for dpi in picture.info["dpi"]) == (204, 196)
            rows = bytes(0xFF ^ byte for byte in picture.tobytes())  # 1 is white in a PNG
        assert hashlib.sha256(rows).hexdigest() == digest
