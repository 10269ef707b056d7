"""Parts to fax pages: tells each part's format and has it drawn, in order, within the page limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from PIL import Image

from gateway.document import html, image, pdf, text, typeset
from gateway.document.parts import Part, refuse, too_many_pages
from gateway.document.sniff import PICTURES, Format, sniff
from gateway.errors import GatewayError, permanent

_ADVICE = {
    Format.EMPTY: "Check the file and send it again",
    Format.ZIP: "Unpack it and attach the files themselves",
    Format.ARCHIVE: "Unpack it and attach the files themselves",
    Format.TNEF: "Send the mail as HTML or plain text instead of Outlook Rich Text",
}
_MOST_BOXES = 0.2
"""A text with a larger share of empty boxes than this says nothing to its recipient."""
_USUAL_ADVICE = "Send it as a PDF, as a JPEG, PNG, GIF or TIFF picture, or as plain text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Draws parts as 1-bit fax pages. `starting` hears the label of each part before it is touched."""

    paper: str
    height: int
    max_pages: int
    redact: Sequence[str]
    starting: Callable[[str], None]

    def pages(self, parts: Sequence[Part], notes: list[str]) -> Iterator[Image.Image]:
        """Yield every page of every part; appends to `notes` what became of each part."""
        total = 0
        for part in parts:
            self.starting(part.label)
            kind = _format(part)
            if kind in PICTURES and image.is_decoration(part, kind):
                notes.append(f"{part.label} is a small picture of the mail's layout and was left out.")
                continue
            made = 0
            for page in self._drawn(part, kind, self.max_pages - total, notes):
                made += 1
                total += 1
                if total > self.max_pages:
                    too_many_pages(self.max_pages)
                yield page
            if made:
                notes.append(f"{part.label}: {kind.value}, {made} {'page' if made == 1 else 'pages'}.")
        if not total:
            raise GatewayError(_NOTHING)

    def _drawn(self, part: Part, kind: Format, most: int, notes: list[str]) -> Iterator[Image.Image]:
        if kind is Format.PDF:
            yield from self._pdf(part, most)
        elif kind in PICTURES:
            yield from image.pages(part, kind, self.height)
        elif kind in (Format.TEXT, Format.HTML):
            yield from self._text(part, kind, most, notes)
        elif not (kind is Format.EMPTY and part.inline):
            _unsupported(part, kind)

    def _pdf(self, part: Part, most: int) -> Iterator[Image.Image]:
        with pdf.opened(part) as document:
            if document.pages > most:
                too_many_pages(self.max_pages)
            for number in range(document.pages):
                yield document.page(number, self.height)

    def _text(self, part: Part, kind: Format, most: int, notes: list[str]) -> Iterator[Image.Image]:
        written = part.text
        if written is None:
            convert = html.to_text if kind is Format.HTML else text.decode
            written = convert(part.data, part.charset)
        cut = text.lines(text.redact(written, self.redact))
        if typeset.pages_at_least(cut) > most:
            too_many_pages(self.max_pages)
        if cut:
            made = typeset.typeset(cut, paper=self.paper, fixed_pitch=text.is_columnar(cut))
            missing, total = typeset.missing_glyphs(cut, made)
            if missing > total * _MOST_BOXES:
                problem = "is written in a script for which the gateway has no font"
                refuse(part, problem, "Send it as a PDF", status="5.6.5", code="text_font")
            if missing:
                notes.append(f"{part.label}: {missing} characters without a font are shown as empty boxes.")
            yield from self._pdf(Part(label=part.label, data=made), most)


def _format(part: Part) -> Format:
    if part.text is not None:
        return Format.TEXT
    kind = sniff(part.data)
    # A fragment of HTML looks like any text.
    return Format.HTML if kind is Format.TEXT and part.declared == "text/html" else kind


def _unsupported(part: Part, kind: Format) -> NoReturn:
    problem = "is empty" if kind is Format.EMPTY else f"is {kind.value}, which cannot be faxed"
    refuse(part, problem, _ADVICE.get(kind, _USUAL_ADVICE), code="format_unsupported")


_NOTHING = permanent(
    "5.6.0",
    "There is nothing to fax: the mail has no text and no attachment that makes a page.",
    code="document_empty",
)
