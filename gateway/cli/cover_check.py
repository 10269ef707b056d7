"""Whether the administrator's cover page can be drawn: better told here than by a fax that waits."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from gateway.config import Problem, Settings
from gateway.errors import GatewayError

_SAMPLE = {
    "to_name": "Dr. Recipient",
    "to_number": "(555) 234-1234",
    "from_name": "Sender",
    "from_number": "(555) 234-0000",
    "from_address": "sender@example.com",
    "subject": "Sample",
    "date": "2026-01-02 03:04",
}


def cover_problem(settings: Settings, file: Path) -> Problem | None:
    """Draw a sample with the template, logo and notice of `settings`, which come from `file`."""
    document = settings.document
    if document.cover_template is None and document.cover_logo is None:
        return None
    try:
        asyncio.run(_draw(settings))
    except GatewayError as error:
        key = "cover_template" if document.cover_template is not None else "cover_logo"
        said = error.failure.sentence.removesuffix("It is tried again.").rstrip()
        return Problem(
            file=str(file),
            key=f"document.{key}",
            message=f"a sample cover page cannot be drawn: {said}",
            hint="faxes with a cover page wait until it can",
        )
    return None


async def _draw(settings: Settings) -> None:
    from gateway.document import Renderer
    from gateway.document.values import Cover
    from gateway.document.wishes import cover_of, render_settings_of

    cover: Cover = cover_of(settings, "on", _SAMPLE)
    with tempfile.TemporaryDirectory(prefix="fax-gateway-cover-") as directory:
        page = Path(directory) / "sample.txt"
        page.write_text("A sample.")
        async with Renderer(render_settings_of(settings), rooms=("text",)) as renderer:
            await renderer.render_files([page], page.with_suffix(".pdf"), cover=cover)
