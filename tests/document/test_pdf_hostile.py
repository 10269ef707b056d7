"""Hostile PDFs, each in a child with its limits: pages or a stated reason, and the next document is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import hostile_pdf
from support.pdf_maker import one_page

from gateway.document import Renderer, RendererDied, RenderSettings
from gateway.errors import Failure, GatewayError

pytestmark = pytest.mark.asyncio(loop_scope="module")


LIMITS = RenderSettings(max_pages=20, timeout=30.0, cpu_seconds=1, drop_blank=False)


async def outcome(renderer: Renderer, folder: Path, data: bytes) -> Failure | int:
    """The number of pages, or why there are none."""
    source = folder / "hostile.pdf"
    source.write_bytes(data)
    try:
        done = await renderer.render_files([source], folder / "fax.pdf", settings=LIMITS)
    except RendererDied:
        raise
    except GatewayError as error:
        return error.failure
    return done.pages


@pytest.mark.parametrize("name", hostile_pdf.DRAWN)
async def test_harmless_in_the_end(renderer: Renderer, tmp_path: Path, name: str) -> None:
    assert await outcome(renderer, tmp_path, hostile_pdf.DRAWN[name]()) == 1


@pytest.mark.parametrize("name", hostile_pdf.STARVING)
async def test_ends_at_a_limit(renderer: Renderer, tmp_path: Path, name: str) -> None:
    failure = await outcome(renderer, tmp_path, hostile_pdf.STARVING[name]())
    assert isinstance(failure, Failure)
    assert failure.code in ("document_memory", "document_time")
    assert '"hostile.pdf' in failure.sentence
    assert await outcome(renderer, tmp_path, one_page()) == 1


@pytest.mark.parametrize("name", hostile_pdf.EITHER)
async def test_ends_in_a_page_or_for_a_reason(renderer: Renderer, tmp_path: Path, name: str) -> None:
    ended = await outcome(renderer, tmp_path, hostile_pdf.EITHER[name]())
    if isinstance(ended, Failure):
        assert ended.code in ("document_memory", "document_time", "pdf_damaged", "pdf_undrawable")
    else:
        assert ended == 1


@pytest.mark.parametrize("depth", [0, 1, 3])
async def test_a_picture_too_large_to_draw_is_found_wherever_it_is(
    renderer: Renderer, tmp_path: Path, depth: int
) -> None:
    failure = await outcome(renderer, tmp_path, hostile_pdf.huge_picture(depth))
    assert isinstance(failure, Failure)
    assert failure.code == "picture_too_large"
    assert "60000 by 60000 pixels on page 1" in failure.sentence


@pytest.mark.parametrize(
    "box",
    [
        "0 0 0 0",
        "0 0 nan nan",
        "9 9 1 1",
        "-1e30 -1e30 1e30 1e30",
        "0 0 14400 14400",
        "0 0 1 99999",
        "0 0 1e-9 5",
    ],
)
async def test_odd_boxes_make_pages(renderer: Renderer, tmp_path: Path, box: str) -> None:
    data = one_page().replace(b"[0.0000 0.0000 612.0000 792.0000]", f"[{box}]".encode().ljust(33))
    ended = await outcome(renderer, tmp_path, data)
    assert isinstance(ended, Failure) or ended >= 1
    if isinstance(ended, Failure):
        assert ended.code in ("pdf_damaged", "document_pages", "document_time")
