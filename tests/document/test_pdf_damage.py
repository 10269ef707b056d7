"""Pictures in a PDF that lack a piece are a reason or a note; what only looks like it is neither."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.codings import jbig2, jpx, lzw, run_lengths
from support.drawing import draw, ink
from support.pdf_maker import PdfMaker

from gateway.document.formats.pdf.inflating import inflated
from gateway.errors import GatewayError

WIDE, HIGH = 400, 500
NOISE = np.random.default_rng(1).integers(0, 64, (HIGH, WIDE), np.uint8).tobytes()
ENTRIES = b"/Type/XObject/Subtype/Image/Width 400/Height 500/ColorSpace/DeviceGray/BitsPerComponent 8"
LARGE, SMALL = b"500 0 0 600 50 50", b"90 0 0 60 50 50"
WORDS = b" BT /F 24 Tf 72 760 Td (Hello fax) Tj ET"
PACKED = zlib.compress(NOISE)
FLATE = b"/Filter/FlateDecode"


def shown(
    data: bytes, entries: bytes, *, matrix: bytes = LARGE, more: bytes = WORDS, head: bytes = ENTRIES
) -> bytes:
    made = PdfMaker()
    number = made.stream(data, head + entries)
    made.page(b"q " + matrix + b" cm /I Do Q" + more, b"/XObject<</I %d 0 R>>" % number)
    return made.bytes()


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.frombytes("L", (WIDE, HIGH), NOISE).save(out, "JPEG")
    return out.getvalue()


CUT = {
    "cut off": (PACKED[: len(PACKED) // 2], FLATE),
    "overwritten": (PACKED[:90_000] + b"\xff" * 3000 + PACKED[93_000:], FLATE),
    "no deflate": (b"garbage" * 3000, FLATE),
    "coded twice": (base64.a85encode(PACKED[:90_000]) + b"~>", b"/Filter[/ASCII85Decode/FlateDecode]"),
    "not coded": (NOISE[: len(NOISE) // 2], b""),
    "LZW": (lzw(NOISE)[:90_000], b"/Filter/LZWDecode"),
    "run lengths": (run_lengths(NOISE)[:90_000], b"/Filter/RunLengthDecode"),
    "JPEG": (jpeg()[: len(jpeg()) // 2], b"/Decode[0 1]/Filter/DCTDecode"),
}


JPX, JBIG2 = b"/Filter/JPXDecode", b"/Filter/JBIG2Decode"
BILEVEL = ENTRIES.replace(b"Component 8", b"Component 1")


@pytest.mark.parametrize("tiles", [None, (200, 250)])
@pytest.mark.parametrize("bare", [False, True])
def test_jpeg_2000_that_breaks_off_is_a_reason_or_a_note(tiles: tuple[int, int] | None, bare: bool) -> None:
    whole = jpx(Image.frombytes("L", (WIDE, HIGH), NOISE), tiles=tiles, bare=bare)
    for data in (whole, whole + b"\n"):
        assert draw(shown(data, JPX))[1] == []
    for data in (whole[: len(whole) // 2], whole[:-2000], whole[:300], b"nothing of the kind" * 9):
        with pytest.raises(GatewayError, match="a picture on page 1 that is damaged or incomplete"):
            draw(shown(data, JPX))
    assert "a small picture on page 1 is damaged" in draw(shown(whole[:-2000], JPX, matrix=SMALL))[1][0]


def test_jbig2_that_breaks_off_is_a_reason_or_a_note() -> None:
    whole = jbig2(Image.effect_noise((WIDE, HIGH), 200).convert("1", dither=Image.Dither.NONE))
    for data in (whole, whole + b"\n"):
        sheets, notes = draw(shown(data, JBIG2, head=BILEVEL))
        assert (notes, ink(sheets[0]) > 0) == ([], True)
    for data in (whole[: len(whole) // 2], whole[:-20], whole[:50], whole[:5]):
        with pytest.raises(GatewayError, match="a picture on page 1 that is damaged or incomplete"):
            draw(shown(data, JBIG2, head=BILEVEL))
    small = draw(shown(whole[:-20], JBIG2, head=BILEVEL, matrix=SMALL))
    assert "a small picture on page 1 is damaged" in small[1][0]


@pytest.mark.parametrize("name", CUT)
def test_a_large_picture_without_its_lower_half_is_a_reason(name: str) -> None:
    with pytest.raises(GatewayError, match="a picture on page 1 that is damaged or incomplete") as caught:
        draw(shown(*CUT[name]))
    assert caught.value.failure.code == "picture_damaged"


@pytest.mark.parametrize("name", CUT)
def test_a_small_one_is_a_note(name: str) -> None:
    sheets, notes = draw(shown(*CUT[name], matrix=SMALL))
    assert len(sheets) == 1
    assert [note for note in notes if "a small picture on page 1 is damaged" in note] == notes[:1]
    assert notes


def test_one_that_repeats_is_said_once() -> None:
    again = b" q 90 0 0 60 250 50 cm /I Do Q" * 3
    assert len(draw(shown(*CUT["cut off"], matrix=SMALL, more=again))[1]) == 1


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        (PACKED, FLATE),
        (PACKED[:-4], FLATE),
        (PACKED[:-4] + b"\0\0\0\0", FLATE),
        (PACKED + b"\r\n garbage" * 50, FLATE),
        (zlib.compress(NOISE[: WIDE * (HIGH - 60)]), FLATE),  # a scanner that stated the paper's height
        (zlib.compress(NOISE[: WIDE * (HIGH - 2)])[:-6], FLATE),
        (zlib.compress(NOISE + bytes(70_000)), FLATE),
        (zlib.compress(b"".join(b"\0" + NOISE[at : at + WIDE] for at in range(0, len(NOISE), WIDE))),
         FLATE + b"/DecodeParms<</Predictor 15/Columns 400>>"),
        (NOISE, b""),
        (NOISE + b"\n", b""),
        (lzw(NOISE), b"/Filter/LZWDecode"),
        (run_lengths(NOISE) + b"\x80", b"/Filter/RunLengthDecode"),
        (jpeg(), b"/Decode[0 1]/Filter/DCTDecode"),
        (jpeg()[:-2], b"/Decode[0 1]/Filter/DCTDecode"),
        (jpeg() + bytes(3000), b"/Decode[0 1]/Filter/DCTDecode"),
    ],
)  # fmt: skip
def test_what_lacks_nothing_goes_out(data: bytes, entries: bytes) -> None:
    sheets, notes = draw(shown(data, entries))
    assert (len(sheets), notes) == (1, [])


def test_one_that_lies_beside_the_page_is_not_missed() -> None:
    sheets, notes = draw(shown(*CUT["cut off"], matrix=b"500 0 0 600 700 50"))
    assert (len(sheets), notes) == (1, [])
    assert any(sheets[0].rows)


def test_a_fax_page_without_its_lower_half_is_a_reason() -> None:
    made = PdfMaker()
    head = b"/Type/XObject/Subtype/Image/Width 1728/Height 2156/ColorSpace/DeviceGray/BitsPerComponent 1"
    rows = np.random.default_rng(1).integers(0, 256, 216 * 2156, np.uint8).tobytes()
    number = made.stream(zlib.compress(rows)[:200_000], head + FLATE)
    made.page(b"q 612 0 0 792 0 0 cm /I Do Q", b"/XObject<</I %d 0 R>>" % number)
    with pytest.raises(GatewayError, match="a picture on page 1 that is damaged or incomplete"):
        draw(made.bytes())


@given(st.binary(max_size=4000), st.integers(0, 9), st.data())
def test_inflated_tells_whether_a_stream_breaks_off(
    content: bytes, level: int, given_data: st.DataObject
) -> None:
    packed = zlib.compress(content, level)
    for whole in (packed, packed + b"more", packed[:-4]):
        known = inflated(whole, 1 << 20)
        assert (known.found, known.broken, known.wrong) == (len(content), False, False)
    assert inflated(packed[:-4] + b"abcd", 1 << 20).wrong
    known = inflated(packed[: given_data.draw(st.integers(0, len(packed) - 5))], 1 << 20)
    assert known.broken
    assert known.found <= len(content)


HIDING = {
    "its layer is off": b"/OC /L BDC q 612 0 0 792 0 0 cm /I Do Q EMC",
    "a white box": b"q 612 0 0 792 0 0 cm /I Do Q 1 g 0 0 612 792 re f",
    "a clip": b"q 700 700 9 9 re W n 612 0 0 792 0 0 cm /I Do Q",
    "a clip that is no rectangle": b"q 700 700 m 709 709 l 700 709 l h W n 612 0 0 792 0 0 cm /I Do Q",
    "transparency": b"q /G gs 612 0 0 792 0 0 cm /I Do Q",
}


@pytest.mark.parametrize("word", [WORDS, b""])
@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("size", [(400, 500), (1728, 2156)])
def test_a_picture_that_is_hidden_is_not_damaged(name: str, size: tuple[int, int], word: bytes) -> None:
    made = PdfMaker()
    number = made.image(Image.effect_noise(size, 90))
    layer = made.add(b"<</Type/OCG/Name(Layer)>>")
    made.catalog = b"/OCProperties<</OCGs[%d 0 R]/D<</OFF[%d 0 R]>>>>" % (layer, layer)
    made.page(
        HIDING[name] + b" 0 g" + word,
        b"/XObject<</I %d 0 R>>/Properties<</L %d 0 R>>/ExtGState<</G<</ca 0>>>>" % (number, layer),
    )
    sheets, notes = draw(made.bytes())
    assert (len(sheets), notes) == (1, [])
    assert any(sheets[0].rows) == bool(word)


@pytest.mark.parametrize("alpha", [0, 255])
def test_a_mask_that_lets_nothing_through_is_no_damage(alpha: int) -> None:
    made = PdfMaker()
    mask = made.image(Image.new("L", (50, 50), alpha))
    number = made.stream(PACKED, ENTRIES + FLATE + b"/SMask %d 0 R" % mask)
    made.page(b"q 612 0 0 792 0 0 cm /I Do Q", b"/XObject<</I %d 0 R>>" % number)
    sheets, notes = draw(made.bytes())
    assert (len(sheets), notes) == (1, [])
    assert (ink(sheets[0]) > 0) == bool(alpha)


def test_words_on_a_layer_that_is_off_are_not_missed() -> None:
    made = PdfMaker()
    layer = made.add(b"<</Type/OCG/Name(Layer)>>")
    made.catalog = b"/OCProperties<</OCGs[%d 0 R]/D<</OFF[%d 0 R]>>>>" % (layer, layer)
    made.page(b"/OC /L BDC" + WORDS + b" EMC", b"/Properties<</L %d 0 R>>" % layer)
    sheets, notes = draw(made.bytes())
    assert (len(sheets), notes) == (1, [])
    assert not any(sheets[0].rows)


def fax(
    change: Callable[[bytes], bytes], *, matrix: bytes = LARGE, parms: bytes = b"/K -1", high: int = 800
) -> bytes:
    """A page with a picture in T.6, changed."""
    page = Image.effect_noise((60, 80), 200).resize((600, 800)).convert("1", dither=Image.Dither.NONE)
    out = io.BytesIO()
    page.save(out, "TIFF", compression="group4", strip_size=1 << 30)
    with Image.open(io.BytesIO(out.getvalue())) as tiff:
        (at,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]
    head = b"/Type/XObject/Subtype/Image/Width 600/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1" % high
    coding = b"/Filter/CCITTFaxDecode/DecodeParms<</Columns 600" + parms + b">>"
    return shown(change(out.getvalue()[at : at + length]), coding, matrix=matrix, head=head)


FAX_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda strip: strip[: len(strip) // 2],
    "a hole": lambda strip: strip[: len(strip) // 3] + bytes(60) + strip[len(strip) // 3 + 60 :],
    "noise": lambda _strip: np.random.default_rng(1).integers(0, 256, 9000, np.uint8).tobytes(),
}


@pytest.mark.parametrize("name", FAX_DAMAGE)
def test_fax_coding_that_is_damaged_is_a_reason_or_a_note(name: str) -> None:
    with pytest.raises(GatewayError, match="a picture on page 1 that is damaged or incomplete"):
        draw(fax(FAX_DAMAGE[name]))
    assert "a small picture on page 1 is damaged" in draw(fax(FAX_DAMAGE[name], matrix=SMALL))[1][0]


@pytest.mark.parametrize(
    ("change", "high"),
    [
        (lambda strip: strip, 800),
        (lambda strip: strip, 1000),  # it says where it ends
        (lambda strip: strip, 700),
        (lambda strip: strip + bytes(500), 800),
        (lambda strip: strip[:-3], 800),  # no end, but every row
    ],
)
def test_fax_coding_that_is_whole_goes_out(change: Callable[[bytes], bytes], high: int) -> None:
    sheets, notes = draw(fax(change, high=high))
    assert (len(sheets), notes) == (1, [])


def test_fax_coding_in_a_program_is_not_read_by_the_size_of_another() -> None:
    content = b""
    for wide in (40, 300):
        out = io.BytesIO()
        bars = Image.new("1", (wide, 60), 1)
        bars.paste(0, (wide // 2, 0, wide // 2 + 9, 60))
        bars.save(out, "TIFF", compression="group4")
        with Image.open(io.BytesIO(out.getvalue())) as tiff:
            (at,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]
        entries = b"/W %d/H 60/CS/G/BPC 1/F/CCF/DP<</K -1/Columns %d>>" % (wide, wide)
        strip = out.getvalue()[at : at + length]
        content += b"q 60 0 0 60 %d 50 cm BI " % wide + entries + b" ID " + strip + b"\nEI Q "
    made = PdfMaker()
    made.image(Image.new("L", (9, 9)))  # so that pictures are looked for
    made.page(content + WORDS)
    sheets, notes = draw(made.bytes())
    assert (len(sheets), notes) == (1, [])


def test_a_picture_without_pixels_lacks_none() -> None:
    none = ENTRIES.replace(b"400", b"0").replace(b"500", b"0")
    assert draw(shown(zlib.compress(b"x"), FLATE, head=none))[1] == []
