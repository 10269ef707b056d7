"""Opening a PDF: every page of its page tree or a refusal, if need be after a repair."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from gateway.document.formats.parts import Part, refuse, too_many_pages
from gateway.document.formats.pdf import programs, structure
from gateway.document.formats.pdf.drawing import POINTS, Document, Locked, Page, Unreadable
from gateway.document.formats.pdf.glance import glance
from gateway.document.formats.pdf.structure import Tree

_STAND_INS = ("please wait", "adobe reader", "acrobat")
"""How a dynamic XFA form presents itself to readers that cannot show it; the last two in any language."""
_REOPEN_AFTER = 32
_REOPEN_FROM = 16 << 20
"""Pages and bytes: PDFium keeps what it has read of a file, which for scans is all of it."""


class Opened:
    """A PDF of which every page can be had. Close it.

    Raises through `refuse` what cannot be faxed: locked, damaged, without pages, made for Acrobat only; and
    `too_many_pages` for more than `most`. What was repaired goes to `notes`.
    """

    def __init__(self, part: Part, *, most: int, notes: list[str]) -> None:
        self.part = part
        self.most = most
        self._notes = notes
        self._repaired = False
        self._tree: Tree | None = None
        self._lost: programs.Lost | None = None
        self.glance = glance(part.data, most)
        try:
            self.document = Document(part.data)
        except Locked:
            advice = "Remove the password and send it again"
            refuse(part, "is password-protected", advice, code="pdf_password")
        except Unreadable:
            self.document = self._repair("it cannot be opened")
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    @property
    def pages(self) -> int:
        """Number of pages."""
        return self.document.pages

    def size(self, number: int) -> tuple[float, float]:
        """Inches of a page (from 0) as it is shown."""
        wide, high = self.document.size(number)
        unit = self.unit(number)
        return wide * unit, high * unit

    def unit(self, number: int) -> float:
        """The unit of a page in inches."""
        if not self.glance.units:
            return 1 / POINTS
        units = self.tree().units
        return (units[number] if number < len(units) else 1.0) / POINTS

    def tree(self) -> Tree:
        """The page tree as pypdf sees it."""
        if self._tree is None:
            try:
                self._tree = structure.tree(self.document.data, self.most)
            except structure.Unreadable:
                self._tree = Tree(pages=0, broken=0, units=(), collection=False)
        return self._tree

    @property
    def lost(self) -> programs.Lost:
        """Which pages are drawn by programs that break off."""
        if self._lost is None:
            self._lost = programs.lost(self.document.data, dangling=self.glance.dangling)
        return self._lost

    def is_collection(self) -> bool:
        """Whether it presents itself as a collection of files."""
        return self.glance.collection or (not self.glance.certain and self.tree().collection)

    @contextmanager
    def page(self, number: int) -> Iterator[Page]:
        """Load a page (from 0)."""
        if number and number % _REOPEN_AFTER == 0 and len(self.document.data) > _REOPEN_FROM:
            self.document.reopen()
        try:
            page = self.document.load(number)
        except Unreadable:
            page = self._mended(number)
        try:
            yield page
        finally:
            self.document.unload(page)

    def close(self) -> None:
        """Close it."""
        self.document.close()

    def _check(self) -> None:
        if not self._repaired:
            self._check_tree()
        if not self.pages:
            damaged(self.part, "it has no pages")
        if self.document.is_xfa and self._only_stands_in():
            refuse(
                self.part,
                "is a dynamic (XFA) form, which only Adobe Reader can show",
                "Open it there, print it to a new PDF and send that",
                status="5.6.5",
                code="pdf_xfa",
            )

    def _check_tree(self) -> None:
        """Find out whether the number of pages that PDFium believes is that of the page tree."""
        said, seen = self.pages, self.glance.pages
        if min(seen, said) > self.most:
            too_many_pages(self.most)
        if self.glance.cut_off:
            damaged(self.part, "its end is missing")
        if not (self.glance.ended and self.glance.sound):
            self._check_end(self.part.data)
            self._notes.append(
                f"{self.part.label} is damaged, but all pages were found. Something on them may be missing."
            )
        if self.glance.certain and seen == said == self.glance.leaves:
            return
        tree = self.tree()
        if tree.pages > self.most:
            too_many_pages(self.most)
        if not tree.pages and seen > said:  # pypdf cannot tell either
            counted = "1 page was" if said == 1 else f"{said} pages were"
            self._notes.append(f"{self.part.label} is damaged: {counted} found, and it may have had more.")
        if tree.broken and tree.pages < said:
            damaged(self.part, _miscounted(said, tree.pages))
        if tree.broken:
            entries = "An entry" if tree.broken == 1 else f"{tree.broken} entries"
            self._notes.append(f"{self.part.label} is damaged: {entries} of its list of pages led nowhere.")
        if tree.pages == said or not tree.pages:
            return
        self.document.close()
        self.document = self._repair(_miscounted(said, tree.pages))

    def _repair(self, problem: str) -> Document:
        """Open what pypdf makes of the file; refuse because of `problem` where that loses a page."""
        try:
            mended, pages = self._rewritten()
            document = Document(mended)
        except (structure.Unreadable, Locked, Unreadable):
            damaged(self.part, problem)
        if not pages or document.pages != pages:
            document.close()
            damaged(self.part, problem)
        self._repaired = True
        self._tree = None
        counted = "its only page was" if pages == 1 else f"all {pages} pages were"
        self._notes.append(f"{self.part.label} is damaged: {problem}. It was repaired, and {counted} found.")
        return document

    def _rewritten(self) -> tuple[bytes, int]:
        data = self.part.data
        if self.glance.ended:
            return structure.rewritten(data, self.most)
        whole = structure.with_trailer(data)
        self._check_end(whole)
        return structure.rewritten(whole, self.most)

    def _check_end(self, data: bytes) -> None:
        """Refuse a file of which a piece is missing, unless everything that its pages refer to is there."""
        try:
            incomplete = structure.is_incomplete(data)
        except structure.Unreadable:
            incomplete = not self.glance.ended
        if incomplete:
            damaged(self.part, "its end is missing" if not self.glance.ended else "a piece of it is missing")

    def _mended(self, number: int) -> Page:
        """Have another try at a page that PDFium cannot load, on a rewritten file."""
        pages = self.pages
        problem = f"page {number + 1} of {pages} cannot be read"
        if self._repaired:
            damaged(self.part, problem)
        self.document.close()
        self.document = self._repair(problem)
        if self.pages != pages:
            damaged(self.part, problem)
        try:
            return self.document.load(number)
        except Unreadable:
            damaged(self.part, problem)

    def _only_stands_in(self) -> bool:
        if self.pages != 1:
            return False
        text = self.document.text(0).lower()
        if _STAND_INS[0] in text:
            return True
        if not self.document.is_dynamic_xfa:
            return False
        page = self.document.load(0)
        try:
            return not page.annotations() or any(words in text for words in _STAND_INS)
        finally:
            self.document.unload(page)


def _miscounted(said: int, held: int) -> str:
    return f"it says that it has {said} page{'' if said == 1 else 's'} but holds {held}"


def says_acrobat(text: str) -> bool:
    """Whether a page is one that only tells how to open the file."""
    return any(word in text.lower() for word in (*_STAND_INS, "portfolio"))


def damaged(part: Part, why: str) -> NoReturn:
    refuse(
        part,
        f"is damaged or incomplete: {why}",
        "Send the file again, or print it to a new PDF",
        status="5.6.5",
        code="pdf_damaged",
    )
