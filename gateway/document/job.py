"""In the child: do one request, send what comes of it over the job socket, end."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from pathlib import PurePath

from gateway.document import message, pdf, raster, text, verdict, wire
from gateway.document.compose import Composer
from gateway.document.geometry import HEIGHTS
from gateway.document.parts import Part, too_many_pages
from gateway.errors import GatewayError


def run(connection: socket.socket) -> int:
    """Serve the one request that arrives on `connection`; returns the exit code."""
    request, fds = wire.receive_request(connection)
    try:
        _Job(connection, request).do([_contents(fd) for fd in fds])
    except GatewayError as error:
        failure = error.failure
        sentence = text.redact(failure.sentence, request.redact)  # it names the file as the sender did
        refusal = {"status": failure.status, "sentence": sentence, "code": failure.code}
        connection.sendall(wire.json_frame(wire.REFUSAL, refusal))
    except MemoryError:
        return verdict.EXIT_MEMORY
    except Exception as error:  # tells where the bug is, never what the document says
        connection.sendall(wire.frame(wire.BUG, _whereabouts(error).encode()))
    return os.EX_OK


class _Job:
    def __init__(self, connection: socket.socket, request: wire.Request) -> None:
        self._connection = connection
        self._request = request

    def do(self, inputs: list[bytes]) -> None:
        request = self._request
        if request.kind == "digests":
            self._digests(inputs[0])
            return
        notes: list[str] = []
        if request.kind == "message":
            contents = message.read(inputs[0], include_text=request.include_text)
            parts, notes = list(contents.parts), list(contents.notes)
        else:
            parts = [_file(name, data) for name, data in zip(request.names, inputs, strict=True)]
        composer = Composer(
            paper=request.paper,
            height=HEIGHTS[request.paper],
            max_pages=request.max_pages,
            redact=request.redact,
            starting=self._starting,
        )
        for page in composer.pages(parts, notes):
            self._connection.sendall(wire.page_frame(raster.encode(page)))
        shown = [text.redact(note, request.redact) for note in notes]
        self._connection.sendall(wire.json_frame(wire.RESULT, {"notes": shown}))

    def _digests(self, data: bytes) -> None:
        height = HEIGHTS[self._request.paper]
        with pdf.opened(Part(label="The PDF", data=data)) as document:
            if document.pages > self._request.max_pages:
                too_many_pages(self._request.max_pages)
            found = [
                raster.digest(document.fax_page(number, height)).hex() for number in range(document.pages)
            ]
        self._connection.sendall(wire.json_frame(wire.RESULT, {"digests": found}))

    def _starting(self, label: str) -> None:
        shown = text.redact(label, self._request.redact)
        self._connection.sendall(wire.frame(wire.PART, shown.encode()))


def _file(name: str, data: bytes) -> Part:
    shown = wire.displayed(PurePath(name).name, 100).replace('"', "'")
    return Part(label=f'The file "{shown}"', data=data)


def _contents(fd: int) -> bytes:
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read()


def _whereabouts(error: BaseException) -> str:
    """Exception class and our own innermost line; a message could quote the document."""
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if "gateway" in frame.filename]
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    return f"{type(error).__name__}@{place}"
