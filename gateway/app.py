"""Wires everything, by hand: the only module that knows every room.

`Gateway` builds the parts from the settings in their start order; `supervise` runs them. The same object is
the daemon, the demo and the tests' whole.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway import __version__
from gateway.config import Settings
from gateway.control import ControlServer, Verbs
from gateway.document import Renderer, RenderSettings
from gateway.document.stage import RenderStage
from gateway.faxin import Handler, Poller
from gateway.faxout import Submitter, Tracker
from gateway.lifecycle import FaxState
from gateway.mailin.imap import MailboxPoller
from gateway.mailin.intake import Intake
from gateway.mailin.policy import RulesProvider
from gateway.mailin.smtp import SmtpServer
from gateway.mailout import Deliverer
from gateway.model import OutboxMail, ReceivedFax
from gateway.store import Store, attempts, documents, faxes, leases, outbox, received, views
from gateway.supervise import Part, Supervisor, crew_part, ticker_part
from gateway.voipms import Client
from gateway.worker import apply, story
from gateway.worker.crew import Crew
from gateway.worker.lease import Lease
from gateway.worker.outcomes import Tracked
from gateway.worker.ticker import Ticker

T = TypeVar("T")

_HOUR = 3600.0
_RESCUE_EVERY = 2.0
_UPLOADS = 4
"""Faxes submitted at a time."""
_FETCHES = 2
_DELIVERIES = 4
_DRAIN_MARGIN = 100.0
"""Seconds beyond an upload's total limit that a part may take: its turn at the rate limit, and the commit."""
_IDLE_POLL = 5.0
"""Seconds after which a crew looks for work even if nobody woke it."""
_MAIL_LEASE = 1800.0
_STEP_LEASE = 600.0


class Gateway:
    """One running gateway. Make it in the event loop that it will run in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._owner = f"{os.getpid()}-{time.time_ns():x}"
        self._born = time.time()
        self._policy = apply.Policy(
            retry_delays=settings.fax.retry_delays,
            mail_delays=settings.mail.retry_delays,
            mail_give_up=settings.mail.give_up_hours * _HOUR,
        )
        self.store = Store(settings.gateway.state_dir)
        self.client = client_of(settings)
        render = render_settings_of(settings)
        self.renderer = Renderer(render)
        self.rules = RulesProvider(settings, fetch=self.client.get_email_to_fax)
        self.intake = Intake(self.store, settings, wake=self.wake)
        self.smtp = SmtpServer(settings, intake=self.intake, rules=self.rules)
        self.mailboxes = [
            MailboxPoller(
                box,
                settings=settings,
                loop=asyncio.get_running_loop(),
                store=self.store,
                intake=self.intake,
                rules=self.rules,
            )
            for box in settings.mailboxes
        ]
        self._render = RenderStage(self.renderer, self.store, render, self.rules.codes)
        self._submitter = Submitter(client=self.client, store=self.store, settings=settings)
        self._tracker = Tracker(
            client=self.client,
            store=self.store,
            settings=settings,
            page_digests=self.renderer.page_digests,
        )
        self._poller = Poller(client=self.client, store=self.store, settings=settings)
        self._handler = Handler(client=self.client, store=self.store, settings=settings)
        self._deliverer = Deliverer(settings=settings, store=self.store, client=self.client)

        self._rendering = Crew(
            "document",
            claim=self._claim_documents,
            handle=self._one_document,
            due=self._due(documents.next_due),
            size=settings.document.workers,
            poll=_IDLE_POLL,
            name_of=_document_id,
        )
        self._submitting = Crew(
            "submit",
            claim=self._claim_faxes,
            handle=self._one_fax,
            due=self._due(faxes.next_due),
            size=_UPLOADS,
            poll=_IDLE_POLL,
            name_of=_fax_id,
        )
        self._receiving = Crew(
            "receive",
            claim=self._claim_received,
            handle=self._one_received,
            due=self._due(received.next_due),
            size=_FETCHES,
            poll=_IDLE_POLL,
            name_of=_received_id,
        )
        self._mailing = Crew(
            "mail",
            claim=self._claim_mails,
            handle=self._one_mail,
            due=self._due(outbox.next_due),
            size=_DELIVERIES,
            poll=_IDLE_POLL,
            name_of=_mail_id,
        )
        self._tracking = Ticker("track", settings.fax.track_interval, self._track)
        self._rescuing = Ticker("rescue", _RESCUE_EVERY, self._rescue)
        self._polling = Ticker("poll", settings.receive.poll_interval, self._poll)
        self._refreshing = Ticker("rules", settings.sender_rules.refresh, self.rules.refresh)
        self.control = ControlServer(
            settings.gateway.control_path,
            Verbs(
                self.store,
                send=self._send,
                wake=self.wake,
                deadline=settings.fax.deadline_hours * _HOUR,
                status=self.status,
            ).table(),
            max_body=settings.smtp.max_message_bytes,
        )
        self.supervisor = Supervisor(self._parts(), drain=self.client.settings.longest_call + _DRAIN_MARGIN)

    # The parts, in the order in which they start; they stop in the opposite one.

    def _parts(self) -> list[Part]:
        async def close_client(_grace: float) -> None:
            await self.client.aclose()

        async def stop_renderer(_grace: float) -> None:
            await self.renderer.stop()

        parts = [
            Part(name="renderer", start=self.renderer.start, stop=stop_renderer),
            Part(name="store", start=self._open_store, stop=self._close_store),
            Part(name="client", start=_nothing, stop=close_client),
            ticker_part(self._rescuing),
            ticker_part(self._tracking),
            *(
                crew_part(crew)
                for crew in (self._mailing, self._receiving, self._submitting, self._rendering)
            ),
        ]
        if self.settings.receive.enabled:
            parts.append(ticker_part(self._polling))
        if self.settings.sender_rules.source == "account":
            parts.append(ticker_part(self._refreshing))
        parts.append(Part(name="control", start=self.control.start, stop=self.control.stop))
        parts.extend(_mailbox_part(box) for box in self.mailboxes)
        if self.settings.smtp.enabled:
            parts.append(Part(name="smtp", start=self.smtp.start, stop=self.smtp.stop))
        return parts

    async def _open_store(self) -> None:
        await asyncio.to_thread(self.store.open)
        await self.store.write(leases.reclaim)
        longest = self.client.settings.longest_call
        await self._write(lambda tx, now: attempts.orphan(tx, now=now, longest_call=longest))
        await self.store.write(documents.recover)
        named = await self.store.read(views.spool_names)
        for spool in (self.store.spool, self.store.pages, self.store.inbox):
            await asyncio.to_thread(spool.sweep, named[spool.root.name])

    async def _close_store(self, _grace: float) -> None:
        await asyncio.to_thread(self.store.close)

    def wake(self) -> None:
        """Something new is in the store."""
        for crew in (self._rendering, self._submitting, self._receiving, self._mailing):
            crew.wake()

    def poll_now(self) -> None:
        """Look for received faxes now."""
        self._polling.wake()

    def status(self) -> dict[str, Any]:
        """What ``fax-gateway status`` shows."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime": time.time() - self._born,
            "listeners": [f"{host}:{port}" for host, port in self.smtp.addresses],
            "mailboxes": [box.name for box in self.settings.mailboxes],
            "state_dir": str(self.settings.gateway.state_dir),
        }

    async def _send(self, message: bytes, numbers: Sequence[str], user: str, notify: str) -> Any:
        return await self.intake.accept_command(message=message, numbers=numbers, user=user, notify=notify)

    # Claims

    def _due(self, next_due: Callable[..., float | None]) -> Callable[[], Awaitable[float | None]]:
        async def seconds() -> float | None:
            now = time.time()
            due = await self.store.read(lambda tx: next_due(tx, now=now))
            return None if due is None else due - now

        return seconds

    async def _claim_documents(self, limit: int) -> Sequence[documents.Work]:
        idle = self._rendering.busy == 0
        seconds = self.settings.document.timeout * 3
        return await self.store.write(
            lambda tx: documents.claim(
                tx, owner=self._owner, now=time.time(), seconds=seconds, limit=limit, idle=idle
            )
        )

    async def _claim_faxes(self, limit: int) -> Sequence[faxes.Work]:
        seconds = self.settings.fax.lease_seconds
        return await self.store.write(
            lambda tx: faxes.claim(tx, owner=self._owner, now=time.time(), seconds=seconds, limit=limit)
        )

    async def _claim_received(self, limit: int) -> Sequence[ReceivedFax]:
        return await self.store.write(
            lambda tx: received.claim(
                tx, owner=self._owner, now=time.time(), seconds=_STEP_LEASE, limit=limit
            )
        )

    async def _claim_mails(self, limit: int) -> Sequence[OutboxMail]:
        return await self.store.write(
            lambda tx: outbox.claim(tx, owner=self._owner, now=time.time(), seconds=_MAIL_LEASE, limit=limit)
        )

    # One step each: stage → outcome → one write → who should look next

    async def _one_document(self, work: documents.Work) -> None:
        outcome = await self._render.step(work)
        await self._write(lambda tx, now: apply.document(tx, work, outcome, now=now))
        story.document(work, outcome)
        self._submitting.wake()
        self._mailing.wake()

    async def _one_fax(self, work: faxes.Work) -> None:
        lease = Lease.lasting((work.fax.lease_until or 0.0) - time.time())
        outcome = await self._submitter.step(work, lease)
        state = await self._write(lambda tx, now: apply.submit(tx, work, outcome, self._policy, now=now))
        story.submit(work, outcome, state)
        if (pause := apply.pause_after(outcome)) is not None:
            self._submitting.pause(pause)
        if state in (FaxState.SENT, FaxState.UNKNOWN):
            self._tracking.wake()
        self._mailing.wake()

    async def _one_received(self, fax: ReceivedFax) -> None:
        outcome = await self._handler.step(fax)
        await self._write(lambda tx, now: apply.received_fax(tx, fax, outcome, self._policy, now=now))
        story.received_fax(fax, outcome)
        self._receiving.wake()
        self._mailing.wake()

    async def _one_mail(self, mail: OutboxMail) -> None:
        outcome = await self._deliverer.step(mail)
        state = await self._write(lambda tx, now: apply.mail(tx, mail, outcome, self._policy, now=now))
        story.mail(mail, outcome, state)
        self._mailing.wake()
        if mail.received_id:
            self._receiving.wake()

    # Beats

    async def _track(self) -> None:
        for news in await self._tracker.step():
            try:
                state = await self._write(functools.partial(self._apply_tracked, news))
            except leases.StaleError:
                continue  # it moved while we read the SENT folder; the next round sees it as it is
            story.tracked(news, state)
        self._submitting.wake()
        self._mailing.wake()

    def _apply_tracked(self, news: Tracked, tx: sa.Connection, now: float) -> FaxState:
        return apply.tracked(tx, news, self._policy, now=now)

    async def _rescue(self) -> None:
        if await self.store.read(lambda tx: attempts.overdue(tx, now=time.time())):
            await self._write(lambda tx, now: attempts.rescue(tx, now=now))
            self._tracking.wake()

    async def _poll(self) -> None:
        if await self._poller.step():
            self._receiving.wake()

    async def _write(self, work: Callable[[sa.Connection, float], T]) -> T:
        return await self.store.write(lambda tx: work(tx, time.time()))


def _mailbox_part(box: MailboxPoller) -> Part:
    async def start() -> None:
        box.start()

    async def stop(grace: float) -> None:
        box.stop()
        await box.wait_stopped(grace)

    return Part(name="imap", start=start, stop=stop)


async def _nothing(*_: object) -> None:
    return None


def _document_id(work: documents.Work) -> str:
    return work.document.id


def _fax_id(work: faxes.Work) -> str:
    return work.fax.id


def _received_id(fax: ReceivedFax) -> str:
    return fax.id


def _mail_id(mail: OutboxMail) -> str:
    return mail.key


def client_of(settings: Settings) -> Client:
    """The account's client, as the settings want it."""
    account = settings.voipms
    return Client(
        url=account.url,
        username=account.username,
        password=account.password.get_secret_value(),
        timezone=account.timezone,
        connect_timeout=account.connect_timeout,
        write_timeout=account.write_timeout,
        read_timeout=account.read_timeout,
        calls_per_minute=account.calls_per_minute,
    )


def render_settings_of(settings: Settings) -> RenderSettings:
    """The renderer's share of the settings."""
    document = settings.document
    return RenderSettings(
        paper=document.paper,
        max_pages=document.max_pages,
        timeout=document.timeout,
        cpu_seconds=document.cpu_seconds,
        memory_bytes=document.memory_mb << 20,
        output_bytes=document.output_mb << 20,
        text_page=document.text_page,
        workers=document.workers,
    )
