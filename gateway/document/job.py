"""In the child: do one request, send what comes of it over the job socket, end."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from dataclasses import replace
from pathlib import PurePath

from gateway.document import finish, raster, remarks, result, verdict, wire
from gateway.document.compose import Composer
from gateway.document.formats import pdf, text
from gateway.document.formats.mail import message
from gateway.document.formats.parts import Part
from gateway.document.geometry import Layout
from gateway.document.sheet import Sheet
from gateway.document.values import PageReport
from gateway.errors import GatewayError


def run(connection: socket.socket) -> int:
    """Serve the one request that arrives on `connection`; returns the exit code."""
    request, fds = wire.receive_request(connection)
    try:
        _Job(connection, request).do([_contents(fd) for fd in fds])
    except GatewayError as error:
        failure = error.failure  # its sentence names the file as the sender did
        redacted = replace(failure, sentence=text.redact(failure.sentence, request.redact))
        connection.sendall(wire.refusal_frame(redacted))
    except (MemoryError, SystemError):  # the latter is what C code says that did not look after its memory
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
        most = request.settings.max_pages
        if request.kind == "digests":
            found = pdf.digests(inputs[0], most)
            self._connection.sendall(wire.json_frame(wire.RESULT, {"digests": found}))
        elif request.kind == "alike":
            ours, theirs = inputs
            self._connection.sendall(wire.json_frame(wire.RESULT, {"alike": pdf.alike(ours, theirs, most)}))
        elif request.kind == "pictures":
            layout = Layout(resolution=request.settings.resolution)
            for picture in pdf.pictures(inputs[0], most, layout=layout):
                self._connection.sendall(wire.frame(wire.PICTURE, picture))
            self._connection.sendall(wire.json_frame(wire.RESULT, {}))
        else:
            self._draw(inputs)

    def _draw(self, inputs: list[bytes]) -> None:
        request = self._request
        contents = self._read(inputs)
        notes = list(contents.notes)
        composer = Composer(
            settings=request.settings,
            redact=request.redact,
            inspect=request.inspect,
            starting=self._starting,
            convert=lambda data, kind: wire.ask_for_conversion(self._connection, data, kind),
        )
        paper = composer.paper(contents.parts)
        layout = finish.layout_of(request, paper)
        finisher = finish.Finisher(request=request, layout=layout, contents=contents)
        drawn = composer.sheets(contents.parts, layout, notes, alone=not finisher.carries_text)
        reports = [self._send(sheet) for sheet in finisher.sheets(drawn, notes)]
        said = result.Result(
            notes=tuple(text.redact(note, request.redact) for note in remarks.capped(notes)),
            paper=paper,
            accelerated=raster.NATIVE == "native",
            reports=tuple(reports),
        )
        self._connection.sendall(result.frame(said))

    def _read(self, inputs: list[bytes]) -> message.Contents:
        request = self._request
        if request.kind == "message":
            contents = message.read(inputs[0], include_text=request.include_text)
            # The cover carries the text; of a text without words, a picture, it could carry nothing.
            if contents.text.strip() and finish.has_cover(request.cover, contents):
                contents = replace(message.read(inputs[0], include_text=False), text=contents.text)
            return contents
        found = [message.unpack(_file(name, data)) for name, data in zip(request.names, inputs, strict=True)]
        return message.Contents(
            parts=tuple(part for contents in found for part in contents.parts),
            notes=tuple(note for contents in found for note in contents.notes),
        )

    def _send(self, sheet: Sheet) -> PageReport:
        """Send a page; what is reported about it follows at the end."""
        strip = raster.encode(sheet.rows, sheet.height)
        page = wire.Page(height=sheet.height, digest=raster.digest(sheet.rows), strip=strip)
        self._connection.sendall(wire.page_frame(page))
        return PageReport(
            source=text.redact(sheet.source, self._request.redact),
            base=sheet.look.base,
            photographs=sheet.look.photographs,
            scans=sheet.look.scans,
            rows=sheet.height,
            size=len(strip),
            black=round(raster.black(sheet.rows) / (8 * len(sheet.rows)), 4),
            warnings=sheet.warnings,
        )

    def _starting(self, label: str) -> None:
        shown = text.redact(label, self._request.redact)
        self._connection.sendall(wire.frame(wire.PART, shown.encode()))


def _file(name: str, data: bytes) -> Part:
    shown = wire.displayed(PurePath(name).name, 100).replace('"', "'")
    return Part(label=f'The file "{shown}"', name=shown, data=data)


def _contents(fd: int) -> bytes:
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read()


def _whereabouts(error: BaseException) -> str:
    """Exception class and our own innermost line; a message could quote the document."""
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if "gateway" in frame.filename]
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    return f"{type(error).__name__}@{place}"
