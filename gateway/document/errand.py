"""What a child cannot do in its sandbox and the daemon does for it: have LibreOffice make a PDF of a file.

The file comes in chunks and goes to the disk; the daemon looks at nothing in it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from gateway.document import threads, wire
from gateway.document.office import Office
from gateway.document.office.allowance import Allowance
from gateway.document.output import not_stored
from gateway.errors import GatewayError, Kind, permanent

_MOST_BYTES = 64 << 20


class Errand:
    """The conversions that one child asks for, one after the other; leaves nothing behind.

    `allowance`: what LibreOffice may do for the document, whose child it may not be the first of.
    """

    def __init__(self, office: Office, allowance: Allowance) -> None:
        self._office = office
        self._allowance = allowance
        self._leaving = contextlib.AsyncExitStack()
        self._place: Path | None = None
        self._size = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leaving.aclose()

    async def add(self, chunk: bytes) -> None:
        """Append a piece of the file."""
        first = not self._size
        self._size += len(chunk)
        if self._size > _MOST_BYTES:
            raise GatewayError(_TOO_LARGE)
        with _storing():
            if self._place is None:
                self._place = await self._leaving.enter_async_context(threads.scratch())
            await threads.to_end(_write, self._place / "document", chunk, "wb" if first else "ab")

    async def run(self, connection: socket.socket, kind: str, label: str) -> None:
        """Convert what has come, of this kind, and answer the child. `label` names the file for people.

        A refusal for good goes to the child, which knows what to do next; trouble of our own raises.
        """
        if self._place is None or not self._size:
            raise wire.Malformed("a conversion of nothing")
        try:
            made = await self._converted(self._place, kind, label)
        except GatewayError as error:
            if error.failure.kind is not Kind.PERMANENT:
                raise
            wire.send_refusal(connection, error.failure)
            return
        try:
            wire.send_conversion(connection, made)
        finally:
            os.close(made)

    async def _converted(self, place: Path, kind: str, label: str) -> int:
        """The PDF, open for reading."""
        source, made = place / "document", place / "document.pdf"
        with _storing():
            try:
                await self._office.convert(source, kind, made, label=label, allowance=self._allowance)
                return os.open(made, os.O_RDONLY | os.O_CLOEXEC)
            finally:
                self._size = 0
                for path in (source, made):
                    with contextlib.suppress(OSError):  # its directory will go as well
                        path.unlink()


def _write(path: Path, chunk: bytes, mode: Literal["wb", "ab"]) -> None:
    with path.open(mode) as file:
        file.write(chunk)


@contextlib.contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise not_stored(error) from error


_TOO_LARGE = permanent(
    "5.3.4",
    f"An Office document has more than {_MOST_BYTES >> 20} MB. Send it as a PDF.",
    code="document_bytes",
)
