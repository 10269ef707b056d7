"""What became of the faxes at the provider: one look at SENT for all of them, a match, the news.

Nothing here decides which row is whose; `match` does, from what is gathered here: rows, rows that are matched
already, and the pages that PDFs showed.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from gateway import journal, phone, voipms
from gateway.config import Settings
from gateway.faxout import patience
from gateway.faxout.decisions import Decision, How, Own, Policy, Prove, Settle
from gateway.faxout.interpret import Words, standing
from gateway.faxout.match import Clues, Pages, SentRow, match
from gateway.faxout.moment import at_provider
from gateway.faxout.news import news
from gateway.faxout.proofs import Proofs, Shown
from gateway.faxout.sent import Sent, latest_meaning, list_sent
from gateway.lifecycle import ON_THE_LINE, FaxState
from gateway.model import Document
from gateway.store import Store, documents, tracking
from gateway.store.tracking import Claimant, GivesBack
from gateway.worker.outcomes import Tracked

_IDS_A_QUERY = 500
_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What the store says in one moment."""

    claimants: Sequence[Claimant]
    known: Mapping[str, str]
    held_since: Mapping[str, float]
    gives_back: GivesBack | None
    echoes: bool


class Tracker:
    """Follows every Fax that may own a row of SENT. Rounds must not overlap.

    `page_digests` turns a PDF into the digests of its pages, in order, as `Document.page_digests` has them;
    `alike` tells whether a PDF, the second, shows the pages of ours though it is drawn anew. A `GatewayError`
    from them means that this PDF proves nothing. `clock` is the wall clock, epoch seconds; `skipped` tells
    over how many seconds since a moment it has leapt, `told` the provider's clock if that is known.
    """

    def __init__(
        self,
        *,
        client: voipms.Client,
        store: Store,
        settings: Settings,
        page_digests: Callable[[bytes], Awaitable[Sequence[str]]],
        alike: Callable[[bytes, bytes], Awaitable[bool]],
        clock: Callable[[], float] = time.time,
        skipped: Callable[[float], float] = lambda _: 0.0,
        told: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._client = client
        self._everywhere = settings.fax.all_folders
        self._station_id = settings.voipms.station_id
        self._store = store
        self._clock = clock
        self._alike = alike
        self._skipped = skipped
        self._told = told
        self._proofs = Proofs(
            client=client,
            page_digests=page_digests,
            alike=self._shows,
            pause=settings.fax.track_interval,
            clock=clock,
        )
        self._words = Words.of(settings)
        self._policy = Policy(
            skew=settings.fax.clock_skew_minutes * 60,
            settle=settings.fax.settle_seconds,
            hold_after=settings.fax.hold_after,
            held_for=settings.fax.held_days * _DAY,
        )
        self._settling: dict[str, tuple[str, float]] = {}

    async def step(self) -> list[Tracked]:
        """One round: what is new about every open Fax. Without one, the provider is not called.

        While SENT cannot be read, time still moves Faxes (`patience.unread`). Raises `voipms.ApiError` in a
        round in which it moves none.
        """
        claimants = await self._store.read(tracking.claimants)
        waiting = [one for one in claimants if one.fax.state is not FaxState.SUBMITTING]
        if not waiting:
            self._proofs.known({})
            self._settling.clear()
            return []
        # A day earlier than the oldest call, so that every row of its snapshot is still in the window.
        oldest = min(attempt.started for one in waiting for attempt in one.attempts) - _DAY
        now = self._clock()  # what comes while the round goes on was not seen by it
        try:
            sent = await self._list(oldest)
        except voipms.ApiError:
            if moved := await self._unread():
                return moved
            raise
        look = self._lived(await self._store.read(lambda tx: _look(tx, sent.rows)))
        reduced = [self._reduce(row) for row in sent.rows.values()]
        standings = {row.id: row.standing for row in reduced}
        journal.rows_unreadable(folder="SENT", count=sent.unreadable)
        matched = functools.partial(self._match, rows=reduced, unreadable=sent.unreadable, now=now)
        decisions = matched(look, self._proofs.known(standings))
        documents_to = _documents(look.claimants)
        if wanted := {
            row_id: documents_to[phone.bare(sent.rows[row_id].destination)]
            for one in decisions.values()
            if isinstance(one, Prove)
            for row_id in one.row_ids
        }:
            await self._proofs.ask(wanted, standings)
            look = await self._learn(look)
            decisions = matched(look, self._proofs.known(standings))
        self._remember_settling(decisions)
        await self._learn_from(look, decisions, self._proofs.known(standings))
        return self._news(look, decisions, sent.rows)

    async def _learn(self, look: _Look) -> _Look:
        """Write down, for every process to come, in what form the provider gives back our pages."""
        learnt = self._proofs.learnt
        if learnt is not None and look.gives_back is not learnt:
            await self._store.write(lambda tx: tracking.learn(tx, learnt))
            look = replace(look, gives_back=await self._store.read(tracking.gives_back))
        self._proofs.learnt = None
        return look

    async def _learn_from(self, look: _Look, decisions: Mapping[str, Decision], shown: Shown) -> None:
        """Write down what the rows that are ours say about the provider."""
        owned = {fax_id: one for fax_id, one in decisions.items() if isinstance(one, Own)}
        if not look.echoes and any(one.how is How.TOKEN for one in owned.values()):
            await self._store.write(lambda tx: tracking.learn_echo(tx, True))
        if look.gives_back is None and any(
            _unrecognised(one.document, shown.pages.get(owned[one.fax.id].row_id, ()))
            for one in look.claimants
            if one.fax.id in owned and owned[one.fax.id].how is How.LONE
        ):
            await self._store.write(lambda tx: tracking.learn(tx, GivesBack.UNLIKE))

    async def _shows(self, document: Document, pdf: bytes) -> bool:
        """Whether a PDF shows the pages of a document of ours, whose content may be gone."""
        content = (await self._store.read(lambda tx: documents.of(tx, document.id))).content
        if content is None:
            return False
        try:
            ours = await asyncio.to_thread(self._store.pages.read, content)
        except OSError:
            return False
        return await self._alike(ours, pdf)

    async def destinations(self, since: float) -> dict[str, str]:
        """Destinations of all sent faxes since then (epoch seconds), by the ids of their rows.

        Raises `voipms.ApiError`.
        """
        sent = await self._list(since)
        return {row.id: row.destination for row in sent.rows.values()}

    async def _list(self, since: float) -> Sent:
        until = at_provider(self._clock(), self._told(), skew=self._policy.skew)
        return await list_sent(self._client, since=since, until=until, everywhere=self._everywhere)

    def _lived(self, look: _Look) -> _Look:
        """A person has all the time to decide about a held fax that was promised."""
        held = {fax_id: at + self._skipped(at) for fax_id, at in look.held_since.items()}
        return replace(look, held_since=held)

    def _match(
        self, look: _Look, shown: Shown, *, rows: Sequence[SentRow], unreadable: int, now: float
    ) -> dict[str, Decision]:
        settling = {
            fax_id: (row_id, min(since + self._skipped(since), now))
            for fax_id, (row_id, since) in self._settling.items()
        }
        clues = Clues(
            known=look.known,
            pages=shown.pages,
            again=shown.again,
            late=shown.late,
            gives_back=look.gives_back,
            echoed={one.fax.id for one in look.claimants if look.echoes and self._shows_token(one)},
            settling=settling,
            held_since=look.held_since,
            unreadable=unreadable,
        )
        return match(look.claimants, rows, clues=clues, now=now, policy=self._policy)

    def _shows_token(self, claimant: Claimant) -> bool:
        """Whether its calls put their token into the station id."""
        return "{token}" in (claimant.submission.station_id or self._station_id)

    def _reduce(self, row: voipms.FaxMessage) -> SentRow:
        return SentRow(
            id=row.id,
            destination=row.destination,
            standing=standing(row.status, self._words),
            station_id=row.stationid,
            pages=row.pages,
            latest=latest_meaning(row.date, self._client.zone),
        )

    def _remember_settling(self, decisions: Mapping[str, Decision]) -> None:
        """A row settles as long as every round finds it the lone candidate."""
        now, kept = self._clock(), {}
        for fax_id, decision in decisions.items():
            row_id, since = self._settling.get(fax_id, ("", now))
            match decision:
                case Settle(row_id=lone):
                    kept[fax_id] = (lone, min(since, now) if lone == row_id else now)
                case Prove(row_ids=(only,)) if only == row_id:
                    kept[fax_id] = (only, min(since, now))
        self._settling = kept

    async def _unread(self) -> list[Tracked]:
        """Faxes that time moves, without a look at the provider."""
        look = self._lived(await self._store.read(lambda tx: _look(tx, ())))
        decisions = patience.unread(
            look.claimants, held_since=look.held_since, now=self._clock(), policy=self._policy
        )
        return self._news(look, decisions, {})

    def _news(
        self, look: _Look, decisions: Mapping[str, Decision], rows: Mapping[str, voipms.FaxMessage]
    ) -> list[Tracked]:
        now, found = self._clock(), []
        on_the_line = Counter(
            phone.bare(one.fax.number) for one in look.claimants if one.fax.state in ON_THE_LINE
        )
        for claimant in look.claimants:
            fax = claimant.fax
            decision = decisions.get(fax.id)
            if decision is None:
                continue
            tracked = news(
                claimant,
                decision,
                rows,
                words=self._words,
                line_taken=on_the_line[phone.bare(fax.number)] > (fax.state in ON_THE_LINE),
                now=now,
            )
            if tracked is not None:
                found.append(tracked)
        return found


def _unrecognised(ours: Document, seen: Pages) -> bool:
    """Whether a row that is ours showed as many pages, and others."""
    return seen != ours.page_digests and len(seen) >= len(ours.page_digests) > 0


def _documents(claimants: Iterable[Claimant]) -> Mapping[str, Sequence[Document]]:
    """What a row may show, by its bare number."""
    by_number: defaultdict[str, list[Document]] = defaultdict(list)
    for one in claimants:
        by_number[phone.bare(one.fax.number)].append(one.document)
    return by_number


def _look(tx: sa.Connection, row_ids: Iterable[str]) -> _Look:
    ids = list(row_ids)
    known: dict[str, str] = {}
    for start in range(0, len(ids), _IDS_A_QUERY):
        known |= tracking.known_rows(tx, ids[start : start + _IDS_A_QUERY])
    return _Look(
        claimants=tracking.claimants(tx),
        known=known,
        held_since=tracking.held_since(tx),
        gives_back=tracking.gives_back(tx),
        echoes=tracking.echoes(tx),
    )
