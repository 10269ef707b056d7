"""Document room: a mail or some files become one PDF of 1-bit G4 pages at fax geometry.

In the daemon: `Renderer` (pool) starts and watches `renderer`, an exec'd single-threaded helper that forks a
child per document, and holds one `conversation` with each child, which sits in a `sandbox`. `office` has
LibreOffice make PDFs, in a process of its own.

Only a child opens what people sent (`job`): it reads the mail (formats.mail), tells each part's format by its
content (formats.sniff), has it drawn for one `geometry.Layout` (compose, formats) and made 1-bit (raster,
with native code where it was built), drops blank pages, adds cover and header line (finish) and hands back
G4 strips. The daemon never looks into a strip: it counts them and writes the PDF or TIFF around them (output,
fax_pdf, fax_tiff), so page count, size and digest of the file cannot be lied about. The digests of the pages,
notes and reports are the child's word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.document.pool import Renderer
    from gateway.document.values import Rendered, RendererDied, RenderSettings

__all__ = ["RenderSettings", "Rendered", "Renderer", "RendererDied"]


def __getattr__(name: str) -> object:
    # The daemon's side takes asyncio, which a child that draws has no use for.
    if name == "Renderer":
        from gateway.document import pool

        return pool.Renderer
    if name in __all__:
        from gateway.document import values

        return getattr(values, name)
    raise AttributeError(name)
