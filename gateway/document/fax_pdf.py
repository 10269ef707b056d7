"""Write a PDF around G4 strips: one strip a page, byte for byte the same for the same pages.

ISO 32000-1: 7.5 (file structure), 7.4.6 (CCITTFaxDecode), 8.9.5 (image dictionaries). The strip is T.6 coded
with black as 1, which the filter turns into 0, DeviceGray's black, by default: neither /BlackIs1 nor /Decode
is needed. The page box follows from 204 by 196 (or 98) dpi, so readers see the true
resolution.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from gateway.document.geometry import DPI_X, DPI_Y, WIDTH, Resolution

_HEAD = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"


class FaxPdf:
    """Streams pages into `file`; `size` and `digest` tell what was written so far."""

    def __init__(self, file: BinaryIO, resolution: Resolution = "fine") -> None:
        self._file = file
        self._dpi_y = DPI_Y[resolution]
        self._sha256 = hashlib.sha256()
        self._offsets = {1: 0, 2: 0}  # the catalog and the page tree are written last
        self._pages: list[int] = []
        self.size = 0
        self._write(_HEAD)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, hex."""
        return self._sha256.hexdigest()

    def add(self, strip: bytes, height: int) -> None:
        """Append one page: a T.6 strip 1728 pixels wide and `height` rows high."""
        wide, high = _points(WIDTH, DPI_X), _points(height, self._dpi_y)
        content = f"q {wide} 0 0 {high} 0 0 cm /I Do Q".encode()
        image = self._stream(
            f"/Type/XObject/Subtype/Image/Width {WIDTH}/Height {height}/ColorSpace/DeviceGray"
            f"/BitsPerComponent 1/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns {WIDTH}/Rows {height}>>",
            strip,
        )
        drawing = self._stream("", content)
        self._pages.append(
            self._object(
                f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {wide} {high}]/Contents {drawing} 0 R"
                f"/Resources<</XObject<</I {image} 0 R>>>>>>".encode()
            )
        )

    def finish(self) -> None:
        """Write the page tree, the cross-reference table and the trailer."""
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        self._object(f"<</Type/Pages/Count {len(self._pages)}/Kids[{kids}]>>".encode(), 2)
        self._object(b"<</Type/Catalog/Pages 2 0 R>>", 1)
        start, count = self.size, len(self._offsets) + 1
        table = [f"xref\n0 {count}\n0000000000 65535 f \n"]
        table += [f"{self._offsets[number]:010d} 00000 n \n" for number in range(1, count)]
        table.append(f"trailer\n<</Size {count}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n")
        self._write("".join(table).encode())

    def _stream(self, entries: str, data: bytes) -> int:
        head = f"<<{entries}/Length {len(data)}>>\nstream\n".encode()
        return self._object(head + data + b"\nendstream")

    def _object(self, body: bytes, number: int = 0) -> int:
        number = number or len(self._offsets) + 1
        self._offsets[number] = self.size
        self._write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
        return number

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self.size += len(data)


def _points(pixels: int, dpi: int) -> str:
    """A length in points, rounded down: rounded up, readers would make the page a pixel too large."""
    whole, thousandths = divmod(pixels * 72 * 1000 // dpi, 1000)
    return f"{whole}.{thousandths:03d}"
