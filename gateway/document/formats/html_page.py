"""Web pages and HTML mail as fax pages, laid out by WeasyPrint where that is installed, else as their text.

Nothing comes over the network: pictures come from the mail itself (``cid:``) or from within the page
(``data:``). On paper everything is black on white. What is wider than the paper is made smaller; what
would be cut off even so is laid out anew, one thing below the other.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING

import pypdfium2
import pypdfium2.raw as pdfium

from gateway.document import template
from gateway.document.formats import html, html_tree, pdf, text, typeset
from gateway.document.formats.parts import Part, too_many_pages
from gateway.document.geometry import Layout
from gateway.document.sheet import Sheet
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.document.formats import weasy

_MARGIN = 0.7
_EDGE = 0.2
"""Inches. What comes nearer to the edge of the paper than the second may be cut off."""
_MOST_SHRINKING = 2.0
_MOST_BREAKING = 4.0
"""A table that would have to shrink more than that has its words broken; beyond the second it is no table."""
_COUNTED = (pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
_FAR = 3.0
"""Pages: what is so far to the left of the paper, or above it, was put there so that nobody sees it."""
_SLIT = 2.0
"""Points: what is shown through a smaller hole than that is hidden, by the usual ways for screen readers."""
_CLIPPED = 2.0
"""Points by which a line may reach out of the box that clips it: the space around letters."""
_LINE_BREAK = re.compile("<br[ />]", re.I)
_MOST_LINES = 1000
"""Of a page, whatever their size."""
_STYLE = """
@page { size: %(width).4fin %(height).4fin !important; margin: %(margin).4fin !important }
* { page: auto !important }
html { font: 11pt/1.3 %(fonts)s }
html, body { width: auto !important; height: auto !important; min-width: 0 !important; margin: 0 !important;
  padding: 0 !important; position: static !important; overflow: visible !important; columns: auto !important;
  overflow-wrap: break-word }
*, *::before, *::after { color: #000 !important; background: none !important }
img, svg { max-width: 100%% !important; max-height: %(most_high).4fin !important;
  object-fit: contain !important }
pre, xmp, plaintext, listing { white-space: pre-wrap !important }
pre, code, kbd, samp, tt { font-family: %(fixed)s }
h1, h2, h3, h4, h5, h6 { break-after: avoid }
table { border-collapse: collapse }
"""
_QUIRKS = "<style>table { text-align: start }</style>"
"""Pages without a doctype were written for browsers that do not centre tables in what is centred."""
_UNCLIPPED = """
* { overflow: visible !important; max-height: none !important; clip: auto !important;
  clip-path: none !important }
*:not(img):not(svg) { height: auto !important }
"""
_NARROW_CELLS = """
table { width: auto !important; min-width: 0 !important }
td, th { width: auto !important; min-width: 0 !important; white-space: normal !important;
  overflow-wrap: anywhere !important }
"""
_ONE_BELOW_THE_OTHER = """
* { float: none !important; position: static !important; transform: none !important; width: auto !important;
  height: auto !important; min-width: 0 !important; min-height: 0 !important; max-height: none !important;
  margin-left: 0 !important; margin-right: 0 !important; text-indent: 0 !important; columns: auto !important;
  white-space: normal !important; overflow-wrap: anywhere !important; break-inside: auto !important;
  overflow: visible !important; clip: auto !important; clip-path: none !important;
  padding-left: 0 !important; padding-right: 0 !important }
ul, ol { padding-left: 1em !important }
table, thead, tbody, tfoot, tr, td, th, caption { display: block !important }
pre, xmp, plaintext, listing { white-space: pre-wrap !important }
"""


def prepare() -> None:
    """Load WeasyPrint if it is there. Leaves no thread behind, so it may be done before a fork."""
    engine = _weasyprint()
    if engine is not None:
        engine.prepare()


def sheets(
    part: Part, *, layout: Layout, notes: list[str], redact: Sequence[str], most: int, inspect: bool
) -> Iterator[Sheet]:
    """Draw the HTML in `part.data`. `redact`: words that are blackened, as in plain text."""
    source = text.decode_html(part.data, part.charset)
    if sum(1 for _ in _LINE_BREAK.finditer(source)) > most * _MOST_LINES:
        too_many_pages(most)
    made = laid_out(part, source, layout=layout, notes=notes, redact=redact, most=most)
    if made is not None:
        yield from pdf.sheets(
            replace(part, data=made), layout=layout, notes=notes, inspect=inspect, most=most
        )
    else:
        plain = replace(part, text=html.to_text(part.data, part.charset))
        if part.related:
            many = f"{len(part.related)} pictures were" if len(part.related) > 1 else "1 picture was"
            notes.append(f"{part.label}: {many} left out with the layout.")
        yield from typeset.sheets(
            plain, layout=layout, notes=notes, redact=redact, most=most, inspect=inspect
        )


def laid_out(
    part: Part, source: str, *, layout: Layout, notes: list[str], redact: Sequence[str], most: int
) -> bytes | None:
    """A PDF of a web page; None where it can only be shown as text. Raises `GatewayError`: too many pages."""
    engine = _weasyprint()
    if engine is None:
        return None
    if "<!doctype" not in source[:1000].lower():
        source = _QUIRKS + source
    try:
        page = engine.Page(source, related=part.related, redact=redact)
        drawn = _fitted(page, layout, most)
    except (GatewayError, MemoryError):
        raise
    except Exception:  # there is no end to what a page can make a layout engine trip over
        drawn = None
    # Style sheets hide, move and cut text in more ways than can be foreseen: what was drawn is what counts.
    if drawn is None or drawn.words_cut or _shows(drawn, redact):
        notes.append(f"{part.label} cannot be laid out and is shown as plain text.")
        return None
    for reason, count in page.left_out.items():
        notes.append(f"{part.label}: {count} {'picture was' if count == 1 else 'pictures were'} {reason}.")
    if not drawn.fits:
        notes.append(f"{part.label}: some of it lies beyond the edge of the paper.")
    return drawn.made


def _fitted(page: weasy.Page, layout: Layout, most: int) -> _Draft:
    """Lay out until nothing is cut off and nothing is lost, or as well as it goes."""
    best, base = _draft(page, layout, "", 1.0, most), ""
    if best.clipped:
        best, base = _draft(page, layout, _UNCLIPPED, 1.0, most), _UNCLIPPED
    attempts = []
    if 1 < best.needed <= _MOST_SHRINKING:
        attempts.append((base, best.needed))
    if 1 < best.needed <= _MOST_BREAKING:
        attempts.append((base + _NARROW_CELLS, min(best.needed, _MOST_SHRINKING)))
    for style, widening in attempts:
        if not best.fits:
            best = _draft(page, layout, style, widening, most)
    # What does not break between pages (floats, say) is simply not drawn where the page ends.
    if not best.fits or best.letters < page.letters:
        page.unroll()
        plain = _draft(page, layout, _ONE_BELOW_THE_OTHER, 1.0, most)
        if (plain.fits and not best.fits) or plain.letters > best.letters:
            best = plain
    return best


def _style(layout: Layout, widening: float) -> str:
    """The style sheet for paper that is so much larger than it is, and will be shrunk when it is drawn."""
    width, height = (length * widening for length in template.page_size(layout))
    return _STYLE % {
        "width": width,
        "height": height,
        "margin": _MARGIN,
        "most_high": height - 2 * _MARGIN - 0.1,
        "fonts": ", ".join(f'"{name}"' for name in (*template.PROPORTIONAL[:-1], "sans-serif")),
        "fixed": ", ".join(f'"{name}"' for name in (*template.FIXED, "monospace")),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A page as it was laid out once."""

    made: bytes
    needed: float
    """How many times as wide the paper must be for all to lie within its margins."""
    cut: bool
    """Whether something lies below or above the paper."""
    clipped: bool
    """Whether words reach out of what clips them."""
    words_cut: bool
    """Whether these are words that lie beyond the edge of the paper or are clipped."""
    words: str

    @property
    def letters(self) -> int:
        """How many letters and digits were drawn, wherever."""
        return html_tree.count_letters(self.words)

    @property
    def fits(self) -> bool:
        """Whether all that is drawn is on the paper."""
        return self.needed <= 1 and not self.cut and not self.clipped


def _draft(page: weasy.Page, layout: Layout, style: str, widening: float, most: int) -> _Draft:
    made = page.pdf(_style(layout, widening) + style, most=most)
    needed, cut, clipped, words_cut = 1.0, False, False, False
    words: list[str] = []
    document = pypdfium2.PdfDocument(made)
    try:
        for sheet in document:
            width, height = sheet.get_size()
            for item in _shown(sheet):
                if item.right < -_FAR * width or item.bottom > (1 + _FAR) * height:
                    continue
                over = max(item.right - width, -item.left)
                if over > -_EDGE * 72:
                    needed = max(needed, (width + over + _MARGIN * 72) / width)
                off = item.bottom < -1 or item.top > height + 1
                cut, clipped = cut or off, clipped or item.clipped
                words_cut = words_cut or item.clipped or (item.words and (off or over > 1))
            words.append(sheet.get_textpage().get_text_range())
            sheet.close()
    finally:
        document.close()
    return _Draft(
        made=made, needed=needed, cut=cut, clipped=clipped, words_cut=words_cut, words="\n".join(words)
    )


def _shows(draft: _Draft, redact: Sequence[str]) -> bool:
    """Whether a word that is to be blackened can be read on it."""
    pattern = text.code_words(redact)
    return pattern is not None and pattern.search(text.joined(draft.words)) is not None


@dataclass(frozen=True, slots=True)
class _Item:
    """A text, picture or group on a page; sides in points."""

    left: float
    bottom: float
    right: float
    top: float
    words: bool
    clipped: bool
    """Words that reach out of the box that clips them."""


def _shown(page: pypdfium2.PdfPage) -> Iterator[_Item]:
    """What is on a page, or would be if the page were larger; not what is seen through a slit only."""
    sides = [ctypes.c_float() for _ in range(4)]
    for index in range(pdfium.FPDFPage_CountObjects(page.raw)):
        item = pdfium.FPDFPage_GetObject(page.raw, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind not in _COUNTED or not pdfium.FPDFPageObj_GetBounds(item, *sides):
            continue
        left, bottom, right, top = (side.value for side in sides)
        if right <= left or top <= bottom:
            continue
        words, clipped = kind == pdfium.FPDF_PAGEOBJ_TEXT, False
        hole = _hole(item) if words else None
        if hole is not None:
            if hole[2] - hole[0] < _SLIT or hole[3] - hole[1] < _SLIT:
                continue
            over = max(hole[0] - left, hole[1] - bottom, right - hole[2], top - hole[3])
            clipped = over > _CLIPPED
        yield _Item(left, bottom, right, top, words, clipped)


def _hole(item: pdfium.FPDF_PAGEOBJECT) -> tuple[float, float, float, float] | None:
    """Left, bottom, right and top of what all clip paths of an object leave of it; None without one."""
    paths = pdfium.FPDFPageObj_GetClipPath(item)
    count = pdfium.FPDFClipPath_CountPaths(paths)
    if count < 1:
        return None
    hole = (float("-inf"), float("-inf"), float("inf"), float("inf"))
    across, up = ctypes.c_float(), ctypes.c_float()
    for index in range(count):
        points = []
        for number in range(pdfium.FPDFClipPath_CountPathSegments(paths, index)):
            pdfium.FPDFPathSegment_GetPoint(
                pdfium.FPDFClipPath_GetPathSegment(paths, index, number), across, up
            )
            points.append((across.value, up.value))
        if points:
            xs, ys = zip(*points, strict=True)
            hole = max(hole[0], min(xs)), max(hole[1], min(ys)), min(hole[2], max(xs)), min(hole[3], max(ys))
    return hole


@functools.cache
def _weasyprint() -> ModuleType | None:
    """WeasyPrint's room; None where it or the Pango library it needs is not installed."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints advice about missing libraries
            return importlib.import_module("gateway.document.formats.weasy")
    except (ImportError, OSError):
        return None
