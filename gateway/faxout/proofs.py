"""The pages that PDFs of SENT rows showed: asked for a few at a time, remembered, asked again with patience.

The memory is lost with the process and made again. A PDF that cannot be had or read proves nothing; neither
does one that is drawn anew and shows the pages of two documents as well as each other's. What a PDF has shown
that is not ours still counts while it cannot be had, and is looked at again a few times: it may not have been
finished.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway import voipms
from gateway.errors import GatewayError, Kind, Scope
from gateway.faxout.interpret import Standing
from gateway.faxout.match import Pages
from gateway.model import Document
from gateway.store.tracking import GivesBack

PROOFS_A_ROUND = 12
"""Each costs a call and a rendering."""
_COMPARED = 16
"""Documents that a PDF which is drawn anew is compared with; each comparison costs two renderings."""
_LONGEST_PAUSE = 3600.0
"""Seconds between two tries at a PDF that showed nothing."""
_LOOKS = 6
"""At a PDF that shows other pages than ours, for each standing of its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is known of rows."""

    pages: Mapping[str, Pages]
    """Row id → what its PDF showed."""
    again: Collection[str] = ()
    """Those of them that may be asked for again now."""
    late: Collection[str] = ()
    """Those whose PDF could not be had or read, which may be over soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a row's PDF showed when it was last had."""

    pages: Pages = ()
    ours: bool = False
    """They are those of a document of ours."""
    late: bool = False
    """It could not be had or read the last time, which may be over soon."""
    looks: int = 0
    """How often it showed other pages."""
    standing: Standing
    """The row's, at that time."""
    tries: int
    again: float
    """When a PDF that did not show ours may be asked for again, epoch seconds."""

    def rests(self, standing: Standing, now: float) -> bool:
        """Whether it need not be asked for now: its row has not changed, and it was asked for enough."""
        if self.standing is not standing:
            return False
        return self.ours or self.looks >= _LOOKS or 0 < self.again - now <= _LONGEST_PAUSE  # else: clock set


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
        self.learnt: GivesBack | None = None
        """In what form PDFs have shown pages of ours since this was last set back."""

    def known(self, rows: Mapping[str, Standing]) -> Shown:
        """What is known of `rows`. Forgets all others.

        A row whose standing has changed is asked for again: its PDF may have grown.
        """
        self._seen = {row_id: seen for row_id, seen in self._seen.items() if row_id in rows}
        now = self._clock()
        rest = {row_id for row_id, seen in self._seen.items() if seen.rests(rows[row_id], now)}
        others = {row_id for row_id, seen in self._seen.items() if seen.pages and not seen.ours}
        return Shown(
            pages={row_id: self._seen[row_id].pages for row_id in rest | others},
            again=others - rest,
            late={row_id for row_id in rest if self._seen[row_id].late},
        )

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
        before = self._seen.get(row_id)
        blank = _Seen(standing=standing, tries=tries, again=self._clock() + pause, late=True)
        if before is not None and not before.ours:
            looks = before.looks if before.standing is standing else 0
            blank = replace(blank, pages=before.pages, looks=looks)
        # Counted before it is tried: a PDF that trips a bug must not do so in every round.
        self._seen[row_id] = blank
        try:
            pages = await self._shown(await self._client.get_fax_message_pdf(row_id), documents)
        except GatewayError as error:
            failure = error.failure
            if isinstance(error, voipms.ApiError) and failure.kind is Kind.PERMANENT:
                self._seen[row_id] = replace(blank, late=False)
            if failure.scope is Scope.ACCOUNT or failure.retry_after is not None:
                # Not about this row: it was not asked for at all.
                del self._seen[row_id]
                if before is not None:
                    self._seen[row_id] = before
                return False
            # While the provider is in trouble, the others would only wait for the same time-outs.
            return not (isinstance(error, voipms.ApiError) and failure.kind is Kind.TEMPORARY)
        ours = any(pages == one.page_digests for one in documents)
        looks = 0 if ours else blank.looks + 1
        self._seen[row_id] = replace(blank, pages=pages, ours=ours, looks=looks, late=False)
        return True

    async def _shown(self, pdf: bytes, documents: Collection[Document]) -> Pages:
        """The pages of a PDF; of one that is drawn anew those of the only document that it can be."""
        pages = tuple(await self._page_digests(pdf))
        others = {one.page_digests: one for one in documents if len(one.page_digests) == len(pages)}
        if pages in others:
            self.learnt = GivesBack.AS_SENT
            return pages
        fit = [digests for digests, one in list(others.items())[:_COMPARED] if await self._alike(one, pdf)]
        if len(fit) != 1 or len(others) > _COMPARED:
            return pages
        self.learnt = self.learnt or GivesBack.REDRAWN
        return fit[0]
