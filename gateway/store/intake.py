"""Accepting a mail: one transaction makes the Submission, its Document and a Fax per number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.lifecycle import ON_THE_LINE, SENDABLE, DocumentState, FaxState
from gateway.model import MailKind, Submission
from gateway.store import history, outbox, tables
from gateway.store.rows import content_values

_STILL_COUNTS = (*SENDABLE, *ON_THE_LINE, FaxState.HELD, FaxState.DELIVERED, FaxState.PARTIAL)
"""States of a first Fax that make a second mail a repeat: it is open, or it arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a mail became."""

    id: str
    """The queue id for people: the new Submission's, or the first one's when all is a repeat."""
    faxes: tuple[str, ...]
    """Ids of new Faxes, in the order of the numbers."""
    repeats: tuple[str, ...] = ()
    """Ids of the earlier Faxes that this mail repeats."""


def duplicate_key(submission: Submission, number: str) -> str:
    """Sender, number, Message-ID and the digest without trace headers, as one word."""
    parts = (submission.envelope_from.lower(), number, submission.message_id, submission.fingerprint)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def accept(
    tx: sa.Connection,
    submission: Submission,
    numbers: Sequence[str],
    *,
    now: float,
    deadline: float,
    window: float,
) -> Accepted:
    """Store an accepted mail for `numbers` (E.164, duplicates among them are one Fax).

    The same mail within `window` seconds makes no second Fax for a number while the first is open or arrived;
    callers give a mail without Message-ID a short window. The sender is told of a repeat once.
    """
    fresh: list[tuple[str, str]] = []
    repeats: list[str] = []
    for number in dict.fromkeys(numbers):
        key = duplicate_key(submission, number)
        first = _first(tx, key, since=now - window)
        if first is None:
            fresh.append((number, key))
        else:
            repeats.append(first)
            _tell_repeat(tx, submission, first, number, now)
    if not fresh:
        owner = tx.execute(
            sa.select(tables.fax.c.submission_id).where(tables.fax.c.id == repeats[0])
        ).scalar_one()
        return Accepted(id=owner, faxes=(), repeats=tuple(repeats))

    tx.execute(
        sa.insert(tables.submission).values(
            id=submission.id,
            source=submission.source,
            identity=submission.identity,
            rule=submission.rule,
            envelope_from=submission.envelope_from,
            message_id=submission.message_id,
            references=submission.references,
            subject=submission.subject,
            fingerprint=submission.fingerprint,
            from_number=submission.from_number,
            from_name=submission.from_name,
            station_id=submission.station_id,
            max_pages=submission.max_pages,
            resend_unknown=submission.resend_unknown,
            receipts=submission.receipts,
            received_at=submission.received_at,
            **content_values(submission.content),
        )
    )
    tx.execute(
        sa.insert(tables.document).values(
            id=submission.id, state=DocumentState.PENDING, page_digests=[], notes=[], run_at=now
        )
    )
    ids = []
    for ordinal, (number, key) in enumerate(fresh, 1):
        fax_id = f"{submission.id}-{ordinal}"
        ids.append(fax_id)
        tx.execute(
            sa.insert(tables.fax).values(
                id=fax_id,
                submission_id=submission.id,
                number=number,
                state=FaxState.ACCEPTED,
                duplicate_key=key,
                created=now,
                deadline=deadline,
            )
        )
        history.append(tx, "fax", fax_id, at=now, source="", target=FaxState.ACCEPTED)
    return Accepted(id=submission.id, faxes=tuple(ids), repeats=tuple(repeats))


def _first(tx: sa.Connection, key: str, *, since: float) -> str | None:
    query = (
        sa.select(tables.fax.c.id)
        .where(
            tables.fax.c.duplicate_key == key,
            tables.fax.c.state.in_(_STILL_COUNTS),
            tables.fax.c.created >= since,
        )
        .order_by(tables.fax.c.created)
        .limit(1)
    )
    return tx.execute(query).scalar()


def _tell_repeat(tx: sa.Connection, submission: Submission, first: str, number: str, now: float) -> None:
    if not submission.envelope_from:
        return
    outbox.queue(
        tx,
        key=f"duplicate:{first}",
        kind=MailKind.DUPLICATE,
        recipient=submission.envelope_from,
        facts={
            "fax_id": first,
            "number": number,
            "subject": submission.subject,
            "in_reply_to": submission.message_id,
            "references": submission.references,
        },
        now=now,
    )
