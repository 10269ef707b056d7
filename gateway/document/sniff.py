"""What a file is, told by its content; the declared type and the name are what a sender says. Pure."""

from __future__ import annotations

import enum
import re

_PDF_WITHIN = 1024  # readers accept "%PDF-" within the first kilobyte (ISO 32000-1, annex H, note 13)
_TEXT_SAMPLE = 1 << 16


class Format(enum.Enum):
    """A format, with the words a person uses for it."""

    EMPTY = "an empty file"
    PDF = "a PDF"
    JPEG = "a JPEG picture"
    PNG = "a PNG picture"
    GIF = "a GIF picture"
    TIFF = "a TIFF picture"
    TEXT = "plain text"
    HTML = "a web page"
    CALENDAR = "a calendar entry"
    CONTACT = "a contact card"
    WEBP = "a WebP picture"
    HEIF = "a HEIC or AVIF picture"
    BMP = "a BMP picture"
    SVG = "an SVG drawing"
    POSTSCRIPT = "a PostScript file"
    RTF = "an RTF document"
    OFFICE = "an Office document"
    OLD_OFFICE = "an old Office document or an Outlook message"
    TNEF = "an Outlook winmail.dat file"
    ZIP = "a ZIP archive"
    ARCHIVE = "an archive"
    PROGRAM = "a program"
    UNKNOWN = "of an unknown kind"


PICTURES = frozenset({Format.JPEG, Format.PNG, Format.GIF, Format.TIFF})

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"BM", Format.BMP),
    (b"%!PS", Format.POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", Format.POSTSCRIPT),
    (b"{\\rtf", Format.RTF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format.OLD_OFFICE),
    (b"\x78\x9f\x3e\x22", Format.TNEF),
    (b"\x1f\x8b", Format.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Format.ARCHIVE),
    (b"Rar!\x1a\x07", Format.ARCHIVE),
    (b"BZh", Format.ARCHIVE),
    (b"\xfd7zXZ\x00", Format.ARCHIVE),
    (b"\x7fELF", Format.PROGRAM),
    (b"MZ", Format.PROGRAM),
)
_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_OFFICE_ENTRIES = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"mimetypeapplication/vnd.oasis")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_COMMENTS = rb"\s*(?:<!--.*?-->\s*)*"
_HTML = re.compile(_COMMENTS + rb"<(?:!doctype\s+html|html|head|body|meta|div|table|p)\b", re.I | re.S)
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*>)?" + _COMMENTS + rb"(?:<!doctype\s+svg[^>]*>\s*)?<svg\b", re.I | re.S)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"


def sniff(data: bytes) -> Format:
    """Tell the format of `data`."""
    if not data.strip(b"\x00\t\n\r "):
        return Format.EMPTY
    for magic, kind in _MAGIC:
        if data.startswith(magic) and not (kind in _SHORT and _is_text(data)):
            return kind
    if data.startswith(b"PK\x03\x04"):
        return Format.OFFICE if any(entry in data[:4096] for entry in _OFFICE_ENTRIES) else Format.ZIP
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS:
        return Format.HEIF
    if b"%PDF-" in data[:_PDF_WITHIN]:  # after the others: an archive may hold a PDF as it is
        return Format.PDF
    return _text_kind(data) if _is_text(data) else Format.UNKNOWN


_SHORT = frozenset({Format.BMP, Format.PROGRAM, Format.ARCHIVE})
"""Formats whose signature may also begin a sentence."""


def _is_text(data: bytes) -> bool:
    """Whether it reads as text in some charset: hardly any control characters, NUL only in UTF-16."""
    sample = data[:_TEXT_SAMPLE]
    if sample.startswith(_BOMS):
        return True
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return b"\x00" not in sample and controls * 100 <= len(sample)


def _text_kind(data: bytes) -> Format:
    head = data[:4096].removeprefix(_BOMS[0])
    if head.lstrip()[:15].upper() == b"BEGIN:VCALENDAR":
        return Format.CALENDAR
    if head.lstrip()[:11].upper() == b"BEGIN:VCARD":
        return Format.CONTACT
    if _SVG.match(head):
        return Format.SVG
    return Format.HTML if _HTML.match(head) else Format.TEXT
