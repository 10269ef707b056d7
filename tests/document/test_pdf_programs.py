"""Pages whose programs break off half-way are a reason; what only looks like it is none."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from support.drawing import LABEL, draw
from support.pdf_maker import PdfMaker

from gateway.document.formats.pdf import programs
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
