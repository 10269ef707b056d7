"""PDFs made to hang, to starve or to mislead whoever draws them. All made here, always the same."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from support.pdf_maker import PdfMaker, one_page

Hostile = Callable[[], bytes]


def draws_itself() -> bytes:
    """A form XObject that draws itself three times."""
    made = PdfMaker()
    form = len(made.objects) + 1
    made.form(b"/X Do /X Do /X Do", b"/XObject<</X %d 0 R>>" % form)
    made.page(b"/X Do /X Do", b"/XObject<</X %d 0 R>>" % form)
    return made.bytes()


def doubles() -> bytes:
    """Forty form XObjects, each of which draws the next one twice."""
    made = PdfMaker()
    inner = made.form(b"0 0 9 9 re f")
    for _ in range(40):
        inner = made.form(b"/X Do /X Do", b"/XObject<</X %d 0 R>>" % inner)
    made.page(b"/X Do", b"/XObject<</X %d 0 R>>" % inner)
    return made.bytes()


def packed(data: bytes, times: int) -> bytes:
    """Deflate `data` repeated `times`, in no time: what follows a full flush depends on nothing before."""
    packer = zlib.compressobj(9)
    first, again = (packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (times - 1)


def large_content() -> bytes:
    """A gigabyte of saved graphics states in a megabyte."""
    made = PdfMaker()
    made.page()
    stream = made.stream(packed(b"q " * (1 << 19), 1000), b"/Filter/FlateDecode")
    return made.bytes().replace(b"/Contents 4 0 R", b"/Contents %d 0 R" % stream)


def packed_thrice() -> bytes:
    """A page's program that is packed, packed and packed again."""
    inner = zlib.compress(packed(b"0 0 m 9 9 l " * (1 << 16), 20_000), 9)
    made = PdfMaker()
    made.page()
    stream = made.stream(zlib.compress(inner, 9), b"/Filter[/FlateDecode/FlateDecode/FlateDecode]")
    return made.bytes().replace(b"/Contents 4 0 R", b"/Contents %d 0 R" % stream)


def tiny_tiles() -> bytes:
    """A page filled with a tiling pattern of a thousandth of a point."""
    made = PdfMaker()
    step = b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep .001/YStep .001/Resources<<>>"
    tile = made.stream(b"0 0 1 1 re f", step)
    made.page(b"/Pattern cs /P scn 0 0 612 792 re f", b"/Pattern<</P %d 0 R>>" % tile)
    return made.bytes()


def slow_shading() -> bytes:
    """A shading by a function that takes long at every pixel."""
    program = b"{ " + b"2 copy mul sin cos exch sin add exch " * 20000 + b"pop }"
    made = PdfMaker()
    function = made.stream(program, b"/FunctionType 4/Domain[0 1 0 1]/Range[0 1]")
    plane = b"/Domain[0 1 0 1]/Matrix[612 0 0 792 0 0]/Function %d 0 R" % function
    made.page(b"/S sh", b"/Shading<</S<</ShadingType 1/ColorSpace/DeviceGray" + plane + b">>>>")
    return made.bytes()


def huge_picture(depth: int = 0) -> bytes:
    """A picture of 60,000 by 60,000 pixels, inside of `depth` form XObjects."""
    made = PdfMaker()
    facts = b"/Width 60000/Height 60000/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
    item = made.stream(zlib.compress(bytes(1000)), b"/Type/XObject/Subtype/Image" + facts)
    for _ in range(depth):
        item = made.form(b"q .9 0 0 .9 0 0 cm /X Do Q", b"/XObject<</X %d 0 R>>" % item)
    made.page(b"q 600 0 0 700 0 0 cm /X Do Q", b"/XObject<</X %d 0 R>>" % item)
    return made.bytes()


def nested_arrays() -> bytes:
    """Two million arrays within each other, as an operand and in an object."""
    made = PdfMaker()
    made.add(b"[" * 2_000_000)
    made.page(b"[" * 2_000_000 + b" TJ 0 0 100 100 re f")
    return made.bytes()


def nested_states() -> bytes:
    """Five million saved graphics states."""
    made = PdfMaker()
    made.page(b"q " * 5_000_000 + b"0 0 100 100 re f")
    return made.bytes()


def long_path() -> bytes:
    """One path of two million segments."""
    made = PdfMaker()
    made.page()
    content = packed(b"".join(b"%d %d l " % (n * 7 % 612, n * 13 % 792) for n in range(20_000)), 100)
    stream = made.stream(content, b"/Filter/FlateDecode")
    return made.bytes().replace(b"/Contents 4 0 R", b"/Contents %d 0 R" % stream)


def wrong_predictor() -> bytes:
    """A picture whose predictor claims two thousand million columns."""
    made = PdfMaker()
    facts = b"/Width 10/Height 10/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
    wrong = b"/DecodeParms<</Predictor 15/Columns 2147483647/Colors 32/BitsPerComponent 16>>"
    item = made.stream(zlib.compress(bytes(200)), b"/Type/XObject/Subtype/Image" + facts + wrong)
    made.page(b"q 90 0 0 90 9 9 cm /X Do Q 200 200 90 90 re f", b"/XObject<</X %d 0 R>>" % item)
    return made.bytes()


def deep_groups() -> bytes:
    """Four hundred transparency groups within each other, each as large as the page."""
    made = PdfMaker()
    inner = made.form(b"0 0 300 300 re f")
    box = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Group<</S/Transparency/I true/K true>>"
    for _ in range(400):
        names = b"/Resources<</ExtGState<</G<</ca .9/BM/Multiply>>>>/XObject<</X %d 0 R>>>>" % inner
        inner = made.stream(b"/G gs /X Do", box + names)
    made.page(b"/X Do", b"/XObject<</X %d 0 R>>" % inner)
    return made.bytes()


def tree_in_itself() -> bytes:
    """A page tree that contains itself beside its page."""
    made = PdfMaker()
    page = made.page()
    made.pages = [page, 2]
    return made.bytes(count=2)


def deep_tree() -> bytes:
    """A page tree of 5,000 levels."""
    made = PdfMaker()
    leaf = made.page()
    for _ in range(5000):
        leaf = made.add(b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % leaf)
    made.pages = [leaf]
    return made.bytes(count=2)


def many_pages() -> bytes:
    """The same page a hundred thousand times."""
    made = PdfMaker()
    for _ in range(100_000):
        made.pages.append(made.add(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>"))
    return made.bytes()


def many_references() -> bytes:
    """One page, listed a hundred thousand times."""
    made = PdfMaker()
    made.pages = [made.page()] * 100_000
    return made.bytes()


def huge_object_stream() -> bytes:
    """An object stream of ten gigabytes once it is unpacked."""
    made = PdfMaker()
    made.page()
    content = packed(b"1 0 " + b" " * (1 << 20), 10_000)
    made.stream(content, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode")
    return made.bytes()


def loop_of_tables() -> bytes:
    """Cross-reference tables each of which names itself as the one before."""
    whole = one_page(b"0 0 100 100 re f")
    at = whole.index(b"xref\n0")
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % at)


def bomb_inside() -> bytes:
    """A collection whose one file is the first of these."""
    made = PdfMaker()
    made.page()
    made.catalog = b"/Collection<</View/D>>"
    made.attach(("bomb.pdf", draws_itself()))
    return made.bytes()


DRAWN: dict[str, Hostile] = {
    "wrong predictor": wrong_predictor,
    "loop of tables": loop_of_tables,
}
"""End in their page."""

STARVING: dict[str, Hostile] = {
    "draws itself": draws_itself,
    "doubles": doubles,
    "large content": large_content,
    "tiny tiles": tiny_tiles,
    "slow shading": slow_shading,
    "bomb inside": bomb_inside,
}
"""End at a limit on time or memory."""

EITHER: dict[str, Hostile] = {
    "nested arrays": nested_arrays,
    "packed thrice": packed_thrice,
    "huge object stream": huge_object_stream,
    "nested states": nested_states,
    "long path": long_path,
    "deep groups": deep_groups,
    "tree in itself": tree_in_itself,
    "deep tree": deep_tree,
}
"""End in their page, at a limit or in a refusal, by the power of the machine."""
