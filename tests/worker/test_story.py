"""What the log says about a document that fails: nothing that its sender wrote."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from support.submissions import make_received, make_submission

from gateway import journal
from gateway.config import Settings
from gateway.document import Renderer
from gateway.document.office import converter
from gateway.document.stage import RenderStage
from gateway.document.wishes import Wishes, render_settings_of
from gateway.model import Content, Submission
from gateway.store import Store, documents, intake
from gateway.worker import lines, story
from gateway.worker.crew import Crew
from gateway.worker.outcomes import DocumentOutcome, Parked

SUBJECT, NAME, WORDS = "HIV result Smith", "Smith biopsy", "Dear Doctor Jones"
TEMPLATE = """#let given = json(bytes(sys.inputs.given))
#assert(false, message: given.subject + given.message.at(0).at(0))"""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged; the process' logging is put back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("gateway")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    journal.forget_outages()
    stream = io.StringIO()
    journal.setup(level="debug", stream=stream, environ={})
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    journal.forget_outages()


def mail(data: bytes, suffix: str) -> Submission:
    message = EmailMessage()
    message["Subject"] = SUBJECT
    message.set_content(WORDS)
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=NAME + suffix)
    whole = message.as_bytes()
    return make_submission(subject=SUBJECT, content=Content(size=len(whole), data=whole))


@pytest.fixture
def libreoffice(tmp_path: Path) -> str:
    """One that is there and does not start."""
    for name in ("soffice", "libmergedlo.so", "libswlo.so"):
        (tmp_path / name).touch(0o755)
    return str(tmp_path / "soffice")


async def handled(
    store: Store, submission: Submission, step: Callable[[documents.Work], Awaitable[DocumentOutcome]]
) -> None:
    """Have a crew take the one step that there is, and write what it came to."""
    now = time.time()
    await store.write(
        lambda tx: intake.accept(tx, submission, ["+15552341234"], now=now, deadline=9e9, window=9)
    )
    written = asyncio.Event()
    crew = Crew(lines.Documents(store, step, lease=60, owner="t", wake=written.set), size=1)
    running = asyncio.create_task(crew.run())
    async with asyncio.timeout(30):
        await written.wait()
        crew.close()
        await running


async def rendered(store: Store, submission: Submission, **document: object) -> None:
    settings = Settings.model_validate({"document": document})
    drawn = render_settings_of(settings)
    async with Renderer(drawn, rooms=("text",)) as renderer:
        stage = RenderStage(renderer, store, drawn, lambda _: (), Wishes(settings))
        await handled(store, submission, stage.step)


def said(log: io.StringIO, event: str) -> str:
    """The line of `event`, when there is nothing of the sender's in any."""
    text = log.getvalue()
    words = [*SUBJECT.split(), *NAME.split(), *WORDS.split()]
    assert [word for word in words if word in text] == []
    (line,) = [line for line in text.splitlines() if f"event={event}" in line]
    return line


async def test_a_refused_document(store: Store, log: io.StringIO) -> None:
    await rendered(store, mail(b"%PDF-1.7 it ends here", ".pdf"))
    assert said(log, "refused_document").endswith("status=pdf_damaged")


async def test_a_document_that_waits(store: Store, log: io.StringIO, libreoffice: str) -> None:
    await rendered(store, mail(rb"{\rtf1 Hello\par}", ".rtf"), office=libreoffice)
    assert said(log, "documents_trouble").endswith("reason=office_start")


async def test_a_cover_page_that_complains(store: Store, log: io.StringIO, tmp_path: Path) -> None:
    template = tmp_path / "cover.typ"
    template.write_text(TEMPLATE)
    await rendered(store, mail(b"some text", ".txt"), cover="on", cover_template=str(template))
    assert 'reason="cover_template 2:1"' in said(log, "documents_trouble")


async def test_a_document_that_kills(
    store: Store, log: io.StringIO, libreoffice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    killing = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(converter, "command", lambda: killing)
    await rendered(store, mail(rb"{\rtf1 Hello\par}", ".rtf"), office=libreoffice)
    assert said(log, "renderer_died").endswith("deaths=1 reason=office_killed")


async def test_a_document_that_meets_a_fault_of_ours(store: Store, log: io.StringIO) -> None:
    async def step(work: documents.Work) -> DocumentOutcome:
        raise ValueError(f"cannot draw {work.submission.subject}")

    await handled(store, mail(b"", ".pdf"), step)
    assert "stage=document" in said(log, "crashed_item")
    assert said(log, "renderer_died").endswith("deaths=1 reason=crashed")


async def test_a_received_fax_that_is_parked(log: io.StringIO) -> None:
    fax = make_received()
    story.received_fax(fax, Parked(reason=f"The provider says: {WORDS}", code="invalid_fax_id"))
    assert said(log, "parked").endswith("reason=invalid_fax_id")
