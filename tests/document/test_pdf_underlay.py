"""JPEG pictures that are decoded beside PDFium: the page is the same, or PDFium draws it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFile
from support.pdf_maker import PdfMaker

from gateway.document.formats import pdf
from gateway.document.formats.parts import Part
from gateway.document.formats.pdf import underlay
from gateway.document.formats.pdf.drawing import Canvas, Document
from gateway.document.geometry import Layout
from gateway.errors import GatewayError

LAYOUT = Layout()
ENTRIES = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/%s/BitsPerComponent 8/Filter/DCTDecode"
WHOLE = b"q 612 0 0 792 0 0 cm /I Do Q"


def scene(mode: str = "RGB", size: tuple[int, int] = (600, 780)) -> Image.Image:
    """Different in every corner, with edges and shades."""
    wide, high = size
    shades = Image.linear_gradient("L").resize(size, Image.Resampling.BICUBIC)
    made = Image.merge("RGB", (shades, shades.transpose(Image.Transpose.FLIP_LEFT_RIGHT), shades)).convert(
        mode
    )
    pen = ImageDraw.Draw(made)
    pen.rectangle((wide // 10, high // 10, wide // 3, high // 5), fill="black")
    pen.ellipse((wide // 2, high // 8, wide - 40, high // 3), fill="white")
    pen.line((20, high - 20, wide - 20, high - 200), fill="black", width=9)
    return made


def jpeg(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90, **options)  # type: ignore[arg-type]  passed on
    return out.getvalue()


def shown(content: bytes = WHOLE, *, data: bytes | None = None, mode: str = "RGB", **more: bytes) -> bytes:
    """A PDF of one page with a picture named I."""
    made = PdfMaker()
    picture = scene(mode, (2600, 3380) if mode == "L" else (600, 780))
    space = {"L": b"DeviceGray", "RGB": b"DeviceRGB", "CMYK": b"DeviceCMYK"}[mode]
    entries = ENTRIES % (*picture.size, space) + more.get("entries", b"")
    if b"/SMask" in entries:
        mask = made.image(Image.new("L", (60, 78), 100))
        entries = entries.replace(b"/SMask", b"/SMask %d 0 R" % mask)
    number = made.stream(jpeg(picture) if data is None else data, entries)
    resources = b"/XObject<</I %d 0 R>>" % number + more.get("resources", b"")
    made.page(content, resources, entries=more.get("page", b""))
    return made.bytes()


def both(data: bytes) -> tuple[np.ndarray, np.ndarray, bool]:
    """The page as PDFium draws it alone, and with what was laid under it; whether anything was."""
    document = Document(data)
    page = document.load(0)
    (placement,) = LAYOUT.place_page(page.wide / 72, page.high / 72)
    alone, helped = Canvas(LAYOUT.height), Canvas(LAYOUT.height)
    try:
        alone.clear()
        page.draw(alone, placement)
        helped.clear()
        underlay.lay(page, data, helped, placement, damaged=lambda _large: None)
        laid = helped.grey != b"\xff" * len(helped.grey)
        page.draw(helped, placement)
        one, other = (np.array(canvas.grey).reshape(-1, 1728) for canvas in (alone, helped))
        return one, other, laid
    finally:
        alone.close()
        helped.close()
        document.unload(page)
        document.close()


def coarse(page: np.ndarray) -> np.ndarray:
    return page[: len(page) // 4 * 4].reshape(-1, 4, 432, 4).mean(axis=(1, 3))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(
    "matrix",
    [
        b"612 0 0 792 0 0",
        b"300 0 0 390 100 200",
        b"-300 0 0 390 400 200",
        b"300 0 0 -390 100 600",
        b"-300 0 0 -390 400 600",
        b"0 300 -390 0 500 200",
        b"0 -300 390 0 100 600",
        b"0 300 390 0 100 200",
        b"0 -300 -390 0 500 600",
    ],
)
def test_the_page_looks_the_same(mode: str, matrix: bytes) -> None:
    one, other, laid = both(shown(b"q " + matrix + b" cm /I Do Q 0 0 1 rg 80 80 300 40 re f", mode=mode))
    assert laid
    assert np.abs(coarse(one) - coarse(other)).mean() < 1.5
    assert (np.abs(coarse(one) - coarse(other)) > 60).mean() < 0.002


def test_a_picture_that_reaches_beyond_the_page() -> None:
    one, other, laid = both(shown(b"q 900 0 0 1200 -100 -200 cm /I Do Q"))
    assert laid
    assert np.abs(coarse(one) - coarse(other)).mean() < 1.5


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_on_a_turned_page(turn: int) -> None:
    one, other, laid = both(shown(page=b"/Rotate %d" % turn))
    assert laid
    assert np.abs(coarse(one) - coarse(other)).mean() < 1.5


def test_nothing_of_it_outside_of_the_page() -> None:
    one, other, laid = both(shown(page=b"/CropBox[0 400 306 792]"))
    assert laid
    assert np.abs(coarse(one) - coarse(other)).mean() < 1.5
    assert (other[:, np.flatnonzero((one != 255).any(axis=0))[-1] + 3 :] == 255).all()


OPAQUE = b"/ExtGState<</G<</ca .5>>/M<</BM/Multiply>>>>"
LAYERS = b"/OCProperties<</OCGs[%d 0 R]/D<</OFF[%d 0 R]>>>>"


@pytest.mark.parametrize(
    "data",
    [
        shown(entries=b"/Decode[1 0 1 0 1 0]"),
        shown(entries=b"/SMask"),
        shown(entries=b"/Mask[0 40 0 40 0 40]"),
        shown(mode="CMYK"),
        shown(b"/G gs " + WHOLE, resources=OPAQUE),
        shown(b"/M gs " + WHOLE, resources=OPAQUE),
        shown(b"q 300 400 m 100 100 l 500 120 l h W n " + WHOLE + b" Q"),
        shown(b"q 100 100 300 300 re W n " + WHOLE + b" Q"),
        shown(b"0 0 400 400 re f " + WHOLE),  # something under it
        shown(b"q 400 100 -100 500 150 100 cm /I Do Q"),  # askew
        shown(data=b"\xff\xd8 no JPEG at all"),
    ],
)
def test_what_is_peculiar_is_left_alone(data: bytes) -> None:
    one, other, laid = both(data)
    assert not laid
    assert (one == other).all()


def test_a_hidden_layer_stays_hidden() -> None:
    made = PdfMaker()
    picture = scene()
    number = made.stream(jpeg(picture), ENTRIES % (*picture.size, b"DeviceRGB"))
    layer = made.add(b"<</Type/OCG/Name(hidden)>>")
    made.catalog = b"/OCProperties<</OCGs[%d 0 R]/D<</OFF[%d 0 R]>>>>" % (layer, layer)
    content = b"/OC /L BDC " + WHOLE + b" EMC 80 80 300 40 re f"
    made.page(content, b"/XObject<</I %d 0 R>>/Properties<</L %d 0 R>>" % (number, layer))
    one, other, laid = both(made.bytes())
    assert not laid
    assert (one == other).all()
    assert (other[:1000] == 255).all()


def test_pictures_on_top_of_each_other_keep_their_order() -> None:
    one, other, laid = both(shown(WHOLE + b" q 200 0 0 200 200 300 cm /I Do Q"))
    assert laid
    assert np.abs(coarse(one) - coarse(other)).mean() < 1.5


@pytest.mark.parametrize("lenient", [False, True])
def test_a_picture_that_is_cut_off_is_said(lenient: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)  # as WeasyPrint leaves it
    whole = jpeg(scene())
    notes: list[str] = []

    def pages(content: bytes, data: bytes) -> int:
        part = Part(label="The PDF", data=shown(content, data=data))
        return len(list(pdf.sheets(part, layout=LAYOUT, notes=notes, inspect=False, most=9)))

    with pytest.raises(GatewayError, match="a picture on page 1 that is damaged or incomplete"):
        pages(WHOLE, whole[: len(whole) // 2])
    stamp = b"q 90 0 0 60 100 100 cm /I Do Q BT /F 24 Tf 72 700 Td (Hello fax) Tj ET"
    assert pages(stamp, whole[: len(whole) // 2]) == 1
    assert notes == ["The PDF: a small picture on page 1 is damaged."]
    assert pages(WHOLE, whole) == 1
