"""Header fields as bytes and as text: splitting, unfolding, encoded words. Pure, linear, never raises.

The standard library's parser raises on some junk and needs quadratic time on other, and this code reads what
strangers send, inside the daemon. It works on a block of at most 256 kB whose lines end in CRLF or LF.
"""

from __future__ import annotations

import base64
import binascii
import email.header
import re
from dataclasses import dataclass

_FIELD = re.compile(rb"[^\r\n]*(?:\r?\n|\r|\Z)(?:[ \t][^\r\n]*(?:\r?\n|\r|\Z))*")
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
"""RFC 5322, 2.2 and 4.5: printable ASCII but the colon; blanks before the colon are obsolete, and read."""
_FOLD = re.compile(rb"[\r\n]+(?=[ \t])")
_ENCODED = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
"""RFC 2047, section 2, with the language of RFC 2231, section 5; also inside words, as many readers do."""
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
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
    fields = []
    position = 0
    while position < len(block):
        match = _FIELD.match(block, position)
        assert match is not None
        position = match.end()
        raw = match[0]
        name = _NAME.match(raw)
        label = name[0] if name else b""
        fields.append(
            Field(
                name=name[1].decode("ascii").lower() if name else "",
                label=label,
                value=raw[len(label) :],
            )
        )
    return fields


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
    try:
        return raw.decode("utf-8" if charset in ("us-ascii", "unknown-8bit") else charset, "replace")
    except (LookupError, ValueError, UnicodeError):
        return as_text(raw)


def encode(text: str) -> bytes:
    """A field value for `text`, folded, with encoded words where it is not ASCII; ends in CRLF."""
    if text.isascii():
        return b" " + text.encode() + b"\r\n"
    return b" " + email.header.Header(text, "utf-8", maxlinelen=75).encode(linesep="\r\n").encode() + b"\r\n"
