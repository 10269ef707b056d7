"""The document on its way to the disk: written beside its place, synced, then renamed into it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.document import threads, wire
from gateway.document.fax_pdf import FaxPdf
from gateway.document.fax_tiff import FaxTiff
from gateway.document.geometry import Resolution
from gateway.document.result import Result
from gateway.document.values import Rendered
from gateway.errors import GatewayError, permanent, temporary

_AT_ONCE = 512 << 10
"""Bytes of pages that are written at once."""
_AROUND_A_PAGE = 500
"""Bytes that a page takes in the file besides its strip."""


class Output:
    """Takes pages and becomes the file at `destination`, whole or not at all: a TIFF by its suffix, or a PDF.

    Raises `GatewayError`: permanent beyond `most_bytes`, temporary when the disk does not take it.
    """

    def __init__(self, destination: Path, most_bytes: int, resolution: Resolution) -> None:
        self._destination = destination
        # A name of its own: after a step of the clock a document may be rendered twice at a time.
        self._part = destination.with_name(f"{destination.name}.{secrets.token_hex(4)}.part")
        self._most_bytes = most_bytes
        self._digests: list[str] = []
        self._sizes: list[tuple[int, int]] = []
        self._bytes = 0
        self._waiting: list[wire.Page] = []
        """Pages not written yet: going to another thread for each would cost more than writing it."""
        self._waiting_bytes = 0
        try:
            self._file = self._part.open("wb")
            self._pages_file = _format(destination)(self._file, resolution)
        except OSError as error:
            raise not_stored(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._file.close()  # flushes, and fails again if the disk is full
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    @property
    def pages(self) -> Sequence[tuple[int, int]]:
        """Rows and bytes of each page taken so far."""
        return self._sizes

    async def take(self, kind: bytes, payload: bytes) -> None:
        """Append a page, as it comes from the child."""
        if kind != wire.PAGE:
            raise wire.Malformed("not a page")
        page = wire.read_page(payload)
        self._bytes += len(page.strip) + _AROUND_A_PAGE
        if self._bytes > self._most_bytes:
            sentence = (
                f"The document is too large: its pages need more than {self._most_bytes >> 20} MB. "
                "Send fewer pages, or pages with fewer pictures."
            )
            raise GatewayError(permanent("5.3.4", sentence, code="document_bytes"))
        self._digests.append(page.digest.hex())
        self._sizes.append((page.height, len(page.strip)))
        self._waiting.append(page)
        self._waiting_bytes += len(page.strip)
        if self._waiting_bytes > _AT_ONCE:
            await threads.to_end(self._guarded, self._write)

    async def finish(self, said: Result) -> Rendered:
        """Complete the file and put it in its place, synced with its directory entry."""
        await threads.to_end(self._guarded, self._complete)
        return Rendered(
            path=self._destination,
            pages=len(self._sizes),
            digest=self._pages_file.digest,
            size=self._pages_file.size,
            page_digests=tuple(self._digests),
            notes=said.notes,
            reports=said.reports,
            paper=said.paper,
            accelerated=said.accelerated,
        )

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            raise not_stored(error) from error

    def _write(self) -> None:
        for page in self._waiting:
            self._pages_file.add(page.strip, page.height)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _complete(self) -> None:
        self._write()
        self._pages_file.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._destination)
        directory = os.open(self._destination.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _format(destination: Path) -> type[FaxPdf] | type[FaxTiff]:
    return FaxTiff if destination.suffix.lower() in (".tif", ".tiff") else FaxPdf


def not_stored(error: OSError) -> GatewayError:
    """What to raise where the disk does not take a document."""
    sentence = f"The document could not be stored: {os.strerror(error.errno or 0)}. It is tried again."
    return GatewayError(temporary("4.3.1", sentence, code="document_storage"))
