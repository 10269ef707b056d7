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


async def step(
    renderer: Renderer, store: Store, settings: Settings, content: Content, subject: str, *numbers: str
) -> outcomes.DocumentOutcome:
    submission = make_submission(subject=subject, content=content)
    document = Document(id=submission.id, state=DocumentState.PENDING)
    stage = RenderStage(renderer, store, render_settings_of(settings), lambda _: (), Wishes(settings))
    return await stage.step(Work(document=document, submission=submission, numbers=numbers))


async def rendered(
    renderer: Renderer, store: Store, settings: Settings, mail: bytes, subject: str, *numbers: str
) -> outcomes.Rendered:
    content = Content(size=len(mail), data=mail)
    made = await step(renderer, store, settings, content, subject, *numbers)
    assert isinstance(made, outcomes.Rendered), made
    return made


@pytest.mark.parametrize("left", [None, b"", b"Subject: x"], ids=["missing", "empty", "cut off"])
async def test_a_stored_mail_that_is_gone_is_told_at_once(
    store: Store, settings: Settings, left: bytes | None
) -> None:
    if left is not None:
        store.spool.path("mail").write_bytes(left)
    renderer = Renderer(render_settings_of(settings), rooms=("text",))
    made = await step(renderer, store, settings, Content(size=100_000, file="mail"), "")
    assert isinstance(made, outcomes.Refused)
    assert (made.failure.code, made.failure.status) == ("mail_damaged", "5.3.0")
    assert "send your message again" in made.failure.sentence


async def test_a_stored_mail_that_cannot_be_read_just_now_waits(store: Store, settings: Settings) -> None:
    store.spool.path("mail").symlink_to("mail")
    renderer = Renderer(render_settings_of(settings), rooms=("text",))
    made = await step(renderer, store, settings, Content(size=100_000, file="mail"), "")
    assert isinstance(made, outcomes.Later)


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
