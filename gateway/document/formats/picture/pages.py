"""Pictures to fax pages: JPEG, PNG, GIF, WebP, BMP and TIFF by Pillow, AVIF too, HEIC by pillow-heif."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from PIL import Image

from gateway.document import raster
from gateway.document.formats.parts import Part, too_many_pages
from gateway.document.formats.picture import copying, files, legibility
from gateway.document.formats.picture.greys import grey
from gateway.document.formats.picture.sizing import Size, measure
from gateway.document.formats.sniff import Format
from gateway.document.geometry import WIDTH, Layout, Placement
from gateway.document.raster import Box
from gateway.document.sheet import Sheet
from gateway.errors import GatewayError

_SPECK = 4
"""Pixels: what is no higher or no wider than this shows nothing to a person."""
_LOW = 150
"""Pixels: what stands inside the HTML text and is lower or narrower is a logo, a banner or an icon."""
_SMALL = 60_000
"""Pixels in all: so is what is small altogether, as portraits and codes under a signature are."""
_BROKEN = 2048
"""Bytes: less than this cannot be a picture of anything."""
_ENOUGH = 0.87
"""Of the pixels wanted each way; word recall on photographed pages stays the same."""
_VOTES = 200
"""Pages of one file that have a say in the choice of paper."""


def is_decoration(part: Part, kind: Format) -> bool:
    """Whether a picture belongs to the layout of a mail and is no content. Never raises a refusal.

    * Nobody can see what is at most 4 pixels high or wide: trackers and spacers, attached or not.
    * A picture that the mail's HTML text shows (`Part.inline`) is a logo, icon, banner or signature if it is
      below 150 pixels in one direction, or has fewer than 60,000 in all. An attached picture is never.
    * Such a picture that cannot even be opened is decoration if it has less than 2 kB; else it is left to
      `sheets`, which says what is wrong with it.
    """
    try:
        with files.opened(part, kind) as picture:
            wide, high = picture.size
    except GatewayError:
        return part.inline and len(part.data) < _BROKEN
    if min(wide, high) <= _SPECK:
        return True
    return part.inline and (min(wide, high) < _LOW or wide * high < _SMALL)


def sizes(part: Part, kind: Format) -> list[tuple[float, float]]:
    """Inches of each picture, for the choice of paper. Raises a refusal for what cannot be opened."""
    with files.opened(part, kind) as picture:
        frames = files.frames(part, kind, picture, _VOTES)
        return [measure(frame).paper for frame in islice(frames, _VOTES)]


def sheets(
    part: Part, kind: Format, *, layout: Layout, notes: list[str], inspect: bool, most: int
) -> Iterator[Sheet]:
    """Draw each frame of a TIFF, or the (first) picture of anything else, on as many pages as it takes.

    `notes` hears of animations. `inspect`: look for what will be hard to read. Raises a refusal for what is
    damaged, too large, or makes more than `most` pages.
    """
    made = 0
    with files.opened(part, kind) as picture:
        pictures = files.animation(part, kind, picture)
        if pictures:
            notes.append(f"{part.label}: only the first of {pictures} pictures of the animation is faxed.")
        passed: list[int] = []
        for number, frame in enumerate(files.frames(part, kind, picture, most, passed), 1):
            label = part.label if kind is not Format.TIFF else f"{part.label}, page {number},"
            for sheet in _drawn(part, kind, frame, layout, label if inspect else "", most - made):
                made += 1
                if made > most:
                    too_many_pages(most)
                yield replace(sheet, source=f"{part.label}, page {number}")
        if passed:
            pictures = "1 thumbnail or mask" if len(passed) == 1 else f"{len(passed)} thumbnails or masks"
            notes.append(f"{part.label}: {pictures} among its pages not faxed.")


def _drawn(
    part: Part, kind: Format, picture: Image.Image, layout: Layout, label: str, most: int
) -> Iterator[Sheet]:
    """The pages of one picture; with `label`, the subject of their warnings."""
    if kind is Format.PNG:
        files.load(part, kind, picture)  # its Exif data may stand behind the pixels
    size = measure(picture)
    repeats = copying.repeats(picture, size, layout)
    if repeats:
        files.load(part, kind, picture)
        copied = copying.sheet(picture, size, layout, repeats)
        if copied is not None:
            yield copied
            return
    places = layout.place(*size.inches, enlarge=size.enlarge)
    if len(places) > most:
        too_many_pages(most)
    shades = _upright(part, kind, picture, size, places[0])
    seen = legibility.examine(part, kind, picture, size, places[0]) if label else None
    for place in places:
        page, box = _page(shades, place, layout, sharp=picture.mode == "1")
        if layout.deskew:
            degrees = raster.skew(page, layout.height, standard=layout.standard)
            if degrees:
                page = raster.straightened(page, layout.height, degrees, standard=layout.standard)
        rows, look = raster.to_bilevel(
            page, layout.height, [box], standard=layout.standard, despeckle=layout.despeckle
        )
        warnings = legibility.sentences(label, seen, page, box, look) if seen else ()
        yield Sheet(rows=rows, height=layout.height, look=look, warnings=warnings)


def _upright(part: Part, kind: Format, picture: Image.Image, size: Size, place: Placement) -> Image.Image:
    """Decode a picture in grey, no larger than is needed, and turned as it goes on the page."""
    if picture.format in ("JPEG", "MPO"):
        # The decoder itself scales by 1/2, 1/4 or 1/8, which is several times faster, and leaves colour out.
        # A little less than is needed reads as well, and is mostly half of the full size, not all of it.
        wanted = (int(place.width * _ENOUGH), int(place.height * _ENOUGH))
        picture.draft("L", wanted[::-1] if size.quarter is not place.turned else wanted)
    files.load(part, kind, picture)
    shades = grey(picture)
    if size.transpose is not None:
        shades = shades.transpose(size.transpose)
    return shades.transpose(Image.Transpose.ROTATE_270) if place.turned else shades


def _page(shades: Image.Image, place: Placement, layout: Layout, *, sharp: bool) -> tuple[bytearray, Box]:
    """A grey page with that part of the picture that lies on it, and where it lies."""
    first, last = max(0, -place.top), min(place.height, layout.height - place.top)
    scale = shades.height / place.height
    part = (0.0, first * scale, float(shades.width), last * scale)
    size = (place.width, last - first)
    if shades.size != size or part[1] or part[3] != shades.height:
        # As legible as Lanczos in half the time; but thin lines that are 1-bit want the sharper one.
        fast = place.width < shades.width and not sharp
        smooth = Image.Resampling.HAMMING if fast else Image.Resampling.BICUBIC
        shades = shades.resize(size, smooth, box=part, reducing_gap=2.0)
    page = Image.new("L", (WIDTH, layout.height), 255)
    box = (place.left, place.top + first, place.left + place.width, place.top + last)
    page.paste(shades, box[:2])
    return bytearray(page.tobytes()), box
