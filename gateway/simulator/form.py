"""Reads the parameters of a request: query, urlencoded form, multipart form.

Our own reader, because a scripted line may hang up in the middle of an upload, as soon as the fields that
came so far tell which call it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a request."""


class BadForm(Exception):  # noqa: N818  answered, not raised to anybody
    """The form cannot be read; `code` is the HTTP answer."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class HungUp(Exception):  # noqa: N818  a scripted end, not an error
    """The line hangs up before the request was read to its end; `known` are the parameters that came."""

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__()
        self.known = known


class _Fields:
    """Collects multipart fields. File parts (with a file name) are not parameters, as in PHP."""

    def __init__(self, boundary: bytes) -> None:
        self.values: dict[str, str] = {}
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = b""
        self._data = bytearray()
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
                "on_header_end": self._header_end,
                "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
                "on_part_end": self._end,
            },
        )

    def _begin(self) -> None:
        self._disposition = b""
        self._data.clear()

    def _header_end(self) -> None:
        if bytes(self._header_name).lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _end(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" in options and b"filename" not in options:
            name = options[b"name"].decode("utf-8", "replace")
            self.values[name] = self._data.decode("utf-8", "replace")


async def read_parameters(request: Request, stop: Callable[[Mapping[str, str]], bool]) -> dict[str, str]:
    """All parameters; a form's win over the query's.

    Args:
        request: not read yet.
        stop: asked before the body and after each piece of it, with what is known so far.

    Raises:
        HungUp: `stop` said so.
        BadForm: too large, or a multipart body that is none.
        starlette.requests.ClientDisconnect: the caller left.
    """
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    content_type, options = parse_options_header(request.headers.get("content-type"))
    fields = _Fields(options.get(b"boundary", b"")) if content_type == b"multipart/form-data" else None
    body = bytearray()
    size = 0
    if stop(query):
        raise HungUp(query)
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY:
                raise BadForm(413, f"The request is larger than {MAX_BODY} bytes.")
            if fields is None:
                body += chunk
            elif chunk:
                fields.parser.write(chunk)
            known = query | (fields.values if fields else {})
            if stop(known):
                raise HungUp(known)
        if fields is not None:
            fields.parser.finalize()
    except FormParserError as error:
        raise BadForm(400, "The multipart body cannot be read.") from error
    if fields is not None:
        return query | fields.values
    if content_type == b"application/x-www-form-urlencoded":
        return query | dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True))
    return query
