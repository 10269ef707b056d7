"""The worker's step on a Document: render the mail's pages once, in the document room's child process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.document.output import not_stored
from gateway.document.pool import Renderer
from gateway.document.values import RendererDied, RenderSettings
from gateway.document.wishes import Wishes, over_limit
from gateway.errors import GatewayError, Kind, permanent, temporary
from gateway.model import Submission
from gateway.store import Store, documents
from gateway.worker import outcomes

_LOST = permanent(
    "5.3.0",
    "The stored mail is missing or damaged on the gateway's disk, so nothing was sent. "
    "Please send your message again.",
    code="mail_damaged",
)


class RenderStage:
    """Turns a claimed Document into an outcome. `codes` gives the words of a rule that must not be drawn."""

    def __init__(
        self,
        renderer: Renderer,
        store: Store,
        settings: RenderSettings,
        codes: Callable[[str], Sequence[str]],
        wishes: Wishes,
    ) -> None:
        self._renderer = renderer
        self._store = store
        self._settings = settings
        self._codes = codes
        self._wishes = wishes

    async def step(self, work: documents.Work) -> outcomes.DocumentOutcome:
        """Render; every failure is an outcome."""
        submission = work.submission
        name = f"{submission.id}.pdf"
        sender = {"from_name": submission.from_name, "from_number": submission.from_number}
        try:
            source = await asyncio.to_thread(self._source, submission)
        except FileNotFoundError:
            return outcomes.Refused(failure=_LOST)
        except OSError as error:
            failure = temporary(
                "4.3.0", "The stored mail cannot be read just now.", code=type(error).__name__
            )
            return outcomes.Later(failure=failure)
        try:
            rendered = await self._renderer.render_message(
                source,
                self._store.pages.path(name),
                redact=self._codes(submission.rule),
                include_text=self._settings.text_page,
                cover=self._wishes.cover(
                    submission.rule, **sender, numbers=work.numbers, subject=submission.subject
                ),
                header=self._wishes.header(submission.rule, **sender),
            )
        except RendererDied as death:
            return outcomes.RendererDied(failure=death.failure)
        except GatewayError as error:
            if error.failure.kind is Kind.PERMANENT:
                return outcomes.Refused(failure=error.failure)
            return outcomes.Later(failure=error.failure)
        too_long = over_limit(rendered.pages, submission.max_pages)
        if too_long is not None:
            await asyncio.to_thread(self._store.pages.discard, name)
            return outcomes.Refused(failure=too_long)
        try:
            content = await asyncio.to_thread(self._store.pages.adopt, name)
        except OSError as error:
            return outcomes.Later(failure=not_stored(error).failure)
        return outcomes.Rendered(
            content=content,
            pages=rendered.pages,
            digest=rendered.digest,
            page_digests=rendered.page_digests,
            notes=rendered.notes,
        )

    def _source(self, submission: Submission) -> Path | bytes:
        """Raises FileNotFoundError if the mail is not, or not whole, where it was stored."""
        content = submission.content
        if content.file is None:
            return content.data or b""
        path = self._store.spool.get(content.file)
        if path.stat().st_size != content.size:
            raise FileNotFoundError(path)
        return path
