"""Header fields as bytes and as text: splitting, unfolding, encoded words. Pure, linear, never raises.

The standard library's parser raises on some junk and needs quadratic time on other, and this code reads what
strangers send, inside the daemon. It works on a block of at most 256 kB whose lines end in CRLF or LF. A bare
CR ends nothing: whoever took it for a line end would see fields that the servers on the way did not see.
"""

from __future__ import annotations

import base64
import binascii
import email.header
import encodings.aliases
import re
from typing import NamedTuple

_FIELD = re.compile(rb"(([!-9;-~]+)[ \t]*:)?([^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*)")
"""A field's label, its name, its value. RFC 5322, 2.2 and 4.5: printable ASCII but the colon; blanks before
the colon are obsolete, and read."""
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_ENCODED = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
"""RFC 2047, section 2, with the language of RFC 2231, section 5; also inside words, as many readers do."""
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")

# fmt: off
_CODECS = frozenset({
    "ascii", "utf_8", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "latin_1",
    "iso8859_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8",
    "iso8859_9", "iso8859_10", "iso8859_11", "iso8859_13", "iso8859_14", "iso8859_15", "iso8859_16",
    "koi8_r", "koi8_u", "tis_620", "mac_roman", "cp437", "cp850", "cp852", "cp855", "cp857", "cp858",
    "cp862", "cp866", "cp874", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256",
    "cp1257", "cp1258", "big5", "big5hkscs", "cp950", "gb2312", "gbk", "gb18030", "hz", "cp949", "euc_kr",
    "johab", "iso2022_kr", "cp932", "shift_jis", "shift_jis_2004", "shift_jisx0213", "euc_jp",
    "euc_jis_2004", "euc_jisx0213", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004",
    "iso2022_jp_3", "iso2022_jp_ext",
})
# fmt: on
"""Python's names of the charsets that mail uses. Its other codecs are no charsets, or take quadratic time
(idna, punycode), or make lone surrogates, which nothing can store (utf-7, the escapes)."""
_CHARSETS = {
    **{alias: codec for alias, codec in encodings.aliases.aliases.items() if codec in _CODECS},
    **{codec: codec for codec in _CODECS},
    **{f"windows_{number}": f"cp{number}" for number in (874, 932, 949, 950)},
    **{f"iso_8859_{part}_{order}": f"iso8859_{part}" for part in (6, 8) for order in "ei"},
}
"""Charset as mails write it, in lower case and with underscores, to codec. A fixed table, because Python
remembers every name that was ever asked for."""


class Field(NamedTuple):
    """One header field, or a line that is none (then `name` is empty)."""

    name: str
    """Lower case."""
    label: bytes
    """Name and colon as written."""
    value: bytes
    """Everything after the colon, with its folds and its line end."""

    @property
    def raw(self) -> bytes:
        """The field as it was read."""
        return self.label + self.value

    @property
    def text(self) -> str:
        """The value unfolded, not decoded."""
        return as_text(_FOLD.sub(b"", self.value)).strip()


def split(block: bytes) -> list[Field]:
    """The fields of a header block, in order; joined again by `raw` they are the block."""
    found = (match.groups() for match in _FIELD.finditer(block) if match[0])
    return [
        Field(name=name.decode("ascii").lower() if name else "", label=label or b"", value=value)
        for label, name, value in found
    ]


def bare_cr(block: bytes) -> bool:
    """Whether a CR stands in `block` without its LF: programs disagree on where such a line ends."""
    return block.count(b"\r") != block.count(b"\r\n")


def as_text(raw: bytes | bytearray) -> str:
    """Raw header bytes as text: UTF-8 (RFC 6532), or Latin-1, which every byte is."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def decode(text: str) -> str:
    """Unfolded text with its encoded words decoded and every run of blanks and controls made one space.

    Neighbouring encoded words are joined without the blanks between them (RFC 2047, 6.2), and their bytes
    before decoding, because writers split characters.
    """
    parts: list[str] = []
    pending, charset = bytearray(), ""
    end = 0
    for match in _ENCODED.finditer(text):
        gap = text[end : match.start()]
        neighbour = bool(pending) and not gap.strip()
        if not neighbour or charset != match[1].lower():
            parts.append(_characters(pending, charset))
            pending.clear()
        if not neighbour:
            parts.append(gap)
        charset = match[1].lower()
        pending += _word(match[2], match[3])
        end = match.end()
    parts += [_characters(pending, charset), text[end:]]
    return _CONTROLS.sub(" ", "".join(parts)).strip()


def _word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return _HEX.sub(lambda match: bytes.fromhex(match[1].decode()), raw.replace(b"_", b" "))
    raw = _NOT_BASE64.sub(b"", raw)
    try:
        # A lone last character carries no whole byte.
        return base64.b64decode(raw[: -1 if len(raw) % 4 == 1 else None] + b"==")
    except binascii.Error:
        return b""


def _characters(raw: bytes | bytearray, charset: str) -> str:
    if not raw:
        return ""
    codec = _CHARSETS.get(charset.replace("-", "_"), "ascii")
    # Those who say ASCII and those who say nothing known mean what their system wrote.
    return as_text(raw) if codec == "ascii" else raw.decode(codec, "replace")


def encode(text: str) -> bytes:
    """A field value for `text`, folded, with encoded words where it is not ASCII; ends in CRLF."""
    text = text.encode("utf-8", "replace").decode()  # lone surrogates
    if text.isascii():
        return b" " + text.encode() + b"\r\n"
    return b" " + email.header.Header(text, "utf-8", maxlinelen=75).encode(linesep="\r\n").encode() + b"\r\n"
