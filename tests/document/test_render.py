"""Mails and files to pages, through the real helper and its children."""

from __future__ import annotations

import hashlib
import io
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image

from gateway.document import Renderer, RenderSettings
from gateway.errors import GatewayError, Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_mail_becomes_its_text_then_its_attachments_in_order(
    renderer: Renderer, make: Any, look: Any, out: Path
) -> None:
    mail = make.mail(
        "Hello,\n\nthe pages follow.\n",
        ("b.pdf", "application/pdf", make.pdf(pages=2)),
        ("a.png", "image/png", make.picture("PNG")),
    )
    done = await renderer.render_message(mail.as_bytes(), out)
    assert (done.path, done.pages) == (out, 4)
    assert done.notes == (
        "The text of the mail: plain text, 1 page.",
        'The attachment "b.pdf": a PDF, 2 pages.',
        'The attachment "a.png": a PNG picture, 1 page.',
    )
    text, first, second, picture = look.pages(out)
    assert 0 < look.ink(text) < 0.01
    assert first.tobytes() == second.tobytes() != text.tobytes()
    assert look.ink(picture) > 0.05


async def test_what_is_returned_is_true_of_the_file(renderer: Renderer, make: Any, out: Path) -> None:
    done = await renderer.render_message(make.mail("text").as_bytes(), out)
    content = out.read_bytes()
    assert done.digest == hashlib.sha256(content).hexdigest()
    assert done.size == len(content)
    assert len(pypdf.PdfReader(out).pages) == done.pages == len(done.page_digests) == 1
    assert [path.name for path in out.parent.iterdir()] == ["fax.pdf"]


async def test_the_same_mail_gives_the_same_bytes(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    source = tmp_path / "mail.eml"
    source.write_bytes(make.mail("text", ("a.pdf", "application/pdf", make.pdf())).as_bytes())
    first = await renderer.render_message(source, tmp_path / "1.pdf")
    second = await renderer.render_message(source.read_bytes(), tmp_path / "2.pdf")
    assert first.digest == second.digest
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()


@pytest.mark.parametrize(("paper", "rows"), [("letter", 2156), ("a4", 2292), ("legal", 2744)])
async def test_pages_have_fax_geometry(
    renderer: Renderer, make: Any, out: Path, paper: Any, rows: int
) -> None:
    await renderer.render_message(make.mail("x").as_bytes(), out, settings=RenderSettings(paper=paper))
    (image,) = pypdf.PdfReader(out).pages[0].images
    assert image.image is not None
    assert (image.image.size, image.image.mode) == ((1728, rows), "1")
    box = pypdf.PdfReader(out).pages[0].mediabox
    assert float(box.width) == pytest.approx(1728 * 72 / 204, abs=0.01)
    assert float(box.height) == pytest.approx(rows * 72 / 196, abs=0.01)


async def test_values_of_form_fields_are_on_the_page(
    renderer: Renderer, make: Any, look: Any, tmp_path: Path
) -> None:
    ink = {}
    for value in ("", "Dr. Jane Miller"):
        source = tmp_path / "form.pdf"
        source.write_bytes(make.form_pdf(value))
        await renderer.render_files([source], tmp_path / "out.pdf", settings=RenderSettings(drop_blank=False))
        # the field's rectangle, at 100 dots an inch, without its border
        ink[value] = look.ink(look.pages(tmp_path / "out.pdf")[0], (105, 215, 740, 262))
    assert ink[""] == 0
    assert ink["Dr. Jane Miller"] > 0.02


async def test_a_pdf_that_opens_without_password_is_rendered(
    renderer: Renderer, make: Any, look: Any, out: Path
) -> None:
    mail = make.mail(None, ("locked.pdf", "application/pdf", make.locked_pdf(user_password="")))
    await renderer.render_message(mail.as_bytes(), out)
    assert look.ink(look.pages(out)[0]) > 0.0005


async def test_a_landscape_page_is_turned_to_fill_the_paper(
    renderer: Renderer, make: Any, look: Any, tmp_path: Path
) -> None:
    source = tmp_path / "wide.pdf"
    source.write_bytes(make.pdf(b"20 20 752 30 re f", box="[0 0 792 612]"))
    await renderer.render_files([source], tmp_path / "out.pdf")
    left, top, right, bottom = look.extent(look.pages(tmp_path / "out.pdf")[0])
    assert bottom - top > 1000  # the bar along the lower edge now runs down the page
    assert right - left < 60
    assert left < 100  # clockwise: what was below is on the left


@pytest.mark.parametrize("rotate", [90, 270])
async def test_a_portrait_page_that_was_stored_lying_stands_upright(
    renderer: Renderer, make: Any, look: Any, tmp_path: Path, rotate: int
) -> None:
    source = tmp_path / "lying.pdf"
    letter = make.pdf(b"20 700 572 30 re f")  # a bar near the upper edge
    source.write_bytes(letter.replace(b"/Type/Page/Parent", b"/Type/Page/Rotate %d/Parent" % rotate))
    await renderer.render_files([source], tmp_path / "out.pdf")
    left, top, right, bottom = look.extent(look.pages(tmp_path / "out.pdf")[0])
    assert right - left > 700
    assert 50 < top < bottom < 200


async def test_size_is_kept_where_it_fits(renderer: Renderer, make: Any, look: Any, tmp_path: Path) -> None:
    source = tmp_path / "a5.pdf"
    source.write_bytes(make.pdf(b"0 0 420 595 re f", box="[0 0 420 595]"))
    await renderer.render_files([source], tmp_path / "out.pdf")
    left, top, right, bottom = look.extent(look.pages(tmp_path / "out.pdf")[0])
    assert right - left == pytest.approx(420 / 0.72, abs=3)
    assert bottom - top == pytest.approx(595 / 0.72, abs=3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "AVIF"])
async def test_pictures_are_told_by_content(
    renderer: Renderer, make: Any, look: Any, out: Path, kind: str
) -> None:
    mail = make.mail(None, ("scan.bin", "application/octet-stream", make.picture(kind)))
    done = await renderer.render_message(mail.as_bytes(), out)
    assert done.pages == 1
    assert 0.1 < look.ink(look.pages(out)[0]) < 0.6


async def test_a_pdf_with_a_wrong_name_and_type_is_a_pdf(renderer: Renderer, make: Any, out: Path) -> None:
    done = await renderer.render_message(
        make.mail(None, ("scan.jpg", "image/jpeg", make.pdf())).as_bytes(), out
    )
    assert done.notes == ('The attachment "scan.jpg": a PDF, 1 page.',)


async def test_all_frames_of_a_tiff_become_pages(renderer: Renderer, make: Any, out: Path) -> None:
    frames = [Image.open(io.BytesIO(make.picture("PNG"))).convert("1") for _ in range(3)]
    tiff = io.BytesIO()
    frames[0].save(tiff, "TIFF", save_all=True, append_images=frames[1:], compression="group4")
    done = await renderer.render_message(
        make.mail(None, ("fax.tif", "image/tiff", tiff.getvalue())).as_bytes(), out
    )
    assert done.pages == 3


async def test_a_fax_tiff_passes_pixel_by_pixel(renderer: Renderer, make: Any, out: Path) -> None:
    fax = Image.effect_noise((1728, 2156), 200).convert("1")
    tiff = io.BytesIO()
    fax.save(tiff, "TIFF", compression="group4", dpi=(204, 196))
    mail = make.mail(None, ("fax.tif", "image/tiff", tiff.getvalue()))
    done = await renderer.render_message(mail.as_bytes(), out)
    (image,) = pypdf.PdfReader(out).pages[0].images
    assert image.image is not None
    assert image.image.tobytes() == fax.tobytes()
    black_is_1 = fax.convert("L").point([1] * 128 + [0] * 128, "1")
    assert done.page_digests == (hashlib.sha256(black_is_1.tobytes()).hexdigest(),)


async def test_exif_orientation_is_obeyed(renderer: Renderer, make: Any, look: Any, tmp_path: Path) -> None:
    picture = Image.new("L", (400, 600), 255)
    picture.paste(0, (0, 0, 400, 60))  # a bar on top, as stored
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    source = tmp_path / "photo.jpg"
    picture.save(source, exif=exif)
    await renderer.render_files([source], tmp_path / "out.pdf")
    page = look.pages(tmp_path / "out.pdf")[0]
    left, top, right, _bottom = look.extent(page)
    assert top > 400  # the bar is at the lower end of the picture now
    assert right - left > 500


async def test_what_is_transparent_is_paper(renderer: Renderer, look: Any, tmp_path: Path) -> None:
    picture = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (200, 200, 400, 400))
    picture.save(tmp_path / "logo.png")
    await renderer.render_files([tmp_path / "logo.png"], tmp_path / "out.pdf")
    assert look.ink(look.pages(tmp_path / "out.pdf")[0]) < 0.15


async def test_sixteen_bit_grey_is_scaled(renderer: Renderer, look: Any, tmp_path: Path) -> None:
    picture = Image.new("I;16", (800, 1000), 65535)
    picture.paste(600, (100, 100, 700, 300))
    picture.save(tmp_path / "xray.png")
    await renderer.render_files([tmp_path / "xray.png"], tmp_path / "out.pdf")
    page = look.pages(tmp_path / "out.pdf")[0]
    assert look.ink(page) == pytest.approx(
        600 * 200 * 4 / (page.width * page.height) * (100 / 96) ** 2, rel=0.8
    )
    assert look.ink(page) > 0.05


async def test_the_code_never_reaches_the_page(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    marked = make.mail("My code is 483920, thanks.", ("483920.txt", "text/plain", b"again: 483920"))
    masked = make.mail("My code is ●●●, thanks.", ("●●●.txt", "text/plain", "again: ●●●".encode()))
    with_code = await renderer.render_message(marked.as_bytes(), tmp_path / "1.pdf", redact=["483920"])
    without = await renderer.render_message(masked.as_bytes(), tmp_path / "2.pdf")
    assert with_code.page_digests == without.page_digests
    assert with_code.notes == without.notes
    assert "483920" not in repr(with_code)


async def test_text_can_be_left_out(renderer: Renderer, make: Any, out: Path) -> None:
    mail = make.mail("not this", ("a.pdf", "application/pdf", make.pdf()))
    done = await renderer.render_message(mail.as_bytes(), out, include_text=False)
    assert done.pages == 1
    done = await renderer.render_message(mail.as_bytes(), out, settings=RenderSettings(text_page=False))
    assert done.pages == 1


async def test_right_to_left_text_stands_on_the_right(
    renderer: Renderer, make: Any, look: Any, out: Path
) -> None:
    await renderer.render_message(make.mail("שלום עולם").as_bytes(), out)
    left, _top, right, _bottom = look.extent(look.pages(out)[0])
    assert left > 400
    assert right > 700


async def test_characters_without_a_font_are_not_passed_over(
    renderer: Renderer, make: Any, out: Path
) -> None:
    neumes = "\U0001cf50\U0001cf51\U0001cf52"  # no font of a mail gateway has them
    done = await renderer.render_message(make.mail("A long greeting to you " + neumes).as_bytes(), out)
    assert done.notes[0] == ("The text of the mail: 3 characters without a font are shown as empty boxes.")
    with pytest.raises(GatewayError, match="a script for which the gateway has no font"):
        await renderer.render_message(make.mail(neumes).as_bytes(), out)


async def test_small_inline_pictures_are_left_out_and_large_ones_are_not(
    renderer: Renderer, make: Any, out: Path
) -> None:
    mail = EmailMessage()
    mail.set_content("<p>Hello</p><img src='cid:a'><img src='cid:b'>", subtype="html")
    for name, size in (("logo.png", (300, 100)), ("pasted.png", (600, 400))):
        mail.add_related(
            make.picture("PNG", size), "image", "png", cid=f"<{name}>", disposition="inline", filename=name
        )
    done = await renderer.render_message(mail.as_bytes(), out)
    assert done.pages == 2
    assert set(done.notes) >= {
        'The attachment "logo.png" is a small picture of the mail\'s layout and was left out.',
        'The attachment "pasted.png": a PNG picture, 1 page.',
    }


async def test_a_photograph_in_a_pdf_is_screened_where_it_stands(
    renderer: Renderer, make: Any, look: Any, out: Path
) -> None:
    jpeg = io.BytesIO()
    make.photograph((600, 600)).point([v // 2 + 60 for v in range(256)]).save(jpeg, "JPEG")
    entries = b"/Type/XObject/Subtype/Image/Width 600/Height 600/ColorSpace/DeviceGray/BitsPerComponent 8"
    picture = make.stream(jpeg.getvalue(), entries + b"/Filter/DCTDecode")
    content = b"q 300 0 0 300 100 300 cm /I Do Q BT /F 12 Tf 100 700 Td (Caption) Tj ET"
    pdf = make.pdf(content, resources=b"/XObject<</I 5 0 R>>", more=(picture,))
    await renderer.render_message(make.mail(None, ("a.pdf", "application/pdf", pdf)).as_bytes(), out)
    page = look.pages(out)[0]
    for top in range(290, 640, 50):  # mean grey 124 everywhere, as a screen and nothing else shows it
        assert look.ink(page, (160, top, 530, top + 40)) == pytest.approx(0.44, abs=0.2)


async def test_long_lines_and_words_stay_on_the_page(
    renderer: Renderer, make: Any, look: Any, out: Path
) -> None:
    await renderer.render_message(make.mail("x" * 900 + "\n" + "word " * 200).as_bytes(), out)
    left, _top, right, _bottom = look.extent(look.pages(out)[0])
    assert left > 60
    assert right < 790


async def test_columns_keep_their_pitch(renderer: Renderer, make: Any, look: Any, out: Path) -> None:
    table = "\n".join(f"{word:<12}      9" for word in ("i", "mmmmmmmmmm", "llllllllll", "W"))
    await renderer.render_message(make.mail(table).as_bytes(), out)
    page = look.pages(out)[0]
    nines = {look.extent(page.crop((210, top, 400, top + 17)))[0] for top in (81, 100, 119)}
    assert max(nines) - min(nines) <= 1


async def test_a_forwarded_mail_is_read_with_its_attachments(
    renderer: Renderer, make: Any, out: Path
) -> None:
    inner = make.mail("inner text", ("inner.pdf", "application/pdf", make.pdf()))
    outer = EmailMessage()
    outer.set_content("see below")
    outer.add_attachment(inner)
    done = await renderer.render_message(outer.as_bytes(), out)
    assert done.notes == (
        "The text of the mail: plain text, 1 page.",
        "The forwarded mail: plain text, 1 page.",
        'The attachment "inner.pdf": a PDF, 1 page.',
    )


async def test_digests_prove_that_a_pdf_shows_our_pages(renderer: Renderer, make: Any, out: Path) -> None:
    mail = make.mail("text", ("a.pdf", "application/pdf", make.pdf(pages=2)))
    done = await renderer.render_message(mail.as_bytes(), out)
    assert await renderer.page_digests(out) == done.page_digests
    # a provider may wrap our pages in a file of its own
    writer = pypdf.PdfWriter(clone_from=out)
    writer.add_metadata({"/Producer": "somebody else"})
    wrapped = io.BytesIO()
    writer.write(wrapped)
    assert await renderer.page_digests(wrapped.getvalue()) == done.page_digests
    assert await renderer.page_digests(make.pdf(b"9 9 9 9 re f")) != done.page_digests[1:2]


async def test_digests_of_what_is_no_pdf_are_refused(renderer: Renderer) -> None:
    with pytest.raises(GatewayError) as caught:
        await renderer.page_digests(b"<html>Service unavailable</html>")
    assert caught.value.failure.kind is Kind.PERMANENT


@pytest.mark.peer("qpdf")
async def test_qpdf_finds_nothing_wrong(renderer: Renderer, make: Any, out: Path) -> None:
    await renderer.render_message(
        make.mail("x", ("a.pdf", "application/pdf", make.pdf(pages=3))).as_bytes(), out
    )
    checked = subprocess.run(["qpdf", "--check", out], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "No syntax or stream encoding errors" in checked.stdout


@pytest.mark.peer("pdfimages")
async def test_poppler_sees_204_by_196_dpi_ccitt(renderer: Renderer, make: Any, out: Path) -> None:
    await renderer.render_message(make.mail("x").as_bytes(), out)
    listed = subprocess.run(["pdfimages", "-list", out], capture_output=True, text=True, check=True)
    (row,) = listed.stdout.splitlines()[2:]
    fields = row.split()
    assert fields[3:6] == ["1728", "2156", "gray"]
    assert fields[8] == "ccitt"
    assert fields[12:14] == ["204", "196"]


@pytest.mark.peer("pdfimages")
async def test_poppler_reads_the_same_pixels(
    renderer: Renderer, make: Any, out: Path, tmp_path: Path
) -> None:
    mail = make.mail(None, ("a.png", "image/png", make.picture("PNG")))
    done = await renderer.render_message(mail.as_bytes(), out)
    subprocess.run(["pdfimages", "-png", out, tmp_path / "page"], check=True)
    with Image.open(tmp_path / "page-000.png") as read:
        black_is_1 = read.convert("L").point([1] * 128 + [0] * 128, "1")
    assert done.page_digests == (hashlib.sha256(black_is_1.tobytes()).hexdigest(),)


@pytest.mark.peer("pdftoppm")
async def test_poppler_draws_dark_on_white_and_all_pages(
    renderer: Renderer, make: Any, look: Any, out: Path, tmp_path: Path
) -> None:
    mail = make.mail("x", ("a.png", "image/png", make.picture("PNG")))
    await renderer.render_message(mail.as_bytes(), out)
    subprocess.run(["pdftoppm", "-gray", "-rx", "204", "-ry", "196", out, tmp_path / "page"], check=True)
    for number, ours in enumerate(look.pages(out), 1):
        with Image.open(tmp_path / f"page-{number}.pgm") as drawn:
            assert drawn.size == (1728, 2156)
            assert look.ink(drawn) == pytest.approx(look.ink(ours), rel=0.2)
