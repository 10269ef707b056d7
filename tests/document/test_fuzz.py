"""Spoilt files of every kind end in pages or in a stated reason: few of them, or more by ``--fuzz``."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image
from support.hostile_pdf import loop_of_tables, tree_in_itself
from support.pdf_maker import PdfMaker
from support.spoiling import spoilt

from gateway.document import Renderer, RendererDied, RenderSettings
from gateway.document.formats import text
from gateway.document.formats.sniff import Format, sniff
from gateway.errors import GatewayError, Kind

LIMITS = RenderSettings(max_pages=20, timeout=30, cpu_seconds=10, memory_bytes=512 << 20, workers=1)
WORDS = (
    "Invoice 42\n\tCafé — 100 %\r\n\u202eright to left\u202c \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d\n"
)


def pictures(*formats: str) -> list[bytes]:
    grey = Image.linear_gradient("L").resize((300, 200))
    made = []
    for name in formats:
        for mode in ("1", "L", "RGB", "P"):
            if name == "WEBP" and mode in ("1", "P"):
                continue
            out = io.BytesIO()
            grey.convert(mode if name != "JPEG" or mode in ("L", "RGB") else "L").save(out, name)
            made.append(out.getvalue())
    return made


def tiffs() -> list[bytes]:
    page = Image.linear_gradient("L").resize((1728, 300))
    made = []
    for coding in ("group3", "group4", "tiff_lzw", "packbits", "raw", "jpeg", "tiff_adobe_deflate"):
        out = io.BytesIO()
        bilevel = coding.startswith("group")
        first = page.convert("1") if bilevel else page
        first.save(out, "TIFF", compression=coding, dpi=(204, 196), save_all=True, append_images=[first])
        made.append(out.getvalue())
    return made


def texts() -> list[bytes]:
    many = WORDS * 20
    encodings = ("utf-8", "utf-16", "utf-32", "utf-7")
    return [many.encode(name) for name in encodings] + [b"caf\xe9 \x93quoted\x94\n" * 30, b"a\tb\tc\n" * 60]


def mails() -> list[bytes]:
    made = []
    for attachment, kind in ((pdfs()[0], ("application", "pdf")), (pictures("PNG")[1], ("image", "png"))):
        mail = EmailMessage()
        mail["From"], mail["Subject"] = "anna@example.com", "Fax"
        mail.set_content(WORDS)
        mail.add_alternative(f"<p>{WORDS}<img src='cid:a'>", subtype="html")
        mail.add_attachment(attachment, *kind, filename="a file")
        outer = EmailMessage()
        outer["Subject"] = "Fwd"
        outer.set_content("See below")
        outer.add_attachment(mail)
        made += [mail.as_bytes(), outer.as_bytes()]
    return made


def pdfs() -> list[bytes]:
    made = []
    for count in (1, 3):
        maker = PdfMaker()
        picture = maker.image(Image.linear_gradient("L"))
        field = maker.add(b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(value)/F 4/Rect[200 400 400 440]>>")
        maker.catalog = b"/AcroForm<</Fields[%d 0 R]/DA(/F 0 Tf 0 g)>>" % field
        for _ in range(count):
            content = b"BT /F 24 Tf 72 700 Td (Hello fax) Tj ET q 200 0 0 200 72 200 cm /I Do Q"
            maker.page(content, b"/XObject<</I %d 0 R>>" % picture, entries=b"/Annots[%d 0 R]" % field)
        made.append(maker.bytes())
    return [*made, maker.bytes(count=9), loop_of_tables(), tree_in_itself()]


CAMPAIGNS: dict[str, Callable[[], list[bytes]]] = {
    "tiff": tiffs,
    "text": texts,
    "pdf": pdfs,
    "pictures": lambda: pictures("PNG", "JPEG", "GIF", "BMP", "WEBP"),
    "mail": mails,
    "html": lambda: [f"<html><body><table><tr><td>{WORDS}</table><style>p{{}}</style>".encode()],
}


@pytest.fixture
def cases(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--fuzz"))


@pytest.mark.parametrize("campaign", CAMPAIGNS)
async def test_spoilt_files_end_in_pages_or_a_reason(
    campaign: str, cases: int, fuzzed: dict[str, str], tmp_path: Path
) -> None:
    seeds, ends = CAMPAIGNS[campaign](), Counter[str]()
    file = tmp_path / "spoilt"  # what it was is told by its name and the number in a failure's message
    async with Renderer(LIMITS) as renderer:
        for number in range(cases):
            data = spoilt(seeds, number)
            file.write_bytes(data)
            try:
                if campaign == "mail":
                    made = await renderer.render_message(data, tmp_path / "fax.pdf")
                else:
                    made = await renderer.render_files([file], tmp_path / "fax.pdf")
            except RendererDied as error:
                pytest.fail(f"{campaign} {number}: {error.failure.code}")
            except GatewayError as error:
                failure = error.failure
                assert failure.kind is Kind.PERMANENT, f"{campaign} {number}: {failure.sentence}"
                assert failure.sentence.endswith("."), f"{campaign} {number}: {failure.sentence}"
                ends[failure.code] += 1
            else:
                assert made.pages > 0, f"{campaign} {number}"
                ends["pages"] += 1
    fuzzed[campaign] = f"{cases} files, " + ", ".join(f"{end} {count}" for end, count in ends.most_common())
    assert sum(ends.values()) == cases


def test_every_spoilt_file_is_of_some_format(cases: int, fuzzed: dict[str, str]) -> None:
    seeds = [seed for make in CAMPAIGNS.values() for seed in make()]
    ends = Counter(sniff(spoilt(seeds, number)) for number in range(cases * 20))
    assert set(ends) <= set(Format)
    shown = ", ".join(f"{end.name} {count}" for end, count in ends.most_common(6))
    fuzzed["sniffing"] = f"{sum(ends.values())} files, {shown}, ..."


def test_every_spoilt_text_is_laid_out_whole(cases: int, fuzzed: dict[str, str]) -> None:
    """Nothing is lost between the characters of a text and its lines, but what nobody can see."""
    seeds = [seed for seed in texts() if b"\0" not in seed]
    shown = 0
    for number in range(cases * 20):
        written = spoilt(seeds, number).decode("utf-8", "replace")
        lines = text.lines(written)
        found = Counter(character for line in lines for character in line.text if character.isalnum())
        wanted = Counter(character for character in written if character.isalnum())
        assert not wanted - found, f"text {number}"
        shown += len(lines)
    fuzzed["text layout"] = f"{cases * 20} texts, {shown} lines"
