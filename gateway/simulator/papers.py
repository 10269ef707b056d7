"""What was uploaded becomes a PDF with a page count, as the service stores every fax."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageSequence
from pypdf import PdfReader, PdfWriter

from gateway.simulator.sample import typeset
from gateway.simulator.statuses import Refused

_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_PDF_HEADER_WITHIN = 1024

PLAIN = """
#set page(paper: "us-letter", margin: 2cm)
#set text(font: "DejaVu Sans Mono", size: 10pt)
#raw(sys.inputs.text, block: true)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A fax on paper."""

    pdf: bytes
    pages: int


def to_paper(data: bytes) -> Paper:
    """A PDF from one of the six formats of `sendFaxMessage` (pdf, txt, jpg, gif, png, tif), told by content.

    Raises:
        Refused: ``invalid_file``.
    """
    try:
        if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
            pdf = data
        elif data.startswith(_IMAGES):
            pdf = _from_image(data)
        else:
            pdf = _from_text(data)
        pages = count_pages(pdf)
    except Refused:
        raise
    except Exception as error:  # whatever a parser trips over is the file's fault
        raise Refused("invalid_file") from error
    if pages == 0:
        raise Refused("invalid_file")
    return Paper(pdf=pdf, pages=pages)


def count_pages(pdf: bytes) -> int:
    """Pages of a PDF."""
    return len(PdfReader(io.BytesIO(pdf)).pages)


def first_pages(pdf: bytes, pages: int) -> bytes:
    """The PDF cut after `pages` pages: what arrives when a call drops.

    Raises:
        Refused: ``invalid_file``.
    """
    try:
        reader = PdfReader(io.BytesIO(pdf))
        if pages >= len(reader.pages):
            return pdf
        writer = PdfWriter()
        for page in reader.pages[:pages]:
            writer.add_page(page)
        out = io.BytesIO()
        writer.write(out)
    except Exception as error:  # as in `to_paper`
        raise Refused("invalid_file") from error
    return out.getvalue()


def _from_image(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        frames = [frame.convert("L") for frame in ImageSequence.Iterator(image)]
    out = io.BytesIO()
    frames[0].save(out, format="PDF", save_all=True, append_images=frames[1:], resolution=200)
    return out.getvalue()


def _from_text(data: bytes) -> bytes:
    if not data.strip() or b"\0" in data:
        raise Refused("invalid_file")
    return typeset(PLAIN, text=data.decode("utf-8-sig"))
