"""Pages that are pictures: a PDF around JPEG or CCITT G4 data, as scanners and phones write it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image, ImageChops, TiffImagePlugin

from bench.corpus.rawpdf import RawPdf

_POINTS = 72
_OFFSETS, _COUNTS = 273, 279  # TIFF tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One page: a picture and its resolution."""

    picture: Image.Image
    dpi: float
    rotate: int = 0
    """Degrees clockwise that a reader must turn the page."""
    margin: float = 0.0
    """White paper around the picture, in points."""
    quality: int = 80


def bound(leaves: Iterable[Leaf]) -> bytes:
    """A PDF of the leaves: 1-bit pictures as G4, all others as JPEG."""
    pdf = RawPdf()
    for leaf in leaves:
        wide, high = (side * _POINTS / leaf.dpi for side in leaf.picture.size)
        image = pdf.stream(*_coded(leaf))
        pdf.page(
            wide + 2 * leaf.margin,
            high + 2 * leaf.margin,
            f"q {wide:.3f} 0 0 {high:.3f} {leaf.margin} {leaf.margin} cm /I Do Q".encode(),
            resources=f"/XObject<</I {image} 0 R>>",
            entries=f"/Rotate {leaf.rotate}" if leaf.rotate else "",
        )
    return pdf.whole()


def g4(picture: Image.Image) -> bytes:
    """A 1-bit picture as one T.6 strip."""
    made = io.BytesIO()
    # Pillow codes white, its 1, as black.
    ImageChops.invert(picture).save(made, "TIFF", compression="group4", strip_size=1 << 30)
    with Image.open(made) as tiff:
        assert isinstance(tiff, TiffImagePlugin.TiffImageFile)
        (offset,), (count,) = tiff.tag_v2[_OFFSETS], tiff.tag_v2[_COUNTS]
    return made.getvalue()[offset : offset + count]


def _coded(leaf: Leaf) -> tuple[str, bytes]:
    """Entries and data of the image's stream."""
    wide, high = leaf.picture.size
    entries = f"/Type/XObject/Subtype/Image/Width {wide}/Height {high}"
    if leaf.picture.mode == "1":
        parameters = f"/DecodeParms<</K -1/Columns {wide}/Rows {high}>>"
        entries += f"/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/CCITTFaxDecode{parameters}"
        return entries, g4(leaf.picture)
    space = "DeviceGray" if leaf.picture.mode == "L" else "DeviceRGB"
    made = io.BytesIO()
    leaf.picture.save(made, "JPEG", quality=leaf.quality)
    return f"{entries}/ColorSpace/{space}/BitsPerComponent 8/Filter/DCTDecode", made.getvalue()
