"""AcroForm forms that somebody filled in: with the appearance of each field in the file, or without.

ISO 32000-1, 12.7. Without, the reader has to draw the values (/NeedAppearances); one that does not shows an
empty form.
"""

from __future__ import annotations

import io

import pypdf
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from bench.corpus.typeset import sans, typeset
from bench.corpus.words import Writer

_HIGH = {"us-letter": 792.0, "a4": 841.89, "us-legal": 1008.0}
_LEFT, _TOP, _STEP, _FIELD = 60, 120, 34, 18
"""Points: where the first field is, from field to field, and how high a field is."""
_FORM = """
#set page(paper: data.paper, margin: 0pt)
#set text(font: data.font, size: 9pt)
#for (index, page) in data.pages.enumerate() {
  if index > 0 { pagebreak() }
  place(dx: 60pt, dy: 50pt, text(size: 17pt, weight: "bold", page.title))
  place(dx: 60pt, dy: 76pt, block(width: 480pt, text(size: 8pt, fill: luma(80), page.small)))
  for (row, label) in page.labels.enumerate() {
    let y = 120pt + row * 34pt
    place(dx: 60pt, dy: y - 11pt, text(size: 7.5pt, fill: luma(60), label))
    place(dx: 60pt, dy: y, rect(width: 380pt, height: 18pt, stroke: 0.4pt + luma(120), fill: luma(248)))
    place(dx: 470pt, dy: y, rect(width: 14pt, height: 14pt, stroke: 0.5pt))
    place(dx: 490pt, dy: y + 3pt, text(size: 8pt, [Yes]))
  }
}
"""


def form(pages: int, *, seed: int, paper: str = "us-letter", appearances: bool) -> bytes:
    """A PDF of filled-in forms, with a text field and a check box a line."""
    write = Writer(("form", seed))
    high = _HIGH[paper]
    lines = int((high - 160) // _STEP)
    base = typeset(
        _FORM,
        {
            "paper": paper,
            "font": sans(),
            "pages": [
                {
                    "title": write.title(4),
                    "small": write.paragraph(22),
                    "labels": [write.words(3).capitalize() for _ in range(lines)],
                }
                for _ in range(pages)
            ],
        },
    )
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(base))
    font = writer._add_object(
        _dictionary(Type=_name("Font"), Subtype=_name("Type1"), BaseFont=_name("Helvetica"))
    )
    resources = _dictionary(Font=_dictionary(Helv=font))
    fields = ArrayObject()
    for number, page in enumerate(writer.pages):
        widgets = ArrayObject()
        for line in range(lines):
            bottom = high - _TOP - _STEP * line - _FIELD
            text = _text_field(
                writer, f"{write.name()} {write.words(3)} {write.number(4)}", bottom, resources, appearances
            )
            text[_name("/T")] = TextStringObject(f"text {number} {line}")
            check = _check_box(writer, line % 3 == 0, bottom + 4)
            check[_name("/T")] = TextStringObject(f"check {number} {line}")
            widgets.extend(writer._add_object(field) for field in (text, check))
        page[_name("/Annots")] = widgets
        fields.extend(widgets)
    writer.root_object[_name("/AcroForm")] = _dictionary(
        Fields=fields,
        DR=resources,
        DA=TextStringObject("/Helv 10 Tf 0 g"),
        NeedAppearances=BooleanObject(not appearances),
    )
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _text_field(
    writer: pypdf.PdfWriter, value: str, bottom: float, resources: DictionaryObject, appearances: bool
) -> DictionaryObject:
    field = _widget("Tx", _LEFT + 2, bottom + 1, 376, 16)
    field[_name("/DA")] = TextStringObject("/Helv 10 Tf 0 g")
    field[_name("/V")] = TextStringObject(value)
    if appearances:
        drawing = f"/Tx BMC q BT /Helv 10 Tf 0 g 3 4.5 Td ({value}) Tj ET Q EMC".encode()
        field[_name("/AP")] = _dictionary(N=writer._add_object(_drawing(drawing, 376, 16, resources)))
    return field


def _check_box(writer: pypdf.PdfWriter, checked: bool, bottom: float) -> DictionaryObject:
    field = _widget("Btn", 470, bottom, 14, 14)
    state = _name("/Yes" if checked else "/Off")
    field[_name("/V")], field[_name("/AS")] = state, state
    cross = writer._add_object(_drawing(b"q 1.4 w 3 3 m 11 11 l 3 11 m 11 3 l S Q", 14, 14, _dictionary()))
    nothing = writer._add_object(_drawing(b"", 14, 14, _dictionary()))
    field[_name("/AP")] = _dictionary(N=_dictionary(Yes=cross, Off=nothing))
    return field


def _widget(kind: str, left: float, bottom: float, wide: float, high: float) -> DictionaryObject:
    corners = (left, bottom, left + wide, bottom + high)
    return _dictionary(
        Type=_name("Annot"),
        Subtype=_name("Widget"),
        FT=_name(kind),
        Rect=ArrayObject([FloatObject(corner) for corner in corners]),
        F=NumberObject(4),  # printed
    )


def _drawing(content: bytes, wide: float, high: float, resources: DictionaryObject) -> StreamObject:
    drawing = StreamObject()
    drawing.set_data(content)
    drawing.update(
        _dictionary(
            Type=_name("XObject"),
            Subtype=_name("Form"),
            BBox=ArrayObject([FloatObject(side) for side in (0, 0, wide, high)]),
            Resources=resources,
        )
    )
    return drawing


def _dictionary(**entries: PdfObject) -> DictionaryObject:
    return DictionaryObject({_name(key): value for key, value in entries.items()})


def _name(name: str) -> NameObject:
    return NameObject(name if name.startswith("/") else f"/{name}")
