"""How large a picture is meant to be, and which way up. Measured before it is decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, TiffImagePlugin

from gateway.document.geometry import DPI_X, DPI_Y, PAPERS, WIDTH

_SCREEN_DPI = 96.0
_NO_ANSWER = (72.0, 72.0)
"""What cameras and programs, Pillow among them, write and read where nobody knows."""
_LEAST_DPI, _MOST_DPI = 30.0, 2400.0
_LEAST_RATIO = 0.4
"""Fax modes have 204 by 98 and 204 by 391; axes further apart than that are a mistake."""
_CCITT = frozenset({"tiff_ccitt", "tiff_raw_16", "group3", "group4"})
_STANDARD_ROWS = 1500
"""A fax page with fewer rows is in standard resolution, if it does not say: Legal has 1372 there."""
_PAGE_WIDE = 4.2
"""Inches: what is at least half a sheet wide keeps its size, where it states one."""
_ENLARGE = 2.0
"""Other small pictures are enlarged this much at most; a stamp does not fill a page."""

_X_RESOLUTION, _Y_RESOLUTION, _UNIT, _CENTIMETRE = 282, 283, 296, 3
"""TIFF 6.0."""
_ORIENTATION, _EXIF = 0x0112, 0x8769
_EXPOSURE = (0x829A, 0x829D)
"""Exif 3.0: exposure time and aperture: what only a camera writes."""
_FIRST_QUARTER = 5
"""Orientations from here on are a quarter turn."""
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A picture as it stands upright."""

    pixels: tuple[int, int]
    dpi: tuple[float, float] | None
    """Dots an inch across and down; None where it does not say, or says nonsense."""
    is_fax: bool
    """Whether it is a page as fax machines make and take them (RFC 3949, profiles S and F)."""
    transpose: Image.Transpose | None
    """What is left to be done to the decoded pixels, so that they stand upright."""
    quarter: bool
    """Whether that is a quarter turn."""

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height; those on a screen where it states no resolution."""
        across, down = self.dpi or (_SCREEN_DPI, _SCREEN_DPI)
        return self.pixels[0] / across, self.pixels[1] / down

    @property
    def enlarge(self) -> float:
        """How much it may be enlarged."""
        return 1.0 if self.dpi and min(self.inches) >= _PAGE_WIDE else _ENLARGE

    @property
    def paper(self) -> tuple[float, float]:
        """Inches, for the choice of paper: a fax line is as wide on every paper, so its length must tell."""
        wide, high = self.inches
        fits = [paper for paper in PAPERS.values() if self.is_fax and abs(high / paper[1] - 1) < 0.02]
        return (fits[0][0], high) if fits else (wide, high)


def measure(picture: Image.Image) -> Size:
    """Measure a picture that is opened, or the frame of a TIFF that it has been moved to."""
    exif = _exif(picture)
    orientation = exif.get(_ORIENTATION, 1)
    if orientation not in _TRANSPOSE:
        orientation = 1
    stated = _stated(picture)
    # Pillow turns a TIFF as it decodes it, has its size turned already, and never turns the resolution;
    # pillow-heif has turned everything.
    tiff = isinstance(picture, TiffImagePlugin.TiffImageFile)
    transpose = None if tiff or picture.format == "HEIF" else _TRANSPOSE.get(orientation)
    quarter = transpose is not None and orientation >= _FIRST_QUARTER
    pixels = (picture.height, picture.width) if quarter else picture.size
    if stated and (quarter or (tiff and orientation >= _FIRST_QUARTER)):
        stated = (stated[1], stated[0])
    is_fax = False
    if picture.mode == "1" and pixels[0] == WIDTH:
        is_fax = abs(stated[0] - DPI_X) < 10 if stated else picture.info.get("compression") in _CCITT
    if stated is None and is_fax:
        stated = float(DPI_X), float(DPI_Y["standard" if pixels[1] < _STANDARD_ROWS else "fine"])
    if _is_photograph(exif):
        stated = None  # what cameras state means nothing
    return Size(pixels=pixels, dpi=stated, is_fax=is_fax, transpose=transpose, quarter=quarter)


def _stated(picture: Image.Image) -> tuple[float, float] | None:
    try:
        if isinstance(picture, TiffImagePlugin.TiffImageFile):  # its `info` may be that of an earlier frame
            tags = picture.tag_v2
            unit = 2.54 if tags.get(_UNIT) == _CENTIMETRE else 1.0
            across, down = (float(tags[tag]) * unit for tag in (_X_RESOLUTION, _Y_RESOLUTION))
        else:
            across, down = (float(value) for value in picture.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):  # nothing, or fractions of broken files
        return None
    if (across, down) == _NO_ANSWER:
        return None
    usual = all(math.isfinite(value) and _LEAST_DPI <= value <= _MOST_DPI for value in (across, down))
    return (across, down) if usual and _LEAST_RATIO < across / down < 1 / _LEAST_RATIO else None


def _is_photograph(exif: Image.Exif) -> bool:
    try:
        return any(tag in exif.get_ifd(_EXIF) for tag in _EXPOSURE)
    except Exception:  # as below
        return False


def _exif(picture: Image.Image) -> Image.Exif:
    try:
        return picture.getexif()
    except Exception:  # Pillow's readers raise nearly anything; broken Exif is no reason to refuse a picture
        return Image.Exif()
