"""What is inside a ZIP archive or an OLE compound file, told by the names of what they hold. Pure, bounded.

ZIP: APPNOTE.TXT 4.3.12 (central directory) and 4.3.16 (its end). Office packages: ECMA-376 part 2 (OPC) and
OpenDocument 1.3 part 2, 3.3 (``mimetype`` is the first entry, stored). Compound files: MS-CFB.
"""

from __future__ import annotations

import re
import struct

_TAIL = 65_557  # the end record with the longest comment
_DIRECTORY_BYTES = 1 << 18
_PACKAGES = (
    (re.compile(rb"(?<![\w/.])word/document\d*\.xml"), "docx"),
    (re.compile(rb"(?<![\w/.])xl/workbook\d*\.(?:xml|bin)"), "xlsx"),
    (re.compile(rb"(?<![\w/.])ppt/presentation\d*\.xml"), "pptx"),
    (re.compile(rb"(?<![\w/.])\[Content_Types\]\.xml"), "package"),
)
_OPEN_DOCUMENTS = ((b"text", "odt"), (b"spreadsheet", "ods"), (b"presentation", "odp"), (b"", "package"))
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument."
_ENTRY_NAME_AT = 30

_FREE = 0xFFFFFFFA
"""Sector numbers from here on are marks."""
_HEADER_FAT = 109
_MOST_SECTORS = 256
_ENTRY = struct.Struct("<64sHBBIII")
_ENTRY_BYTES = 128
_MOST_CHILDREN = 1024
_STREAMS = {
    "worddocument": "doc",
    "workbook": "xls",
    "book": "xls",
    "powerpoint document": "ppt",
    "__properties_version1.0": "outlook",
    "encryptedpackage": "locked",
}


def zip_kind(data: bytes) -> str:
    """``docx xlsx pptx odt ods odp``, ``package`` for another office package, ``""`` for other archives."""
    if data.startswith(_OPEN_DOCUMENT, _ENTRY_NAME_AT):
        kind = data[_ENTRY_NAME_AT + len(_OPEN_DOCUMENT) :][:40]
        return next(name for prefix, name in _OPEN_DOCUMENTS if kind.startswith(prefix))
    names = _central_directory(data) or data[:4096]
    return next((name for pattern, name in _PACKAGES if pattern.search(names)), "")


def _central_directory(data: bytes) -> bytes:
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _TAIL))
    if end < 0 or len(data) < end + 20:
        return b""
    size, offset = struct.unpack_from("<II", data, end + 12)
    size = min(size, end)
    # Counted from the end record, so that junk before the archive does no harm.
    begin = end - size if data.startswith(b"PK\x01\x02", end - size) else offset
    return data[begin : begin + min(size, _DIRECTORY_BYTES)]


def compound_kind(data: bytes) -> str:
    """``doc xls ppt outlook locked``, or ``""`` for a compound file that holds something else.

    Only the root's own streams count: a Word document may hold a whole spreadsheet.
    """
    try:
        names = _root_streams(data)
    except struct.error:
        return ""
    return next((kind for name, kind in _STREAMS.items() if name in names), "")


def without_macbinary(data: bytes) -> bytes:
    """The file itself, if it comes in the header and padding of MacBinary (I to III)."""
    if len(data) > 128 and data[0] == data[74] == data[82] == 0 and 1 <= data[1] <= 63 and any(data[65:73]):
        size, resources = struct.unpack_from(">II", data, 83)
        padded = 128 + -(-size // 128) * 128 + -(-resources // 128) * 128
        if size and padded - 128 < len(data) <= padded:
            return data[128 : 128 + size]
    return data


def _root_streams(data: bytes) -> set[str]:
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        return set()
    directory = _directory(data, shift)
    entries = [_ENTRY.unpack_from(directory, at) for at in range(0, len(directory) - 127, _ENTRY_BYTES)]
    names: set[str] = set()
    seen: set[int] = set()
    waiting = [entries[0][6]] if entries else []
    while waiting and len(seen) < _MOST_CHILDREN:
        number = waiting.pop()
        if number < len(entries) and number not in seen:
            seen.add(number)
            name, length, _kind, _colour, left, right, _child = entries[number]
            names.add(name[: max(0, length - 2)].decode("utf-16-le", "replace").lower())
            waiting += [left, right]
    return names


def _directory(data: bytes, shift: int) -> bytes:
    """The directory's sectors, in order."""
    size = 1 << shift
    fat = struct.unpack_from(f"<{_HEADER_FAT}I", data, 76)
    sector = struct.unpack_from("<I", data, 48)[0]
    pieces: list[bytes] = []
    while sector < _FREE and len(pieces) < _MOST_SECTORS:
        begin = (sector + 1) << shift
        pieces.append(data[begin : begin + size])
        index, entry = divmod(sector, size // 4)
        if index >= _HEADER_FAT or fat[index] >= _FREE:
            break
        sector = struct.unpack_from("<I", data, ((fat[index] + 1) << shift) + 4 * entry)[0]
    return b"".join(pieces)
