"""Documents to fax, made here: typeset text and invoices, grey scans, photographs. The same on every run."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import typst
from PIL import Image, ImageChops, ImageFilter

Kind = Literal["text", "invoice", "scan", "photo"]

_PAPER = '#set page(paper: "us-letter", margin: 2.2cm)\n#set text(font: "Libertinus Serif", size: 11pt)\n'
_LETTER = """
#set par(justify: true)
#for page in range({pages}) {{
  if page > 0 {{ pagebreak() }}
  [= Report, part #(page + 1)]
  for part in range(5) {{ [#par(lorem(95 + 7 * part + page))] }}
}}
"""
_INVOICE = """
#for page in range({pages}) {{
  if page > 0 {{ pagebreak() }}
  [#text(size: 20pt, weight: "bold")[Invoice #(1000 + page)] #h(1fr) Page #(page + 1)]
  line(length: 100%, stroke: 1.2pt)
  v(4mm)
  table(
    columns: (auto, 1fr, auto, auto), inset: 5pt, stroke: 0.4pt,
    fill: (_, row) => if calc.odd(row) {{ luma(225) }} else {{ white }},
    [*Item*], [*Description*], [*Pieces*], [*Price*],
    ..range(26).map(n => (
      [A-#(100 + n)], [#lorem(4 + calc.rem(n, 3))], [#(n + 1)], [#(n * 7 + page).50]
    )).flatten(),
  )
  text(size: 7pt, fill: luma(90))[#lorem(60)]
}}
"""
_PICTURES = """
#set page(margin: 0cm)
#for name in sys.inputs.names.split(",") {
  page(align(center + horizon, image(name, width: {width})))
}
"""


def letter(pages: int) -> bytes:
    """A PDF of dense text."""
    return _typeset(_PAPER + _LETTER.format(pages=pages))


def invoice(pages: int) -> bytes:
    """A PDF of tables with grey rows, thin lines and small grey print."""
    return _typeset(_PAPER + _INVOICE.format(pages=pages))


def scans(directory: Path, pages: int) -> bytes:
    """A PDF of grey JPEG pictures of paper at 200 dpi: askew, uneven light, a little noise and blur."""
    return _pictures(directory, "scan", [_scan(page) for page in range(pages)], width="100%")


def photos(directory: Path, pages: int) -> bytes:
    """A PDF of one coloured JPEG picture with soft shapes of every size on each page."""
    return _pictures(directory, "photo", [_photo(page) for page in range(pages)], width="85%")


def _typeset(source: str) -> bytes:
    return typst.compile(source.encode(), format="pdf", ignore_system_fonts=True)


def _pictures(directory: Path, name: str, pictures: Sequence[Image.Image], *, width: str) -> bytes:
    """A page for each picture. typst opens files only below its root."""
    names = []
    for number, picture in enumerate(pictures):
        names.append(f"{name}{number}.jpg")
        picture.save(directory / names[-1], quality=80, dpi=(200, 200))
    source = directory / f"{name}.typ"
    source.write_text(_PAPER + _PICTURES.replace("{width}", width))
    return typst.compile(
        str(source),
        format="pdf",
        sys_inputs={"names": ",".join(names)},
        ignore_system_fonts=True,
        root=str(directory),
    )


def _scan(number: int) -> Image.Image:
    source = _PAPER + (_LETTER if number % 2 else _INVOICE).format(pages=1)
    drawn = typst.compile(source.encode(), format="png", ppi=200.0, ignore_system_fonts=True)
    assert isinstance(drawn, bytes)
    page = Image.open(io.BytesIO(drawn)).convert("L")
    page = page.rotate(0.4 + 0.3 * number, Image.Resampling.BICUBIC, fillcolor=255)
    light = Image.linear_gradient("L").resize(page.size).point([215 + level // 8 for level in range(256)])
    page = ImageChops.multiply(page.filter(ImageFilter.GaussianBlur(0.8)), light)
    return ImageChops.subtract(page, _noise(page.size, seed=number, most=14))


def _photo(number: int) -> Image.Image:
    size = (1600, 1200)
    bands = []
    for band, mode in enumerate(("R", "G", "B")):
        layers = Image.new("L", size, 60)
        for scale in (4, 16, 64, 256):
            small = (max(2, size[0] * scale // 1600), max(2, size[1] * scale // 1600))
            spots = _noise(small, seed=f"{number} {mode} {scale}", most=160 // (1 + scale // 16) + 20)
            layers = ImageChops.add(layers, spots.resize(size, Image.Resampling.BICUBIC))
        bands.append(layers.point([min(255, level + 12 * band) for level in range(256)]))
    return Image.merge("RGB", bands)


def _noise(size: tuple[int, int], *, seed: int | str, most: int) -> Image.Image:
    grains = random.Random(seed).randbytes(size[0] * size[1])  # noqa: S311 - no secret
    return Image.frombytes("L", size, grains).point([level * most // 255 for level in range(256)])


def write(directory: Path, pages: dict[Kind, int]) -> dict[Kind, Path]:
    """Make a PDF of each kind with so many pages."""
    made: dict[Kind, Path] = {}
    for kind, count in pages.items():
        made[kind] = directory / f"{kind}.pdf"
        match kind:
            case "text":
                content = letter(count)
            case "invoice":
                content = invoice(count)
            case "scan":
                content = scans(directory, count)
            case "photo":
                content = photos(directory, count)
        made[kind].write_bytes(content)
    return made
