"""What cannot be faxed ends in one clear sentence that names the file, and no file is left behind."""

from __future__ import annotations

import io
import secrets
import struct
import zipfile
import zlib
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gateway.document import Renderer, RendererDied, RenderSettings
from gateway.errors import Failure, GatewayError, Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(renderer: Renderer, message: bytes, out: Path, **more: Any) -> Failure:
    """Render what must be refused for good, and return why."""
    with pytest.raises(GatewayError) as caught:
        await renderer.render_message(message, out, **more)
    failure = caught.value.failure
    assert not isinstance(caught.value, RendererDied), failure
    assert failure.kind is Kind.PERMANENT
    assert failure.sentence.endswith(".")
    assert list(out.parent.iterdir()) == []
    return failure


async def attached(renderer: Renderer, make: Any, out: Path, name: str, data: bytes) -> Failure:
    failure = await refused(renderer, make.mail("text", (name, "application/pdf", data)).as_bytes(), out)
    assert f'"{name}"' in failure.sentence
    return failure


async def test_an_empty_file(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await attached(renderer, make, out, "scan.pdf", b"")
    assert (failure.status, failure.code) == ("5.6.1", "format_unsupported")
    assert failure.sentence == 'The attachment "scan.pdf" is empty. Check the file and send it again.'


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.7])
async def test_a_truncated_pdf_is_refused(renderer: Renderer, make: Any, out: Path, kept: float) -> None:
    whole = make.pdf(pages=8)
    message = make.mail(None, ("cut.pdf", "application/pdf", whole[: int(len(whole) * kept)])).as_bytes()
    failure = await refused(renderer, message, out)
    assert failure.code == "pdf_damaged"
    assert '"cut.pdf" is damaged' in failure.sentence


async def test_a_pdf_that_lost_no_more_than_its_table_is_whole(
    renderer: Renderer, make: Any, out: Path
) -> None:
    whole = make.pdf(pages=8)
    cut = whole[: whole.index(b"xref\n0")]
    done = await renderer.render_message(make.mail(None, ("cut.pdf", "application/pdf", cut)).as_bytes(), out)
    assert done.pages == 8
    assert done.notes[0].endswith("It was repaired, and all 8 pages were found.")


async def test_a_refusal_does_not_repeat_the_code(renderer: Renderer, make: Any, out: Path) -> None:
    message = make.mail(None, ("483920 scan.zip", "application/zip", b"PK\x03\x04")).as_bytes()
    failure = await refused(renderer, message, out, redact=["483920"])
    assert failure.sentence.startswith('The attachment "●●● scan.zip" is')


async def test_a_password(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await attached(renderer, make, out, "scan.pdf", make.locked_pdf(user_password="secret"))
    assert failure.sentence == (
        'The attachment "scan.pdf" is password-protected. Remove the password and send it again.'
    )
    assert failure.code == "pdf_password"


async def test_a_pdf_without_pages(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await attached(renderer, make, out, "none.pdf", make.pdf(pages=0))
    assert failure.code == "pdf_damaged"


async def test_a_page_count_that_hides_pages(renderer: Renderer, make: Any, out: Path) -> None:
    mail = make.mail(None, ("liar.pdf", "application/pdf", make.pdf(pages=5, count=2)))
    done = await renderer.render_message(mail.as_bytes(), out)
    assert done.pages == 5
    assert "says that it has 2 pages but holds 5" in done.notes[0]


async def test_a_page_count_that_invents_pages(renderer: Renderer, make: Any, out: Path) -> None:
    mail = make.mail(None, ("liar.pdf", "application/pdf", make.pdf(pages=1, count=19)))
    done = await renderer.render_message(mail.as_bytes(), out)
    assert done.pages == 1
    assert "says that it has 19 pages but holds 1" in done.notes[0]


async def test_too_many_pages(renderer: Renderer, make: Any, out: Path) -> None:
    message = make.mail(
        None,
        ("a.pdf", "application/pdf", make.pdf(pages=11)),
        ("b.pdf", "application/pdf", make.pdf(pages=10)),
    ).as_bytes()
    failure = await refused(renderer, message, out)
    assert (failure.status, failure.code) == ("5.3.4", "document_pages")
    assert "more than 20 pages" in failure.sentence


async def test_a_megabyte_of_text_is_refused_before_it_is_set(
    renderer: Renderer, make: Any, out: Path
) -> None:
    failure = await refused(renderer, make.mail("one line of text\n" * 60_000).as_bytes(), out)
    assert failure.code == "document_pages"


async def test_a_megabyte_without_a_line_break(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await refused(renderer, make.mail("word " * 200_000).as_bytes(), out)
    assert failure.code == "document_pages"


async def test_more_output_than_allowed(renderer: Renderer, make: Any, out: Path) -> None:
    small = RenderSettings(output_bytes=500)
    message = make.mail(None, ("a.png", "image/png", make.picture("PNG"))).as_bytes()
    failure = await refused(renderer, message, out, settings=small)
    assert (failure.status, failure.code) == ("5.3.4", "document_bytes")


async def test_nothing_to_fax(renderer: Renderer, make: Any, out: Path) -> None:
    for message in (b"", b"Subject: x\r\n\r\n", make.mail("  \n ").as_bytes()):
        failure = await refused(renderer, message, out)
        assert (failure.status, failure.code) == ("5.6.0", "document_empty")


async def test_text_that_was_left_out_is_nothing(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await refused(renderer, make.mail("text").as_bytes(), out, include_text=False)
    assert failure.code == "document_empty"


async def test_what_was_left_out_is_said_where_nothing_is_left(
    renderer: Renderer, make: Any, out: Path
) -> None:
    thread = make.mail(None, ("a.png", "image/png", make.picture("PNG", size=(1, 65535)))).as_bytes()
    failure = await refused(renderer, thread, out)
    assert failure.code == "document_empty"
    assert 'The attachment "a.png" is a small picture of the mail\'s layout' in failure.sentence


async def test_archives_are_refused_by_name(renderer: Renderer, make: Any, out: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("scan.pdf", make.pdf())
    failure = await attached(renderer, make, out, "scans.zip", archive.getvalue())
    assert failure.sentence == (
        'The attachment "scans.zip" is a ZIP archive, which cannot be faxed. '
        "Unpack it and attach the files themselves."
    )


async def test_unknown_data(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await attached(renderer, make, out, "data.pdf", bytes(range(256)) * 40)
    assert "of an unknown kind" in failure.sentence


async def test_a_recursive_drawing(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await attached(renderer, make, out, "tiny.pdf", make.recursive_pdf())
    assert failure.status == "5.6.5"
    assert failure.code in ("document_memory", "document_time")


async def test_a_packed_bomb(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await attached(renderer, make, out, "bomb.pdf", make.bomb_pdf())
    assert failure.code in ("document_memory", "document_time")
    assert "than allowed" in failure.sentence


async def test_an_endless_drawing(renderer: Renderer, make: Any, out: Path) -> None:
    failure = await attached(renderer, make, out, "endless.pdf", make.endless_pdf())
    assert failure.code == "document_time"
    assert "more computing time than allowed (2 seconds)" in failure.sentence


@pytest.mark.parametrize(
    "box", ["[0 0 14400 14400]", "[0 0 nan nan]", "[0 0 0 0]", "[0 0 1e38 1e38]", "[9 9 1 1]"]
)
async def test_odd_page_boxes_still_make_a_page(renderer: Renderer, make: Any, out: Path, box: str) -> None:
    mail = make.mail(None, ("odd.pdf", "application/pdf", make.pdf(b"0 0 900 900 re f", box=box)))
    done = await renderer.render_message(mail.as_bytes(), out)
    assert done.pages == 1


async def test_a_picture_too_large_to_draw_is_not_left_blank(
    renderer: Renderer, make: Any, out: Path
) -> None:
    entries = b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceGray/BitsPerComponent 8"
    pixels = make.stream(zlib.compress(b"\0" * 1000), entries + b"/Filter/FlateDecode")
    huge = make.pdf(b"600 0 0 700 0 0 cm /I Do", resources=b"/XObject<</I 5 0 R>>", more=(pixels,))
    failure = await attached(renderer, make, out, "map.pdf", huge)
    assert "60000 by 60000 pixels on page 1" in failure.sentence


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (12_000, 11_000), (2**31 - 1, 1)])
async def test_picture_bombs(renderer: Renderer, make: Any, out: Path, width: int, height: int) -> None:
    failure = await attached(renderer, make, out, "bomb.png", png_header(width, height))
    assert failure.code == "picture_too_large"
    assert "more than 120 million pixels" in failure.sentence


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF"])
async def test_damaged_pictures(renderer: Renderer, make: Any, out: Path, kind: str) -> None:
    whole = make.picture(kind)
    name = f"cut.{kind.lower()}"
    failure = await attached(renderer, make, out, name, whole[: len(whole) // 2])
    assert failure.code == "picture_damaged"
    assert "is damaged or incomplete" in failure.sentence


async def test_a_tiff_that_loops(renderer: Renderer, make: Any, out: Path) -> None:
    first = Image.new("1", (1728, 100))
    tiff = io.BytesIO()
    first.save(tiff, "TIFF", compression="group4")
    data = bytearray(tiff.getvalue())
    directory = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, directory)[0]
    struct.pack_into("<I", data, directory + 2 + 12 * entries, directory)  # the next directory is this one
    message = make.mail(None, ("loop.tif", "image/tiff", bytes(data))).as_bytes()
    try:
        done = await renderer.render_message(message, out)
    except GatewayError as error:
        assert error.failure.kind is Kind.PERMANENT  # noqa: PT017  either way is right, but not a hang
    else:
        assert done.pages == 1


async def test_sealed_mails(renderer: Renderer, out: Path) -> None:
    sealed = EmailMessage()
    sealed["Content-Type"] = 'application/pkcs7-mime; smime-type="enveloped-data"; name="smime.p7m"'
    sealed.set_payload("AAAA")
    failure = await refused(renderer, sealed.as_bytes(), out)
    assert "encrypted or sealed" in failure.sentence
    assert failure.code == "document_encrypted"


async def test_nesting_and_parts_are_bounded(renderer: Renderer, make: Any, out: Path) -> None:
    nested = make.mail("deep")
    for _ in range(12):
        outer = EmailMessage()
        outer.set_content("x")
        outer.add_attachment(nested)
        nested = outer
    assert (await refused(renderer, nested.as_bytes(), out)).code == "document_parts"
    crowd = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 500 + b"--b--\r\n"
    assert (await refused(renderer, crowd, out)).code == "document_parts"
    tower = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(3000)
    )
    assert (await refused(renderer, tower, out)).code == "document_parts"


async def test_names_cannot_dress_up(renderer: Renderer, make: Any, out: Path) -> None:
    name = "\u202egpj.exe\x1b[31m\n" + "n" * 300
    message = (
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''"
        + "".join(f"%{byte:02x}" for byte in name.encode()).encode()
        + b"\r\n\r\nAAECAwQFBgc=\r\n"
    )
    failure = await refused(renderer, message, out)
    assert failure.sentence.isprintable()
    assert "\u202e" not in failure.sentence
    assert "gpj.exe [31m nnn" in failure.sentence
    assert len(failure.sentence) < 300


async def test_files_that_are_not_there_or_not_files(renderer: Renderer, tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match=r'The file "gone.pdf" cannot be read: No such file') as caught:
        await renderer.render_files([tmp_path / "gone.pdf"], tmp_path / "out.pdf")
    assert caught.value.failure.kind is Kind.TEMPORARY
    with pytest.raises(GatewayError, match="is not a file"):
        await renderer.render_files([tmp_path], tmp_path / "out.pdf")
    with pytest.raises(GatewayError, match="There is no file to fax"):
        await renderer.render_files([], tmp_path / "out.pdf")


async def test_no_place_to_write_is_our_trouble(renderer: Renderer, make: Any, tmp_path: Path) -> None:
    with pytest.raises(GatewayError) as caught:
        await renderer.render_message(make.mail("x").as_bytes(), tmp_path / "gone" / "out.pdf")
    assert caught.value.failure.kind is Kind.TEMPORARY
    assert caught.value.failure.code == "document_storage"


async def test_a_full_disk_is_our_trouble(
    renderer: Renderer, make: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # every write to this device fails with ENOSPC; the file beside the destination is what is written
    monkeypatch.setattr(secrets, "token_hex", lambda _: "chance")
    out.with_name(out.name + ".chance.part").symlink_to("/dev/full")
    with pytest.raises(GatewayError) as caught:
        await renderer.render_message(make.mail("x").as_bytes(), out)
    assert caught.value.failure.kind is Kind.TEMPORARY
    assert "No space left on device" in caught.value.failure.sentence
    assert list(out.parent.iterdir()) == []


async def test_bad_documents_do_not_disturb_the_next(renderer: Renderer, make: Any, out: Path) -> None:
    helper = renderer.helper_pid
    await attached(renderer, make, out, "bomb.pdf", make.bomb_pdf())
    done = await renderer.render_message(make.mail("text").as_bytes(), out)
    assert done.pages == 1
    assert renderer.helper_pid == helper
