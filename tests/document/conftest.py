"""Fixtures of the document room: a renderer, and documents made here, byte by byte, so that each is known."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from pathlib import Path

import pypdf
import pypdfium2
import pytest
import pytest_asyncio
from PIL import Image, ImageDraw, ImageFont
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, TextStringObject

from gateway.document import Renderer, RenderSettings

LETTER = "[0 0 612 792]"


class Make:
    """Generators of documents. Nothing here comes from anybody's file."""

    @staticmethod
    def raw_pdf(objects: list[bytes]) -> bytes:
        """A PDF of numbered objects; 1 is the catalog."""
        out, offsets = b"%PDF-1.7\n", []
        for number, body in enumerate(objects, 1):
            offsets.append(len(out))
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
        return out + head + table + tail

    @staticmethod
    def stream(data: bytes, entries: bytes = b"") -> bytes:
        """A stream object."""
        return b"<<" + entries + b"/Length %d>>stream\n" % len(data) + data + b"\nendstream"

    def pdf(
        self,
        content: bytes = b"BT /F 24 Tf 72 700 Td (Hello fax) Tj ET",
        *,
        pages: int = 1,
        box: str = LETTER,
        resources: bytes = b"",
        more: tuple[bytes, ...] = (),
        count: int | None = None,
    ) -> bytes:
        """A PDF whose pages all show `content`; `more` objects are numbered from 5 on."""
        kids = b" ".join(b"%d 0 R" % (5 + len(more) + index) for index in range(pages))
        font = b"/Font<</F 4 0 R>>"
        leaf = b"<</Type/Page/Parent 2 0 R/MediaBox" + box.encode() + b"/Contents 3 0 R/Resources<<"
        return self.raw_pdf(
            [
                b"<</Type/Catalog/Pages 2 0 R>>",
                b"<</Type/Pages/Kids[" + kids + b"]/Count %d>>" % (pages if count is None else count),
                self.stream(content),
                b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
                *more,
                *[leaf + font + resources + b">>>>"] * pages,
            ]
        )

    def recursive_pdf(self) -> bytes:
        """A form XObject that draws itself three times: a few hundred bytes that eat all memory."""
        form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"
        recursion = self.stream(b"/X Do /X Do /X Do", form)
        return self.pdf(b"/X Do /X Do", resources=b"/XObject<</X 5 0 R>>", more=(recursion,))

    def endless_pdf(self) -> bytes:
        """A shading by a function that costs seconds at every pixel."""
        program = b"{ " + b"2 copy mul sin cos exch sin add exch " * 20000 + b"pop }"
        entries = b"/FunctionType 4/Domain[0 1 0 1]/Range[0 1]"
        plane = b"/Domain[0 1 0 1]/Matrix[612 0 0 792 0 0]/Function 6 0 R"
        shading = b"<</ShadingType 1/ColorSpace/DeviceGray" + plane + b">>"
        return self.pdf(
            b"/S sh", resources=b"/Shading<</S 5 0 R>>", more=(shading, self.stream(program, entries))
        )

    def bomb_pdf(self) -> bytes:
        """800 MB of content in less than a megabyte."""
        packer = zlib.compressobj(9)
        chunk = b"q " * (1 << 19)
        first, again = (packer.compress(chunk) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
        packed = first + again * 799  # what follows a full flush depends on nothing before it
        return self.pdf().replace(
            self.stream(b"BT /F 24 Tf 72 700 Td (Hello fax) Tj ET"),
            self.stream(packed, b"/Filter/FlateDecode"),
        )

    @staticmethod
    def form_pdf(value: str) -> bytes:
        """An AcroForm with one text field that holds `value` and has no appearance of its own."""
        writer = pypdf.PdfWriter()
        page = writer.add_blank_page(612, 792)
        font = writer._add_object(
            DictionaryObject(
                {
                    NameObject("/Type"): NameObject("/Font"),
                    NameObject("/Subtype"): NameObject("/Type1"),
                    NameObject("/BaseFont"): NameObject("/Helvetica"),
                }
            )
        )
        field = writer._add_object(
            DictionaryObject(
                {
                    NameObject("/Type"): NameObject("/Annot"),
                    NameObject("/Subtype"): NameObject("/Widget"),
                    NameObject("/FT"): NameObject("/Tx"),
                    NameObject("/T"): TextStringObject("name"),
                    NameObject("/V"): TextStringObject(value),
                    NameObject("/DA"): TextStringObject("/Helv 24 Tf 0 g"),
                    NameObject("/F"): FloatObject(4),
                    NameObject("/Rect"): ArrayObject([FloatObject(v) for v in (72, 600, 540, 640)]),
                }
            )
        )
        page[NameObject("/Annots")] = ArrayObject([field])
        fonts = DictionaryObject({NameObject("/Helv"): font})
        writer._root_object[NameObject("/AcroForm")] = DictionaryObject(
            {
                NameObject("/Fields"): ArrayObject([field]),
                NameObject("/DR"): DictionaryObject({NameObject("/Font"): fonts}),
            }
        )
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    def locked_pdf(self, *, user_password: str) -> bytes:
        """An AES-256 encrypted PDF."""
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(self.pdf()))
        writer.encrypt(user_password, "owner", algorithm="AES-256")
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    @staticmethod
    def picture(kind: str, size: tuple[int, int] = (800, 1000), mode: str = "L", **options: object) -> bytes:
        """A picture of black bars on white."""
        image = Image.new("L", size, 255)
        draw = ImageDraw.Draw(image)
        for top in range(size[1] // 10, size[1] - size[1] // 10, max(4, size[1] // 20)):
            draw.rectangle((size[0] // 8, top, size[0] * 7 // 8, top + size[1] // 60), fill=0)
        out = io.BytesIO()
        image.convert(mode).save(out, kind, **options)
        return out.getvalue()

    @staticmethod
    def text_picture(text: str, *, fill: int, size: int = 22) -> Image.Image:
        """A white fax page with `text` in a grey, drawn by FreeType with soft edges."""
        image = Image.new("L", (1728, 2156), 255)
        font = ImageFont.load_default(size)
        ImageDraw.Draw(image).text((100, 100), text, font=font, fill=fill)
        return image

    @staticmethod
    def photograph(size: tuple[int, int] = (1200, 900)) -> Image.Image:
        """Something with the statistics of a photograph: smooth tones at every scale, some grain."""
        image = Image.effect_noise((size[0] // 60, size[1] // 60), 120).resize(size, Image.Resampling.BICUBIC)
        detail = Image.effect_noise((size[0] // 6, size[1] // 6), 90).resize(size, Image.Resampling.BICUBIC)
        return Image.blend(image, detail, 0.5)

    @staticmethod
    def mail(text: str | None = None, *attachments: tuple[str, str, bytes]) -> EmailMessage:
        """A mail with `attachments` of (name, type, content)."""
        message = EmailMessage()
        message["From"] = "a@example.com"
        message["Subject"] = "subject"
        if text is not None:
            message.set_content(text)
        for name, kind, data in attachments:
            major, minor = kind.split("/")
            message.add_attachment(data, maintype=major, subtype=minor, filename=name)
        return message


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    """One renderer for all tests of a module, with limits that make bombs end soon."""
    limits = RenderSettings(max_pages=20, timeout=30.0, cpu_seconds=2, memory_bytes=600 << 20)
    async with Renderer(limits) as running:
        yield running


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "fax.pdf"


class Look:
    """What a reader of a PDF sees, through PDFium."""

    @staticmethod
    def pages(path: Path) -> list[Image.Image]:
        """Each page in grey at 100 dots an inch."""
        document = pypdfium2.PdfDocument(path)
        try:
            return [page.render(scale=100 / 72, grayscale=True).to_pil().convert("L") for page in document]
        finally:
            document.close()

    @staticmethod
    def ink(image: Image.Image, box: tuple[int, int, int, int] | None = None) -> float:
        """Share of dark pixels."""
        part = image.crop(box) if box else image
        histogram = part.convert("L").histogram()
        return sum(histogram[:128]) / (part.width * part.height)

    @staticmethod
    def extent(image: Image.Image) -> tuple[int, int, int, int]:
        """The box that holds all dark pixels."""
        box = image.convert("L").point([255] * 128 + [0] * 128).getbbox()
        assert box is not None, "the page is blank"
        return box


@pytest.fixture(scope="session")
def look() -> Look:
    return Look()


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Fails a test that leaves descriptors of this process open."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= len(before)
