"""The cover page: a typst template, and what the mail, the rule and the recipient say.

`templates/cover.typ` is the template that comes with the gateway; its head tells what a template is given.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

import typst
from PIL import Image, ImageOps

from gateway.document import template
from gateway.document.formats import pdf, text, typeset
from gateway.document.formats.parts import Part
from gateway.document.formats.sniff import Format, sniff
from gateway.document.geometry import Layout
from gateway.document.sheet import Sheet
from gateway.document.values import Cover
from gateway.errors import Failure, GatewayError, temporary

FIELDS = (
    "organisation",
    "to_name",
    "to_number",
    "from_name",
    "from_number",
    "from_address",
    "date",
    "subject",
)
_LONGEST = 300
_LOGO_PIXELS = (1200, 600)
_LOGO_FORMATS = ("PNG", "JPEG")
_BUILT_IN = Path(__file__).with_name("templates") / "cover.typ"
_PLACE = re.compile(r"__typst_py_bytes__[^:\n]*:(\d+):(\d+)")
"""How typst calls the template, with line and column, in a diagnostic."""
_COMPLAINTS = (
    *("unknown variable", "unclosed", "expected", "unexpected", "missing argument", "invalid"),
    *("file not found", "failed to load file", "failed to decode", "package not found"),
    *(
        "cannot",
        "array",
        "dictionary",
        "string",
        "index out of bounds",
        "type",
        "assertion failed",
        "panicked",
    ),
)
"""How typst's complaints begin, and all that is shown of them: they may go on with what people wrote."""


def sheets(
    cover: Cover, *, message: str, pages: int, redact: Sequence[str], layout: Layout, most: int
) -> list[Sheet]:
    """Draw the cover of a fax with `pages` other sheets; a long `message` flows on to further cover sheets.

    The words of `redact` are blackened in every field, in the message and in the notice. Raises
    `GatewayError` for more than `most` sheets, and for a template or logo that cannot be used.
    """
    lines = typeset.lines_within(text.redact(message, redact), layout=layout, most=most)
    width, height = template.page_size(layout)
    given: dict[str, object] = {
        **{name: _field(cover.fields.get(name, ""), redact) for name in FIELDS},
        "width": width,
        "height": height,
        "fonts": template.PROPORTIONAL,
        "logo": _logo(cover.logo),
        "message": [(typeset.breakable(line.text), line.rtl) for line in lines],
        "notice": text.redact(cover.notice, redact),
        "pages": pages,
    }
    try:
        made = template.pdf(cover.template.encode() or _BUILT_IN.read_bytes(), given)
    except typst.TypstError as error:
        if not cover.template:
            raise
        raise GatewayError(_wrong(error)) from None
    part = Part(label="The cover page", data=made)
    return list(pdf.sheets(part, layout=layout, notes=[], inspect=False, most=most))


def _field(written: str, redact: Sequence[str]) -> str:
    """One line, fit to be printed."""
    lines = text.lines(" ".join(text.redact(written, redact)[:_LONGEST].split()))
    return typeset.breakable(lines[0].text) if lines else ""


def _logo(data: bytes) -> str:
    """The logo as an SVG, which can hold a picture as well: typst takes text as data, but no bytes."""
    if not data:
        return ""
    if sniff(data) is Format.SVG:
        return data.decode(errors="replace")
    try:
        with Image.open(io.BytesIO(data), formats=_LOGO_FORMATS) as picture:
            picture.thumbnail(_LOGO_PIXELS)
            coloured = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise GatewayError(_misconfigured("logo is no PNG, JPEG or SVG picture that can be read")) from None
    grey = Image.new("RGBA", coloured.size, "white")
    grey.alpha_composite(coloured)
    png = io.BytesIO()
    grey.convert("L").save(png, "PNG")
    size = f'width="{grey.width}" height="{grey.height}"'
    source = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><image {size} href="{source}"/></svg>'


def _misconfigured(problem: str, where: str = "") -> Failure:
    """Temporary, so that the fax waits for the administrator: its sender can do nothing about it."""
    sentence = f"The gateway's cover page cannot be made: its {problem}. The administrator must correct it."
    return temporary("4.3.5", sentence, code=f"cover_template{where}")


def _wrong(error: typst.TypstError) -> Failure:
    """Where the template is wrong, in its code as well: that is what is logged."""
    complaint = next((known for known in _COMPLAINTS if error.message.startswith(known)), "")
    about = f" ({complaint}…)" if complaint else ""
    place = _PLACE.search(error.diagnostic)
    if place is None:
        return _misconfigured(f"template is wrong{about}")
    line, column = place[1], place[2]
    return _misconfigured(f"template is wrong in line {line}, column {column}{about}", f" {line}:{column}")
