"""Documents to fax, all made here: more than 150 pages in some forty PDFs. The same on every run.

Invoices, forms, letters, papers, slides, grey scans, black-and-white scans, photographs, and brochures with
photographs among their text; Letter, A4 and Legal, pages stored lying among them. No page was written or
photographed by anybody: words are drawn by lot, pictures computed (see `photos`), scans are drawn pages put
through what a scanner does to paper (see `scans`). Fonts are those that typst brings, and for sans serif what
the machine has.
"""

from bench.corpus.collection import TEXT, Document, Kind, write
from bench.corpus.drawn import invoice, letter

__all__ = ["TEXT", "Document", "Kind", "invoice", "letter", "write"]
