"""The mail's own text: the pieces of it that a mail has, as one part and as plain text.

Mail programs put text before, between and after attachments. All of it makes one part: plain text if every
piece is plain, else one HTML text in which plain pieces stand as they are.
"""

from __future__ import annotations

import html as entities
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.document.formats import text
from gateway.document.formats.parts import Part

_CID = re.compile(r"""\bcid:([^\s"'<>)]{1,500})""", re.I)
_PICTURE = re.compile(r"<(?:img|v:imagedata|svg)\b|\burl\(", re.I)
_PLAIN = '<pre style="white-space: pre-wrap; font-family: sans-serif">{}</pre>\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    words: str
    data: bytes = b""
    charset: str = ""
    rich: bool = False


@dataclass(slots=True)
class MailText:
    """Collects the pieces of one mail's text. Of blank pieces nothing is kept."""

    heading: str = ""
    """Stands above the text, which does not become a text by it."""
    _pieces: list[_Piece] = field(default_factory=list)

    def add(self, words: str) -> None:
        """Add plain text."""
        if words.strip():
            self._pieces.append(_Piece(words=words))

    def add_html(self, data: bytes, charset: str) -> None:
        """Add HTML as it came, with its declared charset."""
        from gateway.document.formats import html  # a renderer for files alone does without its parser

        words = html.to_text(data, charset)
        if words.strip() or _PICTURE.search(text.decode_html(data, charset)):
            self._pieces.append(_Piece(words=words, data=data, charset=charset, rich=True))

    def __bool__(self) -> bool:
        return bool(self._pieces)

    @property
    def words(self) -> str:
        """All of it as plain text."""
        return "\n".join(piece.words for piece in self._all())

    def references(self) -> Iterator[str]:
        """The Content-IDs (RFC 2392) that HTML pieces show."""
        for piece in self._pieces:
            if piece.rich:
                yield from references(piece.data, piece.charset)

    def part(self, label: str, related: Mapping[str, bytes]) -> Part | None:
        """All of it as one part, with the pictures it may show; None if there is nothing."""
        pieces = self._all()
        if not any(piece.rich for piece in pieces):
            return Part(label=label, text=self.words) if pieces else None
        if len(pieces) == 1:
            data, charset = pieces[0].data, pieces[0].charset
        else:
            data, charset = "".join(map(_as_html, pieces)).encode("utf-8", "replace"), "utf-8"
        return Part(label=label, data=data, declared="text/html", charset=charset, related=related)

    def _all(self) -> list[_Piece]:
        return [*([_Piece(words=self.heading)] if self.heading else []), *self._pieces]


def references(data: bytes, charset: str) -> Iterator[str]:
    """The Content-IDs (RFC 2392) that an HTML text shows."""
    for found in _CID.findall(text.decode_html(data, charset)):
        yield urllib.parse.unquote(entities.unescape(found))


def _as_html(piece: _Piece) -> str:
    if piece.rich:
        return text.decode_html(piece.data, piece.charset)
    return _PLAIN.format(entities.escape(piece.words, quote=False))
