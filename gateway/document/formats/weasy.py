"""WeasyPrint, kept on a short lead: nothing is fetched, no font is written to disk.

Importing this module needs the extra ``[html]`` and the Pango library; it takes half a second.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import weasyprint
from PIL import Image
from weasyprint.logger import PROGRESS_LOGGER
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from gateway.document.formats import html_tree
from gateway.document.formats.parts import too_many_pages

_THREADS = Path("/proc/self/task")
_PATIENCE = 1.0
"""Seconds for a thread that is done to go away."""
_INTERNET = ("http", "https", "ftp")
_MOST_PIXELS = 40_000_000
_DEEPEST = 400
"""Elements in each other; the layout recurses."""
_MOST_ELEMENTS = 40_000
"""Laid out, each takes some 20 kB."""
_MOST_TAGS = 10 * _MOST_ELEMENTS
_SMALLEST_LETTERS = 20_000
"""More characters than fit on a page at any size that can be read."""


def prepare() -> None:
    """Read the machine's fonts and lay out a word, so that a child of this process need not.

    Pango reads the list of fonts in a thread, which has ended when this returns: a fork is safe then.
    """
    Page("<p>Fax</p>", related={}, redact=()).pdf("", most=1)
    deadline = time.monotonic() + _PATIENCE
    while len(list(_THREADS.iterdir())) > 1 and time.monotonic() < deadline:
        time.sleep(0.001)


class Page:
    """One web page, parsed and cleaned, that can be laid out in several ways."""

    def __init__(self, source: str, *, related: Mapping[str, bytes], redact: Sequence[str]) -> None:
        if source.count("<") > _MOST_TAGS:
            raise ValueError("too many elements")  # each takes 1 kB to be counted
        if html_tree.may_be_deeper(source, _DEEPEST):
            raise RecursionError
        self._fetcher = _Fetcher(related)
        self._html = weasyprint.HTML(string=source, url_fetcher=self._fetcher)
        self._html.base_url = None
        if html_tree.is_deeper(self._tree, _DEEPEST):
            raise RecursionError  # as it would end, after seconds
        if sum(1 for _ in self._tree.iter()) > _MOST_ELEMENTS:
            raise ValueError("too many elements")
        html_tree.clean(self._tree, redact)
        html_tree.settle_columns(self._tree)

    @property
    def left_out(self) -> Mapping[str, int]:
        """Why pictures are not on the page, as words that end a sentence, and how many of them."""
        return {reason: len(addresses) for reason, addresses in self._fetcher.left_out.items()}

    @property
    def letters(self) -> int:
        """How many letters and digits the page shows."""
        return html_tree.letters(self._tree)

    def unroll(self) -> None:
        """Put what stands in a line as blocks each on its own: only blocks go on over the end of a page."""
        html_tree.unroll(self._tree)

    @property
    def _tree(self) -> Element:
        root: Element = self._html.etree_element
        return root

    def pdf(self, style: str, *, most: int) -> bytes:
        """Lay out with `style`, which goes before the page's own where it says so (``!important``)."""
        if sum(map(len, self._tree.itertext())) > most * _SMALLEST_LETTERS:
            too_many_pages(most)
        with _at_most(most):
            document = self._html.render(
                font_config=_fonts(),
                stylesheets=[weasyprint.CSS(string=style, url_fetcher=self._fetcher, font_config=_fonts())],
                presentational_hints=True,
            )
        if len(document.pages) > most:
            too_many_pages(most)
        made: bytes = document.write_pdf()
        return made


@contextlib.contextmanager
def _at_most(pages: int) -> Iterator[None]:
    """Stop at the first page too many, which WeasyPrint tells of before it lays the page out."""

    def count(record: logging.LogRecord) -> bool:
        if "Page %d" in record.msg and isinstance(record.args, tuple) and int(str(record.args[0])) > pages:
            too_many_pages(pages)
        return False

    before = PROGRESS_LOGGER.level
    PROGRESS_LOGGER.setLevel(logging.INFO)
    PROGRESS_LOGGER.addFilter(count)
    try:
        yield
    finally:
        PROGRESS_LOGGER.removeFilter(count)
        PROGRESS_LOGGER.setLevel(before)


class _Fetcher(URLFetcher):  # type: ignore[misc]  # the library has no types
    """Gives what lies in the mail (RFC 2392) or in the address itself (RFC 2397), and nothing else."""

    def __init__(self, related: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)
        self._related = related
        self.left_out: dict[str, set[str]] = {}

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The contents; raises ValueError, which WeasyPrint takes for a picture that cannot be had."""
        scheme, _, rest = url.partition(":")
        scheme = scheme.lower()
        if scheme == "data":
            response = super().fetch(url, headers)
            return self._small(url, response.read(), response.headers)
        name = urllib.parse.unquote(rest)
        if scheme == "cid" and name in self._related:
            return self._small(url, self._related[name], None)
        if not rest.endswith(".css"):
            self._leave_out(
                url, "not fetched from the internet" if scheme in _INTERNET else "not in the mail"
            )
        raise ValueError("not in the mail")

    def _small(self, url: str, content: bytes, headers: Any) -> URLFetcherResponse:
        """The answer, unless it is a picture that would fill the memory."""
        try:
            with Image.open(io.BytesIO(content)) as picture:
                pixels = picture.width * picture.height
        except Image.DecompressionBombError:
            pixels = _MOST_PIXELS + 1
        except (OSError, ValueError, SyntaxError):
            pixels = 0  # an SVG, or nothing that can be drawn
        if pixels > _MOST_PIXELS:
            self._leave_out(url, "too large to be drawn")
            raise ValueError("too large")
        return URLFetcherResponse(url, content, headers)

    def _leave_out(self, url: str, reason: str) -> None:
        self.left_out.setdefault(reason, set()).add(url)


class _Fonts(FontConfiguration):  # type: ignore[misc]  # the library has no types
    """The machine's fonts. A page brings none of its own: they would be parsed, and written to a file."""

    def add_font_face(self, rule_descriptors: Any, url_fetcher: Any) -> None:
        """Leave it out."""


@functools.cache
def _fonts() -> _Fonts:
    return _Fonts()
