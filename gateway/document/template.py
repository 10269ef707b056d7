"""typst: a template and data become a PDF. It knows fonts, shaping, right-to-left and line breaking.

Looking for the machine's fonts takes longer than everything else together, so it is done once, before the
helper process forks (`prepare`): a page of text then takes a child 10 ms instead of 45.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import typst

from gateway.document.geometry import DPI_X, WIDTH, Layout

PROPORTIONAL = ("Liberation Sans", "DejaVu Sans", "Noto Sans", "Libertinus Serif")
FIXED = ("DejaVu Sans Mono",)
"""Fonts in order of preference; typst brings the last of each. Sans serif keeps its thin strokes on a fax."""

_NOWHERE = Path("/nonexistent")
_ROOT = Path(__file__).resolve().with_name("templates")
"""The only directory of which a template could read files; it must exist."""
_EVERYWHERE = (
    (0x20, 0x4FF),
    (0x2000, 0x2040),
    (0x2044, 0x2052),
    (0x2054, 0x211E),
    (0x2190, 0x23FF),
    (0x2500, 0x2606),
)
"""Characters (Latin, Greek, Cyrillic, signs) that fonts of typst's own have. A test counts them."""


def prepare() -> None:
    """Look for fonts. Starts no thread, so it may be done before a fork."""
    _fonts()


def pdf(template: bytes, given: Mapping[str, object]) -> bytes:
    """Compile; the template finds `given` as JSON in ``sys.inputs.given``. Data is never markup.

    Raises `typst.TypstError`. Templates read no files and no packages.
    """
    compiler = typst.Compiler(
        template,
        root=_ROOT,
        font_paths=_fonts(),
        sys_inputs={"given": json.dumps(given)},
        package_path=_NOWHERE,
        package_cache_path=_NOWHERE,
    )
    made = compiler.compile(format="pdf", pdf_tags=False)
    assert isinstance(made, bytes)
    return made


def page_size(layout: Layout) -> tuple[float, float]:
    """Width and height, in inches, of a page that is drawn at its physical size, without its header line."""
    return WIDTH / DPI_X, layout.height / layout.dpi_y


def missing_glyphs(written: Iterable[str], made: bytes) -> tuple[int, int]:
    """How many of the characters set have no glyph in any font, and how many there are; (0, 0) when unasked.

    typst says nothing about them and draws empty boxes: glyph 0 of a font (OpenType, ".notdef"). Only texts
    with characters that not every machine has are looked at.
    """
    if all(_is_everywhere(ord(character)) for line in written for character in set(line)):
        return 0, 0
    import pypdf  # 150 ms: most texts need it not
    from pypdf.generic import ContentStream

    reader = pypdf.PdfReader(io.BytesIO(made))
    missing = total = 0
    for page in reader.pages:
        for operands, operator in ContentStream(page["/Contents"].get_object(), reader).operations:
            shown = operands[0] if operator == b"TJ" else operands if operator == b"Tj" else ()
            for item in shown:
                coded = item if isinstance(item, bytes) else getattr(item, "original_bytes", b"")
                glyphs = [coded[start : start + 2] for start in range(0, len(coded), 2)]
                total += len(glyphs)
                missing += glyphs.count(b"\0\0")
    return missing, total


@functools.cache
def _fonts() -> typst.Fonts:
    return typst.Fonts()


def _is_everywhere(character: int) -> bool:
    return any(first <= character <= last for first, last in _EVERYWHERE)
