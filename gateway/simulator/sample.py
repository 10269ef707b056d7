"""Documents to fax and to receive, drawn by typst from the sources below: real PDFs with embedded fonts."""

from __future__ import annotations

import functools

INVOICE = """
#set document(title: "Invoice 2016-0117", author: "Harbour Street Dental Supply")
#set page(
  paper: "us-letter",
  margin: (x: 2.2cm, top: 2.4cm, bottom: 2cm),
  footer: context align(center, text(size: 9pt)[
    Harbour Street Dental Supply · 48 Harbour Street, Half Moon Bay, CA ·
    Page #counter(page).display("1 of 1", both: true)
  ]),
)
#set text(font: "Libertinus Serif", size: 11pt)
#set par(justify: true)

#grid(columns: (1fr, auto), align: (left, right + horizon),
  [#text(size: 22pt, weight: "bold")[Harbour Street] \\
   #text(size: 13pt, tracking: 1.5pt)[DENTAL SUPPLY]],
  [#text(size: 17pt)[INVOICE] \\ No. 2016-0117 \\ January 17, 2016],
)
#line(length: 100%, stroke: 1.4pt)
#v(4mm)
#grid(columns: (1fr, 1fr),
  [*To* \\ Parkwoods Dental Clinic \\ 12 Ellesmere Avenue \\ Toronto, ON  M3A 1Z4 \\ Fax 555 234 1234],
  [*Terms* \\ Net 30 days \\ Customer 4471 \\ Order 88-210 of January 11],
)
#v(6mm)
Dear Ms. Okafor,

thank you for your order. The goods below left our warehouse on January 15 by courier, in three parcels.
Please compare them with the packing list on the next page, and return this page by fax with your signature.

#v(3mm)
#table(
  columns: (auto, 1fr, auto, auto, auto),
  align: (left, left, right, right, right),
  stroke: none,
  inset: 6pt,
  table.hline(stroke: 1pt),
  [*Item*], [*Description*], [*Quantity*], [*Price*], [*Amount*],
  table.hline(stroke: 0.6pt),
  [DS-104], [Nitrile gloves, medium, box of 200], [12], [14.50], [174.00],
  [DS-220], [Impression trays, perforated, set of 8], [4], [38.75], [155.00],
  [DS-231], [Alginate, fast set, 454 g], [10], [11.20], [112.00],
  [DS-377], [Sterilisation pouches, 90 × 230 mm, 200], [6], [19.90], [119.40],
  [DS-502], [Curing light guide, 8 mm], [1], [86.00], [86.00],
  table.hline(stroke: 0.6pt),
  [], [], [], [Subtotal], [646.40],
  [], [], [], [Tax 13 %], [84.03],
  [], [], [], [*Total*], [*730.43*],
  table.hline(stroke: 1pt),
)
#v(8mm)
Received in good order:

#v(12mm)
#grid(columns: (1fr, 1fr), gutter: 2cm,
  [#line(length: 100%, stroke: 0.6pt) Date], [#line(length: 100%, stroke: 0.6pt) Signature])

#pagebreak()
#text(size: 17pt, weight: "bold")[Packing list]
#v(3mm)
#table(
  columns: (auto, 1fr, auto, auto),
  inset: 7pt,
  stroke: 0.5pt,
  [*Parcel*], [*Contents*], [*Pieces*], [*Weight*],
  [1 of 3], [Nitrile gloves, medium], [12], [9.6 kg],
  [2 of 3], [Impression trays, alginate], [14], [7.1 kg],
  [3 of 3], [Sterilisation pouches, curing light guide], [7], [3.4 kg],
)
#v(6mm)
#text(size: 14pt, weight: "bold")[Courier]
#v(1mm)
The parcels travel at room temperature. The alginate must not be left below 5 °C for more than a day.
#v(6mm)
#text(size: 14pt, weight: "bold")[Line quality]
#v(1mm)
The bars and the small print show how well this page was transmitted.
#v(2mm)
#grid(columns: 8 * (1fr,), gutter: 2mm,
  ..range(8).map(step => rect(width: 100%, height: 12mm, stroke: 0.4pt, fill: luma(step * 36))))
#v(2mm)
#for size in (12pt, 10pt, 8pt, 7pt, 6pt) [
  #text(size: size)[The quick brown fox jumps over the lazy dog. 0123456789 \\ ]
]
"""

INCOMING = """
#set document(title: "Fax", author: "Parkwoods Dental Clinic")
#set page(paper: "us-letter", margin: 2.4cm)
#set text(font: "Libertinus Serif", size: 13pt)
#text(size: 28pt, weight: "bold")[Parkwoods Dental Clinic]
#line(length: 100%, stroke: 1.4pt)
#v(6mm)
#grid(columns: (3cm, 1fr), row-gutter: 4mm,
  [*To*], [Harbour Street Dental Supply],
  [*From*], [Adaeze Okafor],
  [*Pages*], [1],
  [*Subject*], [Your invoice 2016-0117])
#v(10mm)
Dear Sir or Madam,

all three parcels arrived today in good order. Please note for the next order that we have moved to the
second floor; the courier found us only after a call.

#v(6mm)
With kind regards

#v(14mm)
#line(length: 6cm, stroke: 0.6pt)
A. Okafor
"""

BLANK = """
#set page(paper: "us-letter", margin: 3cm)
#set text(size: 16pt)
#for page in range(int(sys.inputs.pages)) {
  if page > 0 { pagebreak() }
  [#sys.inputs.words \\ Page #(page + 1)]
}
"""


def typeset(source: str, **inputs: str) -> bytes:
    """A PDF from a typst source, with the fonts that typst carries; `inputs` are its ``sys.inputs``."""
    import typst  # 80 MB of compiler: only loaded when a page is drawn

    compiled = typst.compile(source.encode(), format="pdf", sys_inputs=inputs, ignore_system_fonts=True)
    assert isinstance(compiled, bytes)
    return compiled


@functools.cache
def invoice() -> bytes:
    """A two-page letter with a table, thin lines, greys and small print."""
    return typeset(INVOICE)


@functools.cache
def incoming() -> bytes:
    """A one-page fax from somebody else."""
    return typeset(INCOMING)


@functools.lru_cache(maxsize=64)
def stranger(pages: int, words: str = "A fax of somebody else") -> bytes:
    """Pages that are certainly not ours."""
    return typeset(BLANK, pages=str(pages), words=words)
