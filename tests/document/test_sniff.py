"""Formats are told by content."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.document.formats.sniff import Format, sniff, wide_charset

PKCS7 = b"\x06\x09*\x86H\x86\xf7\r\x01\x07"
SIGNED = b"0\x82\x01\x00" + PKCS7 + b"\x02\xa0\x80\x30\x80\x02\x01\x01"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF", "BMP", "PDF", "EPS"])
def test_what_pillow_writes(kind: str) -> None:
    out = io.BytesIO()
    Image.new("L", (20, 20)).save(out, kind)
    assert sniff(out.getvalue()).name == {"EPS": "POSTSCRIPT"}.get(kind, kind)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Format.EMPTY),
        (b"\0\0 \r\n", Format.EMPTY),
        (b"junk before\n%PDF-1.4\n1 0 obj\n<<>>\nendobj", Format.PDF),
        (b"\x1b%-1\x00\x01\n%PDF-1.4\n", Format.PDF),
        (b"\xef\xbb\xbf\r\n%PDF-1.4", Format.PDF),
        (b"%\xe2\xe3\xcf\xd3\n1 0 obj <</Type/Catalog>>", Format.PDF),
        (b"% a\r\n\r\n%b\r12 0 obj\r<<>>", Format.PDF),
        (b"A PDF begins with %PDF-1.7.\nThat is all.", Format.TEXT),
        (b"% of the parcels\n1 0 objections", Format.TEXT),
        ("Begins with %PDF-.".encode("utf-16"), Format.TEXT),
        (b"x" * 2000 + b"%PDF-1.4", Format.TEXT),
        (b"BMW has called.", Format.TEXT),
        (b"MZ is a code", Format.TEXT),
        ("Grüße".encode("cp1252"), Format.TEXT),
        ("text".encode("utf-16"), Format.TEXT),
        (b"\xef\xbb\xbf<html><body>x", Format.HTML),
        (b"<!-- x -->\n<!DOCTYPE html>", Format.HTML),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", Format.SVG),
        (b"<?xml version='1.0'?><invoice/>", Format.TEXT),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0", Format.CALENDAR),
        (b"\r\nbegin:vcard\r\n", Format.CONTACT),
        (b"{\\rtf1\\ansi x}", Format.RTF),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", Format.HEIF),
        (b"\x78\x9f\x3e\x22\x00", Format.TNEF),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", Format.OLD_OFFICE),
        (b"II+\0\x08\0\0\0", Format.TIFF),
        (b"MM\0+\0\x08\0\0", Format.TIFF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", Format.AVIF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", Format.HEIF),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1avif", Format.HEIF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0miafmif1", Format.HEIF),
        (b"\0\0\0\x1cftypM4A \0\0\0\0mp42isom", Format.SOUND),
        (b"\0\0\0\x1cftypmp42\0\0\0\0mp42isom", Format.VIDEO),
        (b"RIFF\0\0\0\0WAVEfmt ", Format.SOUND),
        (b"ID3\x03\0\0\0", Format.SOUND),
        (b"ID3 of the tax form", Format.TEXT),
        (b"\x04%!PS-Adobe", Format.POSTSCRIPT),
        (b"\x1b%-12345X@PJL", Format.POSTSCRIPT),
        (b"\xd7\xcd\xc6\x9a\0\0", Format.METAFILE),
        (b"\x01\0\0\0" + bytes(36) + b" EMF\0\0", Format.METAFILE),
        (bytes(128) + b"DICM\x02\0", Format.OTHER_PICTURE),
        (b"\0\0\0\x0cjP  \r\n\x87\n", Format.OTHER_PICTURE),
        (b"PK\x05\x06" + bytes(18), Format.ZIP),
        (b"<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML'>", Format.HTML),
        ("<html>x".encode("utf-16"), Format.HTML),
        ("BEGIN:VCARD".encode("utf-16-le"), Format.CONTACT),
        ("\ufeffGrüße, Welt".encode("utf-32"), Format.TEXT),
        ("Grüße, Welt".encode("utf-16-be"), Format.TEXT),
        ("Здравствуйте, все.\r\n".encode("utf-16-le"), Format.TEXT),
        (b"-----BEGIN PGP SIGNATURE-----\n", Format.SIGNATURE),
        (b"-----BEGIN PGP MESSAGE-----\n", Format.SEALED),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", Format.KEY),
        (SIGNED + b"\x31\x00\x30\x0b" + PKCS7 + b"\x01\xa0", Format.SIGNATURE),
        (SIGNED + b"\x31\x00\x30\x82\x01\x00" + PKCS7 + b"\x01\xa0", Format.SEALED),
        (b"0\x80" + PKCS7 + b"\x03\xa0", Format.SEALED),
        (b"From: a@example.com\nMIME-Version: 1.0\nMessage-ID: <x>\n\ntext", Format.MAIL),
        (b"From a Mon\nReceived: x\n by y\nReturn-Path: <>\nFrom: a\n\ntext", Format.MAIL),
        (b"From: Ann\nTo: Bob\nSubject: lunch\n\nAt one?", Format.TEXT),
        (b"MZ\x90\x00\x03\x00\x00\x00", Format.PROGRAM),
        (b"\x1f\x8b\x08\x00\x00\x00", Format.ARCHIVE),
        (bytes(range(256)), Format.UNKNOWN),
    ],
)
def test_by_hand(data: bytes, kind: Format) -> None:
    assert sniff(data) is kind


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("word/document.xml", Format.DOCX),
        ("word/document2.xml", Format.DOCX),
        ("xl/workbook.xml", Format.XLSX),
        ("xl/workbook.bin", Format.XLSX),
        ("ppt/presentation.xml", Format.PPTX),
        ("[Content_Types].xml", Format.OFFICE),
        ("backup/word/document.xml", Format.ZIP),
        ("scan.pdf", Format.ZIP),
        ("a.txt", Format.ZIP),
    ],
)
def test_zips(make: Any, entry: str, kind: Format) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, make.pdf())
    assert sniff(out.getvalue()) is kind


@pytest.mark.parametrize("junk", [b"", b"PK00"])
def test_the_directory_of_an_archive_counts_not_its_beginning(junk: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/media/scan.png", b"x" * 100_000)
        archive.writestr("word/document.xml", b"<w:document/>")
        archive.comment = b"a comment"
    assert sniff(junk + out.getvalue()) is Format.DOCX


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text", Format.ODT),
        ("text-template", Format.ODT),
        ("spreadsheet", Format.ODS),
        ("presentation", Format.ODP),
        ("graphics", Format.OFFICE),
    ],
)
def test_open_documents(kind: str, expected: Format) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
    assert sniff(out.getvalue()) is expected


def compound(*names: str, inner: str = "") -> bytes:
    """A compound file (MS-CFB) whose root holds streams of these names, its directory in two far sectors."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    tree = ["Root Entry", *names, *([inner] if inner else [])]
    entries = b""
    for number, name in enumerate(tree):
        written = (name + "\0").encode("utf-16-le")
        right = number + 1 if 0 < number < len(names) else free
        child = 1 if number == 0 else len(tree) - 1 if inner and number == 1 else free
        entries += struct.pack("<64sHBBIII", written, len(written), 1, 1, free, right, child) + bytes(48)
    entries = entries.ljust(1024, b"\0")
    fat = struct.pack("<128I", *[0xFFFFFFFD, 3, free, end], *[free] * 124)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(22) + struct.pack("<H", 9)
    head = head.ljust(48, b"\0") + struct.pack("<I", 1)
    head = head.ljust(76, b"\0") + struct.pack("<109I", 0, *[free] * 108)
    return head + fat + entries[:512] + bytes(512) + entries[512:]


@pytest.mark.parametrize(
    ("names", "inner", "kind"),
    [
        (["a", "b", "c", "WordDocument"], "", Format.DOC),
        (["Workbook"], "", Format.XLS),
        (["a", "b", "c", "d", "Book"], "", Format.XLS),
        (["PowerPoint Document"], "", Format.PPT),
        (["__properties_version1.0"], "", Format.OUTLOOK),
        (["EncryptionInfo", "EncryptedPackage"], "", Format.LOCKED),
        (["WordDocument"], "Workbook", Format.DOC),
        (["ObjectPool"], "Workbook", Format.OLD_OFFICE),
        (["Thumbs"], "", Format.OLD_OFFICE),
    ],
)
def test_compound_files_by_their_roots_streams(names: list[str], inner: str, kind: Format) -> None:
    assert sniff(compound(*names, inner=inner)) is kind


def test_a_directory_that_loops_ends() -> None:
    data = bytearray(compound("a", "b", "c", "d"))
    struct.pack_into("<I", data, 512 + 4 * 3, 1)
    assert sniff(bytes(data)) is Format.OLD_OFFICE
    struct.pack_into("<I", data, 1024 + 128 + 68, 1)  # an entry beside itself
    assert sniff(bytes(data)) is Format.OLD_OFFICE


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        ("text".encode("utf-16"), "utf-16"),
        ("text".encode("utf-32"), "utf-32"),
        ("some text".encode("utf-16-le"), "utf-16-le"),
        ("some text".encode("utf-16-be"), "utf-16-be"),
        (b"some text", ""),
        (b"\x01\x00\x02\x00", ""),
        (b"", ""),
    ],
)
def test_wide_charsets(data: bytes, charset: str) -> None:
    assert wide_charset(data) == charset


@pytest.mark.parametrize("comments", [1, 24, 20_000])
def test_many_comments_before_a_page_take_no_time(comments: int) -> None:
    prolog = b"<?xml version='1.0'?>\n" + b"<!-- a line -->\n" * comments
    assert sniff(prolog + b"<other/>") is Format.TEXT
    assert sniff(b"<!-- open " * comments) is Format.TEXT
    if len(prolog) < 4000:
        assert sniff(prolog + b"<html><p>x") is Format.HTML
        assert sniff(prolog + b"<svg></svg>") is Format.SVG


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1))
def test_text_is_text(text: str) -> None:
    assert sniff(("Dear all, " + text).encode()) is Format.TEXT


beginnings = st.sampled_from(
    [
        b"",
        compound("Workbook"),
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"0\x82",
        b"\0\0\0\xffftypheic",
        b"\xff\xfe",
        b"From: ",
    ]
)


@settings(max_examples=500)
@given(beginnings, st.integers(0, 600), st.binary(max_size=500))
def test_anything_has_a_format(begin: bytes, at: int, data: bytes) -> None:
    assert isinstance(sniff(begin[:at] + data + begin[at:]), Format)
