"""One `sendFaxMessage` call for one Fax, in the order that lets doubt be resolved later.

Take the turn at the rate limit, look at the SENT rows for the destination, commit the intent with that
snapshot, check the lease, call, report. Before the intent nothing happened and every failure is harmless.
After it, only a documented refusal or an end before the first byte proves that nothing was sent; a process
that dies in between leaves an attempt without an outcome, which becomes *unknown* once its deadline has
passed. So whatever may take its time comes before the intent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa

from gateway import phone, voipms
from gateway.config import Settings
from gateway.errors import Failure, Kind, Scope, StoppingError, permanent, temporary
from gateway.faxout import identity
from gateway.faxout.interpret import LEASE_LOST, NOT_CALLED, PAGES_UNREADABLE, SUCCESS
from gateway.faxout.moment import at_provider
from gateway.faxout.sent import UNREADABLE, list_sent
from gateway.lifecycle import FaxState
from gateway.model import Attempt, Content, Document, Fax, new_token
from gateway.moves import Trigger
from gateway.store import Spool, Store, StoreUnavailableError, attempts, faxes, history, pauses, tracking
from gateway.store.leases import StaleError
from gateway.worker.lease import Lease, LeaseLostError
from gateway.worker.outcomes import (
    Abandoned,
    Called,
    LineTaken,
    NotCalled,
    Released,
    SubmitOutcome,
    Traced,
    Unsure,
)

_DOUBTFUL = (FaxState.UNKNOWN, FaxState.HELD)
_FOREIGN_NUMBER = "invalid_from_number"


class Submitter:
    """Makes the calls. `clock` is the wall clock, epoch seconds, `told` the provider's if that is known.

    `draining` tells that the gateway is about to stop: no call is begun any more.
    """

    def __init__(
        self,
        *,
        client: voipms.Client,
        store: Store,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        told: Callable[[], float | None] = lambda: None,
        draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self._client = client
        self._store = store
        self._settings = settings
        self._clock = clock
        self._told = told
        self._draining = draining

    async def step(self, work: faxes.Work, lease: Lease) -> SubmitOutcome:
        """Send a claimed Fax once. The intent renews `lease`, in the store too: the call has a full one.

        A cancellation during the call propagates and records nothing: the attempt has no outcome then.
        """
        failure = self._unfit(work) or await asyncio.to_thread(_damaged, self._store.pages, work.document)
        if failure is not None:
            return NotCalled(failure=failure)
        try:
            await self._client.take_turn()
            if (instead := self._instead(work.fax)) is not None:
                return instead
            snapshot = await self._look(work.fax.number)
            if await self._traced(work, snapshot):
                return Traced()
        except StoppingError:
            return Released()
        except voipms.ApiError as error:
            return NotCalled(failure=_harmless(error.failure))
        if (instead := self._instead(work.fax)) is not None:
            return instead
        # Begun before the stored one, which counts from the clock that `_intend` reads, it ends before it.
        renewed = Lease.lasting(self._settings.fax.lease_seconds, lease.clock)
        token = new_token()
        try:
            lease.check()
            attempt = await self._intend(work, snapshot, token)
        except StoreUnavailableError as error:
            if error.certain:
                raise
            return Unsure(token=token, word=NOT_CALLED)
        except faxes.LineTakenError:
            return LineTaken()
        except (StaleError, LeaseLostError):
            return Abandoned()
        return Released() if attempt is None else await self._call(work, attempt, renewed)

    def _instead(self, fax: Fax) -> NotCalled | Released | None:
        """What becomes of a Fax whose call must not begin any more."""
        if self._draining():
            return Released()
        return NotCalled(failure=faxes.too_late(fax)) if self._clock() > fax.deadline else None

    def _unfit(self, work: faxes.Work) -> Failure | None:
        """What makes this Fax impossible to send as it is, or as we are configured."""
        content, limit = work.document.content, self._settings.voipms.max_file_bytes
        if content is not None and content.size > limit:
            return permanent(
                "5.3.4",
                f"The fax is too large: {content.size / 1e6:.1f} MB, and {limit / 1e6:.1f} MB can be sent. "
                "Send fewer pages, or pages with less grey.",
                code="too_large",
            )
        if not self._from_number(work):
            return temporary(
                "4.3.5",
                "No fax number to send from is configured. "
                "Set from_number in [voipms] or in the sender's rule.",
                code="no_from_number",
            )
        return None

    def _from_number(self, work: faxes.Work) -> str:
        return work.submission.from_number or self._settings.voipms.from_number

    async def _look(self, number: str) -> list[str]:
        now = self._at_provider(self._clock())
        sent = await list_sent(self._client, since=now, until=now, everywhere=self._settings.fax.all_folders)
        before = sorted(row.id for row in sent.rows.values() if phone.same(row.destination, number))
        return [*before, UNREADABLE] if sent.unreadable else before

    async def _traced(self, work: faxes.Work, snapshot: list[str]) -> bool:
        """Whether a row has come since the tracker saw none, and let a rule send the Fax again.

        That may be long ago: the queue waited, or the line was taken. Nobody looked for rows meanwhile.
        """
        if not (work.fax.attempts and work.submission.resend_unknown):
            return False

        def trace(tx: sa.Connection) -> bool:
            calls = tracking.attempts_of(tx, work.fax.id)
            new = set(snapshot).difference(*(call.snapshot for call in calls))
            given_up = [
                event["trigger"]
                for event in history.of(tx, "fax", work.fax.id)
                if event["source"] in _DOUBTFUL and event["target"] != event["source"]
            ]
            by_rule = given_up[-1:] == [Trigger.RESEND]
            return by_rule and not new <= tracking.known_rows(tx, sorted(new)).keys()

        return await self._store.read(trace)

    def _at_provider(self, now: float) -> float:
        return at_provider(now, self._told(), skew=self._settings.fax.clock_skew_minutes * 60)

    async def _intend(self, work: faxes.Work, snapshot: list[str], token: str) -> Attempt | None:
        """Commit the intent; None if the whole queue waits since the Fax was claimed."""
        now, lease = self._clock(), self._settings.fax.lease_seconds
        # The guard stops the upload when the lease ends; what had left by then is answered, or not, within
        # the request's own time-outs.
        deadline = now + lease + self._client.settings.longest_call

        def begin(tx: sa.Connection) -> Attempt | None:
            if pauses.current(tx, now=now) is not None:
                return None
            return attempts.begin(
                tx,
                work.fax,
                token=token,
                deadline=deadline,
                snapshot=snapshot,
                digest=work.document.digest,
                lease=lease,
                now=now,
                started=self._at_provider(now),
            )

        return await self._store.write(begin)

    async def _call(self, work: faxes.Work, attempt: Attempt, lease: Lease) -> Called:
        settings, submission = self._settings.voipms, work.submission
        from_number = self._from_number(work)
        name = identity.sender_name(
            submission.from_name, settings.from_name, self._settings.gateway.name, otherwise=from_number
        )
        template = submission.station_id or settings.station_id
        try:
            lease.check()
            await self._client.send_fax_message(
                to_number=phone.dial(work.fax.number),
                from_name=name,
                from_number=from_number,
                file=_payload(self._store.pages, work.document.content),
                station_id=identity.station_id(template, name=name, token=attempt.token),
                guard=lease.check,
                turn_taken=True,
            )
        except LeaseLostError:
            failure = temporary(
                "4.3.0", "The gateway lost its turn before the call, and nothing was sent.", code=LEASE_LOST
            )
            return Called(attempt=attempt, word=LEASE_LOST, failure=failure)
        except OSError:
            # The client's own network trouble is an ApiError: these are the pages, before the first byte.
            return Called(attempt=attempt, word=PAGES_UNREADABLE, failure=_UNREADABLE_PAGES)
        except voipms.ApiError as error:
            failure = _whose(error.failure)
            return Called(attempt=attempt, word=failure.code or "no_word", failure=failure)
        return Called(attempt=attempt, word=SUCCESS, failure=None)


def _whose(failure: Failure) -> Failure:
    """A number to send from that is not the account's is no trouble of faxes that come from others."""
    return replace(failure, scope=Scope.ITEM) if failure.code == _FOREIGN_NUMBER else failure


def _harmless(failure: Failure) -> Failure:
    """A listing that failed says nothing about the fax: it waits, and a lasting cause is the operator's."""
    if failure.kind is Kind.TEMPORARY:
        return failure
    return replace(failure, kind=Kind.TEMPORARY, status="4.3.5", scope=Scope.ACCOUNT)


_UNREADABLE_PAGES = temporary(
    "4.3.0",
    "The stored pages of this fax cannot be read just now, so nothing was sent.",
    code=PAGES_UNREADABLE,
)


def _damaged(pages: Spool, document: Document) -> Failure | None:
    """Compare the stored PDF with its digest. Blocks."""
    content = document.content
    try:
        if content is not None and document.digest and pages.matches(content, document.digest):
            return None
    except FileNotFoundError:
        pass
    except OSError:
        return _UNREADABLE_PAGES
    return permanent(
        "5.3.0",
        "The stored pages of this fax are damaged, so nothing was sent. Please send your message again.",
        code="pages_damaged",
    )


def _payload(pages: Spool, content: Content | None) -> bytes | voipms.FilePayload:
    if content is not None and content.file is not None:
        return voipms.FilePayload(pages.path(content.file))
    return content.data if content is not None and content.data is not None else b""
