"""Why an Office file cannot be opened, told from its container: cut off, damaged, or locked.

Looked at only when LibreOffice could not open it or nobody could tell what it is, so it may take its time; it
is bounded all the same, since an archive can promise anything. Pure.
"""

from __future__ import annotations

import io
import struct
import xml.parsers.expat
import zipfile
import zlib

_MOST_BYTES = 128 << 20
"""Of all that is unpacked to be looked at; what lies beyond is taken for good."""
_CHUNK = 1 << 18
_END = b"PK\x05\x06"
_TAIL = 65_557  # APPNOTE.TXT 4.3.16, with the longest comment
_ZIP = (b"PK\x03\x04", b"PK00PK\x03\x04")
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
CUT_OFF, _LOCKED = "is incomplete: its end is missing", "is protected by a password"
_MANIFEST = "META-INF/manifest.xml"


def is_cut_off(data: bytes) -> bool:
    """Whether it is an archive or a compound file without the directory that its beginning promises.

    A ZIP has it at its end (APPNOTE.TXT 4.3.16), a compound file where its header says (MS-CFB 2.2).
    """
    if data.startswith(_ZIP):
        return _END not in data[-_TAIL:]
    if not data.startswith(_COMPOUND) or len(data) < 52:
        return data.startswith(_COMPOUND)
    (shift,), (directory,) = struct.unpack_from("<H", data, 30), struct.unpack_from("<I", data, 48)
    return shift in (9, 12) and (directory + 1) << shift >= len(data)


def damage(data: bytes, *, deep: bool = True) -> str:
    """What is wrong with the archive, as words that follow its name: empty if nothing was found.

    `deep`: also with the XML in it.
    """
    if is_cut_off(data):
        return CUT_OFF
    if not data.startswith(_ZIP):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if _is_locked(archive):
                return _LOCKED
            left = _MOST_BYTES
            for entry in archive.infolist():
                left -= _look_at(archive, entry, left, deep=deep)
    except _Damaged as damaged:
        return str(damaged)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError):
        return "is damaged: its directory cannot be read"
    return ""


class _Damaged(Exception):  # noqa: N818  says what the archive is
    pass


def _is_locked(archive: zipfile.ZipFile) -> bool:
    """Whether it is an encrypted OpenDocument (part 2, 3.4)."""
    if _MANIFEST not in archive.namelist():
        return False
    with archive.open(_MANIFEST) as manifest:
        return b"encryption-data" in manifest.read(_CHUNK)


def _look_at(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, *, deep: bool) -> int:
    """Unpack an entry, up to so many bytes; how many it had. Raises `_Damaged`."""
    if entry.flag_bits & 1:
        raise _Damaged(_LOCKED)
    is_xml = deep and entry.filename.endswith((".xml", ".rels"))
    parser = xml.parsers.expat.ParserCreate() if is_xml else None
    size = 0
    try:
        with archive.open(entry) as content:
            while size < most and (chunk := content.read(_CHUNK)):
                size += len(chunk)
                if parser is not None:
                    parser.Parse(chunk, False)
            if parser is not None and size < most:
                parser.Parse(b"", True)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _Damaged("is damaged: a part of it cannot be unpacked") from error
    except xml.parsers.expat.ExpatError as error:
        raise _Damaged("is damaged: a part of it is broken off or is no XML") from error
    return size
