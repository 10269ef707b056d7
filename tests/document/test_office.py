"""Office documents through the real LibreOffice, and through converters that do not what they should.

Every document is written here, byte by byte, to the formats' published schemas (ECMA-376, OpenDocument 1.3,
RTF 1.9.1), with no more in it than LibreOffice needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import ctypes.util
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pypdfium2
import pytest

from gateway.document import RendererDied, syscalls
from gateway.document.formats.sniff import OFFICE_FORMATS, sniff
from gateway.document.office import Office, converter, forbidden, outcome, profile
from gateway.errors import GatewayError, Kind

ROOT = str(Path(__file__).resolve().parents[2])
OPC = "http://schemas.openxmlformats.org"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
RELATIONS = f"{OPC}/officeDocument/2006/relationships"
WORD = f'xmlns:w="{OPC}/wordprocessingml/2006/main" xmlns:r="{RELATIONS}"'


def archive(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            stored = name == "mimetype"
            made.writestr(name, content, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def package(main: str, kind: str, files: dict[str, str | bytes]) -> bytes:
    """An OPC package whose main part is `main`."""
    types = f"{XML}<Types xmlns='{OPC}/package/2006/content-types'>" + (
        "<Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
        "<Default Extension='xml' ContentType='application/xml'/><Override "
        f"PartName='/{main}' ContentType='application/vnd.openxmlformats-officedocument.{kind}+xml'/></Types>"
    )
    relations = (
        f"{XML}<Relationships xmlns='{OPC}/package/2006/relationships'>"
        f"<Relationship Id='r1' Type='{RELATIONS}/officeDocument' Target='{main}'/></Relationships>"
    )
    return archive({"[Content_Types].xml": types, "_rels/.rels": relations} | files)


def docx(text: str, *, body: str = "", files: dict[str, str | bytes] | None = None) -> bytes:
    paragraph = f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
    document = f"{XML}<w:document {WORD}><w:body>{paragraph}{body}</w:body></w:document>"
    kind = "wordprocessingml.document.main"
    return package("word/document.xml", kind, {"word/document.xml": document} | (files or {}))


def linked_docx(url: str) -> bytes:
    """A text with a picture that is not in it."""
    picture = f"{OPC}/drawingml/2006/picture"
    drawing = f"{OPC}/drawingml/2006/main"
    inline = (
        f"<w:p><w:r><w:drawing><wp:inline xmlns:wp='{OPC}/drawingml/2006/wordprocessingDrawing'>"
        "<wp:extent cx='900000' cy='900000'/><wp:docPr id='1' name='p'/>"
        f"<a:graphic xmlns:a='{drawing}'><a:graphicData uri='{picture}'><pic:pic xmlns:pic='{picture}'>"
        "<pic:nvPicPr><pic:cNvPr id='1' name='p'/><pic:cNvPicPr/></pic:nvPicPr>"
        "<pic:blipFill><a:blip r:link='r7'/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>"
        "<pic:spPr><a:xfrm><a:off x='0' y='0'/><a:ext cx='900000' cy='900000'/></a:xfrm>"
        "<a:prstGeom prst='rect'/></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline>"
        "</w:drawing></w:r></w:p>"
    )
    relations = (
        f"{XML}<Relationships xmlns='{OPC}/package/2006/relationships'><Relationship Id='r7' "
        f"Type='{RELATIONS}/image' Target='{url}' TargetMode='External'/></Relationships>"
    )
    return docx("linked", body=inline, files={"word/_rels/document.xml.rels": relations})


def xlsx(text: str) -> bytes:
    main = f"xmlns='{OPC}/spreadsheetml/2006/main' xmlns:r='{RELATIONS}'"
    cell = f"<c r='A1' t='inlineStr'><is><t>{text}</t></is></c>"
    return package(
        "xl/workbook.xml",
        "spreadsheetml.sheet.main",
        {
            "xl/workbook.xml": f"{XML}<workbook {main}><sheets>"
            "<sheet name='one' sheetId='1' r:id='r1'/></sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f"{XML}<Relationships xmlns='{OPC}/package/2006/relationships'>"
            f"<Relationship Id='r1' Type='{RELATIONS}/worksheet' Target='worksheets/sheet1.xml'/>"
            "</Relationships>",
            "xl/worksheets/sheet1.xml": f"{XML}<worksheet {main}><sheetData>"
            f"<row r='1'>{cell}<c r='B1'><f>6*7</f></c></row></sheetData></worksheet>",
        },
    )


def open_document(kind: str, body: str) -> bytes:
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    media = f"application/vnd.oasis.opendocument.{kind}"
    spaces = " ".join(f"xmlns:{name}='{urn}:{name}:1.0'" for name in ("office", "text", "table"))
    spaces += f" xmlns:draw='{urn}:drawing:1.0' xmlns:svg='{urn}:svg-compatible:1.0'"
    content = f"{XML}<office:document-content {spaces} office:version='1.3'><office:body>{body}"
    entries = "".join(
        f"<m:file-entry m:full-path='{path}' m:media-type='{form}'/>"
        for path, form in (("/", media), ("content.xml", "text/xml"))
    )
    return archive(
        {
            "mimetype": media,
            "content.xml": f"{content}</office:body></office:document-content>",
            "META-INF/manifest.xml": f"{XML}<m:manifest xmlns:m='{urn}:manifest:1.0' m:version='1.3'>"
            f"{entries}</m:manifest>",
        }
    )


def odt(text: str) -> bytes:
    return open_document("text", f"<office:text><text:p>{text}</text:p></office:text>")


def ods(text: str) -> bytes:
    cell = f"<table:table-cell office:value-type='string'><text:p>{text}</text:p></table:table-cell>"
    row = f"<table:table-row>{cell}</table:table-row>"
    table = f"<table:table table:name='one'>{row}</table:table>"
    return open_document("spreadsheet", f"<office:spreadsheet>{table}</office:spreadsheet>")


def odp(text: str) -> bytes:
    frame = (
        "<draw:frame svg:x='2cm' svg:y='2cm' svg:width='20cm' svg:height='3cm'><draw:text-box>"
        f"<text:p>{text}</text:p></draw:text-box></draw:frame>"
    )
    page = f"<draw:page draw:name='one'>{frame}</draw:page>"
    return open_document("presentation", f"<office:presentation>{page * 2}</office:presentation>")


def pptx(text: str) -> bytes:
    """One slide with a text box, and the master and the layout without which there is none."""
    drawing, types = f"{OPC}/drawingml/2006/main", "presentationml"
    spaces = f"xmlns:p='{OPC}/presentationml/2006/main' xmlns:a='{drawing}' xmlns:r='{RELATIONS}'"
    group = "<p:nvGrpSpPr><p:cNvPr id='1' name=''/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>"
    box = (
        "<p:sp><p:nvSpPr><p:cNvPr id='2' name='t'/><p:cNvSpPr txBox='1'/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm>"
        "<a:off x='900000' y='900000'/><a:ext cx='7000000' cy='900000'/></a:xfrm><a:prstGeom prst='rect'/>"
        f"</p:spPr><p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )

    def tree(name: str, shapes: str = "", more: str = "") -> str:
        body = f"<p:cSld><p:spTree>{group}{shapes}</p:spTree></p:cSld>"
        return f"{XML}<p:{name} {spaces}>{body}{more}</p:{name}>"

    def relations(**targets: str) -> str:
        made = "".join(
            f"<Relationship Id='{key}' Type='{RELATIONS}/{kind}' Target='{target}'/>"
            for key, (kind, target) in ((key, value.split(" ")) for key, value in targets.items())
        )
        return f"{XML}<Relationships xmlns='{OPC}/package/2006/relationships'>{made}</Relationships>"

    accents = [f"accent{number}" for number in range(1, 7)] + ["hlink", "folHlink"]
    roles = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"} | {name: name for name in accents}
    colours = " ".join(f"{role}='{colour}'" for role, colour in roles.items())
    layouts = "<p:sldLayoutIdLst><p:sldLayoutId id='2147483649' r:id='r1'/></p:sldLayoutIdLst>"
    main = (
        f"{XML}<p:presentation {spaces}><p:sldMasterIdLst><p:sldMasterId id='2147483648' r:id='r1'/>"
        "</p:sldMasterIdLst><p:sldIdLst><p:sldId id='256' r:id='r2'/></p:sldIdLst>"
        "<p:sldSz cx='9144000' cy='6858000'/></p:presentation>"
    )
    return package(
        "ppt/presentation.xml",
        f"{types}.presentation.main",
        {
            "ppt/presentation.xml": main,
            "ppt/_rels/presentation.xml.rels": relations(
                r1="slideMaster slideMasters/m.xml", r2="slide slides/s.xml"
            ),
            "ppt/slides/s.xml": tree("sld", box),
            "ppt/slides/_rels/s.xml.rels": relations(r1="slideLayout ../slideLayouts/l.xml"),
            "ppt/slideLayouts/l.xml": tree("sldLayout"),
            "ppt/slideLayouts/_rels/l.xml.rels": relations(r1="slideMaster ../slideMasters/m.xml"),
            "ppt/slideMasters/m.xml": tree("sldMaster", more=f"<p:clrMap {colours}/>{layouts}"),
            "ppt/slideMasters/_rels/m.xml.rels": relations(r1="slideLayout ../slideLayouts/l.xml"),
        },
    )


def rtf(text: str) -> bytes:
    return rb"{\rtf1\ansi\ansicpg1252 {\fonttbl{\f0 Helvetica;}}\f0\fs24 " + text.encode() + rb"\par}"


MAKERS: dict[str, Callable[[str], bytes]] = {
    "DOCX": docx,
    "ODT": odt,
    "RTF": rtf,
    "XLSX": xlsx,
    "ODS": ods,
    "PPTX": pptx,
    "ODP": odp,
}


class Scene:
    """A directory for conversions that must be empty in the end."""

    def __init__(self, path: Path) -> None:
        self.work = path / "work"
        self.work.mkdir()
        self.source = path / "source"
        self.made = path / "made.pdf"

    async def convert(self, data: bytes, kind: str, **options: object) -> str:
        """The text of the PDF that comes of it."""
        self.source.write_bytes(data)
        office = Office(**({"directory": self.work, "timeout": 60.0} | options))  # type: ignore[arg-type]
        await office.convert(self.source, kind, self.made, label='The file "x"')
        document = pypdfium2.PdfDocument(self.made)
        try:
            return "\n".join(page.get_textpage().get_text_range() for page in document)
        finally:
            document.close()

    async def refused(self, data: bytes, kind: str, **options: object) -> GatewayError:
        with pytest.raises(GatewayError) as raised:
            await self.convert(data, kind, **options)
        assert raised.value.failure.sentence.startswith('The file "x" ')
        assert not self.made.exists()
        return raised.value


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    assert list(made.work.iterdir()) == []
    assert _running(str(made.work)) == []


def _running(word: str) -> list[int]:
    """Processes that have `word` in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if word.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


def test_every_office_format_is_known() -> None:
    assert profile.KINDS.keys() == {kind.name for kind in OFFICE_FORMATS}
    for kind, make in MAKERS.items():
        assert sniff(make("x")).name == kind


@pytest.mark.peer("soffice")
@pytest.mark.parametrize("kind", MAKERS)
async def test_documents_become_pdfs(scene: Scene, kind: str) -> None:
    text = await scene.convert(MAKERS[kind]("Total"), kind)
    assert "Total" in text
    assert ("42" in text) == (kind == "XLSX")  # the one with a formula


@pytest.mark.peer("soffice")
async def test_an_old_presentation_becomes_a_pdf(scene: Scene, tmp_path: Path) -> None:
    """Made by LibreOffice as well, since nobody writes such a file by hand."""
    (tmp_path / "made.pptx").write_bytes(pptx("Quarter"))
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    command += ["--convert-to", "ppt", "--outdir", str(tmp_path), str(tmp_path / "made.pptx")]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=120)
    old = (tmp_path / "made.ppt").read_bytes()
    assert sniff(old).name == "PPT"
    assert "Quarter" in await scene.convert(old, "PPT")


@pytest.mark.peer("soffice")
async def test_one_that_computes_too_long_is_told_so(scene: Scene) -> None:
    """Not that it makes LibreOffice crash, which is what LibreOffice takes it for."""
    paragraphs = "<w:p><w:r><w:t>Words</w:t></w:r></w:p>" * 80_000
    error = await scene.refused(docx("x", body=paragraphs), "DOCX", cpu_seconds=3)
    assert "more computing time than allowed (3 seconds)" in error.failure.sentence
    assert error.failure.sentence.endswith("Send it as a PDF, or in several, smaller documents.")


@pytest.mark.peer("soffice")
async def test_a_wide_sheet_is_shrunk_to_the_page(scene: Scene) -> None:
    cells = "".join(
        f"<table:table-cell office:value-type='string'><text:p>c{n}</text:p></table:table-cell>"
        for n in range(12)
    )
    table = f"<table:table table:name='one'><table:table-row>{cells}</table:table-row></table:table>"
    text = await scene.convert(
        open_document("spreadsheet", f"<office:spreadsheet>{table}</office:spreadsheet>"), "ODS"
    )
    document = pypdfium2.PdfDocument(scene.made)
    pages = len(document)
    document.close()
    assert (pages, "c0" in text, "c11" in text) == (1, True, True)


@pytest.mark.peer("soffice")
async def test_what_a_document_links_to_is_not_fetched(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/picture.png"
        assert "linked" in await scene.convert(linked_docx(url), "DOCX")
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.peer("soffice")
async def test_files_of_this_machine_are_not_drawn(scene: Scene, tmp_path: Path, make: object) -> None:
    picture = tmp_path / "secret.png"
    picture.write_bytes(make.picture("PNG"))  # type: ignore[attr-defined]
    await scene.convert(linked_docx(picture.as_uri()), "DOCX")
    document = pypdfium2.PdfDocument(scene.made)
    kinds = {item.type for item in document[0].get_objects()}
    document.close()
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds


@pytest.mark.peer("soffice")
async def test_what_libreoffice_cannot_open_is_refused(scene: Scene) -> None:
    error = await scene.refused(docx("x")[:-200], "DOCX")
    assert (error.failure.kind, error.failure.status) == (Kind.PERMANENT, "5.6.5")
    assert error.failure.sentence.endswith("Send it as a PDF.")


@pytest.mark.peer("soffice")
async def test_libreoffice_gives_way_and_has_a_limit_beside_what_it_takes_itself(scene: Scene) -> None:
    many = "<w:p><w:r><w:t>Words</w:t></w:r></w:p>" * 5000
    converting = asyncio.create_task(scene.convert(docx("x", body=many), "DOCX", memory_bytes=300 << 20))
    space, rank = None, 0
    while not space and not converting.done():
        for pid in _running(str(scene.work)):
            with contextlib.suppress(OSError):
                rank = os.getpriority(os.PRIO_PROCESS, pid)
                limits = Path(f"/proc/{pid}/limits").read_text()
                space = re.search(r"Max address space +(\d+) ", limits)
        await asyncio.sleep(0.01)
    assert "Words" in await converting
    assert space is not None
    assert 300 << 20 < int(space[1]) < 1000 << 20
    assert rank == 10


@pytest.mark.peer("soffice")
async def test_a_zip_bomb_ends(scene: Scene) -> None:
    """A hundred megabytes of one word in a tenth of a megabyte of file."""
    error = await scene.refused(docx("A" * (100 << 20)), "DOCX", timeout=8.0)
    assert error.failure.kind is Kind.PERMANENT


@pytest.mark.parametrize("command", ["", "no-such-office", sys.executable])
async def test_without_libreoffice_the_refusal_says_so(scene: Scene, command: str) -> None:
    error = await scene.refused(b"x", "DOCX", command=command)
    assert error.failure.kind is Kind.PERMANENT
    assert "this gateway has no LibreOffice to draw it" in error.failure.sentence


async def test_a_missing_module_is_named(scene: Scene, tmp_path: Path) -> None:
    error = await scene.refused(b"x", "PPTX", command=_installation(tmp_path, "Writer"))
    assert "has no LibreOffice Impress" in error.failure.sentence


def _installation(path: Path, *modules: str) -> str:
    """What looks like LibreOffice with some modules."""
    program = path / "office" / "program"
    program.mkdir(parents=True, exist_ok=True)
    names = {kind.library for kind in profile.KINDS.values() if kind.module in modules}
    for name in ("soffice", "libmergedlo.so", *names):
        (program / name).touch(0o755)
    return str(program / "soffice")


def fake(code: str) -> tuple[str, ...]:
    """A converter that does something else, given its order as `order`."""
    prelude = (
        "import json, os, signal, sys, time\nfrom pathlib import Path\norder = json.loads(sys.argv[1])\n"
    )
    prelude += "made = Path(order['directory'], 'document.pdf')\n"
    return (sys.executable, "-I", "-c", prelude + textwrap.dedent(code))


async def with_converter(scene: Scene, tmp_path: Path, code: str, **options: object) -> GatewayError:
    command = _installation(tmp_path, "Writer")
    return await scene.refused(b"x", "RTF", command=command, converter_command=fake(code), **options)


TOO_LARGE = (Kind.PERMANENT, "larger than allowed")
ALL = "print('started\\nopened\\nsaved', flush=True)\n"


def test_who_computes_too_long_is_told_so_by_the_kernel() -> None:
    code = "from gateway.document.office import confinement\n"
    code += "confinement.limit(cpu_seconds=1, file_bytes=1 << 20)\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGXCPU


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("sys.exit(69)", Kind.TEMPORARY, "does not start"),
        ("os.abort()", Kind.TEMPORARY, "does not start"),
        ("print('started', flush=True); os.abort()", Kind.PERMANENT, "makes LibreOffice crash"),
        ("print('started', flush=True)", Kind.PERMANENT, "could not be opened"),
        ("print('started\\nopened', flush=True)", Kind.PERMANENT, "could not be made into pages"),
        ("print('started', flush=True); os.kill(os.getpid(), 24)", Kind.PERMANENT, "more computing time"),
        ("print('started', flush=True); signal.signal(25, 0); os.kill(os.getpid(), 25)", *TOO_LARGE),
        ("os.kill(os.getpid(), 9)", Kind.TEMPORARY, "was killed"),
        (ALL, Kind.PERMANENT, "could not be made into pages"),
        (ALL + "made.touch()", Kind.PERMANENT, "could not be made into pages"),
        (ALL + "made.symlink_to('/etc/passwd')", Kind.PERMANENT, "could not be made into pages"),
        (ALL + "made.mkdir()", Kind.PERMANENT, "could not be made into pages"),
        (ALL + "made.write_bytes(b'x'); os.link(made, 'y')", Kind.PERMANENT, "could not be made into pages"),
        (ALL + "made.write_bytes(bytes(1001))", *TOO_LARGE),
    ],
)
async def test_every_end_has_its_words(
    scene: Scene, tmp_path: Path, code: str, kind: Kind, words: str
) -> None:
    error = await with_converter(scene, tmp_path, code, output_bytes=1000)
    assert error.failure.kind is kind
    assert words in error.failure.sentence


async def test_one_that_works_too_long_is_the_documents_fault(scene: Scene, tmp_path: Path) -> None:
    error = await with_converter(scene, tmp_path, "while True: pass", timeout=1.0)
    assert (error.failure.kind, isinstance(error, RendererDied)) == (Kind.PERMANENT, False)
    assert "more time than allowed" in error.failure.sentence


async def test_one_that_hangs_is_perhaps_not(scene: Scene, tmp_path: Path) -> None:
    """Neither refused at once nor tried for ever: three deaths park it."""
    error = await with_converter(scene, tmp_path, "time.sleep(1000)", timeout=1.0)
    assert isinstance(error, RendererDied)
    assert (error.failure.kind, error.failure.code) == (Kind.TEMPORARY, "office_hung")


async def test_the_documents_of_a_fax_share_their_time(scene: Scene, tmp_path: Path) -> None:
    """The second one hangs, but not for long enough to tell whose fault that is."""
    code = "Path('document.rtf').read_bytes() == b'hang' and signal.pause()\n" + ALL
    program = _installation(tmp_path, "Writer")
    office = Office(program, directory=scene.work, timeout=20.0, converter_command=fake(code))
    allowance = office.allowance()
    for content, words in (
        (b"x", "could not be made into pages"),
        (b"hang", "more time than allowed"),
        (b"x", "more time than allowed"),
    ):
        scene.source.write_bytes(content)
        with pytest.raises(GatewayError, match=words) as caught:
            await office.convert(scene.source, "RTF", scene.made, allowance=allowance)
        assert caught.value.failure.kind is Kind.PERMANENT
        allowance.work.left = min(allowance.work.left, 0.2)  # as if the first had taken the rest
    assert allowance.work.left == 0


async def test_waiting_for_others_costs_no_time_but_has_an_end(scene: Scene, tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"Path({str(started)!r}).touch()\ntime.sleep(1000)"
    office = Office(
        _installation(tmp_path, "Writer"), directory=scene.work, patience=0.2, converter_command=fake(code)
    )
    scene.source.write_bytes(b"x")
    first = asyncio.create_task(office.convert(scene.source, "RTF", tmp_path / "first.pdf"))
    async with asyncio.timeout(20):
        while not started.exists():
            await asyncio.sleep(0.01)
    allowance = office.allowance()
    with pytest.raises(GatewayError) as caught:
        await office.convert(scene.source, "RTF", scene.made, allowance=allowance)
    assert (caught.value.failure.kind, caught.value.failure.code) == (Kind.TEMPORARY, "office_busy")
    assert (allowance.work.left, allowance.patience.left) == (120, 0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


FILL = """
for number in range(8):
    with open(f"{number}", "w") as file:
        os.posix_fallocate(file.fileno(), 0, 64 << 20)
    kept.append(open(f"{number}"))
    gone and os.unlink(f"{number}")
time.sleep(1000)
"""


@pytest.mark.parametrize("gone", [False, True])
async def test_many_files_fill_no_disk(scene: Scene, tmp_path: Path, gone: bool) -> None:
    error = await with_converter(scene, tmp_path, f"kept, gone = [], {gone}\n{FILL}", timeout=60.0)
    assert (error.failure.kind, error.failure.code) == (Kind.PERMANENT, "office_size")
    assert "more disk than allowed" in error.failure.sentence


async def test_a_disk_that_others_fill_is_trouble_of_ours(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [1 << 40, 0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free.pop(0)))
    error = await with_converter(scene, tmp_path, "time.sleep(1000)", timeout=60.0)
    assert (error.failure.kind, error.failure.code) == (Kind.TEMPORARY, "office_storage")
    assert not isinstance(error, RendererDied)


async def test_the_limits_are_those_of_the_configuration(scene: Scene, tmp_path: Path) -> None:
    scene.source.write_bytes(b"x")
    limits = {"memory_bytes": 300 << 20, "cpu_seconds": 7}
    office = Office(
        _installation(tmp_path, "Writer"),
        directory=scene.work,
        output_bytes=9 << 20,
        converter_command=fake(ALL + "made.write_text(sys.argv[1])"),
        **limits,  # type: ignore[arg-type]
    )
    await office.convert(scene.source, "RTF", scene.made)
    order = json.loads(scene.made.read_text())
    assert {name: order[name] for name in limits} == limits
    assert order["file_bytes"] == 9 << 20


async def test_what_a_converter_started_ends_with_it(scene: Scene, tmp_path: Path) -> None:
    leave = "if os.fork(): sys.exit(69)\ntime.sleep(1000)"
    await with_converter(scene, tmp_path, leave, timeout=1.0)
    async with asyncio.timeout(10):
        while _running(str(scene.work)):
            await asyncio.sleep(0.01)


async def test_a_cancelled_conversion_leaves_nothing(scene: Scene, tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"Path({str(started)!r}).touch()\ntime.sleep(1000)"
    task = asyncio.create_task(with_converter(scene, tmp_path, code))
    async with asyncio.timeout(20):
        while not started.exists():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_at_a_time(scene: Scene, tmp_path: Path) -> None:
    """Each converter tells when it starts, and waits until it may end."""
    told, gate = tmp_path / "told", tmp_path / "gate"
    told.touch()
    os.mkfifo(gate)
    code = f"with open({str(told)!r}, 'a') as file: file.write('started ')\n"
    code += f"Path({str(gate)!r}).read_bytes()\n"
    code += f"with open({str(told)!r}, 'a') as file: file.write('ended ')\n"
    scene.source.write_bytes(b"x")
    office = Office(
        _installation(tmp_path, "Writer"),
        directory=scene.work,
        converter_command=fake(code + ALL + "made.write_bytes(b'%PDF-')"),
    )
    targets = [tmp_path / f"{number}.pdf" for number in range(3)]
    tasks = [asyncio.create_task(office.convert(scene.source, "RTF", target)) for target in targets]
    for number in range(3):
        async with asyncio.timeout(20):
            while told.read_text() != "started ended " * number + "started ":
                assert told.read_text().count("started") <= number + 1
                await asyncio.sleep(0.01)
            await asyncio.to_thread(gate.write_bytes, b"x")
    await asyncio.gather(*tasks)
    assert told.read_text() == "started ended " * 3
    assert [target.read_bytes() for target in targets] == [b"%PDF-"] * 3


HOSTILE = """
import ctypes, errno, fcntl, json, mmap, os, socket, sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from gateway.document.office import confinement, converter
order, target = converter.Order(**json.loads(sys.argv[3])), json.loads(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
own, state = Path(order.directory), Path(target["state"])

def call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "call")

def connect(family, address):
    with socket.socket(family) as peer:
        peer.connect(address)

def aside():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.sendto(b"x", str(state / "socket"))

def fork():
    if os.fork() == 0:
        os._exit(0)

def thread():
    started = threading.Thread(target=bool)
    started.start()
    started.join()

ATTEMPTS = {
    "read": lambda: (state / "fax").read_bytes(),
    "list": lambda: os.listdir(state),
    "create": lambda: (state / "new").touch(),
    "chmod": lambda: (state / "fax").chmod(0o666),
    "utime": lambda: os.utime(state / "fax"),
    "link out": lambda: os.link(state / "fax", own / "fax"),
    "tcp": lambda: connect(socket.AF_INET, ("127.0.0.1", target["port"])),
    "unix": lambda: connect(socket.AF_UNIX, str(state / "socket")),
    "aside": aside,
    "fork": fork,
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "signal the parent": lambda: os.kill(order.parent, 0),
    "own signals": lambda: fcntl.fcntl(1, fcntl.F_SETOWN, order.parent),
    "trace": lambda: call(libc.ptrace, 0x4206, order.parent, None, None),
    "outlive": lambda: call(libc.prctl, 1, 0, 0, 0, 0),
    "leave the session": lambda: os.setsid(),
    "io_uring": lambda: call(libc.syscall, 425, 1, None),
    "raise its rank": lambda: os.setpriority(os.PRIO_PROCESS, 0, 0),
    "take memory": lambda: mmap.mmap(-1, 101 << 20),
    "own memory": lambda: mmap.mmap(-1, 90 << 20).close(),
    "own file": lambda: (own / "mine").write_bytes(b"x"),
    "thread": thread,
    "font": lambda: os.listdir("/usr/share"),
}
confinement.end_with(order.parent)
confinement.limit(cpu_seconds=10, file_bytes=2000)
statm = os.open("/proc/self/statm", os.O_RDONLY)
layers = confinement.enter(own, Path(order.program))
confinement.limit_memory(statm, 100 << 20)
outcomes = {"rank": os.getpriority(os.PRIO_PROCESS, 0)}
for name, attempt in ATTEMPTS.items():
    try:
        attempt()
    except OSError as error:
        outcomes[name] = errno.errorcode[error.errno]
    else:
        outcomes[name] = "done"
(own / "document.pdf").write_text(json.dumps([layers, outcomes]))
print("started\\nopened\\nsaved")
"""
FREE = {"own file", "own memory", "thread", "font"}


async def test_a_captured_converter_can_do_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    for name in ("fax", "source"):
        (state / name).write_bytes(b"content")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(state / "socket"))
        target = json.dumps({"state": str(state), "port": tcp.getsockname()[1]})
        office = Office(
            _installation(tmp_path, "Writer"),
            directory=tmp_path,
            converter_command=(sys.executable, "-I", "-c", HOSTILE, ROOT, target),
        )
        await office.convert(state / "source", "RTF", tmp_path / "told")
    layers, outcomes = json.loads((tmp_path / "told").read_text())
    assert outcomes.pop("rank") == 10
    assert outcomes.pop("take memory") == "ENOMEM"
    if len(layers) < 2:
        pytest.skip(f"this kernel has no more than {layers} for us")
    assert {name for name, outcome in outcomes.items() if outcome == "done"} == FREE
    assert sorted(path.name for path in state.iterdir()) == ["fax", "socket", "source"]


@pytest.mark.skipif(
    ctypes.util.find_library("seccomp") is None, reason="no libseccomp to compare the numbers with"
)
@pytest.mark.parametrize(("machine", "token"), [("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)])
def test_forbidden_numbers_are_those_of_libseccomp(machine: str, token: int) -> None:
    resolve = ctypes.CDLL(ctypes.util.find_library("seccomp")).seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    column = syscalls.MACHINES.index(machine)
    unknown = -1  # newer than this libseccomp
    for name, numbers in (forbidden.DENIED | forbidden.JUDGED).items():
        theirs = resolve(token, name.encode())
        if theirs != unknown:
            assert (numbers[column] if numbers[column] is not None else theirs) == theirs, name
            assert (numbers[column] is None) == (theirs < 0), name


def test_the_order_survives_its_way() -> None:
    limits = {"memory_bytes": 1, "cpu_seconds": 2, "file_bytes": 3}
    order = converter.Order(
        parent=1, directory="/d", program="/p", source="s", opens="o", saves="w", **limits
    )
    assert converter.Order(**json.loads(converter.argument(order))) == order


LIMITS = outcome.Limits(seconds=1.0, cpu_seconds=1)


def test_a_finished_converter_is_no_failure() -> None:
    outcome.judge(outcome.End(said=frozenset({"started", "opened", "saved"}), code=os.EX_OK), "x", LIMITS)


def test_the_settings_are_found_by_the_commands_link(tmp_path: Path) -> None:
    link = tmp_path / "command"
    link.symlink_to(_installation(tmp_path, "Writer"))
    assert profile.program(str(link)) == tmp_path / "office" / "program"
    shutil.rmtree(tmp_path / "office")
    assert profile.program(str(link)) is None
