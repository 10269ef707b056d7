"""Whether a JPEG breaks off: decoders fill up what is missing, and say nothing."""

from __future__ import annotations

import io

from PIL import Image, ImageChops

from gateway.document.formats.picture.strict import strictly

_END, _TAIL = b"\xff\xd9", 1024
"""The end of an image, and how much may stand behind it."""
_FILLING = bytes(range(1, 250, 2)) * 4
_SMALL = (256, 256)


def is_cut_jpeg(content: bytes) -> bool:
    """Whether a JPEG without an end lacks more than that: what is put behind it becomes part of it."""
    if _END in content[-_TAIL:]:
        return False
    try:
        with _decoded(content + _END) as ended, _decoded(content + _FILLING + _END) as filled:
            return ImageChops.difference(ended, filled).getbbox() is not None
    except OSError:
        return True


def _decoded(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content), formats=["JPEG"])
    picture.draft("L", _SMALL)
    with strictly():
        picture.load()
    return picture
