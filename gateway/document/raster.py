"""From grey to the 1-bit page that is sent: threshold for text, screen for photographs, G4.

All work is done by Pillow's own C filters. Grey is 8 bit, 0 black; a 1-bit raster here has 1 for black, as
T.4/T.6 count and as the page digest is defined.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageFilter, ImageOps, TiffImagePlugin

from gateway.document import wire
from gateway.document.geometry import WIDTH

Box = tuple[int, int, int, int]
_Pick = Callable[[Image.Image, Image.Image], Image.Image]

_BIAS = 0.60
"""Where between the darkest and the lightest grey nearby the threshold lies (Bernsen's midpoint is 0.5)."""
_LINE = 0.84
"""On drawn paper everything darker than this share of its grey is ink."""
_PAPER = 150
"""Surroundings lighter than this on average are paper, with ink on it, and not the other way round."""
_SOLID = 96
"""A fill darker than this stays black; a lighter one becomes white, so that text on it can be read."""
_CLEAN = 0.4
"""A page with this share of pixels in its lightest grey was drawn, not scanned: no noise."""


_DRAWN_REACH, _DRAWN_FLAT = 1, 16
_SCANNED_REACH, _SCANNED_FLAT = 4, 40
"""How far to look around a pixel, in steps of 8 pixels, and how much contrast there makes a stroke."""

# Thresholds of an 8 by 8 clustered dot at 45 degrees: two dots a tile, growing from their centres. A plain
# spiral order would give one dot a tile, a coarser picture of the same length.
_SCREEN = (
    (24, 10, 12, 26, 35, 47, 49, 37),
    (8, 0, 2, 14, 45, 59, 61, 51),
    (22, 6, 4, 16, 43, 57, 63, 53),
    (30, 20, 18, 28, 33, 41, 55, 39),
    (34, 46, 48, 36, 25, 11, 13, 27),
    (44, 58, 60, 50, 9, 1, 3, 15),
    (42, 56, 62, 52, 23, 7, 5, 17),
    (32, 40, 54, 38, 31, 21, 19, 29),
)


def binarise(grey: Image.Image, photographs: Sequence[Box] = ()) -> Image.Image:
    """Make a page 1-bit (1 is black): threshold everywhere, but screen the boxes that hold photographs."""
    page = threshold(grey)
    for box in photographs:
        page.paste(screen(grey.crop(box), origin=box[:2]), box[:2])
    return page


def threshold(grey: Image.Image) -> Image.Image:
    """Local contrast: a pixel is black if it is nearer to the darkest than to the lightest grey around it.

    Grey text and hairlines survive, because the lightest grey around them is paper; fills that are not really
    dark become white, because a pixel inside one has no lighter neighbour close by.
    """
    drawn = _is_drawn(grey)
    reach, flat = (_DRAWN_REACH, _DRAWN_FLAT) if drawn else (_SCANNED_REACH, _SCANNED_FLAT)
    low, high = _quartered(grey)
    close = _spread(high, 1, ImageChops.lighter)  # the lightest within about 8 pixels
    darkest = _spread(_halved(low, ImageChops.darker), reach, ImageChops.darker)
    even = grey.reduce(8).resize(darkest.size)
    if drawn:
        lightest = _spread(_halved(high, ImageChops.lighter), reach, ImageChops.lighter)
        contrast = ImageChops.subtract(lightest, darkest)
    else:  # averages: noise is neither paper nor contrast
        lightest = _spread(even, reach, ImageChops.lighter)
        contrast = ImageChops.subtract(lightest, _spread(even, reach, ImageChops.darker))
    level = Image.blend(darkest, lightest, _BIAS)
    if drawn:  # on paper even a grey line beside black text is a line
        line = lightest.point([round(value * _LINE) for value in range(256)])
        level.paste(
            ImageChops.lighter(level, line), mask=even.filter(ImageFilter.BoxBlur(3)).point(_above(_PAPER))
        )
    level.paste(_SOLID, mask=contrast.point(_below(flat)))
    level = level.filter(ImageFilter.BoxBlur(1)).resize(low.size, Image.Resampling.BILINEAR)
    # A stroke is darker than its close surroundings; what is not a stroke must be really dark.
    stroke = close.point([max(_SOLID, value - flat) for value in range(256)])
    level = ImageChops.darker(level, stroke).resize(grey.size, Image.Resampling.NEAREST)
    return ImageChops.subtract(level, grey).point(_POSITIVE, "1")


def screen(grey: Image.Image, *, origin: tuple[int, ...] = (0, 0)) -> Image.Image:
    """Halftone a photograph with a 45-degree clustered dot (36 lines an inch), in step with the page."""
    tile = Image.new("L", (8, 8))
    tile.putdata([round((value + 0.5) * 4) for row in _SCREEN for value in row])
    width, height = grey.size
    cells = Image.new("L", (width + 8, height + 8))
    strip = Image.new("L", (width + 8, 8))
    for left in range(0, width + 8, 8):
        strip.paste(tile, (left, 0))
    for top in range(0, height + 8, 8):
        cells.paste(strip, (0, top))
    left, top = origin[0] % 8, origin[1] % 8
    cells = cells.crop((left, top, left + width, top + height))
    return ImageChops.subtract(cells, grey.point(_DOT_GAIN)).point(_POSITIVE, "1")


def is_photograph(grey: Image.Image) -> bool:
    """Whether a picture is a photograph rather than a document, by shares of its pixels.

    Documents are mostly paper (near the lightest grey around) with little between paper and ink. Photographs
    have many tones well inside the local range, or areas that are dim as a whole. All is measured against the
    surroundings, so that uneven light on a photographed letter does not count.
    """
    step = max(1, min(grey.size) // 400)
    sample = grey.reduce(step) if step > 1 else grey
    if min(sample.size) < 32 or _share(sample.point(_EXTREME)) > 0.9:
        return False
    low = _spread(sample, 12, ImageChops.darker)
    high = _spread(sample, 12, ImageChops.lighter)
    rich = ImageChops.subtract(high, low).point(_above(40))
    over = ImageChops.subtract(sample, Image.blend(low, high, 0.25)).point(_POSITIVE)
    under = ImageChops.subtract(Image.blend(low, high, 0.75), sample).point(_POSITIVE)
    tones = _share(ImageChops.multiply(ImageChops.multiply(over, under), rich))
    light = high.point(_above(max(1, _extrema(high)[1] // 2)))
    paper = _share(ImageChops.multiply(ImageChops.subtract(high, sample).point(_below(24)), light))
    dim = 1 - _share(light)
    return paper < 0.6 and (paper < 0.15 or tones > 0.27 or dim > 0.15)


def encode(page: Image.Image) -> wire.Page:
    """Code a 1-bit raster (1 is black) as one T.6 strip and take its digest."""
    file = io.BytesIO()
    page.save(file, "TIFF", compression="group4", strip_size=1 << 30)
    data = file.getbuffer()
    file.seek(0)
    with TiffImagePlugin.TiffImageFile(file) as tiff:
        (offset,) = tiff.tag_v2[TiffImagePlugin.STRIPOFFSETS]
        (length,) = tiff.tag_v2[TiffImagePlugin.STRIPBYTECOUNTS]
    strip = bytes(data[offset : offset + length])
    return wire.Page(height=page.height, digest=digest(page), strip=strip)


def digest(page: Image.Image) -> bytes:
    """SHA-256 of a 1-bit raster's rows."""
    if page.width != WIDTH:
        raise ValueError("not a fax page")
    return hashlib.sha256(page.tobytes()).digest()


def blank(height: int) -> Image.Image:
    """An empty grey page."""
    return Image.new("L", (WIDTH, height), 255)


def _is_drawn(grey: Image.Image) -> bool:
    return grey.histogram()[_extrema(grey)[1]] >= _CLEAN * grey.width * grey.height


def _quartered(grey: Image.Image) -> tuple[Image.Image, Image.Image]:
    """The darkest and the lightest of each 4 by 4 pixels."""
    low, high = _halved(grey, ImageChops.darker), _halved(grey, ImageChops.lighter)
    return _halved(low, ImageChops.darker), _halved(high, ImageChops.lighter)


def _halved(image: Image.Image, pick: _Pick) -> Image.Image:
    """Half the size, taking the darkest or lightest of each four pixels."""
    size = (max(1, image.width // 2), max(1, image.height // 2))
    corners = [
        image.transform(
            size, Image.Transform.AFFINE, (2, 0, dx - 0.5, 0, 2, dy - 0.5), Image.Resampling.NEAREST
        )
        for dx in (0, 1)
        for dy in (0, 1)
    ]
    return pick(pick(corners[0], corners[1]), pick(corners[2], corners[3]))


def _spread(image: Image.Image, reach: int, pick: _Pick) -> Image.Image:
    """The darkest or lightest within `reach` pixels each way.

    By shifts, each row and column by itself, because Pillow's rank filters take 20 times as long.
    """
    padded = ImageOps.expand(image, reach, 255 if pick is ImageChops.darker else 0)
    for across, down in ((1, 0), (0, 1)):
        centre = padded
        for step in range(1, reach + 1):
            for sign in (-1, 1):
                shifted = ImageChops.offset(centre, sign * step * across, sign * step * down)
                padded = pick(padded, shifted)
    return padded.crop((reach, reach, reach + image.width, reach + image.height))


def _below(limit: int) -> list[int]:
    """A point table: 255 for what is less than `limit`."""
    return [255 if value < limit else 0 for value in range(256)]


def _above(limit: int) -> list[int]:
    """A point table: 255 for what is more than `limit`."""
    return [255 if value > limit else 0 for value in range(256)]


def _extrema(grey: Image.Image) -> tuple[int, int]:
    used = [value for value, count in enumerate(grey.histogram()) if count]
    return used[0], used[-1]


def _share(mask: Image.Image) -> float:
    return mask.histogram()[255] / (mask.width * mask.height)


_POSITIVE = [0] + [255] * 255
_EXTREME = [255 if value < 32 or value > 223 else 0 for value in range(256)]
# Print and scanner spread the dots: midtones are lightened so that they come out as meant.
_DOT_GAIN = [round(255 * (value / 255) ** 0.8) for value in range(256)]
