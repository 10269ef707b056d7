"""Fax coding that is whole, cut off or garbage is told apart; C and Python agree on every bit of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.document import native
from gateway.document.formats import ccitt
from gateway.document.native.compile import compile_to

WIDE, HIGH = 400, 300


def drawing(seed: int = 1, wide: int = WIDE, high: int = HIGH) -> Image.Image:
    """Lumps of ink, so that all modes are used."""
    grains = np.random.default_rng(seed).integers(0, 2, (high // 3 + 1, wide // 5 + 1))
    return Image.fromarray((np.kron(grains, np.ones((3, 5)))[:high, :wide] * 255).astype(np.uint8)).convert(
        "1"
    )


def coded(page: Image.Image, compression: str, **tags: Any) -> bytes:
    """The strip that libtiff makes of a page."""
    out = io.BytesIO()
    page.save(out, "TIFF", compression=compression, strip_size=1 << 30, **tags)
    with Image.open(io.BytesIO(out.getvalue())) as tiff:
        (at,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]
    return out.getvalue()[at : at + length]


CODINGS: dict[str, tuple[str, dict[str, Any], int, bool]] = {
    "T.6": ("group4", {}, -1, False),
    "T.4 one way": ("group3", {}, 0, False),
    "T.4 two ways": ("group3", {"tiffinfo": {292: 1}}, 1, False),
    "T.4 with fill bits": ("group3", {"tiffinfo": {292: 4}}, 0, False),
    "by bytes": ("tiff_ccitt", {}, 0, True),
}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("native") / "fax.so"
    assert compile_to(path, "-Wall", "-Wextra", "-Werror") is None
    return native.load(path)


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("size", [(400, 300), (1, 9), (2560, 40), (6000, 5)])
def test_what_libtiff_wrote_is_read_to_its_end(name: str, size: tuple[int, int]) -> None:
    compression, tags, k, align = CODINGS[name]
    for page in (drawing(2, *size), Image.new("1", size, 1), Image.new("1", size, 0)):
        strip = coded(page, compression, **tags)
        known = ccitt.in_python(strip, size[0], size[1], k, align)
        assert (known.rows, known.bad) == (size[1], 0)
        assert known.bits > 8 * len(strip) - 40
        assert not ccitt.is_damaged(strip, columns=size[0], rows=size[1], k=k, align=align)


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_half_of_it_is_damaged(name: str, keep: float) -> None:
    compression, tags, k, align = CODINGS[name]
    strip = coded(drawing(), compression, **tags)
    damaged = [
        ccitt.is_damaged(strip[: int(len(strip) * keep) + more], columns=WIDE, rows=HIGH, k=k, align=align)
        for more in range(8)
    ]
    assert sum(damaged) == 8 or (k >= 0 and sum(damaged) >= 5)  # between two rows there may be no more


@pytest.mark.parametrize("name", ["T.6", "T.4 one way", "T.4 two ways"])
def test_garbage_is_damaged(name: str) -> None:
    _, _, k, align = CODINGS[name]
    for seed in range(20):
        garbage = np.random.default_rng(seed).integers(0, 256, 20_000, np.uint8).tobytes()
        assert ccitt.is_damaged(garbage, columns=WIDE, rows=HIGH, k=k, align=align)


def test_a_few_rows_that_a_call_has_spoilt_are_not() -> None:
    strip = bytearray(coded(drawing(), "group3"))
    for at in (len(strip) // 3, len(strip) // 2):
        strip[at] ^= 0xFF
    known = ccitt.read(bytes(strip), columns=WIDE, rows=HIGH, k=0)
    assert known is not None
    assert known.bad
    assert not ccitt.is_damaged(bytes(strip), columns=WIDE, rows=HIGH, k=0)


def test_what_says_that_it_ends_is_whole_whatever_its_height() -> None:
    assert not ccitt.is_damaged(coded(drawing(), "group4"), columns=WIDE, rows=2 * HIGH, k=-1)


@pytest.mark.peer("cc")
@pytest.mark.parametrize("name", CODINGS)
@given(
    seed=st.integers(0, 1 << 30),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=4),
    keep=st.floats(0, 1),
)
@settings(max_examples=60, deadline=None)
def test_c_and_python_agree(
    library: Any, name: str, seed: int, changes: list[tuple[float, int]], keep: float
) -> None:
    compression, tags, k, align = CODINGS[name]
    strip = bytearray(coded(drawing(seed, 90, 40), compression, **tags))
    for where, value in changes:
        strip[int(where * len(strip))] = value
    data = bytes(strip[: int(len(strip) * keep)])
    assert ccitt.in_c(library, data, 90, 40, k, align) == ccitt.in_python(data, 90, 40, k, align)


@pytest.mark.peer("cc")
@given(st.binary(max_size=300), st.integers(1, 200), st.integers(1, 200), st.integers(-1, 1), st.booleans())
@settings(max_examples=400, deadline=None)
def test_they_agree_on_any_bytes(
    library: Any, data: bytes, columns: int, rows: int, k: int, align: bool
) -> None:
    known = ccitt.in_c(library, data, columns, rows, k, align)
    assert known == ccitt.in_python(data, columns, rows, k, align)
    assert known.rows <= rows


def test_sizes_that_make_no_sense_are_not_known(tmp_path: Path) -> None:
    for columns, rows in ((0, 9), (9, 0), (1 << 20, 9), (-1, -1)):
        assert ccitt.read(b"\xff" * 99, columns=columns, rows=rows, k=-1) is None


@pytest.mark.parametrize("shift", range(8))
def test_without_the_c_library_an_end_is_taken_for_the_whole(
    shift: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python takes longer to read a page than to draw it; what has no end is read all the same."""
    monkeypatch.setattr(native, "LIBRARY", None)
    size = {"columns": WIDE, "rows": HIGH, "k": -1}
    strip = coded(drawing(), "group4")
    bits = int.from_bytes(strip)
    bits >>= (bits & -bits).bit_length() - 1  # the end's last 1 is the last bit
    length = -(-(bits.bit_length() + shift) // 8)
    ended = (bits << shift).to_bytes(length + 1)
    assert ccitt.read(ended, **size) is None
    assert ccitt.is_damaged(strip[: len(strip) // 2], **size)
    assert not ccitt.is_damaged(strip, **size)
