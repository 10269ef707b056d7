"""The pages that PDFs of SENT rows showed: asked for a few at a time, remembered, asked again with patience.

The memory is lost with the process and made again. A PDF that cannot be had or read proves nothing; neither
does one that is drawn anew and shows the pages of two documents as well as each other's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway import voipms
from gateway.errors import GatewayError, Kind, Scope
from gateway.faxout.interpret import Standing
from gateway.faxout.match import Pages
from gateway.model import Document

PROOFS_A_ROUND = 12
"""Each costs a call and a rendering."""
_COMPARED = 4
"""Documents that a PDF which is drawn anew is compared with; each comparison costs two renderings."""
_LONGEST_PAUSE = 3600.0
"""Seconds between two tries at a PDF that showed nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a row's PDF showed when it was last asked for."""

    pages: Pages = ()
    standing: Standing
    """The row's, at that time."""
    tries: int
    again: float
    """When a PDF that showed nothing may be asked for again, epoch seconds."""


class Proofs:
    """Remembers by row id.

    `page_digests` turns a PDF into the digests of its pages, `alike` tells whether it shows the pages of a
    document in another coding or resolution; a `GatewayError` from them means that this PDF proves nothing.
    `pause` is how long to leave a PDF alone that showed nothing, in seconds; it doubles.
    """

    def __init__(
        self,
        *,
        client: voipms.Client,
        page_digests: Callable[[bytes], Awaitable[Sequence[str]]],
        alike: Callable[[Document, bytes], Awaitable[bool]],
        pause: float,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._page_digests = page_digests
        self._alike = alike
        self._pause = pause
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self.as_sent = False
        """Whether a PDF has shown pages of ours bit for bit."""

    def known(self, rows: Mapping[str, Standing]) -> dict[str, Pages]:
        """What is known of `rows`, and need not be asked for now. Forgets all others.

        A row whose standing has changed is asked for again: its PDF may have grown.
        """
        self._seen = {row_id: seen for row_id, seen in self._seen.items() if row_id in rows}
        return {
            row_id: seen.pages
            for row_id, seen in self._seen.items()
            if seen.standing is rows[row_id]
            and (seen.pages or 0 < seen.again - self._clock() <= _LONGEST_PAUSE)  # else the clock was set
        }

    async def ask(self, wanted: Mapping[str, Collection[Document]], rows: Mapping[str, Standing]) -> None:
        """Fetch some of the `wanted` PDFs, those least often asked for first.

        Each comes with the documents that it may show.
        """
        tries = {row_id: seen.tries for row_id, seen in self._seen.items()}
        order = sorted(wanted, key=lambda row_id: (tries.get(row_id, 0), row_id))
        for row_id in order[:PROOFS_A_ROUND]:
            documents = wanted[row_id]
            if not await self._ask(row_id, rows[row_id], tries.get(row_id, 0) + 1, documents):
                break

    async def _ask(
        self, row_id: str, standing: Standing, tries: int, documents: Collection[Document]
    ) -> bool:
        """Whether it makes sense to ask for more."""
        pause = min(self._pause * 2.0 ** min(tries, 16), _LONGEST_PAUSE)
        before, blank = (
            self._seen.get(row_id),
            _Seen(standing=standing, tries=tries, again=self._clock() + pause),
        )
        # Counted before it is tried: a PDF that trips a bug must not do so in every round.
        self._seen[row_id] = blank
        try:
            pages = await self._shown(await self._client.get_fax_message_pdf(row_id), documents)
        except GatewayError as error:
            failure = error.failure
            if failure.scope is Scope.ACCOUNT or failure.retry_after is not None:
                # Not about this row: it was not asked for at all.
                del self._seen[row_id]
                if before is not None:
                    self._seen[row_id] = before
                return False
            # While the provider is in trouble, the others would only wait for the same time-outs.
            return not (isinstance(error, voipms.ApiError) and failure.kind is Kind.TEMPORARY)
        self._seen[row_id] = replace(blank, pages=pages)
        return True

    async def _shown(self, pdf: bytes, documents: Collection[Document]) -> Pages:
        """The pages of a PDF; of one that is drawn anew those of the only document that it can be."""
        pages = tuple(await self._page_digests(pdf))
        others = {one.page_digests: one for one in documents if len(one.page_digests) == len(pages)}
        if pages in others:
            self.as_sent = True
            return pages
        fit = [digests for digests, one in list(others.items())[:_COMPARED] if await self._alike(one, pdf)]
        return fit[0] if len(fit) == 1 and len(others) <= _COMPARED else pages
