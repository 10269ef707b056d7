"""The worker's step on a Document, with a real renderer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.submissions import make_submission

from gateway.config import Settings
from gateway.document import Renderer
from gateway.document.stage import RenderStage
from gateway.document.wishes import Wishes, render_settings_of
from gateway.lifecycle import DocumentState
from gateway.model import Content, Document
from gateway.store import Store
from gateway.store.documents import Work
from gateway.worker import outcomes

COVER = """#let given = json(bytes(sys.inputs.given))
#set page(width: given.width * 1in, height: given.height * 1in)
For #given.to_name, #given.to_number, about #given.subject"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    template = tmp_path / "cover.typ"
    template.write_text(COVER)
    return Settings.model_validate({"document": {"cover": "on", "cover_template": str(template)}})


async def rendered(
    renderer: Renderer, store: Store, settings: Settings, mail: bytes, subject: str, *numbers: str
) -> outcomes.Rendered:
    submission = make_submission(subject=subject, content=Content(size=len(mail), data=mail))
    document = Document(id=submission.id, state=DocumentState.PENDING)
    stage = RenderStage(renderer, store, render_settings_of(settings), lambda _: (), Wishes(settings))
    made = await stage.step(Work(document=document, submission=submission, numbers=numbers))
    assert isinstance(made, outcomes.Rendered), made
    return made


async def test_the_cover_page_of_a_polled_mail_tells_no_numbers_of_others(
    store: Store, settings: Settings, make: Any
) -> None:
    """In a mailbox the numbers stand in the subject that is spooled."""
    spooled, clean = (make.mail("Hello") for _ in range(2))
    spooled.replace_header("Subject", "5552341234, 5552341235 Invoice")
    clean.replace_header("Subject", "Invoice")
    numbers = ("+15552341234", "+15552341235")
    async with Renderer(render_settings_of(settings), rooms=("text",)) as renderer:
        made = [
            await rendered(renderer, store, settings, mail.as_bytes(), "Invoice", *numbers)
            for mail in (spooled, clean)
        ]
        other = await rendered(renderer, store, settings, clean.as_bytes(), "", *numbers)
    assert made[0].page_digests == made[1].page_digests != other.page_digests
    assert made[0].pages == 1
