"""Accepting mails: one transaction makes the Submission, its Document and a Fax per number."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.lifecycle import ON_THE_LINE, SENDABLE, DocumentState, FaxState
from gateway.model import MailKind, Submission
from gateway.moves import Trigger
from gateway.store import blobs, dialect, history, outbox, tables
from gateway.store.prepared import Prepared
from gateway.store.rows import content_values

_STILL_COUNTS = (*SENDABLE, *ON_THE_LINE, FaxState.HELD, FaxState.DELIVERED, FaxState.PARTIAL)
"""States of a first Fax that make a second mail a repeat: it is open, or it arrived."""


_TOGETHER = 8
"""Keys that one statement looks for."""
_FOUND = tuple(tables.fax.c[name] for name in ("id", "submission_id", "duplicate_key", "created"))
_FIRST = Prepared(
    sa.select(*_FOUND)
    .where(
        tables.fax.c.duplicate_key.in_([sa.bindparam(f"key{number}") for number in range(_TOGETHER)]),
        tables.among(tables.fax, _STILL_COUNTS),
    )
    .order_by(tables.fax.c.created),
    returns=_FOUND,
)
_SUBMISSION = Prepared(
    sa.insert(tables.submission),
    columns=[column.name for column in tables.submission.c if column.name != "purged"],
)
_DOCUMENT = Prepared(sa.insert(tables.document), columns=("id", "state", "page_digests", "notes", "run_at"))
_FAX = Prepared(
    sa.insert(tables.fax),
    columns=("id", "submission_id", "number", "state", "duplicate_key", "created", "deadline"),
)
_NOT_PLAIN = ("content", "content_file", "content_size", "purged")
_PLAIN = tuple(column.name for column in tables.submission.c if column.name not in _NOT_PLAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to accept."""

    submission: Submission
    numbers: Sequence[str]
    """E.164; duplicates among them are one Fax."""
    now: float
    deadline: float
    window: float
    """Seconds within which the same mail makes no second Fax."""


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
    """Store one accepted mail; arguments as of `Mail`, for the rest see `accept_all`."""
    mail = Mail(submission=submission, numbers=numbers, now=now, deadline=deadline, window=window)
    return accept_all(tx, [mail])[0]


def accept_all(tx: sa.Connection, mails: Sequence[Mail]) -> list[Accepted]:
    """Store accepted mails, as if one came after the other.

    The same mail within its window makes no second Fax for a number while the first is open or arrived;
    callers give a mail without Message-ID a short window. The sender is told of a repeat once.
    """
    keyed = [
        (mail, {number: duplicate_key(mail.submission, number) for number in mail.numbers}) for mail in mails
    ]
    words = [key for _, keys in keyed for key in keys.values()]
    dialect.lock(tx, words)  # the same mail may come to two nodes at the same instant
    known = _known(tx, words)
    new: list[tuple[Mail, list[dict[str, Any]]]] = []
    answers = []
    for mail, keys in keyed:
        rows: list[dict[str, Any]] = []
        repeats: list[_Known] = []
        for number, key in keys.items():
            first = next((one for one in known.get(key, ()) if one.created >= mail.now - mail.window), None)
            if first is not None:
                repeats.append(first)
                _tell_repeat(tx, mail, first.id, number)
                continue
            row = _fax(mail, f"{mail.submission.id}-{len(rows) + 1}", number, key)
            rows.append(row)
        for row in rows:
            first = _Known(row["id"], row["submission_id"], row["created"])
            known.setdefault(row["duplicate_key"], []).append(first)
        if rows:
            new.append((mail, rows))
        answers.append(
            Accepted(
                id=mail.submission.id if rows else repeats[0].submission_id,
                faxes=tuple(row["id"] for row in rows),
                repeats=tuple(one.id for one in repeats),
            )
        )
    if new:
        _store(tx, new)
    return answers


def _store(tx: sa.Connection, new: Sequence[tuple[Mail, Sequence[Mapping[str, Any]]]]) -> None:
    """Insert what is new, with one statement for each table."""
    _SUBMISSION.execute(tx, [_values(mail.submission) for mail, _ in new])
    for mail, _ in new:
        blobs.put(tx, "spool", mail.submission.content)
    _DOCUMENT.execute(
        tx,
        [
            {
                "id": mail.submission.id,
                "state": DocumentState.PENDING.value,
                "page_digests": [],
                "notes": [],
                "run_at": mail.now,
            }
            for mail, _ in new
        ],
    )
    faxes = [row for _, rows in new for row in rows]
    _FAX.execute(tx, faxes)
    history.append_all(
        tx,
        [
            history.event(
                "fax",
                row["id"],
                at=row["created"],
                source=None,
                target=FaxState.ACCEPTED,
                trigger=Trigger.ACCEPTED,
            )
            for row in faxes
        ],
    )


class _Known(NamedTuple):
    """A Fax that a mail may repeat."""

    id: str
    submission_id: str
    created: float


def _known(tx: sa.Connection, keys: Sequence[str]) -> dict[str, list[_Known]]:
    """The Faxes with these duplicate keys that still count, oldest first."""
    known: dict[str, list[_Known]] = {}
    for start in range(0, len(keys), _TOGETHER):
        some = keys[start : start + _TOGETHER]
        places = {f"key{number}": some[min(number, len(some) - 1)] for number in range(_TOGETHER)}
        for row in _FIRST.fetch(tx, places):
            known.setdefault(row.duplicate_key, []).append(_Known(row.id, row.submission_id, row.created))
    return known


def _fax(mail: Mail, fax_id: str, number: str, key: str) -> dict[str, Any]:
    return {
        "id": fax_id,
        "submission_id": mail.submission.id,
        "number": number,
        "state": FaxState.ACCEPTED.value,
        "duplicate_key": key,
        "created": mail.now,
        "deadline": mail.deadline,
    }


def _values(submission: Submission) -> dict[str, object]:
    content = content_values(submission.content)
    return {name: getattr(submission, name) for name in _PLAIN} | content


def _tell_repeat(tx: sa.Connection, mail: Mail, first: str, number: str) -> None:
    submission = mail.submission
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
        now=mail.now,
    )
