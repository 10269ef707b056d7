"""PDFs to fax pages, by PDFium; what is structure is asked of pypdf.

`opening` finds every page or refuses, `drawing` is PDFium, `images` tells where pictures lie, `copying` takes
pages that are fax pages already, `legibility` looks for what a recipient may not be able to read.
"""

from gateway.document.formats.pdf.drawing import prepare
from gateway.document.formats.pdf.pages import alike, digests, pictures, sheets, sizes

__all__ = ["alike", "digests", "pictures", "prepare", "sheets", "sizes"]
