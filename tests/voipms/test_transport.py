"""What the client makes of a network that fails, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import io
import ssl

import pytest

from gateway.errors import Kind
from gateway.voipms import ApiError, Credentials, Settings
from gateway.voipms.methods import METHODS, Effect
from gateway.voipms.session import Session

AFTER_FIRST_BYTE = {Effect.READ: Kind.TEMPORARY, Effect.WRITE: Kind.UNKNOWN, Effect.SEND: Kind.UNKNOWN}
FAX = {"to_number": "5552341234", "from_name": "Clinic", "from_number": "5557654321"}


async def fail(call):
    """The error of a call that must fail, whatever it is."""
    try:
        async with asyncio.timeout(20):
            await call
    except Exception as error:  # the caller asserts its type
        return error
    pytest.fail("it did not fail")


async def test_each_fault_is_judged_by_what_the_function_does(fault, serve, connect, calls):
    """After the first byte: reading may be repeated, everything else is uncertain."""
    peer = await serve(fault)
    client = connect(peer.url)

    errors = await asyncio.gather(*(fail(call(client)) for call in calls.values()))

    for method, error in zip(calls, errors, strict=True):
        assert isinstance(error, ApiError), (method, error)
        assert error.method == method
        assert error.failure.kind is AFTER_FIRST_BYTE[METHODS[method].effect], (method, error)
        assert error.failure.sentence.endswith(".")
        assert error.failure.code
    assert peer.connections == len(calls), "nothing is tried twice and no redirect is followed"


async def test_a_raw_call_fails_the_same_way_but_leaves_statuses_alone(fault, serve, connect):
    """`call` returns any JSON object, and raises for everything else."""
    client = connect((await serve(fault)).url)

    [result] = await asyncio.gather(client.call("sendFaxMessage", FAX), return_exceptions=True)

    if isinstance(result, dict):
        assert result.get("status") != "success"
    else:
        assert isinstance(result, ApiError)
        assert result.failure.kind is Kind.UNKNOWN


async def test_nothing_listens(calls, connect):
    """A refused connection is harmless for every function."""
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    client = connect(f"http://127.0.0.1:{port}/")

    for call in calls.values():
        error = await fail(call(client))

        assert isinstance(error, ApiError)
        assert error.failure.kind is Kind.TEMPORARY
        assert error.failure.code == "before_request"
        assert "Connection refused" in error.failure.sentence


async def test_a_certificate_that_nobody_vouches_for(serve, connect, server_tls, calls):
    """TLS is verified, and nothing is sent before that."""

    async def script(reader, writer):
        await reader.read()

    peer = await serve(script, tls=server_tls)

    error = await fail(calls["sendFaxMessage"](connect(peer.url)))

    assert error.failure.kind is Kind.TEMPORARY
    assert "certificate" in error.failure.sentence
    assert bytes(peer.received[0]) == b"" if peer.received else True


async def test_a_certificate_for_another_name(serve, connect, server_tls, certificate, calls):
    """The host name is verified too."""
    peer = await serve(lambda reader, writer: reader.read(), tls=server_tls)
    context = ssl.create_default_context(cafile=str(certificate))

    error = await fail(
        calls["sendFaxMessage"](connect(peer.url.replace("localhost", "127.0.0.2"), verify=context))
    )

    assert error.failure.kind is Kind.TEMPORARY
    assert error.failure.code == "before_request"


async def test_a_trusted_certificate(serve_api, connect, server_tls, certificate):
    """With the right authority the same peer is spoken to."""
    api = await serve_api(server_tls)
    api.answers["getIP"] = {"status": "success", "ip": "192.0.2.7"}

    client = connect(api.peer.url, verify=ssl.create_default_context(cafile=str(certificate)))

    assert await client.get_ip() == "192.0.2.7"


async def test_a_peer_without_tls(serve, connect, calls):
    """Garbage instead of a handshake: nothing was sent."""

    async def script(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    peer = await serve(script)
    context = ssl.create_default_context()

    error = await fail(calls["sendFaxMessage"](connect(peer.url.replace("http:", "https:"), verify=context)))

    assert error.failure.kind is Kind.TEMPORARY
    assert error.failure.code == "before_request"


@pytest.mark.parametrize(
    ("verify_mode", "check_hostname"), [(ssl.CERT_NONE, False), (ssl.CERT_REQUIRED, False)]
)
def test_verification_cannot_be_switched_off(connect, verify_mode, check_hostname):
    """A context that accepts anybody is refused at once."""
    context = ssl.create_default_context()
    context.check_hostname = check_hostname
    context.verify_mode = verify_mode

    with pytest.raises(ValueError, match="host name"):
        connect("https://localhost/", verify=context)


# Time limits


async def silent(reader, writer):
    """Reads everything, says nothing."""
    while await reader.read(65536):
        pass


async def trickling(reader, writer):
    """Sends a header that never ends, a byte at a time: each read succeeds, the answer never comes."""
    while True:
        writer.write(b"X")
        await writer.drain()
        await asyncio.sleep(0.01)


async def trickling_body(reader, writer):
    """The same in the content."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    await trickling(reader, writer)


async def deaf(reader, writer):
    """Stops reading."""
    writer.transport.pause_reading()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("script", "limits", "code"),
    [
        (silent, {"read_timeout": 0.2}, "waiting_response"),
        (trickling, {"read_timeout": 0.2}, "waiting_response"),
        (trickling_body, {"read_timeout": 0.2}, "body"),
        (deaf, {"write_timeout": 0.2}, "sending"),
    ],
)
async def test_each_phase_has_its_own_total_limit(serve, connect, script, limits, code):
    """Small progress does not extend a limit."""
    peer = await serve(script)
    big = b"%PDF-" + bytes(32 * 1024 * 1024) if script is deaf else b"%PDF-"

    error = await fail(connect(peer.url, **limits).send_fax_message(**FAX, file=big))

    assert error.failure.kind is Kind.UNKNOWN
    assert error.failure.code == code
    assert "within 0.2 s" in error.failure.sentence


async def test_connecting_has_a_limit_too(serve, connect, calls):
    """A handshake that never comes: nothing was sent."""
    peer = await serve(silent)

    error = await fail(
        calls["sendFaxMessage"](connect(peer.url.replace("http:", "https:"), connect_timeout=0.2))
    )

    assert error.failure.kind is Kind.TEMPORARY
    assert "no connection within 0.2 s" in error.failure.sentence


async def test_a_cancelled_call_closes_its_connection(serve, connect, calls):
    """Cancellation goes through, and the peer sees the end."""
    heard = asyncio.Event()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        heard.set()
        await silent(reader, writer)

    peer = await serve(script)
    task = asyncio.create_task(calls["sendFaxMessage"](connect(peer.url)))
    async with asyncio.timeout(5):
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await peer.ended.wait()


async def test_an_answer_beyond_the_limit_is_not_read_to_its_end(api):
    """Memory is bounded whatever the peer sends."""
    api.answers["getFaxFolders"] = {"status": "success", "folders": [{"id": "1", "name": "x" * 100_000}]}
    settings = Settings(url=api.peer.url, max_answer=50_000, calls_per_minute=1e9)
    async with Session(settings, Credentials(username="a", password="b")) as session:
        error = await fail(session.ask("getFaxFolders", {}))

    assert isinstance(error, ApiError)
    assert "too large" in error.failure.sentence


# Requests


async def test_everything_travels_in_a_form(client, api):
    """Credentials and parameters are fields of a multipart POST; the address holds nothing."""
    await client.set_fax_folder("A/B & ü")

    assert api.calls[0] == {
        "api_username": "clinic@example.com",
        "api_password": "pass-Wort&4711",
        "method": "setFaxFolder",
        "name": "A/B & ü",
    }
    headers = api.headers[0]
    assert headers[""] == "POST /api/v1/rest.php HTTP/1.1"
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    assert headers["user-agent"].startswith("fax-gateway/")
    assert "transfer-encoding" not in headers


async def test_each_call_has_a_fresh_connection_and_no_memory(client, api):
    """The peer offers to keep the connection and sets a cookie; neither is used."""
    for _ in range(3):
        await client.get_fax_folders()

    assert api.peer.connections == 3
    assert not any("cookie" in headers for headers in api.headers)


async def test_the_environment_is_ignored(client, api, monkeypatch):
    """No proxy from the environment gets the credentials."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    await client.get_fax_folders()

    assert len(api.calls) == 1


async def test_a_file_is_sent_as_plain_base64(client, api):
    """No prefix, no line breaks, nothing lost, and the last of the fields."""
    file = b"%PDF-1.4\n" + bytes(range(256)) * 1000

    await client.send_fax_message(**FAX, file=file)

    sent = api.sent()
    assert list(sent)[-1] == "file"
    assert base64.b64decode(sent["file"], validate=True) == file


# The guard


class StopError(Exception):
    """What a guard raises when its lease is lost."""


class Guard:
    """Lets `lives` questions pass, then stops."""

    def __init__(self, lives: int) -> None:
        self.lives = lives
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if self.asked > self.lives:
            raise StopError


async def test_the_guard_is_asked_for_every_piece(client, api):
    """Before connecting, before the first byte, and before each piece of the form, its end included."""
    guard = Guard(lives=10**6)

    await client.send_fax_message(**FAX, file=bytes(300_000), guard=guard)

    pieces = 400_000 // 65536 + 1
    assert guard.asked == 2 + pieces


async def test_a_guard_stops_before_the_connection(client, api):
    """Its exception comes out as itself: nothing was sent."""
    with pytest.raises(StopError):
        await client.send_fax_message(**FAX, file=b"%PDF-", guard=Guard(lives=0))

    assert api.peer.connections == 0


async def test_a_guard_stops_after_connecting(serve, connect):
    """Connecting takes time; the lease may be lost by then. Not a byte leaves."""
    peer = await serve(silent)

    with pytest.raises(StopError):
        await connect(peer.url).send_fax_message(**FAX, file=b"%PDF-", guard=Guard(lives=1))

    async with asyncio.timeout(5):
        await peer.ended.wait()
    assert peer.received == [b""]


async def test_a_guard_never_lets_a_whole_request_out(client, api):
    """Stopped at any later piece, the fax is in doubt, and in fact incomplete."""
    full = Guard(lives=10**6)
    file = bytes(400_000)
    await client.send_fax_message(**FAX, file=file, guard=full)
    api.calls.clear()

    for lives in range(2, full.asked):
        error = await fail(client.send_fax_message(**FAX, file=file, guard=Guard(lives=lives)))

        assert isinstance(error, ApiError)
        assert error.failure.kind is Kind.UNKNOWN
        assert isinstance(error.__cause__, StopError)
    assert api.calls == []


class Source:
    """A file that behaves as told."""

    def __init__(self, size: int, reader: io.RawIOBase | io.BytesIO | Exception) -> None:
        self.size = size
        self._reader = reader

    def open(self):
        if isinstance(self._reader, Exception):
            raise self._reader
        return self._reader


class BrokenReader(io.BytesIO):
    """Fails when the second piece is read."""

    def read(self, size=-1):
        if self.tell() > 0:
            raise OSError(5, "Input/output error")
        return super().read(size)


class StuckReader(io.BytesIO):
    """Fails when it is closed, as on a network disk that has just gone."""

    failed = False

    def close(self):
        super().close()
        if not self.failed:
            self.failed = True
            raise OSError(5, "Input/output error")


async def test_a_file_that_cannot_be_closed_changes_nothing(client, api):
    """The fax was accepted by then: an error of the system's would look like a call that was never made."""
    reader = StuckReader(bytes(9))
    await client.send_fax_message(**FAX, file=Source(9, reader))

    assert reader.failed
    assert len(api.calls) == 1


async def test_a_file_that_cannot_be_opened(client, api):
    """Certainly not sent: the error is the system's own."""
    with pytest.raises(FileNotFoundError):
        await client.send_fax_message(**FAX, file=Source(9, FileNotFoundError(2, "No such file")))

    assert api.peer.connections == 0


@pytest.mark.parametrize(
    ("size", "reader"),
    [
        (200_000, BrokenReader(bytes(200_000))),
        (200_000, io.BytesIO(bytes(100_000))),
        (200_000, io.BytesIO(bytes(300_000))),
    ],
    ids=["unreadable", "shrunk", "grown"],
)
async def test_a_file_that_fails_on_the_way(client, api, size, reader):
    """In doubt, since bytes had left; the peer never gets a whole request."""
    error = await fail(client.send_fax_message(**FAX, file=Source(size, reader)))

    assert isinstance(error, ApiError)
    assert error.failure.kind is Kind.UNKNOWN
    assert api.calls == []
