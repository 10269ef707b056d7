"""Formats are told by content."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gateway.document.sniff import Format, sniff


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "PDF", "EPS"])
def test_what_pillow_writes(kind: str) -> None:
    out = io.BytesIO()
    Image.new("L", (20, 20)).save(out, kind)
    assert sniff(out.getvalue()).name == {"EPS": "POSTSCRIPT"}.get(kind, kind)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Format.EMPTY),
        (b"\0\0 \r\n", Format.EMPTY),
        (b"junk before\n%PDF-1.4", Format.PDF),
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
        (b"MZ\x90\x00\x03\x00\x00\x00", Format.PROGRAM),
        (b"\x1f\x8b\x08\x00\x00\x00", Format.ARCHIVE),
        (bytes(range(256)), Format.UNKNOWN),
    ],
)
def test_by_hand(data: bytes, kind: Format) -> None:
    assert sniff(data) is kind


@pytest.mark.parametrize(
    ("entry", "kind"), [("word/document.xml", Format.OFFICE), ("scan.pdf", Format.ZIP), ("a.txt", Format.ZIP)]
)
def test_zips(make: Any, entry: str, kind: Format) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, make.pdf())
    assert sniff(out.getvalue()) is kind


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1))
def test_text_is_text(text: str) -> None:
    assert sniff(("Dear all, " + text).encode()) is Format.TEXT


@given(st.binary(max_size=500))
def test_anything_has_a_format(data: bytes) -> None:
    assert isinstance(sniff(data), Format)
