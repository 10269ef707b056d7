"""One finished fax page in the child: packed 1-bit rows, and what is known of how it was made."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.document.raster import Look

ROW_BYTES = 216
"""1728 pixels, most significant bit first; 1 is black."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page of `height` rows."""

    rows: bytes
    height: int
    look: Look
    source: str = ""
    """What it shows, for people: ``The attachment "scan.pdf", page 2``."""
    warnings: tuple[str, ...] = ()
    """What the recipient may not be able to read, one sentence each; looked for in previews only."""
