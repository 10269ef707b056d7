"""What the rest of the gateway gives to and gets from the document room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.document.geometry import PaperName, Resolution
from gateway.errors import GatewayError

Paper = PaperName | Literal["auto"]
CoverMode = Literal["off", "on", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings:
    """How documents are rendered, and how much of the machine one document may use."""

    paper: Paper = "letter"
    """``auto``: the paper that most pages of the document were made for."""
    resolution: Resolution = "fine"
    tall: Literal["split", "scale"] = "split"
    """What becomes of pages much taller than the paper."""
    drop_blank: bool = True
    """Whether pages with nothing but dust on them are left out, with a note."""
    despeckle: bool = False
    deskew: bool = False
    bad_part: Literal["refuse", "note"] = "refuse"
    """Whether a part that cannot be drawn refuses the document, or a page says so in its place."""
    office: str = "soffice"
    """LibreOffice's command; empty: Office documents are refused."""
    max_pages: int = 100
    timeout: float = 120.0
    """Wall-clock seconds for one document."""
    cpu_seconds: int = 60
    memory_bytes: int = 1 << 30
    """Address space that rendering one document may take, beside that of the program."""
    output_bytes: int = 64 << 20
    """Largest PDF that is made."""
    text_page: bool = True
    """Whether the mail's own text becomes the first page, or the cover page's message."""
    workers: int = 2
    """Documents rendered at the same time; see `lanes`. Further ones wait outside, unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A cover page. `fields` are completed from the mail: what is given here wins, also if it is empty."""

    mode: CoverMode = "off"
    """``text``: only for a mail that has text of its own."""
    template: str = ""
    """Source of a typst template; empty: the one that comes with the gateway."""
    logo: bytes = b""
    """A PNG, JPEG or SVG picture."""
    notice: str = ""
    """Confidentiality text at the foot."""
    number: str = ""
    """The only recipient's, E.164: the mail may have a name for it."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """``to_name``, ``to_number``, ``from_name``, ``from_number``, ``from_address``, ``organisation``,
    ``date``, ``subject``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderLine:
    """The line on top of every page that tells whom a fax is from (47 CFR 68.318(d))."""

    sender: str
    number: str
    time: str
    """Date and time, as it is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReport:
    """How one page came about, for whoever looks before sending."""

    source: str
    """What it shows, for people."""
    base: str
    """``drawn``, ``scan`` or ``copied``: what the page was taken for when it was made 1-bit."""
    photographs: tuple[tuple[int, int, int, int], ...]
    """Boxes (left, top, right, bottom, in pixels) that were screened as photographs."""
    scans: tuple[tuple[int, int, int, int], ...]
    """Boxes of pictures that were treated as scanned paper."""
    rows: int
    size: int
    """Bytes of the page's G4 strip."""
    black: float
    """Share of black pixels."""
    warnings: tuple[str, ...] = ()
    """What the recipient may not be able to read, a sentence each; looked for in previews only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One finished document on disk, synced: a PDF (or TIFF) of 1-bit CCITT G4 pages."""

    path: Path
    pages: int
    digest: str
    """SHA-256 of the file, hex."""
    size: int
    """Bytes of the file."""
    page_digests: tuple[str, ...]
    """SHA-256 (hex) of each page's raster: rows of 216 bytes, most significant bit first, 1 is black."""
    notes: tuple[str, ...] = ()
    """What became of each part, one sentence each, for people."""
    reports: tuple[PageReport, ...] = ()
    """One for each page."""
    paper: PaperName = "letter"
    accelerated: bool = False
    """Whether the native code drew it. The pages are the same either way."""


class RendererDied(GatewayError):  # noqa: N818  an event that is counted, and the word for it everywhere
    """The child was killed, crashed, hung or answered nonsense while it rendered this document.

    Temporary: the cause may be the machine. Whoever owns the item counts these and parks it after three.
    """
