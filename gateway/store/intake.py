"""Accepting a mail: one transaction makes the Submission, its Document and a Fax per number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.lifecycle import ON_THE_LINE, SENDABLE, DocumentState, FaxState
from gateway.model import MailKind, Submission
from gateway.store import blobs, dialect, history, outbox, tables
from gateway.store.rows import content_values

_STILL_COUNTS = (*SENDABLE, *ON_THE_LINE, FaxState.HELD, FaxState.DELIVERED, FaxState.PARTIAL)
"""States of a first Fax that make a second mail a repeat: it is open, or it arrived."""


# Built once: a statement with its values inside costs six times as much, and this is the path of every mail.
_SUBMISSION = sa.insert(tables.submission)
_DOCUMENT = sa.insert(tables.document)
_FAX = sa.insert(tables.fax)
_FIRST = (
    sa.select(tables.fax.c.id)
    .where(
        tables.fax.c.duplicate_key == sa.bindparam("key"),
        tables.fax.c.state.in_([sa.literal_column(f"'{state}'") for state in sorted(_STILL_COUNTS)]),
        tables.fax.c.created >= sa.bindparam("since"),
    )
    .order_by(tables.fax.c.created)
    .limit(1)
)
_PLAIN = tuple(column.name for column in tables.submission.c if not column.name.startswith("content"))


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
    keys = {number: duplicate_key(submission, number) for number in numbers}
    dialect.lock(tx, keys.values())  # the same mail may come to two nodes at the same instant
    for number, key in keys.items():
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

    tx.execute(_SUBMISSION, _values(submission))
    blobs.put(tx, "spool", submission.content)
    tx.execute(
        _DOCUMENT,
        {
            "id": submission.id,
            "state": DocumentState.PENDING,
            "page_digests": [],
            "notes": [],
            "run_at": now,
        },
    )
    ids = []
    for ordinal, (number, key) in enumerate(fresh, 1):
        fax_id = f"{submission.id}-{ordinal}"
        ids.append(fax_id)
        tx.execute(
            _FAX,
            {
                "id": fax_id,
                "submission_id": submission.id,
                "number": number,
                "state": FaxState.ACCEPTED,
                "duplicate_key": key,
                "created": now,
                "deadline": deadline,
            },
        )
        history.append(tx, "fax", fax_id, at=now, source="", target=FaxState.ACCEPTED)
    return Accepted(id=submission.id, faxes=tuple(ids), repeats=tuple(repeats))


def _values(submission: Submission) -> dict[str, object]:
    content = content_values(submission.content)
    return {name: getattr(submission, name) for name in _PLAIN} | content


def _first(tx: sa.Connection, key: str, *, since: float) -> str | None:
    return tx.execute(_FIRST, {"key": key, "since": since}).scalar()


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
