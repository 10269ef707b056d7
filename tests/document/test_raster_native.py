"""The C code: the same as numpy and libtiff bit for bit, never in the way of an installation."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fax_pages import page, photograph, write

from gateway.document import native
from gateway.document.native.compile import compile_to
from gateway.document.raster import dots, to_bilevel
from gateway.document.raster.in_c import InC
from gateway.document.raster.kernel import InPython
from gateway.document.raster.pixels import Survey

pytestmark = pytest.mark.peer("cc")
IN_PYTHON = InPython()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("native") / "fax.so"
    assert compile_to(path, "-Wall", "-Wextra", "-Werror") is None
    return path


@pytest.fixture(scope="session")
def in_c(library: Path) -> InC:
    loaded = native.load(library)
    assert loaded is not None
    return InC(loaded)


def grey(seed: int, height: int, kind: str) -> np.ndarray:
    """Pages of every sort, some that no document has."""
    grains = np.random.default_rng(seed)
    shape = (height, 1728)
    match kind:
        case "noise":
            made = grains.integers(0, 256, shape)
        case "plain":
            made = np.full(shape, grains.integers(256))
        case "black and white":
            made = (grains.random(shape) < grains.random()) * 255
        case "alternate":
            made = np.indices(shape).sum(axis=0) % 2 * 255
        case "fills":
            coarse = grains.integers(0, 256, (height // 9 + 1, 1728 // 27))
            made = np.kron(coarse, np.ones((9, 27), dtype=int))[:height]
        case "scan":
            made = 200 + grains.normal(0, 9, shape) - (grains.random(shape) < 0.04) * 120
        case _:
            made = np.asarray(write(page(height), "Words and words\nand words", at=(100, 2), fill=seed % 200))
    return np.ascontiguousarray(np.clip(made, 0, 255).astype(np.uint8))


KINDS = st.sampled_from(["noise", "plain", "black and white", "alternate", "fills", "scan", "words"])
HEIGHTS = st.one_of(st.integers(1, 40), st.sampled_from([98, 327, 1100]))
CORNERS = st.tuples(
    st.integers(-99, 1800), st.integers(-9, 400), st.integers(-9, 1900), st.integers(-9, 1200)
)


@settings(max_examples=120)
@given(st.integers(0, 9999), HEIGHTS, KINDS, st.lists(CORNERS, max_size=4), st.booleans(), st.booleans())
def test_pages_are_the_same(
    in_c: InC,
    seed: int,
    height: int,
    kind: str,
    pictures: list[tuple[int, int, int, int]],
    whole: bool,
    standard: bool,
) -> None:
    pixels = bytearray(grey(seed, height, kind).tobytes())
    boxes = [*pictures, (0, 0, 1728, height)] if whole else pictures
    ours = to_bilevel(pixels, height, boxes, standard=standard, kernel=in_c)
    assert ours == to_bilevel(pixels, height, boxes, standard=standard, kernel=IN_PYTHON)
    assert in_c.encode(ours[0], height) == IN_PYTHON.encode(ours[0], height)


@settings(max_examples=80)
@given(st.integers(0, 9999), st.integers(1, 50), KINDS, st.sampled_from([4, 8]), st.data())
def test_each_step_is_the_same(
    in_c: InC, seed: int, height: int, kind: str, tall: int, data: st.DataObject
) -> None:
    pixels = grey(seed, height, kind)
    ours, theirs = in_c.survey(pixels, tall), IN_PYTHON.survey(pixels, tall)
    for name in ("low", "high", "across", "down"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert np.array_equal(in_c.drawn(ours), IN_PYTHON.drawn(ours))
    cells = in_c.quartered(pixels, tall)
    for one, other in zip(cells, IN_PYTHON.quartered(pixels, tall), strict=True):
        assert np.array_equal(one, other)
    down, across = data.draw(st.integers(1, len(cells[0]))), data.draw(st.integers(1, 432))
    mean, dark = (each[-down:, -across:] for each in cells)
    assert np.array_equal(in_c.scanned(mean, dark), IN_PYTHON.scanned(mean, dark))
    level = np.random.default_rng(seed).integers(0, 256, (-(-height // tall), 216), dtype=np.uint8)
    rows = in_c.threshold(pixels, level, 8, tall)
    assert np.array_equal(rows, IN_PYTHON.threshold(pixels, level, 8, tall))
    left, top = data.draw(st.integers(0, 1727)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, 1728)), data.draw(st.integers(top + 1, height))
    again = rows.copy()
    in_c.screen(pixels, rows, (left, top, right, bottom), dots.FINE)
    IN_PYTHON.screen(pixels, again, (left, top, right, bottom), dots.FINE)
    assert np.array_equal(rows, again)


@settings(max_examples=100)
@given(st.integers(0, 9999), st.integers(1, 60), st.integers(1, 40), st.integers(1, 40), st.integers(0, 40))
def test_levels_of_areas_of_every_shape_are_the_same(
    in_c: InC, seed: int, rows: int, wide: int, tall: int, uneven: int
) -> None:
    """Maps that no page has: few greys in patches, so that areas wind, touch and run into each other."""
    grains = np.random.default_rng(seed)
    greys = grains.choice([90, 96, 100, 103, 130, 168, 171, 226, 250, 251, 255], (rows, 216))
    low = np.kron(greys, np.ones((tall, wide), dtype=int))[:rows, :216]
    high = np.minimum(low + grains.integers(0, uneven + 1, low.shape) * (grains.random(low.shape) < 0.1), 255)
    across, down = (grains.integers(low, high + 1) for _ in range(2))
    maps = (np.ascontiguousarray(each.astype(np.uint8)) for each in (low, high, across, down))
    page = Survey(**dict(zip(("low", "high", "across", "down"), maps, strict=True)))
    assert np.array_equal(in_c.drawn(page), IN_PYTHON.drawn(page))


SIDES = st.one_of(st.integers(1, 40), st.integers(1, 300), st.integers(300, 1900))


@settings(max_examples=60)
@given(st.integers(0, 9999), SIDES, SIDES, SIDES, SIDES)
def test_pictures_of_another_size_are_the_same(
    in_c: InC, seed: int, rows: int, columns: int, high: int, wide: int
) -> None:
    grains = np.random.default_rng(seed)
    some = (
        grains.integers(0, 256, (rows, columns)) if seed % 3 else (grains.random((rows, columns)) < 0.5) * 255
    )
    picture = some.astype(np.uint8)
    made = in_c.resized(picture, high, wide)
    assert made.shape == (high, wide)
    assert np.array_equal(made, IN_PYTHON.resized(picture, high, wide))
    plain = np.full((rows, columns), seed % 256, dtype=np.uint8)
    assert (in_c.resized(plain, high, wide) == seed % 256).all()


def test_a_whole_photograph_is_the_same(in_c: InC) -> None:
    image = photograph()
    pixels, box = bytearray(image.tobytes()), (0, 0, 1728, image.height)
    ours = to_bilevel(pixels, image.height, [box], kernel=in_c)
    assert ours[1].photographs
    assert ours == to_bilevel(pixels, image.height, [box], kernel=IN_PYTHON)
    assert in_c.encode(ours[0], image.height) == IN_PYTHON.encode(ours[0], image.height)


def coded_alike(in_c: InC, bits: np.ndarray) -> None:
    rows = np.packbits(bits.astype(bool), axis=1)
    assert in_c.encode(rows.tobytes(), len(rows)) == IN_PYTHON.encode(rows.tobytes(), len(rows))


def test_every_length_of_run_is_coded_as_libtiff_does(in_c: InC) -> None:
    lengths = np.random.default_rng(1).permutation(1729)[:, None]
    coded_alike(in_c, np.arange(1728) < lengths)
    coded_alike(in_c, np.arange(1728) >= lengths)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_the_longest_codes_fit(in_c: InC, first: int, step: int) -> None:
    rows, columns = np.indices((120, 1728))
    coded_alike(in_c, (columns // step + rows + first) % 2)
    coded_alike(in_c, (columns // step % 2 == first) & (rows % 2 == 0))


@settings(max_examples=60)
@given(st.integers(0, 9999), st.integers(1, 60), st.integers(1, 900), st.integers(0, 6))
def test_rows_like_those_above_are_coded_as_libtiff_does(
    in_c: InC, seed: int, height: int, longest: int, moved: int
) -> None:
    grains = np.random.default_rng(seed)
    changes = np.zeros((height, 1728), dtype=int)
    for row in changes:
        at = np.cumsum(grains.integers(1, longest + 1, 1728))
        row[at[at < 1728]] = 1
    bits = np.cumsum(changes, axis=1) % 2
    for row in range(1, height, 2):
        bits[row] = np.roll(bits[row - 1], int(grains.integers(-moved, moved + 1)))
    coded_alike(in_c, bits)


def test_what_has_another_shape_never_reaches_the_library(in_c: InC) -> None:
    good = np.zeros((16, 1728), dtype=np.uint8)
    for bad in (good[:, ::2], good[:0], good.astype(np.uint16), good.T):
        with pytest.raises(ValueError, match=r"page|array"):
            in_c.survey(bad, 8)
    with pytest.raises(ValueError, match="level"):
        in_c.threshold(good, np.zeros((1, 216), dtype=np.uint8), 8, 8)
    with pytest.raises(ValueError, match="cells"):
        in_c.scanned(good, good)
    half = in_c.survey(good, 8)
    with pytest.raises(ValueError, match="one size"):
        in_c.drawn(Survey(low=half.low, high=half.high, across=half.across, down=half.down[:1]))
    with pytest.raises(ValueError, match="box"):
        in_c.screen(good, np.zeros((16, 216), dtype=np.uint8), (0, 0, 1729, 16), dots.FINE)
    with pytest.raises(ValueError, match="216"):
        in_c.encode(bytes(215), 1)


def test_a_library_from_older_source_is_not_used(library: Path, tmp_path: Path) -> None:
    assert native.load(tmp_path / "missing.so") is None
    (tmp_path / "text.so").write_text("no library")
    assert native.load(tmp_path / "text.so") is None
    stale = tmp_path / "stale.so"
    assert compile_to(stale, "-Dfax_abi=fax_older_abi") is None
    assert native.load(stale) is None
    assert native.load(library) is not None


def test_the_environment_turns_the_library_off() -> None:
    code = "from gateway.document import raster; print(raster.NATIVE)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "FAX_GATEWAY_NATIVE": "0"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "python"


def test_a_compiler_that_does_not_work_is_a_reason_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "fax.so"
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    assert "No such file" in str(compile_to(target))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no licence >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(broken))
    assert "no licence" in str(compile_to(target))
    monkeypatch.setenv("CC", "cc '")
    assert "No closing quotation" in str(compile_to(target))
    monkeypatch.setenv("CC", "cc")
    assert compile_to(tmp_path / "missing" / "fax.so") is not None
    assert not target.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken"]
