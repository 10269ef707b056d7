"""T.6 (Group 4) coding of packed rows, and their digest."""

from __future__ import annotations

import hashlib
import io

from PIL import Image, TiffImagePlugin

from gateway.document.geometry import WIDTH


def encode(rows: bytes, height: int) -> bytes:
    """Code packed rows (1 is black) as one T.6 strip, most significant bit first, with its EOFB."""
    file = io.BytesIO()
    page = Image.frombuffer("1", (WIDTH, height), rows, "raw", "1", 0, 1)
    page.save(file, "TIFF", compression="group4", strip_size=1 << 30)
    data = file.getbuffer()
    file.seek(0)
    with TiffImagePlugin.TiffImageFile(file) as tiff:
        (offset,) = tiff.tag_v2[TiffImagePlugin.STRIPOFFSETS]
        (length,) = tiff.tag_v2[TiffImagePlugin.STRIPBYTECOUNTS]
    return bytes(data[offset : offset + length])


def digest(rows: bytes) -> bytes:
    """SHA-256 of a page's packed rows."""
    return hashlib.sha256(rows).digest()
