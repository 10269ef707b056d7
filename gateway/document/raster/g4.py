"""T.6 (Group 4) coding of packed rows, and their digest."""

from __future__ import annotations

import hashlib
import io

from PIL import Image
from PIL import TiffImagePlugin as Tiff

from gateway.document.geometry import WIDTH

_T6 = 4
_WHITE_IS_0 = 0


def encode(rows: bytes, height: int) -> bytes:
    """Code packed rows (1 is black) as one T.6 strip, most significant bit first, with its EOFB.

    Pillow keeps an image of single bits as a byte for each, and to spread and pack them takes longer than to
    code. So libtiff is handed the rows as the bytes that they are, with tags that tell their real size.
    """
    tags = [
        (Tiff.IMAGEWIDTH, WIDTH),
        (Tiff.IMAGELENGTH, height),
        (Tiff.BITSPERSAMPLE, 1),
        (Tiff.COMPRESSION, _T6),
        (Tiff.PHOTOMETRIC_INTERPRETATION, _WHITE_IS_0),
        (Tiff.ROWSPERSTRIP, height),
    ]
    page = Image.frombuffer("L", (WIDTH // 8, height), rows, "raw", "L", 0, 1)
    data = page.tobytes("libtiff", ("L", 0, "", tags, {}))
    with Tiff.TiffImageFile(io.BytesIO(data)) as file:
        (offset,) = file.tag_v2[Tiff.STRIPOFFSETS]
        (length,) = file.tag_v2[Tiff.STRIPBYTECOUNTS]
    return data[offset : offset + length]


def digest(rows: bytes) -> bytes:
    """SHA-256 of a page's packed rows."""
    return hashlib.sha256(rows).digest()
