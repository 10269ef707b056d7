"""Every page of the page tree, or a stated reason: page counts that lie, damage, repairs, limits."""

from __future__ import annotations

import io
import sys
import zlib

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.drawing import LABEL, draw, ink
from support.hostile_pdf import deep_tree, many_pages, many_references, packed, tree_in_itself
from support.pdf_maker import PdfMaker, one_page

from gateway.document.formats import pdf
from gateway.document.formats.parts import Part
from gateway.document.formats.pdf import glance, structure
from gateway.errors import GatewayError, Kind

BAR = b"50 700 500 30 re f"


def pages(number: int, **more: object) -> bytes:
    made = PdfMaker()
    for index in range(number):
        made.page(b"50 %d 500 30 re f" % (700 - 50 * index))
    return made.bytes(**more)  # type: ignore[arg-type]  passed on


def compressed(data: bytes) -> bytes:
    """The same document with its objects in object streams."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    plain = io.BytesIO()
    writer.write(plain)
    objects, streams = [], []
    reader = pypdf.PdfReader(io.BytesIO(plain.getvalue()))
    numbers = sorted(number for number in reader.xref[0] if number)
    for number in numbers:
        item = pypdf.generic.IndirectObject(number, 0, reader).get_object()
        text = io.BytesIO()
        item.write_to_stream(text)
        (streams if isinstance(item, pypdf.generic.StreamObject) else objects).append(
            (number, text.getvalue())
        )
    offsets, body = b"", b""
    for number, text_of in objects:
        offsets += b"%d %d " % (number, len(body))
        body += text_of + b"\n"
    container, table = max(numbers) + 1, max(numbers) + 2
    head = b"/Type/ObjStm/N %d/First %d" % (len(objects), len(offsets))
    out, at = bytearray(b"%PDF-1.7\n"), {}
    for number, content in [*streams, (container, _stream(offsets + body, head))]:
        at[number] = len(out)
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    places = {number: (2, container, index) for index, (number, _) in enumerate(objects)}
    places |= {number: (1, offset, 0) for number, offset in at.items()} | {table: (1, len(out), 0)}
    rows = b"".join(
        kind.to_bytes(1) + where.to_bytes(4) + index.to_bytes(2)
        for kind, where, index in (places.get(number, (0, 0, 0)) for number in range(table + 1))
    )
    root = reader.trailer.raw_get("/Root").idnum
    entries = b"/Type/XRef/W[1 4 2]/Size %d/Root %d 0 R" % (table + 1, root)
    start = len(out)
    out += b"%d 0 obj\n" % table + _stream(rows, entries) + b"\nendobj\nstartxref\n%d\n%%%%EOF" % start
    return bytes(out)


def _stream(data: bytes, entries: bytes) -> bytes:
    data = zlib.compress(data)
    return b"<<" + entries + b"/Filter/FlateDecode/Length %d>>stream\n" % len(data) + data + b"\nendstream"


@pytest.fixture(params=["plain", "compressed"])
def form(request: pytest.FixtureRequest) -> object:
    return compressed if request.param == "compressed" else lambda data: data


def test_pypdf_is_not_even_imported_for_a_document_in_order(
    form: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = form(pages(5))  # type: ignore[operator]  one of two functions
    monkeypatch.setitem(sys.modules, "pypdf", None)
    sheets, notes = draw(data)
    assert len(sheets) == 5
    assert notes == []


@pytest.mark.parametrize(("claimed", "held"), [(2, 5), (19, 5), (1, 2), (0, 3), (-4, 3), (100_000, 2)])
def test_a_wrong_page_count_is_mended_and_said(form: object, claimed: int, held: int) -> None:
    sheets, notes = draw(form(pages(held, count=claimed)))  # type: ignore[operator]  one of two functions
    truth = [sheet.rows for sheet in draw(pages(held))[0]]
    assert [sheet.rows for sheet in sheets] == truth
    if claimed > 0:
        assert len(notes) == 1
        assert notes[0].startswith(
            f"{LABEL} is damaged: it says that it has {claimed} page{'s' * (claimed != 1)} but holds {held}. "
        )


def test_pages_without_a_type_are_counted_as_well() -> None:
    data = pages(5, count=2).replace(b"/Type/Page/Parent", b"/Parent")
    assert len(draw(data)[0]) == 5


def leaf(name: bytes) -> bytes:
    """A page whose type is written in another way."""
    return name + b"/Parent"


@pytest.mark.parametrize("name", [b"", b"/Type/P#61ge", b"/Type % a comment\n/Page"])
def test_a_page_that_only_the_tree_knows_is_counted(form: object, name: bytes) -> None:
    data = pages(3, count=2)
    at = data.rindex(b"/Type/Page/Parent")
    odd = data[:at] + leaf(name) + data[at + len(b"/Type/Page/Parent") :]
    sheets, notes = draw(odd if b"%" in name else form(odd))  # type: ignore[operator]  one of two functions
    assert len(sheets) == 3
    assert any("it says that it has 2 pages but holds 3" in note for note in notes)


def test_a_page_that_is_listed_twice_comes_twice() -> None:
    made = PdfMaker()
    made.page(BAR)
    made.page(b"50 300 500 30 re f")
    made.pages.append(made.pages[0])
    for count in (2, 3):
        sheets, notes = draw(made.bytes(count=count))
        assert [sheet.rows for sheet in sheets] == [sheets[0].rows, sheets[1].rows, sheets[0].rows]
        assert sheets[0].rows != sheets[1].rows
        assert (count == 3) == all("damaged" not in note for note in notes)


def test_an_entry_that_leads_nowhere_is_said_or_refused() -> None:
    made = PdfMaker()
    made.page()
    made.page(BAR)
    made.pages.append(99)
    sheets, notes = draw(made.bytes(count=2))
    assert len(sheets) == 2
    assert notes[:1] == [f"{LABEL} is damaged: An entry of its list of pages led nowhere."]
    with pytest.raises(GatewayError, match="it says that it has 3 pages but holds 2"):
        draw(made.bytes(count=3))


def test_an_update_that_was_cut_off_is_no_older_version() -> None:
    data = pages(2)
    page = data[data.index(b"4 0 obj") : data.index(b"5 0 obj")].replace(b"BT", b"BT 1 1 1 rg")
    table = b"xref\n4 1\n%010d 00000 n \ntrailer<</Size 9/Root 1 0 R/Prev %d>>\n"
    update = b"\n" + page + table % (len(data) + 1, data.index(b"xref\n0"))
    whole = data + update + b"startxref\n%d\n%%%%EOF\n" % (len(data) + 1 + len(page))
    assert len(draw(whole)[0]) == 2
    for keep in (len(data) + 20, len(data) + len(update) // 2, len(data) + len(update)):
        with pytest.raises(GatewayError, match="its end is missing"):
            draw(whole[:keep])
    assert len(draw(whole + b"\n-- \nSent by a machine\n")[0]) == 2


def test_pages_that_stand_in_the_tree_itself_are_counted() -> None:
    data = pages(3, count=1)
    at = data.index(b"/Kids[") + 6
    inline = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>> "
    with pytest.raises(GatewayError, match="it says that it has 1 page but holds 4"):
        draw(data[:at] + inline + data[at:])  # PDFium knows no such pages


def test_trees_of_other_things_are_no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    made = PdfMaker()
    made.page()
    field = made.add(b"<</FT/Tx/T(a)/V(b)>>")
    parent = made.add(b"<</T(p)/Kids[%d 0 R]>>" % field)
    names = made.add(b"<</Limits[(a)(b)]/Kids[%d 0 R]>>" % parent)
    made.catalog = b"/AcroForm<</Fields[%d 0 R]>>/Names<</Dests %d 0 R>>" % (parent, names)
    monkeypatch.setitem(sys.modules, "pypdf", None)
    assert draw(made.bytes())[1] == []


def test_pages_that_an_update_has_replaced_or_removed_do_not_count() -> None:
    data = pages(4)
    page = data[data.index(b"5 0 obj") : data.index(b"6 0 obj")].replace(b"/Parent", b"/Rotate 180/Parent")
    table = b"xref\n5 1\n%010d 00000 n \ntrailer<</Size 12/Root 1 0 R/Prev %d>>\n"
    update = page + table % (len(data) + 1, data.index(b"xref\n0"))
    updated = data + b"\n" + update + b"startxref\n%d\n%%%%EOF" % (len(data) + 1 + len(page))
    sheets, notes = draw(updated)
    assert (len(sheets), notes) == (4, [])
    assert sheets[0].rows != draw(data)[0][0].rows
    assert glance.glance(updated, 100).pages == 4
    unused = PdfMaker()
    for _ in range(3):
        unused.page()
    unused.pages.pop()
    sheets, notes = draw(unused.bytes())
    assert len(sheets) == 2
    assert notes == []


def test_a_page_that_is_nowhere_refuses_the_document() -> None:
    made = PdfMaker()
    made.page()
    made.pages.append(99)
    with pytest.raises(GatewayError, match="is damaged or incomplete") as caught:
        draw(made.bytes())
    assert (caught.value.failure.code, caught.value.failure.kind) == ("pdf_damaged", Kind.PERMANENT)


def test_inherited_entries_survive_a_repair() -> None:
    made = PdfMaker()
    made.tree = b"/Rotate 180"
    for _ in range(2):
        made.page(BAR)
    sheets, notes = draw(made.bytes(count=7))
    truth, none = draw(made.bytes())
    assert truth[0].rows != draw(one_page(BAR))[0][0].rows
    assert [sheet.rows for sheet in sheets] == [sheet.rows for sheet in truth]
    assert (len(notes), none) == (1, [])


@pytest.mark.parametrize("make", [tree_in_itself, deep_tree])
def test_odd_trees_are_flattened(make: object) -> None:
    sheets, notes = draw(make())  # type: ignore[operator]  a function
    assert len(sheets) == 1
    assert len(notes) == 1


@pytest.mark.parametrize("make", [many_pages, many_references])
def test_too_many_pages_end_at_once(make: object) -> None:
    with pytest.raises(GatewayError, match="more than 100 pages") as caught:
        draw(make())  # type: ignore[operator]  a function
    assert caught.value.failure.code == "document_pages"


def test_an_encrypted_document_with_object_streams_is_counted() -> None:
    data = compressed(pages(3))
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt("", "owner", algorithm="AES-128")
    out = io.BytesIO()
    writer.write(out)
    assert len(draw(out.getvalue())[0]) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"xref\n0", b"xrex\n0"),
        lambda data: data.replace(b"startxref\n", b"startxref\n9"),
        lambda data: b"junk before\n" * 5 + data,
        lambda data: data[: data.index(b"xref\n0")],
        lambda data: data.replace(b"0000000009 00000 n", b"0000000777 00000 n"),
    ],
    ids=["no table", "table elsewhere", "junk before", "cut before the table", "wrong offset"],
)
def test_a_damaged_table_costs_no_page(spoil: object) -> None:
    sheets, _notes = draw(spoil(pages(3)))  # type: ignore[operator]  a function
    truth = [sheet.rows for sheet in draw(pages(3))[0]]
    assert [sheet.rows for sheet in sheets] == truth


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.8, 0.9, 0.97, 0.99])
@pytest.mark.parametrize("pages_first", [False, True])
def test_a_file_that_was_cut_off_does_not_lose_what_stands_on_its_pages(
    kept: float, pages_first: bool
) -> None:
    made = PdfMaker()
    for index in range(3):
        made.page(b"50 %d 500 30 re f" % (700 - 50 * index) + b" " * 1000)
    if pages_first:  # as most programs write it: what is on the pages comes last
        order = sorted(range(2, len(made.objects)), key=lambda at: b"/Type/Page/" not in made.objects[at])
        number = {old + 1: new + 3 for new, old in enumerate(order)}
        made.objects[2:] = [made.objects[at] for at in order]
        for new, body in enumerate(made.objects):
            if b"/Contents" in body:
                old = int(body.split(b"/Contents ")[1].split()[0])
                moved = body.replace(b"/Contents %d" % old, b"/Contents %d" % number[old])
                made.objects[new] = moved.replace(b"/F 3 0 R", b"/F %d 0 R" % number[3])
        made.pages = [number[page] for page in made.pages]
    whole = made.bytes()
    truth = [sheet.rows for sheet in draw(whole)[0]]
    assert len(set(truth)) == 3
    try:
        sheets, _notes = draw(whole[: int(len(whole) * kept)])
    except GatewayError as error:
        assert "is damaged or incomplete" in error.failure.sentence  # noqa: PT017  all or nothing
    else:
        assert [sheet.rows for sheet in sheets] == truth


def test_what_pdfium_cannot_open_is_repaired_and_that_is_said() -> None:
    data = one_page(BAR).replace(b"/Type/Catalog/Pages 2 0 R", b"/Type/Catalog/Pages 2 0 R/X 1 0 R", 1)
    broken = data.replace(b"%PDF-1.7", b"%PDX-1.7")
    try:
        sheets, notes = draw(broken)
    except GatewayError as error:
        assert error.failure.code == "pdf_damaged"  # noqa: PT017  one or the other, but nothing else
    else:
        assert ink(sheets[0], (50, 700, 550, 730)) > 0.9
        assert notes == [
            f"{LABEL} is damaged: it cannot be opened. It was repaired, and its only page was found."
        ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_spoilt_files_end_in_all_pages_or_a_reason(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([pages(3), compressed(pages(3))])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[at] = data.draw(st.integers(0, 255))
        else:
            del whole[at : at + data.draw(st.integers(1, 40))]
    try:
        sheets, _notes = draw(bytes(whole))
    except GatewayError as error:
        assert error.failure.kind is Kind.PERMANENT  # noqa: PT017  one or the other, but nothing else
        return
    try:
        held = structure.tree(bytes(whole), 100)
    except structure.Unreadable:
        return
    assert len(sheets) >= held.pages


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", b"%PDF-1.4\n" + bytes(5000)])
def test_a_file_without_content_is_refused(content: bytes) -> None:
    with pytest.raises(GatewayError, match="it cannot be opened") as caught:
        draw(content)
    assert caught.value.failure.code == "pdf_damaged"


@pytest.mark.parametrize("units", [b"/UserUnit 0", b"/UserUnit -3", b"/UserUnit (x)", b"/UserUnit null"])
def test_nonsense_units_are_passed_over(units: bytes) -> None:
    assert pdf.sizes(Part(label=LABEL, data=one_page(BAR, entries=units))) == [pytest.approx((8.5, 11.0))]


def test_a_glance_unpacks_no_more_than_it_may() -> None:
    made = PdfMaker()
    made.page()
    made.stream(packed(b" " * (1 << 20), 1000), b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode")
    assert not glance.glance(made.bytes(), 100).certain


@pytest.mark.parametrize(
    "words",
    [
        b"/Kids[ " * 1_000_000,
        b"1 0 obj" + b"/Kids " * 1_000_000 + b"endobj",
        b"1 0 obj " + b"/Kids[1 0 R " * 500_000 + b"]/Count 1 endobj",
        b"/Type/ObjStm stream\n" * 300_000,
        b"/Type/Catalog " * 300_000 + b"1 0 obj",
    ],
)
def test_a_glance_at_many_words_goes_through_them_once(words: bytes) -> None:
    data = b"%PDF-1.7\n" + words  # hours, if each word were looked for to the end
    assert glance.glance(data, 100).pages == 0
    with pytest.raises(structure.Unreadable):
        structure.with_trailer(data)
