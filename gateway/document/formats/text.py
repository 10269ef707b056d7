"""Plain text on its way to the page: charset, flowed lines, redaction, reading direction. Pure."""

from __future__ import annotations

import codecs
import io
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.document.formats.sniff import wide_charset

TAB = 8
REDACTED = "●●●"
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_MARKS = "[\\u034f\\u200c-\\u200f\\u202a-\\u202e\\u2061-\\u2064\\u2066-\\u2069\\ufe00-\\ufe0f\\ufffe]*"
"""Marks that join, turn or choose glyphs, and what PDFium gives for a soft hyphen: they take no place."""
_NEWLINES = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_MOST_MARKS = 30
"""Marks that one letter may carry; some fonts' rules take minutes for thousands, and crash."""
_DETECTED_BYTES = 1 << 16
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; `rtl` when its first letter is of a right-to-left script (UAX 9, rules P2 and P3)."""

    text: str
    rtl: bool


def decode(data: bytes, declared: str) -> str:
    """Decode by byte order mark, the declared charset, UTF-8, Windows-1252, then the detector; never fails.

    The detector comes last because on short texts it guesses worse than Windows-1252.
    """
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig", "replace")
    if wide := wide_charset(data):
        return data.decode(wide, "replace").removeprefix("\ufeff")
    # A declared us-ascii or latin-1 is often a default nobody chose; UTF-8 that decodes is UTF-8.
    weak = declared.lower() in ("", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "unknown-8bit")
    for charset in ("utf-8", declared, "cp1252") if weak else (declared, "utf-8", "cp1252"):
        try:
            if charset and _is_text_codec(charset):
                return data.decode(charset)
        except (LookupError, ValueError):  # also what odd codecs make of odd bytes and names
            continue
    from charset_normalizer import from_bytes  # rarely needed, and slow to import

    best = from_bytes(data[:_DETECTED_BYTES]).best()
    return data.decode(best.encoding if best is not None else "cp1252", "replace")


def decode_html(data: bytes, declared: str) -> str:
    """Source of an HTML document: like `decode`, but a meta tag is asked where no charset is declared."""
    meta = _META_CHARSET.search(data[:4096])
    return decode(data, declared or (meta.group(1).decode() if meta else ""))


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the lines of format=flowed text to paragraphs (RFC 3676, 4.1); quotes and signature lines stay."""
    whole = io.StringIO()
    begun = open_line = False
    for line in _cut(text):
        quoted = line.startswith(">")
        content = line if quoted else line.removeprefix(" ")  # space-stuffing
        flows = line.endswith(" ") and line != "-- " and not quoted
        if flows and delete_space:
            content = content[:-1]
        joins = open_line and not quoted and line != "-- "
        whole.write(content if joins or not begun else "\n" + content)
        begun, open_line = True, flows
    return whole.getvalue()


def redact(text: str, words: Sequence[str]) -> str:
    """Replace each of `words` where it stands as a word of its own, in any case, by a blackened mark."""
    pattern = code_words(words)
    return text if pattern is None else pattern.sub(REDACTED, joined(text))


def code_words(words: Sequence[str]) -> re.Pattern[str] | None:
    """What finds each of `words` in a `joined` text; None where there are none."""
    wanted = [_MARKS.join(map(re.escape, word)) for word in sorted(set(words), key=len, reverse=True) if word]
    if not wanted:
        return None
    letter = r"[^\W_]"
    return re.compile(rf"(?<!{letter})(?:{'|'.join(wanted)})(?!{letter})", re.IGNORECASE)


def joined(text: str) -> str:
    """The text without characters that could cut a word in two for a search, but not for a reader."""
    return text.translate(_INVISIBLE)


def lines(text: str) -> list[Line]:
    """Cut into lines that hold nothing but printable characters and spaces; no blank lines around them."""
    return list(each_line(text))


def each_line(text: str) -> Iterator[Line]:
    """The same, one by one: a text may have more lines than there is memory for."""
    begun, blank = False, 0
    for piece in _cut(joined(text)):
        line = _printable(piece.expandtabs(TAB)).rstrip()
        if line:
            yield from itertools.repeat(Line(text="", rtl=False), blank)
            yield Line(text=line, rtl=_is_rtl(line))
            begun, blank = True, 0
        elif begun:
            blank += 1


def _cut(text: str) -> Iterator[str]:
    """As ``str.splitlines`` has it, one by one."""
    at = 0
    for found in _NEWLINES.finditer(text):
        yield text[at : found.start()]
        at = found.end()
    if at < len(text):
        yield text[at:]


def is_columnar(cut: Sequence[Line]) -> bool:
    """Whether lines are aligned with spaces, as tables and listings are, so that they need a fixed pitch."""
    used = [line.text for line in cut if line.text]
    gaps = sum(1 for line in used if re.search(r"\S {3,}\S", line) or re.search(r"[|+─│]", line))
    return gaps >= 3 and gaps * 5 >= len(used)


def _is_text_codec(charset: str) -> bool:
    """Python also has codecs such as zip or rot13; they are no charsets."""
    return codecs.lookup(charset)._is_text_encoding  # CPython's only mark of it


def _printable(line: str) -> str:
    shown = "".join(c if c.isprintable() or c in "\u200c\u200d\u200e\u200f" else " " for c in line)
    return shown if shown.isascii() else _with_few_marks(shown)


def _with_few_marks(line: str) -> str:
    kept, marks = [], 0
    for character in line:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _is_rtl(line: str) -> bool:
    for character in line:
        direction = unicodedata.bidirectional(character)
        if direction in ("R", "AL"):
            return True
        if direction == "L":
            return False
    return False
