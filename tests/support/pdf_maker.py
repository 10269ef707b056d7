"""PDFs written byte by byte, so that everything in them is known. Nothing here comes from anybody's file."""

from __future__ import annotations

import io
import zlib

from PIL import Image

LETTER = (0.0, 0.0, 612.0, 792.0)


class PdfMaker:
    """Collects numbered objects and pages; `bytes()` writes the file."""

    def __init__(self) -> None:
        self.objects: list[bytes] = [b"", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
        self.pages: list[int] = []
        self.catalog = b""
        self.tree = b""

    def add(self, body: bytes) -> int:
        """Add an object; returns its number."""
        self.objects.append(body)
        return len(self.objects)

    def stream(self, data: bytes, entries: bytes = b"", *, pack: bool = False) -> int:
        """Add a stream object."""
        if pack:
            data, entries = zlib.compress(data), entries + b"/Filter/FlateDecode"
        return self.add(b"<<" + entries + b"/Length %d>>stream\n" % len(data) + data + b"\nendstream")

    def form(self, content: bytes, resources: bytes = b"", matrix: bytes = b"[1 0 0 1 0 0]") -> int:
        """Add a form XObject."""
        box = b"/BBox[-5000 -5000 5000 5000]/Matrix" + matrix
        return self.stream(content, b"/Type/XObject/Subtype/Form" + box + b"/Resources<<" + resources + b">>")

    def image(self, picture: Image.Image) -> int:
        """Add a picture: CCITT G4 for 1-bit, packed samples for grey and colour."""
        size = b"/Type/XObject/Subtype/Image/Width %d/Height %d" % picture.size
        if picture.mode == "1":
            file = io.BytesIO()
            picture.save(file, "TIFF", compression="group4", strip_size=1 << 30)
            with Image.open(io.BytesIO(file.getvalue())) as tiff:
                at, length = tiff.tag_v2[273][0], tiff.tag_v2[279][0]
            facts = b"/Columns %d/Rows %d" % picture.size
            coding = b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/BlackIs1 true" + facts + b">>"
            strip = file.getvalue()[at : at + length]
            return self.stream(strip, size + b"/ColorSpace/DeviceGray/BitsPerComponent 1" + coding)
        space = b"/ColorSpace/DeviceGray" if picture.mode == "L" else b"/ColorSpace/DeviceRGB"
        return self.stream(picture.tobytes(), size + space + b"/BitsPerComponent 8", pack=True)

    def page(
        self,
        content: bytes = b"BT /F 24 Tf 72 700 Td (Hello fax) Tj ET",
        resources: bytes = b"",
        *,
        box: tuple[float, float, float, float] = LETTER,
        entries: bytes = b"",
    ) -> int:
        """Add a page; returns its number."""
        shown = self.stream(content)
        corners = b" ".join(b"%.4f" % edge for edge in box)
        self.pages.append(
            self.add(
                b"<</Type/Page/Parent 2 0 R/MediaBox[" + corners + b"]/Contents %d 0 R" % shown
                + entries + b"/Resources<</Font<</F 3 0 R>>" + resources + b">>>>"
            )
        )  # fmt: skip
        return self.pages[-1]

    def attach(self, *files: tuple[str, bytes]) -> None:
        """Embed files in the document, in this order."""
        names = b""
        for name, data in files:
            stored = self.stream(data, b"/Type/EmbeddedFile")
            spec = self.add(b"<</Type/Filespec/F(%s)/EF<</F %d 0 R>>>>" % (name.encode(), stored))
            names += b"(%s) %d 0 R " % (name.encode(), spec)
        self.catalog += b"/Names<</EmbeddedFiles<</Names[" + names + b"]>>>>"

    def bytes(self, *, count: int | None = None, trailer: bytes = b"") -> bytes:
        """The file, with a cross-reference table; `count` is what the page tree claims."""
        kids = b" ".join(b"%d 0 R" % page for page in self.pages)
        self.objects[0] = b"<</Type/Catalog/Pages 2 0 R" + self.catalog + b">>"
        total = len(self.pages) if count is None else count
        self.objects[1] = b"<</Type/Pages" + self.tree + b"/Kids[" + kids + b"]/Count %d>>" % total
        parts, offsets, size = [b"%PDF-1.7\n"], [], 9
        for number, body in enumerate(self.objects, 1):
            offsets.append(size)
            parts.append(b"%d 0 obj\n" % number + body + b"\nendobj\n")
            size += len(parts[-1])
        table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        entries = len(self.objects) + 1
        parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % entries + table)
        parts.append(
            b"trailer<</Size %d/Root 1 0 R" % entries + trailer + b">>\nstartxref\n%d\n%%%%EOF" % size
        )
        return b"".join(parts)


def one_page(content: bytes = b"50 700 500 30 re f", resources: bytes = b"", **more: object) -> bytes:
    """A PDF of one page that draws `content`."""
    made = PdfMaker()
    made.page(content, resources, **more)  # type: ignore[arg-type]  passed on as they are
    return made.bytes()
