"""Pages that PDFium draws with a hole, or white, although they hold something: refused, not left out."""

from __future__ import annotations

import io
import zlib

import pytest
from PIL import Image
from support.drawing import LABEL, draw
from support.pdf_maker import PdfMaker, one_page

from gateway.errors import GatewayError

GARBAGE = b"\x00garbage" * 500
ENTRIES = (
    b"/Type/XObject/Subtype/Image/Width 800/Height 1000/ColorSpace/DeviceGray/BitsPerComponent %d/Filter/%s"
)
WORDS = b" BT /F 24 Tf 72 760 Td (Hello fax) Tj ET"


def shown(
    filter_name: bytes, *, bits: int = 8, matrix: bytes = b"500 0 0 600 50 50", more: bytes = b""
) -> bytes:
    made = PdfMaker()
    number = made.stream(GARBAGE, ENTRIES % (bits, filter_name))
    made.page(b"q " + matrix + b" cm /I Do Q" + more, b"/XObject<</I %d 0 R>>" % number)
    return made.bytes()


@pytest.mark.parametrize("more", [b"", WORDS])
@pytest.mark.parametrize("filter_name", [b"DCTDecode", b"BrotliDecode"])
def test_a_large_picture_that_cannot_be_decoded_is_a_reason(filter_name: bytes, more: bytes) -> None:
    with pytest.raises(GatewayError, match="a picture on page 1 that is damaged or incomplete"):
        draw(shown(filter_name, more=more))


@pytest.mark.parametrize(("filter_name", "bits"), [(b"JPXDecode", 8), (b"JBIG2Decode", 1)])
def test_nor_is_a_page_left_out_as_blank_for_a_picture_that_cannot(filter_name: bytes, bits: int) -> None:
    with pytest.raises(GatewayError) as caught:
        draw(shown(filter_name, bits=bits))
    assert caught.value.failure.code in ("pdf_undrawable", "picture_damaged")


def jpeg2000(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG2000")
    return out.getvalue()


@pytest.mark.parametrize("wide", [1728, 1500])
def test_a_picture_that_is_white_though_there_is_data_of_it_is_a_reason(wide: int) -> None:
    made = PdfMaker()
    whole = jpeg2000(Image.effect_noise((wide, 2200), 60))
    data = whole[: len(whole) // 2]
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height 2200/ColorSpace/DeviceGray/BitsPerComponent 8"
    number = made.stream(data, entries % wide + b"/Filter/JPXDecode")
    made.page(b"q 612 0 0 792 0 0 cm /I Do Q", b"/XObject<</I %d 0 R>>" % number)
    with pytest.raises(GatewayError, match="a picture on page 1"):
        draw(made.bytes())


def content(data: bytes, entries: bytes = b"/Filter/FlateDecode") -> bytes:
    """A page with this program beside one in order."""
    made = PdfMaker()
    made.page()
    made.page(b"@@")
    whole = made.bytes()
    at = whole.index(b"<</Length 2>>stream\n@@")
    return whole[:at] + b"<<%s/Length %d>>stream\n" % (entries, len(data)) + data + whole[at + 22 :]


DRAWS = zlib.compress(b"BT /F 24 Tf 72 700 Td (%s) Tj ET " % bytes(range(48, 90)) * 40)


@pytest.mark.parametrize(
    "data", [DRAWS[:25], b"\x00" + DRAWS, b"no deflate at all, but many words of it to be read"]
)
def test_a_page_whose_program_cannot_be_read_is_a_reason(data: bytes) -> None:
    with pytest.raises(
        GatewayError, match=r"the drawing of page 2 breaks off|a drawing on page 2 that cannot be drawn"
    ):
        draw(content(data))


@pytest.mark.parametrize("data", [b"", b" \n", b"q Q", b"/Artifact BMC EMC BT ET"])
def test_a_page_whose_program_draws_nothing_is_blank(data: bytes) -> None:
    for packed, entries in ((data, b""), (zlib.compress(data), b"/Filter/FlateDecode")):
        sheets, _ = draw(content(packed, entries))
        assert len(sheets) == 2
        assert not any(sheets[1].rows)


def test_a_small_one_does_not_keep_the_words_from_going() -> None:
    sheets, _ = draw(shown(b"DCTDecode", matrix=b"90 0 0 60 50 50", more=WORDS))
    assert len(sheets) == 1


BROKEN_FONT = b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]/CharProcs<<>>"


def test_words_in_a_font_that_draws_nothing_are_a_reason() -> None:
    made = PdfMaker()
    encoding = b"/Encoding<</Differences[65/a]>>/FirstChar 65/LastChar 65/Widths[9]"
    unicode = made.stream(
        b"1 begincodespacerange <00><ff> endcodespacerange 1 beginbfchar <41><0041> endbfchar"
    )
    font = made.add(BROKEN_FONT + encoding + b"/ToUnicode %d 0 R>>" % unicode)
    made.page(b"BT /Q 24 Tf 72 700 Td (AAAA) Tj ET", b"/Font<</Q %d 0 R>>" % font)
    with pytest.raises(GatewayError, match="holds text on page 1 that cannot be drawn"):
        draw(made.bytes().replace(b"/Font<</F 3 0 R>>/Font", b"/Font"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1 g BT /F 24 Tf 72 700 Td (white on white) Tj ET",
        b"BT 3 Tr /F 24 Tf 72 700 Td (behind a scan) Tj ET",
        b"BT /F 24 Tf 72 -700 Td (off the page) Tj ET",
        b"BT /F 24 Tf 72 700 Td (   ) Tj ET",
    ],
)
def test_what_is_blank_for_everybody_is_blank(content: bytes) -> None:
    sheets, _ = draw(one_page(content))
    assert not any(any(sheet.rows) for sheet in sheets)


def test_a_white_picture_is_blank() -> None:
    made = PdfMaker()
    number = made.image(Image.new("L", (800, 1000), 255))
    made.page(b"q 612 0 0 792 0 0 cm /I Do Q", b"/XObject<</I %d 0 R>>" % number)
    sheets, notes = draw(made.bytes())
    assert not any(sheets[0].rows)
    assert not any(LABEL in note and "damaged" in note for note in notes)
