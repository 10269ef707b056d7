"""Frames, and what the daemon makes of those that no child of ours sends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import result, wire
from gateway.document.values import Cover, HeaderLine, PageReport, RenderSettings
from gateway.errors import GatewayError, Kind, permanent

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
payloads = st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode())


def test_a_request_arrives_with_its_files(tmp_path: object) -> None:
    request = wire.Request(
        kind="files",
        settings=RenderSettings(paper="a4", max_pages=3),
        names=("ü.pdf", "b"),
        cover=Cover(mode="on", logo=bytes(range(256)), fields={"subject": "ü"}),
        header=HeaderLine(sender="Dr. X", number="(555) 234-0000", time="today"),
        inspect=True,
        redact=("x" * 100_000,),
        include_text=False,
    )
    ours, theirs = socket.socketpair()
    inside, outside = os.pipe()
    with ours, theirs:
        rest = wire.send_request(ours, request, [inside, inside])
        ours.setblocking(True)
        for start in range(0, len(rest), 1 << 15):
            if start == 0:
                ours.send(rest[:3])
                ours.send(rest[3 : 1 << 15])
            else:
                ours.send(rest[start : start + (1 << 15)])
        received, fds = wire.receive_request(theirs)
    assert received == request
    assert len(fds) == 2
    os.write(outside, b"page")
    assert os.read(fds[1], 10) == b"page"
    for fd in (*fds, inside, outside):
        os.close(fd)


def test_a_request_cut_short_is_no_request() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.send(
                wire.send_request(ours, wire.Request(kind="digests", settings=RenderSettings()), [])[:-5]
            )
        with pytest.raises(wire.Malformed):
            wire.receive_request(theirs)


def test_secrets_are_not_in_a_repr() -> None:
    assert "483920" not in repr(wire.Request(kind="message", settings=RenderSettings(), redact=("483920",)))


def test_a_page_travels_unchanged() -> None:
    page = wire.Page(height=2156, digest=bytes(range(32)), strip=b"strip")
    framed = wire.page_frame(page)
    kind, length = wire.HEADER.unpack(framed[: wire.HEADER.size])
    payload = framed[wire.HEADER.size :]
    assert (kind, length) == (wire.PAGE, len(payload))
    assert wire.read_page(payload) == page


@pytest.mark.parametrize("rows", [0, 5533])
def test_a_page_of_an_impossible_size_is_malformed(rows: int) -> None:
    framed = wire.page_frame(wire.Page(height=rows, digest=bytes(32), strip=b"strip"))
    with pytest.raises(wire.Malformed):
        wire.read_page(framed[wire.HEADER.size :])


REPORT = PageReport(
    source="The file", base="scan", photographs=((1, 2, 3, 4),), scans=(), rows=2156, size=9, black=0.1
)
SAID = result.Result(notes=("a note",), paper="a4", accelerated=True, reports=(REPORT,))


def test_a_result_travels_unchanged() -> None:
    payload = result.frame(SAID)[wire.HEADER.size :]
    assert result.read(payload, [(2156, 9)], most=5) == SAID


@pytest.mark.parametrize(
    "change",
    [
        {"paper": "a3"},
        {"reports": []},
        {"notes": ["x"] * 6},
        {"notes": [1]},
        {"reports": [{"source": "x", "base": "guess", "black": 0, "photographs": [], "scans": []}]},
        {"reports": [{"source": "x", "base": "scan", "black": 2, "photographs": [], "scans": []}]},
        {"reports": [{"source": "x", "base": "scan", "black": 0, "photographs": [[1, 2, 3]], "scans": []}]},
        {
            "reports": [
                {"source": "x", "base": "scan", "black": 0, "photographs": [], "scans": [[1, 2, 3, True]]}
            ]
        },
    ],
)
def test_a_result_of_another_shape_is_malformed(change: dict[str, object]) -> None:
    payload = json.dumps(json.loads(result.frame(SAID)[wire.HEADER.size :]) | change).encode()
    with pytest.raises(wire.Malformed):
        result.read(payload, [(2156, 9)], most=5)


def test_a_child_gets_its_conversion_or_the_reason() -> None:
    ours, theirs = socket.socketpair()
    refusal = permanent("5.6.5", "No.", code="x")
    with ours, theirs, tempfile.TemporaryFile() as made:
        made.write(b"%PDF")
        made.flush()
        made.seek(0)
        wire.send_conversion(ours, made.fileno())
        ours.sendall(wire.refusal_frame(refusal))
        document = bytes(wire.CHUNK_BYTES + 5)
        assert wire.ask_for_conversion(theirs, document[:5], "DOCX") == b"%PDF"
        with pytest.raises(GatewayError) as refused:
            wire.ask_for_conversion(theirs, b"x", "DOCX")
        assert refused.value.failure == refusal
        asked = ours.recv(1 << 16)
    assert asked.startswith(wire.frame(wire.CHUNK, document[:5]) + wire.frame(wire.CONVERT, b"DOCX"))


def test_a_refusal_is_permanent_whatever_the_child_says() -> None:
    said = {"status": "5.6.1", "sentence": "No.", "code": "x", "kind": "temporary"}
    failure = wire.read_refusal(json.dumps(said).encode())
    assert (failure.kind, failure.status, failure.sentence) == (Kind.PERMANENT, "5.6.1", "No.")


def test_only_the_administrators_own_files_are_a_temporary_reason() -> None:
    said = {"status": "4.3.5", "sentence": "The cover page is broken.", "code": "cover_template"}
    assert wire.read_refusal(json.dumps(said).encode()).kind is Kind.TEMPORARY


@pytest.mark.parametrize(
    "status", ["4.6.1", "4.3.55", "4.3.5\n", "2.0.0", "5.6.1\n", "5.6", "5.6.1.1", "", "5.6.1111"]
)
def test_only_permanent_statuses_are_believed(status: str) -> None:
    with pytest.raises(wire.Malformed):
        wire.read_refusal(json.dumps({"status": status, "sentence": "x", "code": ""}).encode())


@given(payloads)
@pytest.mark.parametrize(
    "decode",
    [
        wire.read_page,
        lambda payload: result.read(payload, [], most=3),
        wire.read_refusal,
        lambda payload: wire.read_lines(payload, "notes", most=3),
        lambda payload: wire.read_text(payload, most=10),
        wire.read_control,
    ],
)
def test_any_payload_is_decoded_or_malformed(decode: Callable[[bytes], object], payload: bytes) -> None:
    with contextlib.suppress(wire.Malformed):
        decode(payload)


@given(st.binary(min_size=1, max_size=1))
def test_every_frame_is_bounded(kind: bytes) -> None:
    try:
        assert wire.frame_limit(kind) <= 16 << 20
    except wire.Malformed:
        assert kind not in (wire.PAGE, wire.PART, wire.RESULT, wire.REFUSAL, wire.BUG, wire.CHUNK)


@given(st.text(max_size=300), st.integers(1, 100))
def test_what_is_displayed_is_one_printable_line(text: str, most: int) -> None:
    shown = wire.displayed(text, most)
    assert len(shown) <= most
    assert shown.isprintable()
