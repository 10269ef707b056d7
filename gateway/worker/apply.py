"""The one place that turns outcomes into writes, through the table of moves.

Each function is one transaction's worth: it decides (retry, give up, final) from the outcome, the item and
the policy, and calls the store's verbs. They return what a log line needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.errors import Failure, Kind, permanent, temporary
from gateway.lifecycle import SENDABLE, FaxState, OutboxState, next_try
from gateway.model import Fax, MailKind, OutboxMail, ReceivedFax
from gateway.moves import Trigger
from gateway.pause import Patience, Pause, Why
from gateway.retries import Cause, Plan, Tries, again, counted
from gateway.store import attempts, documents, faxes, outbox, pauses, received
from gateway.worker.outcomes import (
    Abandoned,
    Accepted,
    Acknowledged,
    Called,
    DocumentOutcome,
    Fetched,
    Later,
    LineTaken,
    MailOutcome,
    NotCalled,
    Parked,
    ReceivedOutcome,
    Refused,
    Released,
    Rendered,
    RendererDied,
    Routed,
    SubmitOutcome,
    Traced,
    Tracked,
    Undeliverable,
    Unsure,
)

STRIKES = 3
"""An item whose step met a bug of ours this often is set aside, so that it does not stop the others."""
CRASHED = temporary(
    "4.3.0", "The gateway met a fault of its own with this; it is tried again.", code="crashed"
)
SET_ASIDE = permanent(
    "5.3.0", "The gateway met a fault of its own with this and set it aside.", code="crashed"
)
_RENDER_AGAIN = 5.0
"""Seconds before another try at a document."""
_ALERTS = frozenset({"invalid_from_number", "no_from_number"})
"""Refusals of one Fax that only the administrator can mend: the number that it comes from is not ours."""
_LINE_TAKEN = 5.0
"""Seconds before a Fax looks again whether its destination is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often and how long: from the configuration. Times are seconds."""

    plan: Plan
    patience: Patience
    mail_delays: Sequence[float]
    mail_give_up: float
    step_delays: Sequence[float] = (30.0, 60.0, 300.0, 900.0)
    """Received faxes whose step failed for now."""


def document(
    tx: sa.Connection, work: documents.Work, outcome: DocumentOutcome, *, now: float
) -> Failure | None:
    """Write what became of a Document; return why it was refused, if it was."""
    match outcome:
        case Rendered():
            documents.ready(
                tx,
                work.document,
                content=outcome.content,
                pages=outcome.pages,
                digest=outcome.digest,
                page_digests=outcome.page_digests,
                notes=outcome.notes,
                now=now,
            )
            return None
        case Refused(failure=failure):
            documents.refused(tx, work.document, failure, Trigger.UNFIT, now=now)
            return failure
        case RendererDied():
            if work.document.deaths + 1 < documents.DEATHS:
                documents.postpone(tx, work.document, died=True, run_at=now + _RENDER_AGAIN)
                return None
            documents.refused(tx, work.document, documents.POISONOUS, Trigger.DEATHS, now=now)
            return documents.POISONOUS
        case Later(failure=failure):
            documents.postpone(
                tx, work.document, died=False, run_at=now + (failure.retry_after or _RENDER_AGAIN)
            )
            return None


def submit(
    tx: sa.Connection, work: faxes.Work, outcome: SubmitOutcome, policy: Policy, *, now: float
) -> FaxState | None:
    """Write what became of one call; return the state that the Fax has now (None: somebody else has it)."""
    fax = work.fax
    match outcome:
        case Abandoned():
            return None
        case LineTaken():
            faxes.release(tx, fax, run_at=now + _LINE_TAKEN)
            return fax.state
        case Released():
            faxes.release(tx, fax, run_at=now)
            return fax.state
        case Unsure(token=token, word=word):
            return attempts.take_back(tx, fax, token, outcome=word, now=now)
        case Traced():
            try:
                with tx.begin_nested():
                    faxes.move(tx, fax, FaxState.UNKNOWN, Trigger.TRACE, now=now, run_at=now)
            except faxes.LineTakenError:
                faxes.release(tx, fax, run_at=now + _LINE_TAKEN)
                return fax.state
            return FaxState.UNKNOWN
        case NotCalled(failure=failure):
            certain = failure.kind is Kind.PERMANENT  # about this fax, and no word of the provider
            pause = None if certain else noted(tx, failure, policy, now=now)
            target, run_at, tries = _after_refusal(fax, failure, pause, policy, now)
            return faxes.move(
                tx,
                fax,
                target,
                Trigger.NOT_CALLED,
                now=now,
                run_at=run_at,
                failure=failure,
                tries=tries,
            )
        case Called(attempt=attempt, word=word, failure=failure):
            pause = noted(tx, failure, policy, now=now)
            if failure is None:
                return attempts.end(tx, attempt, word, FaxState.SENT, Trigger.SUCCESS, now=now, run_at=now)
            if failure.kind is Kind.UNKNOWN:
                target, run_at, tries = FaxState.UNKNOWN, now, fax.tries
                trigger = Trigger.NO_WORD
            else:
                target, run_at, tries = _after_refusal(fax, failure, pause, policy, now)
                trigger = Trigger.REFUSAL
            return attempts.end(
                tx, attempt, word, target, trigger, now=now, run_at=run_at, failure=failure, tries=tries
            )


def noted(tx: sa.Connection, failure: Failure | None, policy: Policy, *, now: float) -> Pause | None:
    """Write what a call's end says about all others; tell the administrator what needs one."""
    pause = pauses.note(tx, failure, policy.patience, now=now)
    if failure is not None and (failure.code in _ALERTS or (pause and pause.why in (Why.ACCOUNT, Why.MONEY))):
        alert(tx, failure, now=now)
    return pause


def _after_refusal(
    fax: Fax, failure: Failure, pause: Pause | None, policy: Policy, now: float
) -> tuple[FaxState, float | None, Tries]:
    """A certain *not sent*: it waits for another try, or fails. A pause of the queue spends no tries."""
    if failure.kind is Kind.PERMANENT:
        return FaxState.FAILED, None, fax.tries
    if pause is not None:
        late = pause.why is Why.DAY_LIMIT and pause.until > fax.deadline
        return (FaxState.FAILED, None, fax.tries) if late else (FaxState.WAITING, now, fax.tries)
    tries = counted(fax.tries, Cause.PROVIDER)
    run_at = again(
        policy.plan,
        Cause.PROVIDER,
        tries,
        now=now,
        deadline=fax.deadline,
        seed=fax.id,
        at_least=failure.retry_after or 0.0,
    )
    return (FaxState.FAILED if run_at is None else FaxState.WAITING), run_at, tries


def tracked(tx: sa.Connection, news: Tracked, policy: Policy, *, now: float) -> FaxState:
    """Write what the SENT folder said about one Fax; return the state that it has now."""
    fax = news.claimant.fax
    if news.target is None:
        if news.evidence is not None:
            faxes.identify(tx, fax, news.evidence, now=now)
        return fax.state
    target, run_at, tries = news.target, None, fax.tries
    if target is FaxState.FAILED and news.cause is not None:
        tries = counted(tries, news.cause)
        run_at = again(policy.plan, news.cause, tries, now=now, deadline=fax.deadline, seed=fax.id)
        target = FaxState.FAILED if run_at is None else FaxState.WAITING
    elif target in SENDABLE:
        run_at = now
    return faxes.move(
        tx,
        fax,
        target,
        news.trigger,
        now=now,
        run_at=run_at,
        failure=news.failure,
        evidence=news.evidence,
        tries=tries,
    )


def received_fax(
    tx: sa.Connection, fax: ReceivedFax, outcome: ReceivedOutcome, policy: Policy, *, now: float
) -> None:
    """Write what became of a received fax's step."""
    match outcome:
        case Fetched():
            received.fetched(tx, fax, content=outcome.content, digest=outcome.digest, now=now)
        case Routed():
            received.routed(tx, fax, outcome.deliveries, now=now)
        case Acknowledged():
            received.acknowledged(tx, fax, folder=outcome.folder, now=now)
        case Parked():
            received.parked(tx, fax, outcome.reason, now=now)
        case Later(failure=failure):
            run_at = next_try(fax.attempts + 1, policy.step_delays, now, at_least=failure.retry_after or 0.0)
            received.postpone(tx, fax, run_at=run_at, reason=failure.sentence)


def mail(
    tx: sa.Connection, mail: OutboxMail, outcome: MailOutcome, policy: Policy, *, now: float
) -> OutboxState:
    """Write what became of a delivery attempt; return the state that the mail has now."""
    run_at, reason = None, ""
    match outcome:
        case Accepted():
            target, trigger = OutboxState.SENT, Trigger.TAKEN
        case Undeliverable(failure=failure):
            target, trigger, reason = OutboxState.FAILED, Trigger.REFUSED, failure.sentence
        case Later(failure=failure):
            reason = failure.sentence
            run_at = next_try(mail.attempts + 1, policy.mail_delays, now, at_least=failure.retry_after or 0.0)
            given_up = run_at > mail.created + policy.mail_give_up
            target = OutboxState.FAILED if given_up else OutboxState.QUEUED
            trigger = Trigger.GIVEN_UP if given_up else Trigger.PUT_OFF
            run_at = None if given_up else run_at
    outbox.move(tx, mail, target, trigger, now=now, run_at=run_at, reason=reason)
    if mail.received_id and target is not OutboxState.QUEUED:
        received.mail_left(tx, mail, target, now=now)
    if target is OutboxState.FAILED and mail.kind in (MailKind.RECEIPT, MailKind.HELD, MailKind.REFUSAL):
        _tell_undeliverable(tx, mail, reason, now=now)
    return target


def _tell_undeliverable(tx: sa.Connection, mail: OutboxMail, reason: str, *, now: float) -> None:
    outbox.queue(
        tx,
        key=f"alert:undeliverable:{mail.key}",
        kind=MailKind.ALERT,
        recipient=outbox.ADMIN,
        facts={
            "about": "notice_undeliverable",
            "kind": mail.kind,
            "recipient": mail.recipient,
            "fax_id": mail.facts.get("fax_id", ""),
            "reason": reason,
        },
        now=now,
    )


def alert(tx: sa.Connection, failure: Failure, *, now: float) -> None:
    """Tell the administrator, once a day for each cause, that the account needs a person."""
    outbox.queue(
        tx,
        key=f"alert:account:{failure.code}:{int(now // 86400)}",
        kind=MailKind.ALERT,
        recipient=outbox.ADMIN,
        facts={"about": "account", "reason": failure.sentence, "code": failure.code},
        now=now,
    )
