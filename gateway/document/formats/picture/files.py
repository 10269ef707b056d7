"""Opening pictures: the decoder for what the content is and no other, limits before pixels, frames."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from PIL import Image, ImageChops, JpegImagePlugin, TiffImagePlugin, features

from gateway.document.formats.parts import Part, refuse, too_many_pages
from gateway.document.formats.picture import directories, strips
from gateway.document.formats.picture.strict import strictly
from gateway.document.formats.sniff import Format
from gateway.errors import GatewayError

_MOST_PIXELS = 120_000_000
"""Of one picture; a scan of A3 at 600 dpi has 70 million."""
_MOST_WEBP_PIXELS = 60_000_000
"""Its decoder takes three times the memory of others, half of it for the mere opening."""
_COUNTED_BYTES = 8 << 20
"""Larger GIF files are not read through just to say how many pictures they hold."""

_SUBFILE = 254
_REDUCED, _MASK = 1, 4
_SUB_DIRECTORIES, _DNG_VERSION = 330, 50706
"""TIFF 6.0; TIFF Technical Note 1; Adobe DNG 1.7."""


@contextmanager
def opened(part: Part, kind: Format) -> Iterator[Image.Image]:
    """Open a picture, not yet decoded, of no more pixels than the limit. Raises a refusal."""
    with _decoding(part, kind):
        if kind is Format.WEBP:
            _check(part, kind, _webp_size(part.data))
        picture = Image.open(io.BytesIO(part.data), formats=[_decoder(part, kind)])
    with picture:
        _check(part, kind, picture.size)
        yield picture


@contextmanager
def _decoding(part: Part, kind: Format) -> Iterator[None]:
    """Whatever a decoder raises becomes a refusal: Pillow's raise nearly anything on damaged files.

    Only `MemoryError` is left to those who set the limit of memory.
    """
    try:
        with strictly():
            yield
    except (GatewayError, MemoryError):
        raise
    except Image.DecompressionBombError:
        _too_large(part, _MOST_PIXELS)
    except Exception:
        _damaged(part, kind)


def frames(
    part: Part, kind: Format, picture: Image.Image, most: int, passed: list[int] | None = None
) -> Iterator[Image.Image]:
    """Every page of a TIFF, or the one picture of anything else. Each is `picture` itself, moved on.

    Thumbnails and masks that stand among a TIFF's pages are passed over; `passed` hears which, from 1. What
    calls itself a thumbnail but is no smaller than the page before it is a page. Directories that lead back
    to one another end the file (Pillow looks after that); there may be few more of them than pages wanted.
    """
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        yield picture
        return
    _refuse_raw(part, picture)
    largest = 0
    for index in itertools.count():
        with _decoding(part, kind):
            try:
                picture.seek(index)
            except EOFError:
                if directories.are_all_there(part.data):
                    return
                _damaged(part, kind)
        if index > 2 * most + 16:
            too_many_pages(most)
        kind_of = picture.tag_v2.get(_SUBFILE, 0) if index else 0
        pixels = picture.width * picture.height
        if kind_of & _MASK or (kind_of & _REDUCED and pixels < largest):
            if passed is not None:
                passed.append(index + 1)
            continue
        largest = pixels
        _check(part, kind, picture.size)
        yield picture


def animation(part: Part, kind: Format, picture: Image.Image) -> str:
    """How many pictures an animation has, in words; empty for what does not move."""
    if kind not in (Format.GIF, Format.PNG, Format.WEBP) and picture.format != "AVIF":
        return ""  # further pictures in a JPEG or HEIC are other views of the same, or of its brightness
    with _decoding(part, kind):
        animated = getattr(picture, "is_animated", False)
    if not animated:
        return ""
    if kind is Format.GIF and len(part.data) > _COUNTED_BYTES:
        return "many"
    with _decoding(part, kind):
        return str(getattr(picture, "n_frames", "many"))


def load(part: Part, kind: Format, picture: Image.Image) -> None:
    """Decode all of it. Raises a refusal for what is cut off, which decoders paint grey or white."""
    with _decoding(part, kind):
        picture.load()
        if isinstance(picture, JpegImagePlugin.JpegImageFile) and not _is_whole(part.data, picture):
            _damaged(part, kind)
        if isinstance(picture, TiffImagePlugin.TiffImageFile) and strips.are_damaged(part.data, picture):
            _damaged(part, kind)


def _decoder(part: Part, kind: Format) -> str:
    """Pillow's name of the decoder."""
    if kind is Format.AVIF and not features.check("avif"):
        _missing(part, "AVIF", "a build of Pillow with AVIF")
    if kind is not Format.HEIF:
        return kind.name
    try:
        import pillow_heif
    except ImportError:
        _missing(part, "HEIC", "fax-gateway[heic]")
    # One thread: each takes address space, and other documents are drawn on the other cores.
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return "HEIF"


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height as the header says (RFC 9649, 2.5-2.7): to open takes memory already."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def _is_whole(data: bytes, picture: JpegImagePlugin.JpegImageFile) -> bool:
    """Whether a decoded JPEG has data for all of its rows.

    Where an end marker stands too early, libjpeg fills up with middle grey and Pillow is not told.
    If the last row is such, a second try with some bytes before that marker tells: they become part of the
    picture only where something is missing.
    """
    last = picture.convert("L").crop((0, picture.height - 1, picture.width, picture.height))
    darkest, lightest = last.getextrema()
    if darkest != lightest or not 120 < darkest < 136:  # type: ignore[operator]  # one band: two numbers
        return True
    end = data.rfind(b"\xff\xd9")
    longer = data[:end] + bytes(range(1, 250, 2)) * 4 + data[end:]
    with Image.open(io.BytesIO(longer), formats=["JPEG"]) as again:
        # Reduced as often: sizes are rounded up, so that the exact one would ask for one step less.
        again.draft(picture.mode, (max(1, picture.width - 1), max(1, picture.height - 1)))
        return ImageChops.difference(again.convert("L"), picture.convert("L")).getbbox() is None


def _refuse_raw(part: Part, picture: TiffImagePlugin.TiffImageFile) -> None:
    """Cameras' raw files are TIFF whose first picture is a thumbnail; the real one is no picture yet."""
    tags = picture.tag_v2
    if _DNG_VERSION in tags or (_SUB_DIRECTORIES in tags and tags.get(_SUBFILE, 0) & _REDUCED):
        refuse(part, "is a camera's raw file", "Send it as JPEG", code="format_unsupported")


def _check(part: Part, kind: Format, size: tuple[int, int]) -> None:
    most = _MOST_WEBP_PIXELS if kind is Format.WEBP else _MOST_PIXELS
    if size[0] * size[1] > most:
        _too_large(part, most)


def _too_large(part: Part, most: int) -> NoReturn:
    problem = f"has more than {most // 1_000_000} million pixels"
    refuse(part, problem, "Make the picture smaller", status="5.6.5", code="picture_too_large")


def _damaged(part: Part, kind: Format) -> NoReturn:
    problem = f"is damaged or incomplete: it is {kind.value} that cannot be read"
    refuse(part, problem, "Send the file again", status="5.6.5", code="picture_damaged")


def _missing(part: Part, what: str, package: str) -> NoReturn:
    problem = f"is a {what} picture, and the gateway has no {what} support here"
    refuse(part, problem, f"Send it as JPEG; administrator: install {package}", code="format_unsupported")
