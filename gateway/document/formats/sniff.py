"""What a file is, told by its content; the declared type and the name are what a sender says. Pure, bounded.

Looks at the first 64 kB, and for archives at their directory. Markdown cannot be told from plain text.
"""

from __future__ import annotations

import codecs
import enum
import re

from gateway.document.formats.containers import compound_kind, zip_kind

_PDF_WITHIN = 1024  # readers accept "%PDF-" within the first kilobyte (ISO 32000-1, annex H, note 13)
_SAMPLE = 1 << 16
_HEAD = 4096
_BLANK = b"\x00\t\n\v\f\r "


class Format(enum.Enum):
    """A format, with the words a person uses for it."""

    EMPTY = "an empty file"
    PDF = "a PDF"
    JPEG = "a JPEG picture"
    PNG = "a PNG picture"
    GIF = "a GIF picture"
    TIFF = "a TIFF picture"
    WEBP = "a WebP picture"
    BMP = "a BMP picture"
    HEIF = "a HEIC picture"
    AVIF = "an AVIF picture"
    SVG = "an SVG drawing"
    METAFILE = "a Windows metafile"
    OTHER_PICTURE = "a picture of a rare kind"
    TEXT = "plain text"
    HTML = "a web page"
    MAIL = "a mail"
    CALENDAR = "a calendar entry"
    CONTACT = "a contact card"
    SIGNATURE = "a digital signature"
    KEY = "an encryption key"
    SEALED = "an encrypted or sealed message"
    DOCX = "a Word document"
    XLSX = "an Excel workbook"
    PPTX = "a PowerPoint presentation"
    ODT = "an OpenDocument text"
    ODS = "an OpenDocument spreadsheet"
    ODP = "an OpenDocument presentation"
    RTF = "an RTF document"
    DOC = "a Word 97 document"
    XLS = "an Excel 97 workbook"
    PPT = "a PowerPoint 97 presentation"
    OFFICE = "an Office document of another kind"
    OLD_OFFICE = "an old Office file of another kind"
    LOCKED = "a password-protected Office document"
    OUTLOOK = "an Outlook message file"
    TNEF = "an Outlook winmail.dat file"
    POSTSCRIPT = "a PostScript file"
    ZIP = "a ZIP archive"
    ARCHIVE = "an archive"
    SOUND = "a sound recording"
    VIDEO = "a video"
    PROGRAM = "a program"
    UNKNOWN = "of an unknown kind"


PICTURES = frozenset(
    {
        *(Format.JPEG, Format.PNG, Format.GIF, Format.TIFF),
        *(Format.WEBP, Format.BMP, Format.HEIF, Format.AVIF),
    }
)
OFFICE_FORMATS = frozenset(
    {
        *(Format.DOCX, Format.XLSX, Format.PPTX, Format.ODT, Format.ODS, Format.ODP),
        *(Format.RTF, Format.DOC, Format.XLS, Format.PPT),
    }
)
"""What LibreOffice is asked to draw."""

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"II+\x00\x08\x00\x00\x00", Format.TIFF),  # BigTIFF
    (b"MM\x00+\x00\x08\x00\x00", Format.TIFF),
    (b"BM", Format.BMP),
    (b"\xd7\xcd\xc6\x9a", Format.METAFILE),
    (b"\x01\x00\x09\x00\x00\x03", Format.METAFILE),
    (b"%!PS", Format.POSTSCRIPT),
    (b"\x04%!PS", Format.POSTSCRIPT),
    (b"\x1b%-12345X", Format.POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", Format.POSTSCRIPT),
    (b"{\\rtf", Format.RTF),
    (b"\x78\x9f\x3e\x22", Format.TNEF),
    (b"\x1f\x8b", Format.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Format.ARCHIVE),
    (b"Rar!\x1a\x07", Format.ARCHIVE),
    (b"BZh", Format.ARCHIVE),
    (b"\xfd7zXZ\x00", Format.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", Format.ARCHIVE),
    (b"PK\x05\x06", Format.ZIP),
    (b"\x7fELF", Format.PROGRAM),
    (b"MZ", Format.PROGRAM),
    (b"8BPS\x00", Format.OTHER_PICTURE),
    (b"\x00\x00\x01\x00", Format.OTHER_PICTURE),  # icon
    (b"\x00\x00\x00\x0cjP  \r\n", Format.OTHER_PICTURE),  # JPEG 2000
    (b"\xff\x4f\xff\x51", Format.OTHER_PICTURE),
    (b"\xff\x0a", Format.OTHER_PICTURE),  # JPEG XL
    (b"\x00\x00\x00\x0cJXL \r\n", Format.OTHER_PICTURE),
    (b"AT&TFORM", Format.OTHER_PICTURE),  # DjVu
    (b"ID3", Format.SOUND),
    (b"OggS", Format.SOUND),
    (b"fLaC", Format.SOUND),
    (b"#!AMR", Format.SOUND),
    (b"\x1aE\xdf\xa3", Format.VIDEO),
)
_SHORT = frozenset({Format.BMP, Format.PROGRAM, Format.ARCHIVE, Format.SOUND, Format.OTHER_PICTURE})
"""Formats whose signature may also begin a sentence."""
_ZIP_KINDS = {
    "docx": Format.DOCX,
    "xlsx": Format.XLSX,
    "pptx": Format.PPTX,
    "odt": Format.ODT,
    "ods": Format.ODS,
    "odp": Format.ODP,
    "package": Format.OFFICE,
    "": Format.ZIP,
}
_COMPOUND_KINDS = {
    "doc": Format.DOC,
    "xls": Format.XLS,
    "ppt": Format.PPT,
    "outlook": Format.OUTLOOK,
    "locked": Format.LOCKED,
    "": Format.OLD_OFFICE,
}
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RIFF = {b"WEBP": Format.WEBP, b"WAVE": Format.SOUND, b"AVI ": Format.VIDEO}
_BRANDS = {
    Format.AVIF: (b"avif", b"avis"),
    Format.HEIF: (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"),
    Format.SOUND: (b"M4A ", b"M4B "),
}
_ANY_BRANDS = (b"mif1", b"msf1")
"""Brands of pictures whatever their coding: others tell more."""
_PGP = {
    b"-----BEGIN PGP SIGNATURE-----": Format.SIGNATURE,
    b"-----BEGIN PGP PUBLIC KEY BLOCK-----": Format.KEY,
    b"-----BEGIN PGP MESSAGE-----": Format.SEALED,
}
_PKCS7 = b"\x06\x09*\x86H\x86\xf7\r\x01\x07"
_DETACHED = (b"0\x0b" + _PKCS7 + b"\x01", b"0\x80" + _PKCS7 + b"\x01\x00\x00")
"""The content of signed data (RFC 5652, 5.2) that is not there: a signature of something else."""
_OBJECT = re.compile(rb"\s*(?:%[^\r\n]*[\r\n]\s*)*\d{1,10}\s+\d{1,5}\s+obj\b")
_NEXT_OBJECT = re.compile(rb"[\r\n][ \t]*\d{1,10}\s+\d{1,5}\s+obj\b")
"""What a PDF consists of (ISO 32000-1, 7.3.10), at its beginning and after its first line."""
_COMMENTS = rb"\s*+(?:<!--(?:(?!-->).)*+-->\s*+)*+"  # possessive: what does not match ends at once
_PROLOG = rb"\s*+(?:<\?xml[^>]*+>)?" + _COMMENTS
_HTML = re.compile(_PROLOG + rb"<(?:!doctype\s+html|html|head|body|meta|div|table|p)\b", re.I | re.S)
_SVG = re.compile(_PROLOG + rb"(?:<!doctype\s++svg[^>]*+>\s*+)?<svg\b", re.I | re.S)
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n")
_MAIL_FIELDS = frozenset({b"received", b"message-id", b"mime-version", b"return-path", b"content-type"})
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def sniff(data: bytes) -> Format:
    """Tell the format of `data`."""
    if not data[:_SAMPLE].strip(_BLANK) and not data.lstrip(_BLANK):
        return Format.EMPTY
    for magic, kind in _MAGIC:
        if data.startswith(magic) and not (kind in _SHORT and _text(data)):
            return kind
    if data.startswith((b"PK\x03\x04", b"PK00PK\x03\x04")):
        return _ZIP_KINDS[zip_kind(data)]
    if data.startswith(_COMPOUND):
        return _COMPOUND_KINDS[compound_kind(data)]
    if data[:4] == b"RIFF" and data[8:12] in _RIFF:
        return _RIFF[data[8:12]]
    if data[4:8] == b"ftyp":
        return _media(data)
    if data[40:44] == b" EMF" and data[:4] == b"\x01\x00\x00\x00":
        return Format.METAFILE
    if data[128:132] == b"DICM":
        return Format.OTHER_PICTURE
    if _is_pdf(data):  # after the others: an archive may hold a PDF as it is
        return Format.PDF
    if data[:1] == b"0" and _PKCS7 in data[:64]:
        return Format.SIGNATURE if any(mark in data[:256] for mark in _DETACHED) else Format.SEALED
    text = _text(data)
    return Format.UNKNOWN if text is None else _text_kind(text)


def wide_charset(data: bytes) -> str:
    """The charset of text in two or four bytes a character, with or without byte order mark, else ``""``."""
    for mark, charset in _BOMS[1:]:
        if data.startswith(mark):
            return charset
    sample = data[:_HEAD]
    if len(data) % 2 or b"\x00" not in sample:
        return ""
    for charset, high in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        low = sample[::2] if charset == "utf-16-le" else sample[1::2]
        # Spaces, line ends and Latin letters have a zero byte, in texts of all scripts; binary has more.
        if high.count(0) * 10 >= len(high) and not low.count(0) and _reads(sample, charset):
            return charset
    return ""


def _reads(sample: bytes, charset: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(charset)().decode(sample)
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\t\n\v\f\r\u200b\u200c\u200d\u200e\u200f\ufeff\u3000" for c in text)


def _is_pdf(data: bytes) -> bool:
    """Whether it is a PDF: with something before it, or without its first line, but no text about one."""
    if _OBJECT.match(data[:_HEAD]):
        return True
    at = data.find(b"%PDF-", 0, _PDF_WITHIN)
    if at < 0 or not data[:at].removeprefix(codecs.BOM_UTF8).strip(_BLANK):
        return at >= 0
    return _text(data) is None or _NEXT_OBJECT.search(data, at, at + _HEAD) is not None


def _text(data: bytes) -> bytes | None:
    """The beginning of what reads as text in some charset, as UTF-8 if it is Unicode; None: it is no text.

    Hardly any control characters, and NUL in wide charsets only.
    """
    sample = data[:_SAMPLE]
    charset = next((charset for mark, charset in _BOMS if data.startswith(mark)), "") or wide_charset(data)
    if charset:
        decoded = sample.decode(charset, "ignore").lstrip("\ufeff")
        return decoded.encode("utf-8", "replace")
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return sample if b"\x00" not in sample and controls * 100 <= len(sample) else None


def _text_kind(text: bytes) -> Format:
    head = text[:_HEAD].lstrip()
    if head[:15].upper() == b"BEGIN:VCALENDAR":
        return Format.CALENDAR
    if head[:11].upper() == b"BEGIN:VCARD":
        return Format.CONTACT
    for armour, kind in _PGP.items():
        if head.startswith(armour):
            return kind
    if _SVG.match(head):
        return Format.SVG
    if _HTML.match(head):
        return Format.HTML
    return Format.MAIL if _is_mail(text) else Format.TEXT


def _is_mail(text: bytes) -> bool:
    """Whether it begins with a header block with an author and signs of having been a mail (RFC 5322)."""
    names: set[bytes] = set()
    text = re.sub(rb"\A(?:>?From [^\r\n]*\r?\n)", b"", text.lstrip(b"\r\n"))
    at = 0
    while found := _FIELD.match(text, at):
        names.add(found[1].lower())
        at = found.end()
    return b"from" in names and len(names & _MAIL_FIELDS) >= 2


def _media(data: bytes) -> Format:
    """By the brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one, then the compatible."""
    size = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))]
    for brand in sorted(brands, key=_ANY_BRANDS.__contains__):
        for kind, known in _BRANDS.items():
            if brand in known:
                return kind
    return Format.VIDEO
