"""Outlook's winmail.dat: its text and its attachments (MS-OXTNEF; property types: MS-OXCDATA, 2.11.1). Pure.

Reads what a mail consists of and skips the rest. Bounded by the size of the file: every step consumes bytes,
nothing is copied twice, nothing recurses; a mail inside is handed out as the bytes of another winmail.dat.
Checksums are not compared: some programs write wrong ones.
"""

from __future__ import annotations

import re
import struct
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.document.formats import text

_SIGNATURE = 0x223E9F78
_ATTRIBUTE = struct.Struct("<BII")
_CHECKSUM_BYTES = 2
_MESSAGE, _ATTACHMENT = 1, 2

_SUBJECT, _BODY, _PROPERTIES, _CODE_PAGE = 0x00018004, 0x0002800C, 0x00069003, 0x00069007
_NEW_ATTACHMENT, _TITLE, _DATA, _ATTACHMENT_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005

# Property identifiers, MS-OXPROPS.
_P_SUBJECT, _P_SENDER, _P_TEXT, _P_RTF = 0x37, 0xC1A, 0x1000, 0x1009
_P_HTML, _P_HTML_CODE_PAGE = 0x1013, 0x3FDE
_P_DATA, _P_SHORT_NAME, _P_METHOD, _P_NAME = 0x3701, 0x3704, 0x3705, 0x3707
_P_TYPE, _P_CONTENT_ID = 0x370E, 0x3712
_STRING, _UNICODE, _BINARY, _OBJECT, _LONG = 0x1E, 0x1F, 0x102, 0xD, 3
_SIZES = {0: 0, 1: 0, 2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 2, 0x14: 8, 0x40: 8, 0x48: 16}
_MULTIPLE = 0x1000
_NAMED = 0x8000
_IDENTIFIER_BYTES = 16
_EMBEDDED_MESSAGE, _OLE_OBJECT = 5, 6
_CID = re.compile(rb"""\bcid:([^\s"'<>)\\{}]{1,500})""", re.I)

_CHARSETS = {
    1200: "utf-16-le",
    20127: "ascii",
    20866: "koi8-r",
    20932: "euc-jp",
    21866: "koi8-u",
    50220: "iso-2022-jp",
    50221: "iso-2022-jp",
    50222: "iso-2022-jp",
    51932: "euc-jp",
    51936: "gb2312",
    51949: "euc-kr",
    54936: "gb18030",
    65000: "utf-7",
    65001: "utf-8",
} | {28590 + part: f"iso-8859-{part}" for part in range(1, 17)}
"""Code pages that Python knows by other names than ``cp`` and the number."""

_RTF_HEADER = struct.Struct("<IIII")
_COMPRESSED, _UNCOMPRESSED = 0x75465A4C, 0x414C454D
_MOST_RTF = 32 << 20
_RTF_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


class Damaged(ValueError):  # noqa: N818  says what the file is
    """Not a whole winmail.dat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One attached file, or one attached mail."""

    name: str = ""
    data: bytes = b""
    kind: str = ""
    """Content type, if it says one."""
    content_id: str = ""
    embedded: bool = False
    """`data` is another winmail.dat."""
    ole: bool = False
    """A drawing or sheet embedded in rich text, in Windows' own form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tnef:
    """What one winmail.dat holds."""

    subject: str = ""
    sender: str = ""
    text: str = ""
    html: bytes = b""
    html_charset: str = ""
    rich_text: str = ""
    """The words of its rich text."""
    shown: frozenset[str] = frozenset()
    """Content-IDs of what stands inside of its HTML or rich text."""
    attachments: tuple[Attachment, ...] = ()


@dataclass(slots=True)
class _Found:
    """Raw values of one message or attachment, by attribute and by property."""

    attributes: dict[int, bytes] = field(default_factory=dict)
    properties: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def text(self, number: int, charset: str) -> str:
        kind, value = self.properties.get(number, (0, b""))
        if kind == _UNICODE:
            return value.decode("utf-16-le", "replace").split("\0", 1)[0]
        return _string(value, charset) if kind == _STRING else ""

    def number(self, number: int) -> int:
        kind, value = self.properties.get(number, (0, b""))
        return int(struct.unpack("<I", value)[0]) if kind == _LONG else 0

    def data(self, number: int) -> bytes:
        """The bytes of a binary property; of an object without the identifier of its interface."""
        kind, value = self.properties.get(number, (0, b""))
        return value[_IDENTIFIER_BYTES:] if kind == _OBJECT else value


def read(data: bytes) -> Tnef:
    """Take a winmail.dat apart. Raises `Damaged` for what is cut short or broken."""
    message = _Found()
    attachments: list[_Found] = []
    try:
        for level, name, value in _attributes(memoryview(data)):
            if level == _ATTACHMENT and (name == _NEW_ATTACHMENT or not attachments):
                attachments.append(_Found())
            found = attachments[-1] if level == _ATTACHMENT else message
            if name in (_PROPERTIES, _ATTACHMENT_PROPERTIES):
                found.properties |= _properties(value)
            elif name in (_SUBJECT, _BODY, _CODE_PAGE, _TITLE, _DATA):
                found.attributes[name] = bytes(value)
        return _put_together(message, attachments)
    except struct.error:
        raise Damaged("cut short") from None


def _attributes(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Level, name and value of each attribute."""
    signature, _key = struct.unpack_from("<IH", data)
    if signature != _SIGNATURE:
        raise Damaged("no winmail.dat")
    at = 6
    while at + _ATTRIBUTE.size <= len(data):
        level, name, length = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size
        if level not in (_MESSAGE, _ATTACHMENT) or at + length > len(data):
            raise Damaged("an attribute that is none")
        yield level, name, data[at : at + length]
        at += length + _CHECKSUM_BYTES
    if bytes(data[at:]).strip(b"\0\r\n"):
        raise Damaged("cut short")


def _properties(data: memoryview) -> dict[int, tuple[int, bytes]]:
    """Type and value of each property that has one value; named ones and lists are skipped."""
    found: dict[int, tuple[int, bytes]] = {}
    count = struct.unpack_from("<I", data)[0]
    at = 4
    for _ in range(count):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= _NAMED:
            at = _after_name(data, at)
        values = 1
        if kind & _MULTIPLE or kind in (_STRING, _UNICODE, _BINARY, _OBJECT):
            values = struct.unpack_from("<I", data, at)[0]
            at += 4
        begin, end, at = _extent(data, at, kind & ~_MULTIPLE, values)
        if at > len(data) + 3:  # the padding of the last value may be missing
            raise Damaged("a property that is cut short")
        if values == 1 and number < _NAMED and not kind & _MULTIPLE:
            found[number] = (kind, bytes(data[begin:end]))
    return found


def _after_name(data: memoryview, at: int) -> int:
    kind = struct.unpack_from("<I", data, at + 16)[0]
    length = struct.unpack_from("<I", data, at + 20)[0] if kind else 0
    return at + 24 + _padded(length)


def _extent(data: memoryview, at: int, kind: int, values: int) -> tuple[int, int, int]:
    """Where the last of some values begins and ends, and where the next property begins."""
    if kind in _SIZES:
        return at, at + _SIZES[kind] * values, at + _padded(_SIZES[kind] * values)
    if kind not in (_STRING, _UNICODE, _BINARY, _OBJECT):
        raise Damaged("a property of an unknown type")
    begin = end = at
    for _ in range(values):
        begin = at + 4
        end = begin + struct.unpack_from("<I", data, at)[0]
        at = begin + _padded(end - begin)
    if end > len(data):
        raise Damaged("a property that is cut short")
    return begin, end, at


def _padded(length: int) -> int:
    return length + -length % 4


def _put_together(message: _Found, attachments: list[_Found]) -> Tnef:
    pages = message.attributes.get(_CODE_PAGE, b"")
    charset = _charset(struct.unpack_from("<I", pages)[0]) if pages else ""
    html, rich = message.data(_P_HTML), uncompressed(message.data(_P_RTF))
    return Tnef(
        subject=message.text(_P_SUBJECT, charset) or _string(message.attributes.get(_SUBJECT, b""), charset),
        sender=message.text(_P_SENDER, charset),
        text=message.text(_P_TEXT, charset) or _string(message.attributes.get(_BODY, b""), charset),
        html=html,
        html_charset=_charset(message.number(_P_HTML_CODE_PAGE)),
        rich_text=_words(rich),
        shown=frozenset(
            urllib.parse.unquote_to_bytes(cid).decode("latin-1") for cid in _CID.findall(html + rich)
        ),
        attachments=tuple(_attachment(found, charset) for found in attachments),
    )


def _attachment(found: _Found, charset: str) -> Attachment:
    names = (found.text(number, charset) for number in (_P_NAME, _P_SHORT_NAME))
    title = _string(found.attributes.get(_TITLE, b""), charset)
    method = found.number(_P_METHOD)
    return Attachment(
        name=next(filter(None, names), title),
        data=found.data(_P_DATA) or found.attributes.get(_DATA, b""),
        kind=found.text(_P_TYPE, charset).lower(),
        content_id=found.text(_P_CONTENT_ID, charset).removeprefix("<").removesuffix(">"),
        embedded=method == _EMBEDDED_MESSAGE,
        ole=method == _OLE_OBJECT,
    )


def _charset(code_page: int) -> str:
    return _CHARSETS.get(code_page, f"cp{code_page}" if code_page else "")


def _string(value: bytes, charset: str) -> str:
    return text.decode(value.split(b"\0", 1)[0], charset)


def _words(rtf: bytes) -> str:
    """HTML wrapped into rich text (MS-OXRTFEX) needs no care: its tags are ignorable destinations."""
    from striprtf.striprtf import rtf_to_text  # rarely needed

    try:
        words = rtf_to_text(rtf.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]  # theirs
    except (ValueError, LookupError, OverflowError):
        raise Damaged("rich text that is none") from None
    return str(words)


def uncompressed(data: bytes) -> bytes:
    """Rich text out of its compressed form (MS-OXRTFCP). Raises `Damaged`."""
    if not data:
        return b""
    if len(data) < _RTF_HEADER.size:
        raise Damaged("rich text without header")
    size, raw_size, kind, _crc = _RTF_HEADER.unpack_from(data)
    packed = data[_RTF_HEADER.size : size + 4]
    if kind == _UNCOMPRESSED:
        return packed[:raw_size]
    if kind != _COMPRESSED or raw_size > _MOST_RTF:
        raise Damaged("rich text in an unknown form")
    return _expanded(packed, raw_size)


def _expanded(packed: bytes, raw_size: int) -> bytes:
    """LZFu: runs of eight literals or references into a window of 4096 bytes, each run after its flags.

    A reference to where the next byte will be written ends the text (2.2.2.3).
    """
    made = bytearray(_RTF_DICTIONARY)
    start = len(made)
    at = 0
    while at < len(packed) and len(made) - start < raw_size:
        flags = packed[at]
        at += 1
        for bit in range(8):
            if not flags >> bit & 1:
                made += packed[at : at + 1]
                at += 1
                continue
            reference = int.from_bytes(packed[at : at + 2], "big")
            at += 2
            back = (len(made) - (reference >> 4)) % 4096
            if not back or at > len(packed):
                return bytes(made[start : start + raw_size])
            _copy(made, back, (reference & 15) + 2)
    return bytes(made[start : start + raw_size])


def _copy(made: bytearray, back: int, count: int) -> None:
    """Repeat `count` bytes from `back` bytes ago, which may overlap what is being written."""
    if back > len(made):
        raise Damaged("rich text that refers to nothing")
    for _ in range(count):
        made.append(made[-back])
