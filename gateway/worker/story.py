"""Tells the journal what a step came to, after its commit: one line for each thing that happened.

Of a failure its code, never its sentence: that is for the sender, and names what the sender sent.
"""

from __future__ import annotations

import time

from gateway import journal
from gateway.errors import Failure
from gateway.lifecycle import FaxState, OutboxState
from gateway.model import Fax, OutboxMail, ReceivedFax
from gateway.store import documents, faxes
from gateway.worker.outcomes import (
    Called,
    DocumentOutcome,
    Fetched,
    Later,
    MailOutcome,
    NotCalled,
    Parked,
    ReceivedOutcome,
    Refused,
    Rendered,
    RendererDied,
    SubmitOutcome,
    Tracked,
    Undeliverable,
)


def document(work: documents.Work, outcome: DocumentOutcome) -> None:
    """A Document was rendered, refused, or met trouble."""
    match outcome:
        case Rendered():
            journal.rendered(
                queue_id=work.document.id,
                pages=outcome.pages,
                size=outcome.content.size,
                seconds=time.time() - work.submission.received_at,
            )
            journal.documents_recovered()
        case Refused(failure=failure):
            journal.refused_document(queue_id=work.document.id, status=failure.code or failure.status)
        case RendererDied(failure=failure):
            journal.renderer_died(
                queue_id=work.document.id, deaths=work.document.deaths + 1, reason=failure.code
            )
        case Later(failure=failure):
            journal.documents_trouble(reason=failure.code or failure.status)


def submit(work: faxes.Work, outcome: SubmitOutcome, state: FaxState | None) -> None:
    """A call was made, or could not be."""
    match outcome:
        case Called(attempt=attempt, failure=failure):
            journal.outcome(
                fax_id=work.fax.id,
                attempt=attempt.ordinal,
                kind="accepted" if failure is None else failure.kind,
                status="" if failure is None else failure.code,
            )
            _moved(work.fax, state, failure)
        case NotCalled(failure=failure):
            _moved(work.fax, state, failure)
        case _:
            pass


def late(fax: Fax) -> None:
    """A Fax was not sent in its time; as it is then."""
    if fax.state is FaxState.UNCONFIRMED:
        journal.unconfirmed(fax_id=fax.id, number=fax.number)
    else:
        journal.failed(fax_id=fax.id, number=fax.number, reason="deadline")


def tracked(news: Tracked, state: FaxState) -> None:
    """The SENT folder told what became of a Fax."""
    if news.target is None:
        return
    fax = news.claimant.fax
    if state is FaxState.DELIVERED and news.evidence is not None:
        journal.delivered(
            fax_id=fax.id,
            number=fax.number,
            pages=news.evidence.pages or 0,
            seconds=news.evidence.seconds,
        )
    elif state is FaxState.PARTIAL and news.evidence is not None:
        journal.partial(
            fax_id=fax.id,
            number=fax.number,
            pages=news.evidence.pages or 0,
            expected=news.claimant.document.pages,
        )
    else:
        _moved(fax, state, news.failure)


def _moved(fax: Fax, state: FaxState | None, failure: Failure | None) -> None:
    reason = "" if failure is None else failure.code or failure.status
    if state is FaxState.WAITING:
        journal.waiting(fax_id=fax.id, number=fax.number, reason=reason)
    elif state is FaxState.FAILED:
        journal.failed(fax_id=fax.id, number=fax.number, reason=reason)
    elif state is FaxState.HELD:
        journal.held(fax_id=fax.id, number=fax.number, reason=reason)
    elif state is FaxState.UNCONFIRMED:
        journal.unconfirmed(fax_id=fax.id, number=fax.number)


def received_fax(fax: ReceivedFax, outcome: ReceivedOutcome) -> None:
    """A received fax took a step."""
    match outcome:
        case Fetched(content=content):
            journal.fetched(fax_id=fax.id, size=content.size)
        case Parked(code=code):
            journal.parked(item_id=fax.id, reason=code)
        case _:
            pass


def mail(mail: OutboxMail, outcome: MailOutcome, state: OutboxState) -> None:
    """A mail of ours left, or did not: said at its first try, and in the end."""
    match outcome:
        case Later() if mail.attempts and state is OutboxState.QUEUED:
            pass
        case Later(failure=failure) | Undeliverable(failure=failure):
            journal.mail_failed(
                item_id=mail.key,
                recipient=mail.recipient,
                reason=failure.code or failure.status,
                final=state is OutboxState.FAILED,
            )
        case _:
            journal.mailed(item_id=mail.key, what=mail.kind, recipient=mail.recipient)
