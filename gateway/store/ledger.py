"""What becomes of polled messages: verdicts, and who is told, in one transaction each."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.errors import Failure
from gateway.model import MailKind
from gateway.store import mailboxes, outbox, tables
from gateway.store.mailboxes import Place, Verdict

_AT_A_TIME = 500
"""Values in one IN list: databases limit them."""


def decided(tx: sa.Connection, account: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> set[int]:
    """Those of `uids` (any number) that have a verdict."""
    found: set[int] = set()
    for start in range(0, len(uids), _AT_A_TIME):
        some = uids[start : start + _AT_A_TIME]
        found.update(mailboxes.known(tx, account, folder, uidvalidity, some))
    return found


def unfiled(tx: sa.Connection, account: str, folder: str, uidvalidity: int) -> list[tuple[Place, Verdict]]:
    """Messages with a verdict that were not moved yet, and shall be."""
    table = tables.mailbox_message
    found = tx.execute(
        sa.select(table.c.uid, table.c.verdict)
        .where(
            table.c.account == account,
            table.c.folder == folder,
            table.c.uidvalidity == uidvalidity,
            table.c.filed == sa.false(),
            table.c.verdict != Verdict.HELD,
        )
        .order_by(table.c.uid)
    )
    return [
        (Place(account=account, folder=folder, uidvalidity=uidvalidity, uid=row.uid), Verdict(row.verdict))
        for row in found
    ]


def count_held(tx: sa.Connection, account: str, folder: str, uidvalidity: int) -> int:
    """How many messages of the folder wait for a person."""
    table = tables.mailbox_message
    query = sa.select(sa.func.count()).where(
        table.c.account == account,
        table.c.folder == folder,
        table.c.uidvalidity == uidvalidity,
        table.c.verdict == Verdict.HELD,
    )
    return tx.execute(query).scalar_one()


def mentions(tx: sa.Connection, account: str, message_id: str) -> bool:
    """Whether any ledger row of `account` has this Message-ID: only then its content is worth comparing."""
    table = tables.mailbox_message
    query = sa.select(table.c.uid).where(table.c.account == account, table.c.message_id == message_id)
    return tx.execute(query.limit(1)).first() is not None


def repeat(
    tx: sa.Connection, place: Place, *, message_id: str, fingerprints: Sequence[str], now: float
) -> Verdict:
    """Give a message under a new UID the verdict that it had under the old one, or hold it."""
    matches = (mailboxes.by_message(tx, place.account, message_id, digest) for digest in fingerprints)
    entry = next((match for match in matches if match is not None), None)
    verdict = Verdict.HELD if entry is None else entry.verdict
    mailboxes.record(
        tx,
        place,
        verdict,
        message_id=message_id,
        fingerprint=fingerprints[-1] if entry is None else entry.fingerprint,
        submission_id="" if entry is None else entry.submission_id,
        now=now,
    )
    return verdict


def refuse(
    tx: sa.Connection,
    place: Place,
    failure: Failure,
    *,
    message_id: str,
    references: str,
    fingerprint: str,
    answer_to: str,
    subject: str,
    now: float,
) -> None:
    """Write a refusal down, and queue its answer if somebody may be answered (`answer_to` is not empty).

    No text may hold a security code.
    """
    mailboxes.record(tx, place, Verdict.REFUSED, message_id=message_id, fingerprint=fingerprint, now=now)
    if not answer_to:
        return
    outbox.queue(
        tx,
        key=f"refusal:{_key(place)}",
        kind=MailKind.REFUSAL,
        recipient=answer_to,
        facts={
            "sentence": failure.sentence,
            "status": failure.status,
            "subject": subject,
            "in_reply_to": message_id,
            "references": references,
        },
        now=now,
    )


def hold(tx: sa.Connection, place: Place, *, reason: str, now: float) -> None:
    """Set one message aside for a person; it stays in its folder, and the administrator is told."""
    mailboxes.record(tx, place, Verdict.HELD, message_id="", fingerprint="", now=now)
    _tell(tx, f"held:{_key(place)}", place.account, place.folder, count=1, reason=reason, now=now)


def renumbered(
    tx: sa.Connection,
    account: str,
    folder: str,
    *,
    uidvalidity: int,
    high_water: int,
    reason: str,
    now: float,
) -> int:
    """Take up a folder whose messages all have verdicts under its new UIDVALIDITY: later ones are new.

    The administrator is told once of all that are held; returns how many.
    """
    mailboxes.set_mark(tx, account, folder, uidvalidity=uidvalidity, high_water=high_water)
    held = count_held(tx, account, folder, uidvalidity)
    if held:
        key = f"held:{account}:{folder}:{uidvalidity}"
        _tell(tx, key, account, folder, count=held, reason=reason, now=now)
    return held


def _tell(
    tx: sa.Connection, key: str, account: str, folder: str, *, count: int, reason: str, now: float
) -> None:
    outbox.queue(
        tx,
        key=f"alert:{key}",
        kind=MailKind.ALERT,
        recipient=outbox.ADMIN,
        facts={"about": "imap_held", "mailbox": account, "folder": folder, "count": count, "reason": reason},
        now=now,
    )


def _key(place: Place) -> str:
    return f"{place.account}:{place.folder}:{place.uidvalidity}:{place.uid}"
