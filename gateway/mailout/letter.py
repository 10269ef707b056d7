"""A mail's content before it is a mail: the same words for the text part and the HTML part."""

from __future__ import annotations

import enum
import functools
import re
import textwrap
from dataclasses import dataclass

import jinja2
from markupsafe import Markup, escape

_WIDTH = 72
_NUMBER = re.compile(r"\([0-9]{3}\) [0-9]{3}-[0-9]{4}")


class Tone(enum.StrEnum):
    """How the news is: decides the colour of its mark."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    label: str
    value: str
    href: str = ""
    """A ``tel:`` link; nothing in our mails points to the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a mail says."""

    subject: str
    badge: str
    """The result in a word or two, beside the mark."""
    title: str
    tone: Tone
    lead: str
    """What happened, in one or two sentences."""
    advice: str = ""
    """What the reader should do."""
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Colours:
    ink: str
    wash: str


_LIGHT = {
    Tone.GOOD: _Colours("#17653a", "#e3f4e9"),
    Tone.WARN: _Colours("#835100", "#fdf0d5"),
    Tone.BAD: _Colours("#a5261c", "#fce7e5"),
    Tone.INFO: _Colours("#1f5488", "#e4eff9"),
}
_DARK = {
    Tone.GOOD: _Colours("#8bdcaa", "#17382a"),
    Tone.WARN: _Colours("#f2c46d", "#40300f"),
    Tone.BAD: _Colours("#ffaaa2", "#481f1c"),
    Tone.INFO: _Colours("#9fcbf5", "#1a3450"),
}


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gateway.mailout"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["fill"] = _fill
    environment.filters["unbroken"] = _unbroken
    return environment


def _fill(text: str, indent: str = "") -> str:
    """Wrapped for a fixed-width reader; a word longer than a line stays whole."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _unbroken(text: str) -> Markup:
    """Escaped, with telephone numbers that a narrow window does not tear apart."""
    return Markup(_NUMBER.sub(r'<span style="white-space:nowrap;">\g<0></span>', str(escape(text))))  # noqa: S704


def as_text(letter: Letter, signature: str) -> str:
    """The text part; lines end in ``\\n``."""
    width = max((len(row.label) for row in letter.rows), default=0)
    template = _environment().get_template("letter.txt.j2")
    return template.render(letter=letter, signature=signature, width=width)


def as_html(letter: Letter, signature: str) -> str:
    """The HTML part: one document without any reference to the network."""
    template = _environment().get_template("letter.html.j2")
    return template.render(
        letter=letter, signature=signature, light=_LIGHT[letter.tone], dark=_DARK[letter.tone]
    )
