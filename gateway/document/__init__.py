"""Document room: a mail or some files become one PDF of 1-bit G4 pages at fax geometry.

In the daemon: `Renderer` (pool) starts and watches `renderer`, an exec'd single-threaded helper that forks a
child per document, and holds one `conversation` with each child, which sits in a `sandbox`.

Only that child opens what people sent: it parses the mail (message), tells each part's format by its content
(sniff), draws it (pdf, image, text and typeset), makes it 1-bit (raster) and hands back G4 strips. The daemon
never looks into a strip: it counts them and writes the PDF around them (assemble, output), so page count,
size and digest cannot be lied about.
"""

from gateway.document.pool import Renderer
from gateway.document.values import Rendered, RendererDied, RenderSettings

__all__ = ["RenderSettings", "Rendered", "Renderer", "RendererDied"]
