"""typst, with fonts looked for once."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import typst

SERIF = "Libertinus Serif"
SANS = ("Liberation Sans", "Arimo", "Nimbus Sans", "Noto Sans", "DejaVu Sans")
"""The first that the machine has is taken."""

HEAD = """
#let data = json(bytes(sys.inputs.data))
#set text(ligatures: false, hyphenate: false, fallback: true)
"""


def typeset(source: str, data: object = None, *, root: Path | None = None) -> bytes:
    """A PDF of `source`, which finds `data` under that name and pictures below `root`."""
    made: bytes = typst.compile(  # type: ignore[call-overload]  # its stub wants a root that is bytes, too
        (HEAD + source).encode(),
        format="pdf",
        sys_inputs={"data": json.dumps(data)},
        font_paths=_fonts(),
        ignore_system_fonts=True,  # `_fonts` has them
        root=root,
        pdf_tags=False,
        timestamp=0,
    )
    return made


@functools.cache
def sans() -> str:
    """The sans serif used here; the monospaced font that typst brings where there is none."""
    there = set(_fonts().families())
    return next((font for font in SANS if font in there), "DejaVu Sans Mono")


def families() -> frozenset[str]:
    """Names of all fonts that can be used."""
    return frozenset(_fonts().families())


@functools.cache
def _fonts() -> typst.Fonts:
    return typst.Fonts()
