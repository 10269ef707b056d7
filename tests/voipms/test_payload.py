"""Files on their way into a form field."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.voipms.payload import Base64Reader, BytesPayload, FilePayload


class Dribble(io.BytesIO):
    """A source whose reads are short, as a pipe's are."""

    def read(self, size=-1):
        return super().read(min(size, 5) if size > 0 else size)


@given(st.binary(max_size=5000), st.integers(1, 700), st.sampled_from([io.BytesIO, Dribble]))
def test_read_in_pieces_it_is_the_base64_of_the_whole(data, size, source):
    """Whatever the pieces: one encoding, without line breaks, of the length that was announced."""
    reader = Base64Reader(source(data), len(data))
    announced = reader.seek(0, io.SEEK_END)
    reader.seek(0)
    pieces = list(iter(lambda: reader.read(size), b""))

    assert b"".join(pieces) == base64.b64encode(data)
    assert len(b"".join(pieces)) == announced
    assert all(len(piece) <= max(size, 4) for piece in pieces)


def test_it_is_a_seekable_file():
    """To its ends only."""
    reader = Base64Reader(io.BytesIO(b"abcdef"), 6)

    assert reader.readable()
    assert reader.seekable()
    assert reader.read(4) == b"YWJj"
    assert reader.tell() == 4
    assert reader.seek(0) == 0
    assert reader.read() == b"YWJjZGVm"
    assert reader.read() == b""
    with pytest.raises(io.UnsupportedOperation):
        reader.seek(4)


@pytest.mark.parametrize("size", [5, 7, 9, 100])
def test_another_size_than_announced_is_an_error(size):
    """A form of the wrong length would be the peer's riddle."""
    reader = Base64Reader(io.BytesIO(b"abcdef12"), size)

    with pytest.raises(OSError, match="changed its size"):
        list(iter(lambda: reader.read(4), b""))


def test_payloads(tmp_path):
    """From memory and from disk, as often as asked."""
    path = tmp_path / "fax.pdf"
    path.write_bytes(b"%PDF-1.4")

    for payload in (BytesPayload(b"%PDF-1.4"), FilePayload(path)):
        for _ in range(2):
            with payload.open() as file:
                assert file.read() == b"%PDF-1.4"
        assert payload.size == 8
