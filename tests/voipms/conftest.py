"""Peers on loopback for the client: one that answers, and dozens that misbehave, each in its own way."""

from __future__ import annotations

import asyncio
import datetime
import email
import email.policy
import gzip
import ipaddress
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.voipms import Client

USERNAME = "clinic@example.com"
PASSWORD = "pass-Wort&4711"
CODE = "q7x4m2z9"
FILE = b"%PDF-1.4\n" + b"Geheime Diagnose 31415 " * 12_000  # about 276 kB: several pieces, several buffers

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Peer:
    """A server whose every connection runs one script."""

    url: str = ""
    connections: int = 0
    received: list[bytearray] = field(default_factory=list)
    """All bytes of each connection."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Recorder(asyncio.StreamReader):
    """A reader that keeps what it was fed."""

    def __init__(self, log: bytearray) -> None:
        super().__init__(limit=2**20)
        self._log = log

    def feed_data(self, data: bytes) -> None:
        self._log += data
        super().feed_data(data)


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Peer]]]:
    """Start peers; all are gone at the end of the test."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def start(script: Script, *, tls: ssl.SSLContext | None = None) -> Peer:
        peer = Peer()

        async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(task := asyncio.current_task())
            writers.append(writer)
            peer.connections += 1
            try:
                await script(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the client hung up, or the test is over
            finally:
                writer.close()
                peer.ended.set()
                tasks.discard(task)

        def protocol() -> asyncio.StreamReaderProtocol:
            log = bytearray()
            peer.received.append(log)
            return asyncio.StreamReaderProtocol(Recorder(log), serve_one)

        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        port = server.sockets[0].getsockname()[1]
        peer.url = f"https://localhost:{port}/rest.php" if tls else f"http://127.0.0.1:{port}/api/v1/rest.php"
        return peer

    yield start
    for server in servers:
        server.close()
    for task in list(tasks):
        task.cancel()
    for writer in writers:
        writer.transport.abort()
    await asyncio.gather(*tasks, *(w.wait_closed() for w in writers), return_exceptions=True)


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Callable[..., Client]]:
    """Make clients; all are closed at the end of the test."""
    clients: list[Client] = []

    def make(url: str, **settings: Any) -> Client:
        patience = {
            "connect_timeout": 5.0,
            "write_timeout": 5.0,
            "read_timeout": 5.0,
            "calls_per_minute": 1e9,
        }
        client = Client(url=url, username=USERNAME, password=PASSWORD, **(patience | settings))
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


# Requests


async def read_request(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes]:
    """Headers (lower case) and content of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    headers = {"": lines[0]}
    headers |= {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
    return headers, await reader.readexactly(int(headers["content-length"]))


def parse_form(headers: dict[str, str], content: bytes) -> dict[str, str]:
    """The fields of a multipart/form-data request, read with the standard library's mail parser."""
    message = email.message_from_bytes(
        b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + content, policy=email.policy.HTTP
    )
    assert message.get_content_type() == "multipart/form-data"
    fields = {}
    for part in message.iter_parts():
        assert part.get_filename() is None
        fields[part.get_param("name", header="content-disposition")] = part.get_payload(decode=True).decode()
    return fields


def http(body: bytes, status: str = "200 OK", extra: str = "", length: int | None = None) -> bytes:
    """An HTTP answer."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{extra}\r\n".encode() + body


@dataclass(slots=True)
class Api:
    """A peer that answers like the API: a canned body for each function."""

    peer: Peer
    answers: dict[str, Any] = field(default_factory=dict)
    """By function: a JSON value, raw bytes, or a callable that gets the form."""
    calls: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def sent(self) -> dict[str, str]:
        """The fields of the only call, without the session's own."""
        [call] = self.calls
        return {name: value for name, value in call.items() if name not in ("api_username", "api_password")}


@pytest.fixture
def serve_api(serve: Callable[..., Awaitable[Peer]]) -> Callable[..., Awaitable[Api]]:
    """Start peers that answer like the API; ``success`` unless told otherwise."""

    async def start(tls: ssl.SSLContext | None = None) -> Api:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            headers, content = await read_request(reader)
            form = parse_form(headers, content)
            found.headers.append(headers)
            found.calls.append(form)
            answer = found.answers.get(form["method"], {"status": "success"})
            if callable(answer):
                answer = answer(form)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            writer.write(http(body, extra="Connection: keep-alive\r\nSet-Cookie: PHPSESSID=abc\r\n"))
            await writer.drain()
            await reader.read()  # keep the connection as long as the client does

        found = Api(await serve(script, tls=tls))
        return found

    return start


@pytest_asyncio.fixture
async def api(serve_api: Callable[..., Awaitable[Api]]) -> Api:
    """A peer that answers like the API."""
    return await serve_api()


@pytest.fixture
def client(api: Api, connect: Callable[..., Client]) -> Client:
    """A client of `api`."""
    return connect(api.peer.url)


# Every function


CALLS: dict[str, Callable[[Client], Awaitable[Any]]] = {
    "cancelFaxNumber": lambda c: c.cancel_fax_number("923"),
    "delEmailToFax": lambda c: c.del_email_to_fax("923"),
    "delFaxFolder": lambda c: c.del_fax_folder("923"),
    "deleteFaxMessage": lambda c: c.delete_fax_message("923"),
    "getBackOrders": lambda c: c.get_back_orders(),
    "getBalance": lambda c: c.get_balance(),
    "getEmailToFax": lambda c: c.get_email_to_fax(),
    "getFaxFolders": lambda c: c.get_fax_folders(),
    "getFaxMessagePDF": lambda c: c.get_fax_message_pdf(id="923"),
    "getFaxMessages": lambda c: c.get_fax_messages(from_=None, to=None),
    "getFaxNumbersInfo": lambda c: c.get_fax_numbers_info(),
    "getFaxNumbersPortability": lambda c: c.get_fax_numbers_portability("5552341234"),
    "getFaxProvinces": lambda c: c.get_fax_provinces(),
    "getFaxRateCentersCAN": lambda c: c.get_fax_rate_centers_can("AB"),
    "getFaxRateCentersUSA": lambda c: c.get_fax_rate_centers_usa("AL"),
    "getFaxStates": lambda c: c.get_fax_states(),
    "getIP": lambda c: c.get_ip(),
    "mailFaxMessagePDF": lambda c: c.mail_fax_message_pdf("923", "you@example.com"),
    "moveFaxMessage": lambda c: c.move_fax_message("923", "7"),
    "orderFaxNumber": lambda c: c.order_fax_number("1196", 1),
    "searchFaxAreaCodeCAN": lambda c: c.search_fax_area_code_can("226"),
    "searchFaxAreaCodeUSA": lambda c: c.search_fax_area_code_usa("845"),
    "sendFaxMessage": lambda c: c.send_fax_message(
        to_number="5552341234", from_name="Clinic", from_number="5557654321", file=FILE
    ),
    "setEmailToFax": lambda c: c.set_email_to_fax(
        auth_email="you@example.com", from_number_id="11", security_code=CODE, security_code_enabled=True
    ),
    "setFaxFolder": lambda c: c.set_fax_folder("FAMILY"),
    "setFaxNumberEmail": lambda c: c.set_fax_number_email("5552341234"),
    "setFaxNumberInfo": lambda c: c.set_fax_number_info("5552341234"),
    "setFaxNumberURLCallback": lambda c: c.set_fax_number_url_callback("5552341234"),
}


@pytest.fixture
def calls() -> dict[str, Callable[[Client], Awaitable[Any]]]:
    """One way to call each function, by the API's name."""
    return CALLS


# Misbehaving peers


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST instead of FIN."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def close_on_accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


async def reset_on_accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def reset_after_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    reset(writer)


async def reset_in_content(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(300)
    reset(writer)


async def reset_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    reset(writer)


async def close_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def early_refusal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(http(b"<html>too large</html>", "413 Content Too Large", "Connection: close\r\n"))
    await writer.drain()


async def echo_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _, content = await read_request(reader)
    writer.write(http(b"<html>" + content + b"</html>"))
    await writer.drain()


async def echo_in_status_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _, content = await read_request(reader)
    writer.write(b"HTTP/1.1 oops " + content.replace(b"\r\n", b" ") + b"\r\n\r\n")
    await writer.drain()


async def echo_in_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _, content = await read_request(reader)
    shown = content[:2000].replace(b"\r\n", b" ").decode("ascii", "replace")
    writer.write(http(b"", "502 Bad Gateway", f"X-Debug: {shown}\r\n"))
    await writer.drain()


async def echo_in_json(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    headers, content = await read_request(reader)
    form = parse_form(headers, content)
    writer.write(http(json.dumps({"status": " ".join(form.values()), "message": str(form)}).encode()))
    await writer.drain()


def answer(raw: bytes, *, then: Callable[[asyncio.StreamWriter], None] = lambda writer: None) -> Script:
    """A peer that reads the request and writes `raw`."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)
        await writer.drain()
        then(writer)

    return script


OK = b'{"status":"success"}'
FAULTS: dict[str, Script] = {
    "closes on accept": close_on_accept,
    "resets on accept": reset_on_accept,
    "resets after the header": reset_after_header,
    "resets in the content": reset_in_content,
    "resets after the request": reset_after_request,
    "closes after the request": close_after_request,
    "refuses early": early_refusal,
    "echoes in the body": echo_in_body,
    "echoes in the status line": echo_in_status_line,
    "echoes in a header": echo_in_header,
    "echoes in JSON": echo_in_json,
    "half a header": answer(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "no HTTP": answer(b"220 mail.example.com ESMTP\r\n"),
    "cut off": answer(http(OK[:8], length=len(OK))),
    "cut off after success": answer(http(OK, length=len(OK) + 1)),
    "reset in the answer": answer(http(OK[:8], length=len(OK)), then=reset),
    "bad chunk": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "no last chunk": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + OK + b"\r\n"),
    "bad gzip": answer(http(b"\x1f\x8bnonsense", extra="Content-Encoding: gzip\r\n")),
    "cut gzip": answer(http(gzip.compress(OK)[:-16], extra="Content-Encoding: gzip\r\n")),
    "success with HTTP 500": answer(http(OK, "500 Internal Server Error")),
    "success with HTTP 201": answer(http(OK, "201 Created")),
    "refusal with HTTP 400": answer(http(b'{"status":"invalid_to_number"}', "400 Bad Request")),
    "redirect": answer(http(b"", "301 Moved Permanently", "Location: /elsewhere\r\n")),
    "temporary redirect": answer(http(b"", "307 Temporary Redirect", "Location: /elsewhere\r\n")),
    "empty": answer(http(b"")),
    "blank": answer(http(b" \r\n")),
    "HTML": answer(http(b"<!doctype html><title>Just a moment...</title>")),
    "two answers": answer(http(OK + OK)),
    "deep": answer(http(b"[" * 100_000)),
    "null": answer(http(b"null")),
    "list": answer(http(b"[]")),
    "string": answer(http(b'"success"')),
    "no status": answer(http(b"{}")),
    "null status": answer(http(b'{"status":null}')),
    "empty status": answer(http(b'{"status":""}')),
    "numeric status": answer(http(b'{"status":1}')),
    "true status": answer(http(b'{"status":true}')),
    "listed status": answer(http(b'{"status":["success"]}')),
    "capital success": answer(http(b'{"status":"SUCCESS"}')),
    "unlisted status": answer(http(b'{"status":"invalid_moon_phase"}')),
    **{
        f"HTTP {code}": answer(http(b"<html>", f"{code} Something"))
        for code in (202, 204, 302, 308, 403, 404, 408, 414, 429, 500, 502, 503, 504, 520, 522, 524)
    },
}


@pytest.fixture(params=FAULTS, ids=lambda name: name.replace(" ", "-"))
def fault(request: pytest.FixtureRequest) -> Script:
    """Each way of misbehaving after the first byte of a request."""
    return FAULTS[request.param]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost with its key, one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context
