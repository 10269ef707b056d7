"""Small files that take all the memory or time they are given."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

from PIL import Image

from bench.corpus.rawpdf import RawPdf

_WIDE, _HIGH = 612.0, 792.0
_CHUNK = 1 << 20
_CHUNKS = 3 << 10


def write(directory: Path) -> list[Path]:
    """One file of each kind."""
    made = []
    for name, content in (
        ("recursion.pdf", _recursion()),
        ("inflation.pdf", _inflation()),
        ("tiling.pdf", _tiling()),
        ("shading.pdf", _shading()),
        ("picture.png", _picture()),
        ("frames.gif", _frames()),
    ):
        made.append(directory / f"hog-{name}")
        made[-1].write_bytes(content)
    return made


def _picture() -> bytes:
    """A picture of 119 million pixels, just below the limit."""
    out = io.BytesIO()
    Image.new("L", (10_900, 10_900), 200).save(out, "PNG")
    return out.getvalue()


def _frames() -> bytes:
    """An animation of 10,000 pictures."""
    out = io.BytesIO()
    Image.new("P", (9, 9)).save(out, "GIF")
    head, _, frame = out.getvalue().partition(b"\x2c")
    return head + (b"\x2c" + frame.removesuffix(b";")) * 10_000 + b";"


def _recursion() -> bytes:
    """A drawing that draws itself, twice."""
    pdf = RawPdf()
    form = pdf.reserve()
    pdf.stream(
        f"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</F {form} 0 R>>>>",
        b"q .99 0 0 .99 1 1 cm /F Do Q q .98 0 0 .98 2 2 cm /F Do Q 0 0 9 9 re f",
        form,
    )
    pdf.page(_WIDE, _HIGH, b"/F Do", resources=f"/XObject<</F {form} 0 R>>")
    return pdf.whole()


def _inflation() -> bytes:
    """A page's content of three gigabytes, compressed twice."""
    packer = zlib.compressobj(9)
    packer.compress(b" " * _CHUNK)
    packer.flush(zlib.Z_FULL_FLUSH)
    chunk = packer.compress(b" " * _CHUNK) + packer.flush(zlib.Z_FULL_FLUSH)  # alike from now on
    start = zlib.compressobj(9)
    whole = start.compress(b" " * _CHUNK) + start.flush(zlib.Z_FULL_FLUSH) + chunk * _CHUNKS
    pdf = RawPdf()
    content = pdf.stream("/Filter[/FlateDecode/FlateDecode]", zlib.compress(whole, 9))
    pdf.page(_WIDE, _HIGH, content)
    return pdf.whole()


def _tiling() -> bytes:
    """A page filled with a pattern whose steps are a thousandth of a point."""
    pdf = RawPdf()
    pattern = pdf.stream(
        "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep .001/YStep .001"
        "/Resources<<>>",
        b"0 0 5 5 re f",
    )
    pdf.page(_WIDE, _HIGH, b"/Pattern cs /P scn 0 0 612 792 re f", resources=f"/Pattern<</P {pattern} 0 R>>")
    return pdf.whole()


def _shading() -> bytes:
    """A page shaded again and again by a long function."""
    pdf = RawPdf()
    steps = b"dup mul sin cos abs sqrt " * 400
    function = pdf.stream("/FunctionType 4/Domain[0 1 0 1]/Range[0 1]", b"{ add " + steps + b"}")
    shading = pdf.add(
        f"<</ShadingType 1/ColorSpace/DeviceGray/Matrix[612 0 0 792 0 0]/Function {function} 0 R>>"
    )
    pdf.page(_WIDE, _HIGH, b"/S sh " * 1000, resources=f"/Shading<</S {shading} 0 R>>")
    return pdf.whole()
