"""PDF pages: what is on them, how they lie on the fax page, and what is said of them."""

from __future__ import annotations

import io

import pypdf
import pytest
from PIL import Image
from support.drawing import LABEL, draw, extent, ink, picture
from support.pdf_maker import PdfMaker, one_page

from gateway.document import raster
from gateway.document.formats import pdf
from gateway.document.formats.parts import Part
from gateway.document.geometry import Layout
from gateway.errors import GatewayError

BAR = b"50 700 500 30 re f"


def annotated(kind: bytes, flags: int, more: bytes = b"", *, appearance: bool = True) -> bytes:
    """A page with one annotation in the middle, and a form with it if it is a field."""
    made = PdfMaker()
    look = made.stream(b"0 0 200 40 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 200 40]")
    shown = b"/AP<</N %d 0 R>>" % look if appearance else b""
    item = b"<</Type/Annot/Subtype/" + kind + b"/Rect[200 400 400 440]/F %d" % flags + shown + more + b">>"
    number = made.add(item)
    made.page(b"", entries=b"/Annots[%d 0 R]" % number)
    if kind == b"Widget":
        fonts = b"/DR<</Font<</Helv 3 0 R>>>>"
        made.catalog = b"/AcroForm<</Fields[%d 0 R]/DA(/Helv 0 Tf 0 g)" % number + fonts + b">>"
    return made.bytes()


PRINT, HIDDEN, NO_VIEW = 4, 2, 32
TEXT = b"/FT/Tx/T(a)/V(Dr. Jane Miller)/DA(/Helv 20 Tf 0 g)"
CHOICE = b"/FT/Ch/Ff 131072/T(a)/V(second)/Opt[(first)(second)]/DA(/Helv 20 Tf 0 g)"
CHECK = b"/FT/Btn/T(a)/V/Yes/AS/Yes/MK<</CA(4)>>/DA(/ZaDb 0 Tf 0 g)"
SHAPE = b"/C[0 0 0]/BS<</W 3>>"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (annotated(b"Widget", PRINT, TEXT, appearance=False), True),
        (annotated(b"Widget", 0, TEXT, appearance=False), True),  # forgot the flag: values matter more
        (annotated(b"Widget", PRINT, CHOICE, appearance=False), True),
        (annotated(b"Widget", PRINT, CHECK, appearance=False), True),
        (annotated(b"Widget", PRINT, b"/FT/Sig/T(a)"), True),
        (annotated(b"Widget", PRINT | NO_VIEW, b"/FT/Tx/T(a)"), True),
        (annotated(b"Widget", PRINT | HIDDEN, b"/FT/Tx/T(a)"), False),
        (annotated(b"Widget", PRINT, b"/FT/Btn/Ff 65536/T(a)"), True),
        (annotated(b"Widget", 0, b"/FT/Btn/Ff 65536/T(a)"), False),  # "Submit"
        (annotated(b"Stamp", PRINT), True),
        (annotated(b"Stamp", 0), False),
        (annotated(b"Stamp", PRINT | HIDDEN), False),
        (annotated(b"FreeText", PRINT, b"/Contents(Note)/DA(/Helv 20 Tf 0 g)", appearance=False), True),
        (annotated(b"Square", PRINT, SHAPE, appearance=False), True),
        (annotated(b"Popup", PRINT, b"/Open true/Contents(Note)", appearance=False), False),
    ],
)
def test_fields_and_annotations_are_drawn_as_they_print(data: bytes, shown: bool) -> None:
    ((sheet,), notes) = draw(data)
    assert (ink(sheet, (195, 395, 405, 445)) > 0.003) is shown
    assert notes == []


def test_needed_appearances_are_made_from_the_values() -> None:
    stale = annotated(b"Widget", PRINT, TEXT)
    ((old,), _) = draw(stale)
    ((new,), _) = draw(stale.replace(b"/AcroForm<<", b"/AcroForm<</NeedAppearances true"))
    assert ink(old, (200, 400, 400, 440)) > 0.9  # the black box that its appearance is
    assert 0.01 < ink(new, (200, 400, 400, 440)) < 0.3


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
@pytest.mark.parametrize("password", ["", "secret"])
def test_encryption_opens_with_an_empty_password_only(algorithm: str, password: str) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(one_page(BAR)))
    writer.encrypt(password, "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    if password:
        with pytest.raises(GatewayError, match="password-protected") as caught:
            draw(out.getvalue())
        assert caught.value.failure.code == "pdf_password"
    else:
        ((sheet,), _) = draw(out.getvalue())
        assert ink(sheet, (50, 700, 550, 730)) > 0.9


def xfa(text: bytes, *, dynamic: bool, widget: bool = False) -> bytes:
    made = PdfMaker()
    field = made.add(b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(x)/F 4/Rect[9 9 99 30]/DA(/Helv 9 Tf 0 g)>>")
    template = made.stream(b"<template/>")
    fields = b"%d 0 R" % field if widget else b""
    made.catalog = b"/AcroForm<</XFA[(template)%d 0 R]/Fields[" % template + fields + b"]>>"
    made.catalog += b"/NeedsRendering true" if dynamic else b""
    made.page(b"BT /F 12 Tf 72 700 Td (" + text + b") Tj ET", entries=b"/Annots[" + fields + b"]")
    return made.bytes()


@pytest.mark.parametrize(
    ("data", "faxed"),
    [
        (xfa(b"Please wait... If this message is not replaced", dynamic=True), False),
        (xfa(b"Please wait...", dynamic=False), False),
        (xfa(b"Bitte warten. Sie brauchen Adobe Reader 8", dynamic=True, widget=True), False),
        (xfa(b"", dynamic=True), False),
        (xfa(b"Application for a permit", dynamic=False), True),
        (xfa(b"Application for a permit", dynamic=True, widget=True), True),
    ],
)
def test_xfa_forms_are_faxed_if_they_have_pages(data: bytes, faxed: bool) -> None:
    if faxed:
        assert len(draw(data)[0]) == 1
    else:
        with pytest.raises(GatewayError, match=r"a dynamic \(XFA\) form") as caught:
            draw(data)
        assert caught.value.failure.code == "pdf_xfa"


def test_a_crop_box_is_what_is_drawn() -> None:
    content = b"0 0 612 792 re f"
    ((sheet,), _) = draw(one_page(content, entries=b"/CropBox[100 100 406 496]"))
    left, top, right, bottom = extent(sheet)
    assert (right - left, bottom - top) == (
        pytest.approx(306 * 204 / 72, abs=2),
        pytest.approx(396 * 196 / 72, abs=2),
    )


@pytest.mark.parametrize(("unit", "wide"), [(b"", 283), (b"/UserUnit 2", 567), (b"/UserUnit 2.0", 567)])
def test_a_page_may_have_a_unit_of_its_own(unit: bytes, wide: int) -> None:
    small = one_page(b"0 0 300 300 re f", box=(0, 0, 300, 300), entries=unit)
    (size,) = pdf.sizes(Part(label=LABEL, data=small))
    assert size == pytest.approx((300 / 72 * wide / 283,) * 2, rel=0.01)
    large = one_page(b"0 0 100 100 re f", box=(0, 0, 300, 390), entries=unit)
    ((sheet,), _) = draw(large)
    left, _top, right, _bottom = extent(sheet)
    assert right - left == pytest.approx(max(wide, 288), abs=6)


def test_tall_pages_are_cut_and_nothing_is_lost() -> None:
    lines = b"".join(b"20 %d 500 10 re f " % y for y in range(20, 3000, 100))
    sheets, _ = draw(one_page(lines, box=(0, 0, 540, 3000)))
    assert [sheet.height for sheet in sheets] == [2156] * len(sheets)
    assert len(sheets) == 4
    found = 0
    for sheet in sheets:
        column = picture(sheet).crop((800, 0, 801, sheet.height)).tobytes()
        found += sum(now == b"\x80" and before == b"\0" for before, now in _pairs(column))
    assert 30 <= found <= 30 + 3  # a line in an overlap shows twice


def _pairs(column: bytes) -> list[tuple[bytes, bytes]]:
    rows = [column[index : index + 1] for index in range(len(column))]
    return list(zip([b"\0", *rows], rows, strict=False))


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_rotation_is_obeyed(rotate: int) -> None:
    content = b"50 740 500 30 re f"  # along the upper edge as it is stored
    ((sheet,), _) = draw(one_page(content, entries=b"/Rotate %d" % rotate))
    left, top, right, bottom = extent(sheet)
    if rotate == 180:
        assert top > 1900
    else:
        assert bottom < 300  # lying pages are turned upright
    assert right - left > 1300


def a_fax(rows: int) -> Image.Image:
    return Image.effect_noise((1728, rows), 200).convert("1")


def faxed(picture: Image.Image, dpi: int, *, more: bytes = b"", entries: bytes = b"") -> bytes:
    made = PdfMaker()
    number = made.image(picture)
    wide, high = 1728 * 72 / 204, picture.height * 72 / dpi
    place = b"q %.4f 0 0 %.4f 0 0 cm /I Do Q " % (wide, high)
    made.page(place + more, b"/XObject<</I %d 0 R>>" % number, box=(0, 0, wide, high), entries=entries)
    return made.bytes()


def black_is_1(picture: Image.Image) -> bytes:
    return picture.convert("L").point([255] * 128 + [0] * 128, "1").tobytes()


def test_a_fax_page_is_taken_pixel_by_pixel() -> None:
    fax = a_fax(2200)
    ((sheet,), _) = draw(faxed(fax, 196))
    assert (sheet.look.base, sheet.height) == ("copied", 2200)
    assert sheet.rows == black_is_1(fax)


def test_a_fax_page_in_standard_resolution_is_doubled_and_not_scaled() -> None:
    fax = a_fax(1078)
    ((sheet,), _) = draw(faxed(fax, 98))
    assert (sheet.look.base, sheet.height) == ("copied", 2156)
    rows = black_is_1(fax)
    assert sheet.rows == b"".join(rows[at : at + 216] * 2 for at in range(0, len(rows), 216))
    ((half,), _) = draw(faxed(fax, 98), layout=Layout(resolution="standard"))
    assert (half.look.base, half.rows) == ("copied", rows)


@pytest.mark.parametrize(
    "data",
    [
        faxed(a_fax(2000), 196, more=b"9 9 9 9 re f"),
        faxed(a_fax(2000), 196, entries=b"/Rotate 180"),
        faxed(a_fax(2000), 196, entries=b"/CropBox[0 0 300 300]"),
        faxed(a_fax(2000), 400),
        faxed(Image.effect_noise((1728, 2000), 200), 196),
    ],
    ids=["more on the page", "rotated", "cropped", "other resolution", "grey"],
)
def test_what_is_not_just_a_fax_page_is_drawn(data: bytes) -> None:
    assert all(sheet.look.base != "copied" for sheet in draw(data)[0])


def test_digests_take_a_fax_page_out_of_any_page_around_it() -> None:
    fax = a_fax(2156)
    expected = raster.digest(black_is_1(fax)).hex()
    made = PdfMaker()
    number = made.image(fax)
    made.page(b"q 500 0 0 700 50 50 cm /I Do Q", b"/XObject<</I %d 0 R>>" % number)
    made.page(BAR)
    first, second = pdf.digests(made.bytes(), 2)
    assert first == expected
    assert second == raster.digest(draw(one_page(BAR))[0][0].rows).hex()
    with pytest.raises(GatewayError, match="more than 1 pages"):
        pdf.digests(made.bytes(), 1)


def test_pages_of_ours_become_pictures_of_the_same_pixels() -> None:
    fax = a_fax(2156)
    (png,) = pdf.pictures(faxed(fax, 196), 1)
    with Image.open(io.BytesIO(png)) as shown:
        assert (shown.format, shown.mode) == ("PNG", "1")
        assert shown.tobytes() == fax.tobytes()
        assert shown.info["dpi"] == pytest.approx((204, 196), abs=0.1)


def photograph() -> Image.Image:
    coarse = Image.effect_noise((12, 12), 120).resize((400, 400), Image.Resampling.BICUBIC)
    return Image.blend(coarse, Image.effect_noise((60, 60), 90).resize((400, 400)), 0.4)


def test_pictures_are_found_inside_of_forms_where_they_stand() -> None:
    made = PdfMaker()
    image = made.image(photograph())
    inner = made.form(b"q 100 0 0 100 10 20 cm /I Do Q", b"/XObject<</I %d 0 R>>" % image, b"[2 0 0 2 5 5]")
    outer = made.form(b"q 1 0 0 1 30 40 cm /X Do Q", b"/XObject<</X %d 0 R>>" % inner, b"[1 0 0 1 100 100]")
    made.page(b"q 0.9 0 0 0.9 7 9 cm /X Do Q", b"/XObject<</X %d 0 R>>" % outer)
    ((sheet,), _) = draw(made.bytes())
    (box,) = sheet.look.photographs
    drawn = extent(sheet)
    assert all(abs(a - b) <= 9 for a, b in zip(box, drawn, strict=True)), (box, drawn)


def test_a_clipped_picture_counts_where_it_is_seen() -> None:
    made = PdfMaker()
    image = made.image(photograph())
    content = b"q 200 300 200 200 re W n 500 0 0 500 50 150 cm /I Do Q"
    made.page(content, b"/XObject<</I %d 0 R>>" % image)
    ((sheet,), _) = draw(made.bytes())
    (box,) = sheet.look.photographs
    assert all(abs(a - b) <= 9 for a, b in zip(box, extent(sheet), strict=True))


def test_files_inside_are_said_to_be_left_out() -> None:
    made = PdfMaker()
    made.page(BAR)
    made.attach(("a.xml", b"<a/>"), ("b.pdf", one_page(BAR)))
    sheets, notes = draw(made.bytes())
    assert len(sheets) == 1
    assert notes == [f"{LABEL}: 2 files inside it are not faxed: a.xml, b.pdf."]
    many = PdfMaker()
    many.page(BAR)
    many.attach(*[(f"{n}.txt", b"x") for n in range(1, 8)])
    assert draw(many.bytes())[1] == [
        f"{LABEL}: 7 files inside it are not faxed: 1.txt, 2.txt, 3.txt, 4.txt, 5.txt and 2 more."
    ]


def test_files_pinned_to_a_page_are_said_to_be_left_out() -> None:
    made = PdfMaker()
    stored = made.stream(b"data", b"/Type/EmbeddedFile")
    spec = made.add(b"<</Type/Filespec/F(notes.doc)/UF(notes.doc)/EF<</F %d 0 R>>>>" % stored)
    pin = b"<</Type/Annot/Subtype/FileAttachment/F 4/Rect[9 9 30 30]/FS %d 0 R>>" % spec
    made.page(BAR, entries=b"/Annots[" + pin + b"]")
    assert draw(made.bytes())[1] == [f"{LABEL}: 1 file inside it is not faxed: notes.doc."]


def collection(cover: bytes, *files: tuple[str, bytes]) -> bytes:
    made = PdfMaker()
    made.catalog = b"/Collection<</View/D>>"
    made.page(cover)
    made.attach(*files)
    return made.bytes()


OPEN_IN_ACROBAT = (
    b"BT /F 12 Tf 72 700 Td (For the best experience, open this PDF portfolio in Acrobat X) Tj ET"
)
TALL, FLAT = one_page(b"50 100 30 600 re f"), one_page(BAR)


def test_the_pdfs_in_a_collection_are_its_pages() -> None:
    data = collection(OPEN_IN_ACROBAT, ("a.pdf", TALL), ("b.txt", b"x"), ("c", FLAT), ("d.pdf", b"no PDF"))
    sheets, notes = draw(data)
    assert [sheet.rows for sheet in sheets] == [draw(TALL)[0][0].rows, draw(FLAT)[0][0].rows]
    assert notes == [f"{LABEL}: 2 files inside it are not faxed: b.txt, d.pdf."]


def test_a_collection_keeps_a_page_that_says_something() -> None:
    sheets, _ = draw(collection(BAR, ("a.pdf", TALL)))
    assert [sheet.rows for sheet in sheets] == [draw(FLAT)[0][0].rows, draw(TALL)[0][0].rows]
    sheets, notes = draw(collection(OPEN_IN_ACROBAT, ("b.txt", b"x")))
    assert len(sheets) == 1
    assert "b.txt" in notes[0]


def test_collections_within_collections_are_not_opened_and_pages_are_counted() -> None:
    inner = collection(BAR, ("a.pdf", TALL))
    sheets, notes = draw(collection(OPEN_IN_ACROBAT, ("inner.pdf", inner), ("b.pdf", FLAT)))
    assert len(sheets) == 2
    assert notes == [f'{LABEL}, "inner.pdf" in it: 1 file inside it is not faxed: a.pdf.']
    with pytest.raises(GatewayError, match="limit"):
        draw(collection(BAR, *[(f"{n}.pdf", FLAT) for n in range(3)]), most=3)


def test_a_locked_pdf_in_a_collection_is_named() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(FLAT))
    writer.encrypt("secret", "owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(GatewayError, match=r'The attachment "a.pdf", "b.pdf" in it is password-protected'):
        draw(collection(BAR, ("b.pdf", out.getvalue())))


def test_a_skewed_scan_is_straightened_if_wanted() -> None:
    scan = Image.new("L", (1728, 2156), 255)
    for top in range(200, 1900, 60):
        for left in range(200, 1500, 90):
            scan.paste(0, (left, top, left + 60, top + 24))
    made = PdfMaker()
    number = made.image(scan.rotate(2, fillcolor=255, resample=Image.Resampling.BICUBIC))
    made.page(b"q 612 0 0 792 0 0 cm /I Do Q", b"/XObject<</I %d 0 R>>" % number)
    white = {}
    for deskew in (False, True):
        ((sheet,), _) = draw(made.bytes(), layout=Layout(deskew=deskew))
        rows = [sheet.rows[at : at + 216] for at in range(0, len(sheet.rows), 216)]
        white[deskew] = sum(not any(row) for row in rows[200:1900])
    assert white[True] > white[False] + 500  # the gaps between its lines


def warned(data: bytes, **more: object) -> str:
    return " ".join(draw(data, inspect=True, **more)[0][0].warnings)  # type: ignore[arg-type]  passed on


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"BT /F 4 Tf 72 700 Td (much too small) Tj ET", "Small text: 12 characters are 4.0 to 4.0 points"),
        (b"BT .4 0 0 .4 72 700 Tm /F 10 Tf (scaled by a matrix) Tj ET", "are 4.0 to 4.0 points"),
        (
            b".9 g BT /F 12 Tf 72 700 Td (hardly there) Tj ET",
            "Light text: 11 characters on white are at most 10 %",
        ),
        (
            b"1 0 0 rg 9 9 50 50 re f 0 .5 0 rg 90 9 50 50 re f",
            "look the same in black and white: green, red",
        ),
    ],
)
def test_previews_warn(content: bytes, said: str) -> None:
    assert said in warned(one_page(content))
    assert draw(one_page(content))[0][0].warnings == ()
    assert draw(one_page(content))[0][0].rows == draw(one_page(content), inspect=True)[0][0].rows


@pytest.mark.parametrize(
    "content",
    [
        b"BT /F 8 Tf 72 700 Td (small enough) Tj ET",
        b"0 g 50 650 400 90 re f 1 g BT /F 12 Tf 72 700 Td (white on black) Tj ET",
        b"1 g BT /F 12 Tf 72 700 Td (not meant to be seen) Tj ET",
        b"BT /F 3 Tf 3 Tr 72 700 Td (recognised text behind a scan) Tj ET",
        b"1 0 0 rg 9 9 50 50 re f 1 .9 0 rg 90 9 50 50 re f",
        b".5 g BT /F 12 Tf 72 700 Td (grey comes out) Tj ET",
    ],
)
def test_previews_do_not_warn_without_reason(content: bytes) -> None:
    assert warned(one_page(content)) == ""


def test_previews_tell_how_much_a_page_was_shrunk() -> None:
    poster = one_page(b"BT /F 10 Tf 72 700 Td (was ten points) Tj ET", box=(0, 0, 1224, 1584))
    assert "drawn at 50 % of its size" in warned(poster)
    assert "5.0 to 5.0 points" in warned(poster)


def test_many_pages_are_drawn_without_pictures_being_kept() -> None:
    made = PdfMaker()
    numbers = [made.image(Image.new("L", (90, 90), 90 * n)) for n in range(2)]
    for n in range(34):
        made.page(
            b"q 90 0 0 90 99 99 cm /I Do Q 9 9 %d 90 re f" % (n % 2),
            b"/XObject<</I %d 0 R>>" % numbers[n % 2],
        )
    data = made.bytes() + b"%" + bytes(17 << 20)  # large enough for the document to be opened again and again
    sheets, notes = draw(data)
    assert len(sheets) == 34
    assert notes == []
    assert {sheet.rows for sheet in sheets[::2]} == {sheets[0].rows}
    assert {sheet.rows for sheet in sheets[1::2]} == {sheets[1].rows} != {sheets[0].rows}


def test_a_page_of_a_thousand_pieces_is_refused_before_one_is_drawn() -> None:
    data = one_page(box=(0, 0, 14.4, 14_400_000))
    with pytest.raises(GatewayError) as caught:
        next(pdf.sheets(Part(label="a", data=data), layout=Layout(), notes=[], inspect=False, most=100))
    assert caught.value.failure.code == "document_pages"
