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
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gateway import __version__, journal, supervise
from gateway.config import Mailbox, Settings
from gateway.config.checks import DRAIN_MARGIN
from gateway.control import ControlServer, Verbs
from gateway.document import Renderer
from gateway.document.stage import RenderStage
from gateway.document.wishes import Wishes, render_settings_of
from gateway.faxin import Handler, Poller
from gateway.faxout import Submitter, Tracker
from gateway.mailin.imap import MailboxPoller
from gateway.mailin.intake import Intake
from gateway.mailin.policy import RulesProvider
from gateway.mailin.smtp import SmtpServer
from gateway.mailout import Deliverer
from gateway.pause import Patience
from gateway.retries import Cause, Plan
from gateway.store import Store
from gateway.supervise import Part, Supervisor, crew_part, ticker_part
from gateway.voipms import Client
from gateway.worker import apply, duty, lines
from gateway.worker.alarm import Alarm
from gateway.worker.care import StoreCare
from gateway.worker.crew import Crew
from gateway.worker.duty import Duties, Duty
from gateway.worker.probe import Probe
from gateway.worker.purge import Purge
from gateway.worker.rescue import Rescue
from gateway.worker.ticker import Ticker
from gateway.worker.tracking import Tracking

_HOUR = 3600.0
_DAY = 24 * _HOUR
_RESCUE_EVERY = 2.0
_TEND_EVERY = 2.0
_PROBE_EVERY = 2.0
_PURGE_EVERY = 300.0
_UPLOADS = 4
"""Faxes submitted at a time."""
_FETCHES = 2
_DELIVERIES = 4


class Gateway:
    """One running gateway. Make it in the event loop that it will run in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._born = time.time()
        self._policy = apply.Policy(
            plan=_plan_of(settings),
            patience=Patience(probes=settings.fax.provider_delays, troubles=settings.fax.pause_after),
            mail_delays=settings.mail.retry_delays,
            mail_give_up=settings.mail.give_up_hours * _HOUR,
        )
        self.store = Store.of(settings)
        self.client = client_of(settings)
        self.renderer = Renderer(render_settings_of(settings), moved=self.wake)
        self.rules = RulesProvider(settings, fetch=self.client.get_email_to_fax)
        self.intake = Intake(
            self.store, settings, wake=self._waker(lines.Documents, lines.Mails), clock=self.store.now
        )
        self.smtp = SmtpServer(settings, intake=self.intake, rules=self.rules)
        self._duties = Duties(self.store, owner=self.store.owner)
        self._track_duty = self._duties.duty("track", changed=lambda: self._tracking.wake())
        self._poll_duty = self._duties.duty("poll", changed=lambda: self._polling.wake())
        self._purge_duty = self._duties.duty("purge", changed=lambda: self._purging.wake())
        self._mailbox_duties = [self._duties.duty(f"mailbox:{box.name}") for box in settings.mailboxes]
        self.mailboxes = [
            self._mailbox(box, duty)
            for box, duty in zip(settings.mailboxes, self._mailbox_duties, strict=True)
        ]
        alarm = Alarm(self.store, policy=self._policy, wake=self.wake)
        self._tracker = Tracker(
            client=self.client,
            store=self._track_duty.store,
            settings=settings,
            page_digests=self.renderer.page_digests,
            alike=self.renderer.alike,
            clock=self.store.now,
            skipped=self.store.skipped,
            told=self.client.told_time,
        )
        tracking = Tracking(
            self._track_duty.store,
            look=functools.partial(alarm.over, self._tracker.step),
            told=self.client.told_time,
            skew=settings.fax.clock_skew_minutes * 60,
            policy=self._policy,
            wake=self.wake,
        )
        poller = Poller(
            client=self.client, store=self._poll_duty.store, settings=settings, clock=self.store.now
        )
        self._renewing = Ticker("duties", duty.BEAT, self._duties.beat)
        self._tracking = Ticker(
            "track",
            settings.fax.track_interval,
            lambda: self._track_duty.do(tracking.step),
            answers=self.client.answers,
        )
        self._care = StoreCare(self.store, longest_call=self.client.settings.longest_call, wake=self.wake)
        self._tending = Ticker("store", _TEND_EVERY, self._care.tend)
        rescue = Rescue(
            self.store,
            calling=lambda: self._sending.calling,
            rescued=self._tracking.wake,
            expired=self.wake,
        )
        self._rescuing = Ticker("rescue", _RESCUE_EVERY, rescue.step)
        probe = Probe(
            self.store,
            ask=functools.partial(_money, self.client),
            patience=self._policy.patience,
            least=Decimal(str(settings.fax.least_balance)),
            tell_after=settings.fax.outage_notice,
        )
        self._probing = Ticker(
            "probe", _PROBE_EVERY, self._then_wake(probe.step), answers=self.client.answers
        )
        purge = Purge(self._purge_duty.store, keep=settings.retention.content_days * _DAY)
        self._purging = Ticker("purge", _PURGE_EVERY, lambda: self._purge_duty.do(purge.step))
        polled = self._then_wake(functools.partial(alarm.over, poller.step))
        self._polling = Ticker(
            "poll",
            settings.receive.poll_interval,
            lambda: self._poll_duty.do(polled),
            answers=self.client.answers,
        )
        self._refreshing = Ticker(
            "rules", settings.sender_rules.refresh, self.rules.refresh, answers=self.client.answers
        )
        self._sending = self._fax_line()
        self._crews = self._make_crews()
        self.control = ControlServer(
            settings.gateway.control_path,
            Verbs(
                self.store,
                send=self._send,
                wake=self.wake,
                deadline=settings.fax.deadline_hours * _HOUR,
                status=self.status,
                sent_rows=self._tracker.destinations,
            ).table(),
            max_body=settings.smtp.max_message_bytes,
        )
        self.supervisor = Supervisor(self._parts(), drain=self.client.settings.longest_call + DRAIN_MARGIN)

    def _mailbox(self, box: Mailbox, duty: Duty) -> MailboxPoller:
        poller = MailboxPoller(
            box,
            settings=self.settings,
            loop=asyncio.get_running_loop(),
            store=duty.store,
            intake=self.intake,
            rules=self.rules,
            clock=self.store.now,
            on_duty=lambda: duty.held,
        )
        duty.changed = poller.poke
        return poller

    def _fax_line(self) -> lines.Faxes:
        submitter = Submitter(
            client=self.client,
            store=self.store,
            settings=self.settings,
            clock=self.store.now,
            told=self.client.told_time,
            draining=lambda: self.supervisor.draining,
        )
        return lines.Faxes(
            self.store,
            submitter.step,
            policy=self._policy,
            lease=self.settings.fax.lease_seconds,
            owner=self.store.owner,
            wake=self._waker(lines.Faxes, lines.Mails),
            called=self._tracking.wake,
        )

    def _make_crews(self) -> list[Crew[Any]]:
        settings, policy, owner = self.settings, self._policy, self.store.owner
        render = render_settings_of(settings)
        stage = RenderStage(self.renderer, self.store, render, self.rules.codes, Wishes(settings))
        handler = Handler(client=self.client, store=self.store, settings=settings)
        deliverer = Deliverer(settings=settings, store=self.store, client=self.client)
        pages_made = self._waker(lines.Faxes, lines.Mails)
        received_moved = self._waker(lines.Received, lines.Mails)
        documents_line = lines.Documents(self.store, stage.step, owner=owner, wake=pages_made)
        received_line = lines.Received(
            self.store, handler.step, policy=policy, owner=owner, wake=received_moved
        )
        mails_line = lines.Mails(self.store, deliverer.step, policy=policy, owner=owner, wake=received_moved)
        return [
            Crew(mails_line, size=_DELIVERIES),
            Crew(received_line, size=_FETCHES),
            Crew(self._sending, size=_UPLOADS),
            Crew(documents_line, size=settings.document.workers, aside=lambda: self.renderer.aside),
        ]

    # The parts, in the order in which they start; they stop in the opposite one.

    def _parts(self) -> list[Part]:
        async def close_client(_grace: float) -> None:
            await self.client.aclose()

        async def close_store(_grace: float) -> None:
            await self._care.close()

        async def stop_renderer(_grace: float) -> None:
            await self.renderer.stop()

        intake = supervise.INTAKE_GRACE
        parts = [
            Part(name="renderer", start=self._start_renderer, stop=stop_renderer),
            Part(name="store", start=self._care.open, stop=close_store, run=self.store.watch),
            *([self._duties_part()] if self.store.shared else []),
            Part(name="client", start=_nothing, stop=close_client, close=self.client.stop),
            replace(ticker_part(self._tending), name="store's care"),
            ticker_part(self._rescuing),
            _on_duty(ticker_part(self._tracking), self._track_duty),
            ticker_part(self._probing),
            _on_duty(ticker_part(self._purging), self._purge_duty),
            *(crew_part(crew) for crew in self._crews),
        ]
        if self.settings.receive.enabled:
            parts.append(_on_duty(ticker_part(self._polling), self._poll_duty))
        if self.settings.sender_rules.source == "account":
            parts.append(ticker_part(self._refreshing))
        parts.append(Part(name="control", start=self.control.start, stop=self.control.stop, grace=intake))
        boxes = zip(self.settings.mailboxes, self.mailboxes, self._mailbox_duties, strict=True)
        parts.extend(_mailbox_part(box.name, poller, duty) for box, poller, duty in boxes)
        if self.settings.smtp.enabled:
            parts.append(Part(name="smtp", start=self.smtp.start, stop=self.smtp.stop, grace=intake))
        return parts

    async def _start_renderer(self) -> None:
        await self.renderer.start()
        journal.sandboxed(layers=self.renderer.sandbox)

    def _duties_part(self) -> Part:
        """Renewed until everybody who has one has ended, also while draining."""

        async def stop(_grace: float) -> None:
            self._renewing.close()

        return Part(name="duties", start=self._duties.beat, stop=stop, run=self._renewing.run)

    def wake(self) -> None:
        """Something new is in the store."""
        for crew in self._crews:
            crew.wake()

    def _waker(self, *kinds: type[lines.Line[Any]]) -> Callable[[], None]:
        """Wakes the crews that a step can have made work for; each look costs the others a little time."""
        names = {kind.name for kind in kinds}

        def wake() -> None:
            for crew in self._crews:
                if crew.name in names:
                    crew.wake()

        return wake

    def _then_wake(self, beat: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        """The beat, and if something came of it, everybody looks for work."""

        async def beaten() -> None:
            if await beat():
                self.wake()

        return beaten

    def status(self) -> dict[str, Any]:
        """What ``fax-gateway status`` shows."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime": time.time() - self._born,
            "listeners": [f"{host}:{port}" for host, port in self.smtp.addresses],
            "mailboxes": [box.name for box in self.settings.mailboxes],
            "state_dir": str(self.settings.gateway.state_dir),
            "database": self.settings.store.shown if self.store.shared else "sqlite",
            "node": self.store.node,
            "duties": self._duties.held(),
        }

    async def _send(self, message: bytes, numbers: Sequence[str], user: str, notify: str) -> Any:
        return await self.intake.accept_command(message=message, numbers=numbers, user=user, notify=notify)


async def _money(client: Client) -> Decimal:
    return (await client.get_balance()).current_balance


def _plan_of(settings: Settings) -> Plan:
    fax = settings.fax
    return Plan(
        waits={
            Cause.BUSY: fax.busy_delays,
            Cause.NO_ANSWER: fax.no_answer_delays,
            Cause.VOICE: fax.voice_delays,
            Cause.DROPPED: fax.dropped_delays,
            Cause.PROVIDER: fax.provider_delays,
        }
    )


def _on_duty(part: Part, duty: Duty) -> Part:
    """The part, and at its end the duty is another node's."""
    assert part.run is not None
    run = part.run

    async def run_and_release() -> None:
        try:
            await run()
        finally:
            await duty.release()

    return replace(part, run=run_and_release)


def _mailbox_part(name: str, box: MailboxPoller, duty: Duty) -> Part:
    async def start() -> None:
        box.start()

    async def stop(grace: float) -> None:
        box.stop()
        if await box.wait_stopped(grace):
            await duty.release()

    return Part(name=f"imap {name}", start=start, stop=stop, grace=supervise.INTAKE_GRACE)


async def _nothing(*_: object) -> None:
    return None


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
