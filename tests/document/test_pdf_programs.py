"""Pages whose programs break off half-way are a reason; what only looks like it is none."""

from __future__ import annotations

import base64
import io
import zlib

import numpy as np
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.codings import lzw, run_lengths
from support.drawing import LABEL, draw
from support.pdf_maker import PdfMaker

from gateway.document.formats.pdf import codings, programs
from gateway.errors import GatewayError

WORDS = b"BT /F 24 Tf 72 700 Td (Hello fax) Tj ET\n"
DRAWS = WORDS + b"".join(b"%d %d 40 %d re f\n" % (50 + at % 400, at, at % 7) for at in range(0, 700, 3))
PACKED = zlib.compress(DRAWS)
FLATE = b"/Filter/FlateDecode"
FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>"
HALF = PACKED[: len(PACKED) // 2]


def flushed(content: bytes) -> bytes:
    packer = zlib.compressobj()
    return packer.compress(content) + packer.flush(zlib.Z_SYNC_FLUSH)


def program(data: bytes, entries: bytes = FLATE) -> bytes:
    """A page in order, and one with this program."""
    made = PdfMaker()
    made.page()
    made.page(b"@@")
    made.objects[made.pages[1] - 2] = (
        b"<<%s/Length %d>>stream\n" % (entries, len(data)) + data + b"\nendstream"
    )
    return made.bytes()


def form(data: bytes, *, depth: int = 0, content: bytes = b"/X Do ") -> bytes:
    """A page that draws a form with this program, which lies inside of `depth` others."""
    made = PdfMaker()
    number = made.stream(data, FORM + FLATE)
    for _ in range(depth):
        number = made.form(b"/X Do", b"/XObject<</X %d 0 R>>" % number)
    made.page(content + WORDS, b"/XObject<</X %d 0 R>>" % number)
    return made.bytes()


@pytest.mark.parametrize(
    "data", [HALF, PACKED[:-40], HALF[:-200] + b"\xff" * 200 + PACKED[len(HALF) :], PACKED[:40]]
)
def test_a_program_that_breaks_off_is_a_reason(data: bytes) -> None:
    with pytest.raises(GatewayError, match="the drawing of page 2 breaks off") as caught:
        draw(program(data))
    assert caught.value.failure.code == "pdf_damaged"


A85, HEX = base64.a85encode(DRAWS) + b"~>", DRAWS.hex().encode() + b">"
CODED = {
    "LZW": (lzw(DRAWS), b"/Filter/LZWDecode"),
    "ASCII85": (A85, b"/Filter/ASCII85Decode"),
    "ASCII85 by its short name": (A85, b"/Filter[/A85]"),
    "hexadecimal": (HEX, b"/Filter/ASCIIHexDecode"),
    "Flate in ASCII85": (base64.a85encode(PACKED) + b"~>", b"/Filter [ /ASCII85Decode /FlateDecode ]"),
    "LZW in ASCII85": (base64.a85encode(lzw(DRAWS)) + b"~>", b"/Filter[/ASCII85Decode/LZWDecode]"),
}


@pytest.mark.parametrize("name", CODED)
def test_in_other_codings_as_well(name: str) -> None:
    data, entries = CODED[name]
    assert draw(program(data, entries))[1] == []
    for cut in (data[: len(data) // 2], data[:40], data[:300] + b"\xff\xff\xff\xff" + data[304:]):
        with pytest.raises(GatewayError, match="the drawing of page 2 breaks off"):
            draw(program(cut, entries))


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        (A85[:-2] + b"~\n>\n", b"/Filter/ASCII85Decode"),
        (b"\n".join(A85[at : at + 70] for at in range(0, len(A85), 70)), b"/Filter/ASCII85Decode"),
        (base64.a85encode(PACKED), b"/Filter[/ASCII85Decode/FlateDecode]"),  # its content tells its end
        (lzw(DRAWS) + b"\r\n", b"/Filter/LZWDecode"),
        (run_lengths(DRAWS), b"/Filter/RunLengthDecode"),
    ],
)
def test_what_is_whole_in_other_codings_is_drawn(data: bytes, entries: bytes) -> None:
    sheets, notes = draw(program(data, entries))
    assert (len(sheets), notes) == (2, [])


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_encrypted_files_are_looked_through_as_well(algorithm: str) -> None:
    assert draw(encrypted(program(PACKED), algorithm))[1] == []
    with pytest.raises(GatewayError, match="the drawing of page 2 breaks off"):
        draw(encrypted(program(HALF), algorithm))


def encrypted(data: bytes, algorithm: str) -> bytes:
    """The file with a password that only its owner needs."""
    out = io.BytesIO()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt("", "owner", algorithm=algorithm)
    writer.write(out)
    return out.getvalue()


@given(st.binary(max_size=3000), st.sampled_from([0, 1]))
def test_lzw_ends_where_it_says(content: bytes, early: int) -> None:
    packed = lzw_of(content, early)
    assert codings.unpacked(packed, (b"LZWDecode",), 1 << 20, []).broken is False
    assert codings.unpacked(packed[: len(packed) - 2], (b"LZWDecode",), 1 << 20, []).broken


def lzw_of(data: bytes, early: int) -> bytes:
    """LZW with a table that grows and starts anew (ISO 32000-2, 7.4.4.2)."""
    bits: list[str] = []
    table: dict[bytes, int] = {}
    before, width = b"", 9

    def put(code: int) -> None:
        bits.append(f"{code:0{width}b}")

    put(256)
    for at in range(len(data)):
        longer = before + data[at : at + 1]
        if len(longer) == 1 or longer in table:
            before = longer
            continue
        put(table[before] if len(before) > 1 else before[0])
        table[longer] = 258 + len(table)
        before = data[at : at + 1]
        if 258 + len(table) + early > 1 << width and width < 12:
            width += 1
        if len(table) == 4095 - 258:
            put(256)
            table, width = {}, 9
    if before:
        put(table[before] if len(before) > 1 else before[0])
        if 258 + len(table) + 1 + early > 1 << width and width < 12:
            width += 1
    put(257)
    whole = "".join(bits)
    return int(whole + "0" * (-len(whole) % 8), 2).to_bytes(-(-len(whole) // 8), "big")


@given(st.binary(max_size=400), st.lists(st.sampled_from(sorted(codings._KNOWN)), min_size=1, max_size=3))
def test_whatever_it_is_there_is_an_answer(data: bytes, names: list[bytes]) -> None:
    known = codings.known(names)
    if known:
        codings.unpacked(data, known, 1 << 20, [])
    codings.is_cut_jpx(b"\xff\x4f\xff\x51" + data)
    codings.is_cut_jpx(data)
    codings.is_cut_jbig2(data)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_so_is_a_form_that_does(depth: int) -> None:
    with pytest.raises(GatewayError, match="the drawing of page 1 breaks off"):
        draw(form(HALF, depth=depth))


def test_one_piece_of_several_is_enough() -> None:
    made = PdfMaker()
    pieces = [made.stream(WORDS, pack=True), made.stream(HALF, FLATE), made.stream(WORDS)]
    made.page()
    shown = made.objects[made.pages[0] - 1]
    before, _, after = shown.partition(b"/Contents %d 0 R" % (made.pages[0] - 1))
    listed = b"/Contents[" + b" ".join(b"%d 0 R" % piece for piece in pieces) + b"]"
    made.objects[made.pages[0] - 1] = before + listed + after
    with pytest.raises(GatewayError, match="the drawing of page 1 breaks off"):
        draw(made.bytes())


def test_an_annotation_that_breaks_off_is_a_note() -> None:
    made = PdfMaker()
    look = made.stream(HALF, FORM + FLATE)
    item = made.add(b"<</Type/Annot/Subtype/Stamp/Rect[0 0 612 792]/F 4/AP<</N %d 0 R>>>>" % look)
    made.page(entries=b"/Annots[%d 0 R]" % item)
    sheets, notes = draw(made.bytes())
    assert len(sheets) == 1
    assert notes == [f"{LABEL}: an annotation on page 1 is damaged."]


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        (PACKED, FLATE),
        (PACKED, b"/Filter[/FlateDecode]"),
        (PACKED[:-4], FLATE),
        (PACKED[:-4] + b"\0\0\0\0", FLATE),
        (PACKED + b"\n\n more", FLATE),
        (flushed(DRAWS), FLATE),
        (flushed(DRAWS) + b"\r\n", FLATE),
        (DRAWS, b""),
        (b"", FLATE),
        (b"\n", FLATE),
    ],
)
def test_a_program_that_is_whole_is_drawn(data: bytes, entries: bytes) -> None:
    sheets, notes = draw(program(data, entries))
    assert (len(sheets), notes) == (2, [])


def test_a_stated_length_that_is_too_small_cuts_nothing_off() -> None:
    whole = program(PACKED)
    at = whole.index(b"/Length %d>>" % len(PACKED))
    shorter = b"/Length %d>>" % (len(PACKED) - 100)
    made = whole[:at] + shorter.ljust(len(b"/Length %d>>" % len(PACKED))) + whole[at + len(shorter) :]
    assert draw(made)[1] == draw(whole)[1] == []


def test_a_form_that_no_page_has_is_not_missed() -> None:
    made = PdfMaker()
    made.stream(HALF, FORM + FLATE)
    made.page()
    assert draw(made.bytes())[1] == []


def test_looking_through_programs_ends() -> None:
    bomb = zlib.compress(bytes(1 << 26), 9)
    data = b"%PDF-1.7\n" + (b"1 0 obj<</Filter/FlateDecode>>stream\n" + bomb) * 40
    assert programs.lost(data, dangling=False) == programs.NOTHING
    assert (
        programs.lost(b"1 0 obj<</Filter/FlateDecode>>stream\n" * 100_000, dangling=False) == programs.NOTHING
    )


INLINE = b"q 90 0 0 90 300 300 cm BI /W 100/H 100/CS/G/BPC 8%s ID %s\nEI Q "
NOISE = np.random.default_rng(1).integers(0, 64, 10_000, np.uint8).tobytes()
PIXELS = bytes(range(1, 101)) * 100


@pytest.mark.parametrize(
    ("entries", "data"),
    [
        (b"", PIXELS[:3000]),
        (b"/F/Fl", zlib.compress(NOISE)[:4000]),
        (b"/F/Fl", zlib.compress(NOISE)[:-4]),
        (b"/F[/Fl]", b"garbage" * 20),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_picture_in_the_program_that_swallows_the_rest_is_a_reason(
    entries: bytes, data: bytes, packed: bool
) -> None:
    drawn = INLINE % (entries, data) + DRAWS
    with pytest.raises(GatewayError, match="the drawing of page 2 breaks off"):
        draw(program(zlib.compress(drawn), FLATE) if packed else program(drawn, b""))


@pytest.mark.parametrize(
    ("entries", "data"),
    [
        (b"", PIXELS),
        (b"", PIXELS.replace(b"ABC", b" EI")),
        (b"/F/Fl", zlib.compress(PIXELS)),
        (b"/F/Fl", zlib.compress(PIXELS)[:-4] + b"abcd"),
        (b"/F/Fl", zlib.compress(PIXELS + bytes(50))),
        (b"/F/AHx", PIXELS.hex().encode() + b">"),
    ],
)
def test_one_that_is_whole_does_not(entries: bytes, data: bytes) -> None:
    sheets, notes = draw(program(INLINE % (entries, data) + DRAWS, b""))
    assert (len(sheets), notes) == (2, [])


def jpeg(quality: int = 75) -> bytes:
    out = io.BytesIO()
    Image.frombytes("L", (100, 100), NOISE).save(out, "JPEG", quality=quality)
    return out.getvalue()


def group_4() -> bytes:
    out = io.BytesIO()
    Image.frombytes("L", (100, 100), NOISE).point(lambda grey: 255 * (grey > 31)).convert("1").save(
        out, "TIFF", compression="group4", strip_size=1 << 20
    )
    with Image.open(io.BytesIO(out.getvalue())) as tiff:
        (at,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]
    return out.getvalue()[at : at + length]


JPEG, FAX = b"q 90 0 0 90 300 300 cm BI /W 100/H 100/CS/G/BPC 8/F/DCT ID %s\nEI Q ", group_4()
CCF = b"q 90 0 0 90 300 300 cm BI /W 100/H 100/IM true/F/CCF/DP<</K -1/Columns 100>> ID %s\nEI Q "


@pytest.mark.parametrize(
    "drawn",
    [
        JPEG % jpeg()[: len(jpeg()) // 2],
        JPEG % b"no picture at all",
        CCF % FAX[: len(FAX) // 2],
        CCF % (FAX[:300] + bytes(60) + FAX[360:]),
    ],
)
def test_jpeg_and_fax_in_a_program_that_break_off_are_a_reason(drawn: bytes) -> None:
    with pytest.raises(GatewayError, match="the drawing of page 2 breaks off"):
        draw(program(drawn + DRAWS, b""))


@pytest.mark.parametrize(
    "drawn",
    [
        JPEG % jpeg(),
        (JPEG % jpeg()).replace(b"\nEI", b"EI"),
        CCF % FAX,
        CCF % FAX[:-3],
        CCF.replace(b"CCF", b"CCITTFaxDecode") % FAX,
    ],
)
def test_those_that_are_whole_are_none(drawn: bytes) -> None:
    sheets, notes = draw(program(drawn + DRAWS, b""))
    assert (len(sheets), notes) == (2, [])


def test_what_is_drawn_but_not_in_the_file_is_a_note() -> None:
    made = PdfMaker()
    made.page()
    made.page(WORDS + b"q 90 0 0 90 300 300 cm /X Do Q", b"/XObject<</X 99 0 R>>")
    sheets, notes = draw(made.bytes())
    assert len(sheets) == 2
    assert notes == [f"{LABEL}: page 2 shows a picture or drawing that is not in the file."]


def test_what_is_listed_and_not_drawn_is_not_missed() -> None:
    made = PdfMaker()
    made.page(WORDS, b"/XObject<</X 99 0 R>>")
    assert draw(made.bytes())[1] == []
