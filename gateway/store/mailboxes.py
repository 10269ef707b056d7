"""The ledger of polled mailboxes, keyed by account, folder, UIDVALIDITY and UID."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.store import dialect, tables

_box = tables.mailbox
_t = tables.mailbox_message


class Verdict(enum.StrEnum):
    """What became of a polled message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    HELD = "held"
    """After a UIDVALIDITY change it matches nothing that is known: a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One message in one folder of one account."""

    account: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A ledger row."""

    place: Place
    message_id: str
    fingerprint: str
    verdict: Verdict
    submission_id: str
    filed: bool
    """Moved to its folder already."""


def mark(tx: sa.Connection, account: str, folder: str) -> tuple[int, int] | None:
    """``(uidvalidity, high_water)`` of a folder, or None before first contact."""
    row = tx.execute(sa.select(_box).where(_box.c.account == account, _box.c.folder == folder)).first()
    return None if row is None else (row.uidvalidity, row.high_water)


def set_mark(tx: sa.Connection, account: str, folder: str, *, uidvalidity: int, high_water: int) -> None:
    """Record first contact, or a new UIDVALIDITY: UIDs up to `high_water` are not new mail."""
    dialect.upsert(
        tx,
        _box,
        {"account": account, "folder": folder, "uidvalidity": uidvalidity, "high_water": high_water},
    )


def record(
    tx: sa.Connection,
    place: Place,
    verdict: Verdict,
    *,
    message_id: str,
    fingerprint: str,
    submission_id: str = "",
    now: float,
) -> None:
    """Write a verdict down, in the transaction that carries it out. Raises if there is one already."""
    tx.execute(
        sa.insert(_t).values(
            account=place.account,
            folder=place.folder,
            uidvalidity=place.uidvalidity,
            uid=place.uid,
            message_id=message_id,
            fingerprint=fingerprint,
            verdict=verdict,
            submission_id=submission_id,
            at=now,
        )
    )


def filed(tx: sa.Connection, place: Place) -> None:
    """The message lies in its folder now."""
    tx.execute(
        sa.update(_t)
        .where(
            _t.c.account == place.account,
            _t.c.folder == place.folder,
            _t.c.uidvalidity == place.uidvalidity,
            _t.c.uid == place.uid,
        )
        .values(filed=True)
    )


def known(
    tx: sa.Connection, account: str, folder: str, uidvalidity: int, uids: Sequence[int]
) -> dict[int, Entry]:
    """Ledger rows for these UIDs."""
    found = tx.execute(
        sa.select(_t).where(
            _t.c.account == account,
            _t.c.folder == folder,
            _t.c.uidvalidity == uidvalidity,
            _t.c.uid.in_(list(uids)),
        )
    )
    return {row.uid: _entry(row) for row in found}


def by_message(tx: sa.Connection, account: str, message_id: str, fingerprint: str) -> Entry | None:
    """A ledger row for the same message under any UID: after a UIDVALIDITY change."""
    row = tx.execute(
        sa.select(_t)
        .where(_t.c.account == account, _t.c.message_id == message_id, _t.c.fingerprint == fingerprint)
        .limit(1)
    ).first()
    return None if row is None else _entry(row)


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    place = Place(account=row.account, folder=row.folder, uidvalidity=row.uidvalidity, uid=row.uid)
    return Entry(
        place=place,
        message_id=row.message_id,
        fingerprint=row.fingerprint,
        verdict=Verdict(row.verdict),
        submission_id=row.submission_id,
        filed=row.filed,
    )
