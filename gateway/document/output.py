"""The PDF on its way to the disk: written beside its place, synced, then renamed into it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.document import wire
from gateway.document.assemble import FaxPdf
from gateway.document.values import Rendered
from gateway.errors import GatewayError, permanent, temporary


class Output:
    """Takes pages and becomes the file at `destination`, whole or not at all.

    Raises `GatewayError`: permanent beyond `most_bytes`, temporary when the disk does not take it.
    """

    def __init__(self, destination: Path, most_bytes: int) -> None:
        self._destination = destination
        # A name of its own: after a step of the clock a document may be rendered twice at a time.
        self._part = destination.with_name(f"{destination.name}.{secrets.token_hex(4)}.part")
        self._most_bytes = most_bytes
        self._digests: list[str] = []
        try:
            self._file = self._part.open("wb")
            self._pdf = FaxPdf(self._file)
        except OSError as error:
            raise _disk(error) from error

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
    def pages(self) -> int:
        """Pages taken so far."""
        return self._pdf.pages

    async def add(self, page: wire.Page) -> None:
        """Append a page."""
        if self._pdf.size + len(page.strip) > self._most_bytes:
            sentence = (
                f"The document is too large: its pages need more than {self._most_bytes >> 20} MB. "
                "Send fewer pages, or pages with fewer pictures."
            )
            raise GatewayError(permanent("5.3.4", sentence, code="document_bytes"))
        self._digests.append(page.digest.hex())
        await asyncio.to_thread(self._guarded, page)

    async def finish(self, notes: tuple[str, ...]) -> Rendered:
        """Complete the file and put it in its place, synced with its directory entry."""
        await asyncio.to_thread(self._guarded, None)
        return Rendered(
            path=self._destination,
            pages=self._pdf.pages,
            digest=self._pdf.digest,
            size=self._pdf.size,
            page_digests=tuple(self._digests),
            notes=notes,
        )

    def _guarded(self, page: wire.Page | None) -> None:
        try:
            if page is not None:
                self._pdf.add(page.strip, page.height)
            else:
                self._complete()
        except OSError as error:
            raise _disk(error) from error

    def _complete(self) -> None:
        self._pdf.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._destination)
        directory = os.open(self._destination.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _disk(error: OSError) -> GatewayError:
    sentence = f"The document could not be stored: {os.strerror(error.errno or 0)}. It is tried again."
    return GatewayError(temporary("4.3.1", sentence, code="document_storage"))
