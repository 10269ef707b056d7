"""Pictures in grey at fax geometry, by Pillow: JPEG, PNG, GIF and TIFF."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, cast

from PIL import Image, ImageOps, ImageSequence

from gateway.document import raster
from gateway.document.geometry import WIDTH, place
from gateway.document.parts import Part, refuse
from gateway.document.sniff import Format
from gateway.errors import GatewayError

_LARGEST_PICTURE = 120_000_000
"""Pixels of one picture; a scan of A3 at 600 dpi has 70 million."""
_SCREEN_DPI = 96.0
_ENLARGE = 2.0
"""Small pictures are enlarged this much at most; a stamp does not fill a page."""
_DECORATION = 150
"""Pixels: a picture inside the HTML text that is lower or narrower is a logo, a signature or a tracker."""
_LEAST_DPI, _MOST_DPI = 30.0, 2400.0
_ORIENTATION = 0x0112  # Exif tag
_FIRST_TURNED = 5
"""Exif orientations from here on are a quarter turn."""


def is_decoration(part: Part, kind: Format) -> bool:
    """Whether an inline picture is too small to be content."""
    if not part.inline:
        return False
    with _opened(part, kind) as picture:
        return min(picture.size) < _DECORATION


def pages(part: Part, kind: Format, height: int) -> Iterator[Image.Image]:
    """Each frame of a TIFF, or the (first) picture of anything else, as a 1-bit fax page of `height` rows."""
    with _opened(part, kind) as picture:
        frames = ImageSequence.Iterator(picture) if kind is Format.TIFF else (picture,)
        for frame in frames:
            if frame.width * frame.height > _LARGEST_PICTURE:
                _too_large(part)
            yield _page(frame, height)


def _page(picture: Image.Image, height: int) -> Image.Image:
    across, down = _resolution(picture)
    wide, high = picture.width / across, picture.height / down
    if picture.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED:
        wide, high = high, wide
    if picture.format == "JPEG":
        # The decoder itself scales by 1/2, 1/4 or 1/8, which is several times faster.
        picture.draft("L", (2 * WIDTH, 2 * WIDTH))
    grey = _grey(ImageOps.exif_transpose(picture))
    placement = place(wide, high, height, enlarge=_ENLARGE)
    if placement.turned:
        grey = grey.transpose(Image.Transpose.ROTATE_270)
    size = (placement.width, placement.height)
    if grey.size != size:
        smooth = Image.Resampling.BICUBIC if size > grey.size else Image.Resampling.LANCZOS
        grey = grey.resize(size, smooth, reducing_gap=2.0)
    page = raster.blank(height)
    page.paste(grey, (placement.left, placement.top))
    box = (placement.left, placement.top, placement.left + placement.width, placement.top + placement.height)
    return raster.binarise(page, [box] if raster.is_photograph(grey) else [])


def _grey(picture: Image.Image) -> Image.Image:
    """Any mode to 8-bit grey, with what is transparent as white paper."""
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I")
    if picture.mode == "I":
        return picture.point(lambda value: value * (1 / 257)).convert("L")
    if picture.mode == "F":
        low, high = cast("tuple[float, float]", picture.getextrema())
        span = (high - low) or 1.0
        return picture.point(lambda value: value * (255 / span) - low * 255 / span).convert("L")
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        paper = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(paper, layered).convert("L")
    return picture.convert("L")


def _resolution(picture: Image.Image) -> tuple[float, float]:
    """Dots an inch across and down; that of a screen where the picture does not say, or says nonsense."""
    stated = picture.info.get("dpi")
    try:
        across, down = (float(value) for value in stated or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return _SCREEN_DPI, _SCREEN_DPI
    believable = _LEAST_DPI <= across <= _MOST_DPI and _LEAST_DPI <= down <= _MOST_DPI
    # Cameras write 72 by habit; both axes apart by more than fax modes are is a mistake.
    return (across, down) if believable and 0.4 < across / down < 2.5 else (_SCREEN_DPI, _SCREEN_DPI)


@contextmanager
def _opened(part: Part, kind: Format) -> Iterator[Image.Image]:
    """Open a picture with the decoder for `kind` only; whatever the decoder raises becomes a refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes are checked here, and other warnings help nobody
            with Image.open(io.BytesIO(part.data), formats=[kind.name]) as picture:
                if picture.width * picture.height > _LARGEST_PICTURE:
                    _too_large(part)
                yield picture
    except (GatewayError, MemoryError, GeneratorExit):
        raise
    except Image.DecompressionBombError:
        _too_large(part)
    except Exception:  # Pillow's decoders raise nearly anything on damaged files
        refuse(
            part,
            f"is damaged or incomplete: it is {kind.value} that cannot be read",
            "Send the file again",
            status="5.6.5",
            code="picture_damaged",
        )


def _too_large(part: Part) -> NoReturn:
    refuse(
        part,
        f"has more than {_LARGEST_PICTURE // 1_000_000} million pixels",
        "Make the picture smaller",
        status="5.6.5",
        code="picture_too_large",
    )
