"""What the rest of the gateway gives to and gets from the document room."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.errors import GatewayError

PaperName = Literal["letter", "a4", "legal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings:
    """How documents are rendered, and how much of the machine one document may use."""

    paper: PaperName = "letter"
    max_pages: int = 100
    timeout: float = 120.0
    """Wall-clock seconds for one document."""
    cpu_seconds: int = 60
    memory_bytes: int = 1 << 30
    """Address space of the child that renders one document."""
    output_bytes: int = 64 << 20
    """Largest PDF that is made."""
    text_page: bool = True
    """Whether the mail's own text becomes the first page."""
    workers: int = 2
    """Documents rendered at the same time; further ones wait outside, unread."""
    redact: tuple[str, ...] = field(default=(), repr=False)
    """Words that are blackened in the text of every mail, besides those given with the mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One finished document: a PDF of 1-bit CCITT G4 pages, on disk and synced."""

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


class RendererDied(GatewayError):  # noqa: N818  an event that is counted, and the word for it everywhere
    """The child was killed, crashed, hung or answered nonsense while it rendered this document.

    Temporary: the cause may be the machine. Whoever owns the item counts these and parks it after three.
    """
