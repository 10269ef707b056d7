"""What the daemon, the helper and its children say to each other.

Control socket (daemon and helper, SOCK_SEQPACKET): one JSON object a message; ``fork`` carries a descriptor,
the child's end of a job socket. Job socket (daemon and child, SOCK_STREAM): the input descriptors with one
marker byte, then frames of type (1 byte), length (4 bytes, big-endian) and payload. A child that meets an
Office document sends its bytes in chunks and waits for a descriptor of the PDF, or for a refusal.

The daemon believes nothing a child says: `frame_limit` bounds every frame before it is read, and the decoders
here raise `Malformed` for anything that is not exactly what a well-behaved child sends.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from gateway.document.geometry import BAND, MOST_ROWS
from gateway.document.values import Cover, HeaderLine, RenderSettings
from gateway.errors import Failure, GatewayError, permanent, temporary

HEADER = struct.Struct(">cI")
REQUEST = b"Q"
PART = b"N"
PAGE = b"P"
RESULT = b"R"
REFUSAL = b"E"
BUG = b"B"
PICTURE = b"G"
CHUNK = b"C"
CONVERT = b"O"

MAX_FDS = 200
"""Files in one request; the kernel passes at most 253 descriptors at once (unix(7), SCM_RIGHTS)."""

CHUNK_BYTES = 1 << 18
_LIMITS = {
    PAGE: 4 << 20,
    PART: 4096,
    RESULT: 4 << 20,
    REFUSAL: 8192,
    BUG: 4096,
    PICTURE: 16 << 20,
    CHUNK: CHUNK_BYTES,
    CONVERT: 64,
}
_PAGE = struct.Struct(">H32s")

_MISCONFIGURED = "4.3.5"
_STATUS = re.compile(r"5\.\d{1,3}\.\d{1,3}")
_CODE = re.compile(r"[a-z0-9_]{0,40}(?: [0-9]{1,6}:[0-9]{1,6})?")
"""A word of ours, perhaps with line and column: it is logged, so it says nothing that a sender wrote."""
_WHEREABOUTS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}@(?:[A-Za-z0-9_.<>-]{1,40}:[0-9]{1,6}|unknown)")
"""Of a bug: exception class, file and line. Logged as well."""
_MARKER = b"F"


class Malformed(ValueError):  # noqa: N818  says what the frame is
    """A frame that a well-behaved child never sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Resource limits of one child: bytes of address space beyond the helper's, seconds of CPU."""

    memory_bytes: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One job for a child. The inputs themselves come as open descriptors, in order."""

    kind: Literal["message", "files", "digests", "alike", "pictures"]
    settings: RenderSettings
    names: tuple[str, ...] = ()
    """Name of each input when the inputs are files."""
    include_text: bool = True
    redact: tuple[str, ...] = field(default=(), repr=False)
    cover: Cover = field(default_factory=Cover)
    header: HeaderLine | None = None
    inspect: bool = False
    """Whether to look for what the recipient may not be able to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One rendered page: a G4 strip 1728 pixels wide and the digest of its raster."""

    height: int
    digest: bytes
    strip: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a child ended, as the helper saw it with wait4(2)."""

    code: int | None
    signal: int | None
    cpu_seconds: float
    peak_bytes: int


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame, ready to be written."""
    return HEADER.pack(kind, len(payload)) + payload


def json_frame(kind: bytes, value: object) -> bytes:
    """One frame with a JSON payload."""
    return frame(kind, json.dumps(value).encode())


def page_frame(page: Page) -> bytes:
    """One page as a frame."""
    return frame(PAGE, _PAGE.pack(page.height, page.digest) + page.strip)


def request_frame(request: Request) -> bytes:
    """One request as a frame. It may carry secrets (`redact`), so it exists on the socket only."""
    value = asdict(request)
    value["cover"]["logo"] = base64.b64encode(request.cover.logo).decode()
    return json_frame(REQUEST, value)


def frame_limit(kind: bytes) -> int:
    """Largest payload of a frame that a child may send."""
    try:
        return _LIMITS[kind]
    except KeyError:
        raise Malformed("unknown frame") from None


def read_page(payload: bytes) -> Page:
    """Decode a page frame."""
    if len(payload) <= _PAGE.size:
        raise Malformed("page without content")
    rows, digest = _PAGE.unpack_from(payload)
    if not 0 < rows <= MOST_ROWS + BAND:  # a copied page of any length gets its header line on top
        raise Malformed("page of an impossible size")
    return Page(height=rows, digest=digest, strip=payload[_PAGE.size :])


def read_refusal(payload: bytes) -> Failure:
    """Decode a refusal, which is for good: whatever is temporary, the daemon sees itself.

    But for one: the administrator's own files (cover page), which only a child opens.
    """
    value = read_object(payload)
    status, sentence, code = value.get("status"), value.get("sentence"), value.get("code")
    if not (isinstance(status, str) and isinstance(sentence, str) and isinstance(code, str)):
        raise Malformed("refusal without reason")
    if not sentence or (status != _MISCONFIGURED and not _STATUS.fullmatch(status)):
        raise Malformed("refusal with a wrong status")
    if not _CODE.fullmatch(code):
        raise Malformed("refusal with a wrong code")
    failure = temporary if status == _MISCONFIGURED else permanent
    return failure(status, displayed(sentence, 500), code=code)


def read_bug(payload: bytes) -> str:
    """Decode where in the child a bug is."""
    where = read_text(payload, most=100)
    if not _WHEREABOUTS.fullmatch(where):
        raise Malformed("a bug that is nowhere")
    return where


def read_lines(payload: bytes, key: str, *, most: int) -> tuple[str, ...]:
    """Decode the list of texts under `key` of a result frame."""
    return texts(read_object(payload).get(key, []), most)


def read_flag(payload: bytes, key: str) -> bool:
    """Decode the yes or no under `key` of a result frame."""
    value = read_object(payload).get(key)
    if not isinstance(value, bool):
        raise Malformed("result of another shape")
    return value


def texts(value: object, most: int) -> tuple[str, ...]:
    """A list of at most `most` texts, fit to be displayed."""
    if not isinstance(value, list) or len(value) > most or not all(isinstance(line, str) for line in value):
        raise Malformed("result of another shape")
    return tuple(displayed(line, 300) for line in value)


def read_text(payload: bytes, *, most: int) -> str:
    """Decode a frame that holds one text."""
    try:
        return displayed(payload.decode(), most)
    except UnicodeDecodeError:
        raise Malformed("text that is not UTF-8") from None


def displayed(text: str, most: int) -> str:
    """`text` fit to be shown in one line: nothing that controls a terminal or turns the reading direction."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


def send_request(connection: socket.socket, request: Request, fds: Sequence[int]) -> bytes:
    """Send the input descriptors now; returns the frame that has to follow them."""
    socket.send_fds(connection, [_MARKER], list(fds))
    return request_frame(request)


def receive_request(connection: socket.socket) -> tuple[Request, list[int]]:
    """The child's side of `send_request`; blocks until the request is complete."""
    marker, fds, _flags, _address = socket.recv_fds(connection, 1, MAX_FDS)
    if marker != _MARKER:
        raise Malformed("no request")
    kind, length = HEADER.unpack(_read_exactly(connection, HEADER.size))
    if kind != REQUEST:
        raise Malformed("no request")
    return _request(read_object(_read_exactly(connection, length))), fds


def _request(value: dict[str, Any]) -> Request:
    cover = value["cover"] | {"logo": base64.b64decode(value["cover"]["logo"])}
    lists = {name: tuple(value[name]) for name in ("names", "redact")}
    header = HeaderLine(**value["header"]) if value["header"] is not None else None
    parts = {"settings": RenderSettings(**value["settings"]), "cover": Cover(**cover), "header": header}
    return Request(**(value | lists | parts))


def ask_for_conversion(connection: socket.socket, data: bytes, kind: str) -> bytes:
    """The child's side: have the daemon turn an Office document into a PDF; blocks until it is there.

    Raises `GatewayError`, permanent: the daemon's refusal.
    """
    for start in range(0, len(data), CHUNK_BYTES):
        connection.sendall(frame(CHUNK, data[start : start + CHUNK_BYTES]))
    connection.sendall(frame(CONVERT, kind.encode()))
    marker, fds, _flags, _address = socket.recv_fds(connection, 1, 1)
    if marker == _MARKER and fds:
        with os.fdopen(fds[0], "rb") as made:
            return made.read()
    if marker != REFUSAL:
        raise Malformed("no answer")
    (length,) = struct.unpack(">I", _read_exactly(connection, HEADER.size - 1))
    raise GatewayError(read_refusal(_read_exactly(connection, length)))


def send_conversion(connection: socket.socket, fd: int) -> None:
    """The daemon's side: answer with the PDF, open for reading."""
    _answer(lambda: socket.send_fds(connection, [_MARKER], [fd]), 1)


def send_refusal(connection: socket.socket, failure: Failure) -> None:
    """The daemon's side: answer that there is no PDF."""
    answer = refusal_frame(failure)
    _answer(lambda: connection.send(answer), len(answer))


def _answer(send: Callable[[], int], length: int) -> None:
    """A child asks one thing at a time and waits, so there is always room for its answer."""
    try:
        sent = send()
    except BlockingIOError:
        sent = 0
    if sent < length:
        raise Malformed("a child that takes no answer")


def refusal_frame(failure: Failure) -> bytes:
    """A refusal, either way."""
    value = {"status": failure.status, "sentence": failure.sentence, "code": failure.code}
    return json_frame(REFUSAL, value)


def control_message(value: dict[str, Any]) -> bytes:
    """One control message."""
    return json.dumps(value).encode()


def read_control(message: bytes) -> dict[str, Any]:
    """Decode one control message."""
    return read_object(message)


def read_object(payload: bytes) -> dict[str, Any]:
    """Decode a payload that holds a JSON object."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(value, dict):
        raise Malformed("not an object")
    return cast("dict[str, Any]", value)


def _read_exactly(connection: socket.socket, length: int) -> bytes:
    chunks: list[bytes] = []
    while length:
        chunk = connection.recv(min(length, 1 << 16))
        if not chunk:
            raise Malformed("request cut short")
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)
