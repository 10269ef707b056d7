"""What a child cannot do in its sandbox and the daemon does for it: have LibreOffice make a PDF of a file.

The file comes in chunks and goes to the disk; the daemon looks at nothing in it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.document import wire
from gateway.document.office import Office
from gateway.document.values import RenderSettings
from gateway.errors import GatewayError, Kind, permanent, temporary

_MOST_BYTES = 64 << 20


class Errand:
    """The conversions that one child asks for, one after the other; leaves nothing behind."""

    def __init__(self, office: Office, settings: RenderSettings) -> None:
        self._office = office
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._directory is not None:
            self._directory.cleanup()

    async def add(self, chunk: bytes) -> None:
        """Append a piece of the file."""
        self._size += len(chunk)
        if self._size > _MOST_BYTES:
            raise GatewayError(_TOO_LARGE)
        await asyncio.to_thread(self._append, chunk)

    async def run(self, connection: socket.socket, kind: str, label: str) -> None:
        """Convert what has come, of this kind, and answer the child. `label` names the file for people.

        A refusal for good goes to the child, which knows what to do next; trouble of our own raises.
        """
        try:
            made = self._place / "document.pdf"
            await self._office.convert(self._source, kind, made, label=label)
        except GatewayError as error:
            if error.failure.kind is not Kind.PERMANENT:
                raise
            await asyncio.get_running_loop().sock_sendall(connection, wire.refusal_frame(error.failure))
            return
        finally:
            self._size = 0
            self._source.unlink(missing_ok=True)
        fd = os.open(made, os.O_RDONLY | os.O_CLOEXEC)
        try:
            made.unlink()
            wire.send_conversion(connection, fd)
        finally:
            os.close(fd)

    @property
    def _place(self) -> Path:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="fax-gateway-office-")
        return Path(self._directory.name)

    @property
    def _source(self) -> Path:
        return self._place / "document"

    def _append(self, chunk: bytes) -> None:
        try:
            with self._source.open("ab") as file:
                file.write(chunk)
        except OSError as error:
            sentence = (
                f"The document could not be stored: {os.strerror(error.errno or 0)}. It is tried again."
            )
            raise GatewayError(temporary("4.3.1", sentence, code="document_storage")) from error


_TOO_LARGE = permanent(
    "5.3.4",
    f"An Office document has more than {_MOST_BYTES >> 20} MB. Send it as a PDF.",
    code="document_bytes",
)
