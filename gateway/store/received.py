"""Received faxes: seen at the provider, fetched, routed, mailed, acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway import moves
from gateway.lifecycle import OutboxState, ReceivedState
from gateway.model import Content, MailKind, OutboxMail, ReceivedFax, Via
from gateway.moves import Trigger
from gateway.store import blobs, dialect, guards, history, leases, outbox, rows, tables

_t = tables.received
_DUE = leases.Due.of(_t, tables.among(_t, tables.STEPS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One mail that a received fax becomes."""

    recipient: str
    via: Via


def see(tx: sa.Connection, faxes: Sequence[ReceivedFax], *, now: float) -> list[str]:
    """Record messages that are new by provider id; return the ids of the new rows."""
    seen = known(tx, [fax.provider_id for fax in faxes])
    fresh = []
    for fax in faxes:
        if fax.provider_id in seen:
            continue
        new = dialect.insert_new(
            tx,
            _t,
            {
                "id": fax.id,
                "provider_id": fax.provider_id,
                "did": fax.did,
                "caller": fax.caller,
                "caller_name": fax.caller_name,
                "station_id": fax.station_id,
                "pages": fax.pages,
                "seconds": fax.seconds,
                "received_at": fax.received_at,
                "folder": fax.folder,
                "state": ReceivedState.SEEN,
                "created": now,
                "run_at": now,
            },
            key="provider_id",
        )
        if new:
            history.append(
                tx,
                "received",
                fax.id,
                at=now,
                source=None,
                target=ReceivedState.SEEN,
                trigger=Trigger.LISTED,
            )
            fresh.append(fax.id)
    return fresh


def known(tx: sa.Connection, provider_ids: Sequence[str]) -> set[str]:
    """Those of the provider's ids that we have."""
    query = sa.select(_t.c.provider_id).where(_t.c.provider_id.in_(list(provider_ids)))
    return set(tx.execute(query).scalars())


def has_twin(tx: sa.Connection, fax: ReceivedFax) -> bool:
    """Whether we have the same fax under another of the provider's ids."""
    query = sa.select(_t.c.id).where(
        _t.c.did == fax.did,
        _t.c.caller == fax.caller,
        _t.c.pages == fax.pages,
        _t.c.seconds == fax.seconds,
        _t.c.received_at == fax.received_at,
    )
    return tx.execute(query.limit(1)).first() is not None


def claim(tx: sa.Connection, *, owner: str, now: float, seconds: float, limit: int) -> list[ReceivedFax]:
    """Lease received faxes that have a step to take."""
    found = leases.claim(tx, _DUE, owner=owner, now=now, seconds=seconds, limit=limit)
    return [rows.received(row) for row in found]


def next_due(tx: sa.Connection, *, now: float) -> float | None:
    """Epoch seconds when the next one that waits comes due."""
    return leases.next_due(tx, _DUE, now=now)


def fetched(tx: sa.Connection, fax: ReceivedFax, *, content: Content, digest: str, now: float) -> None:
    """Our own copy is on disk."""
    _move(
        tx,
        fax,
        ReceivedState.FETCHED,
        Trigger.FETCHED,
        now=now,
        run_at=now,
        values={**rows.content_values(content), "digest": digest, "attempts": 0, "reason": ""},
    )
    blobs.put(tx, "inbox", content)


def routed(
    tx: sa.Connection, fax: ReceivedFax, deliveries: Sequence[Delivery], *, now: float, by: str = ""
) -> None:
    """Queue one mail per recipient; the fax is *mailed* once all of them were accepted.

    `by`: the person who wants it mailed again.
    """
    trigger = Trigger.REMAIL if by else Trigger.ROUTED
    values: dict[str, object] = {"attempts": 0, "reason": ""}
    _move(tx, fax, ReceivedState.ROUTED, trigger, now=now, run_at=None, values=values, by=by)
    earlier = len(outbox.of_received(tx, fax.id))
    for ordinal, delivery in enumerate(deliveries, earlier + 1):
        outbox.queue(
            tx,
            key=f"received:{fax.id}:{ordinal}:{delivery.recipient.lower()}",
            kind=MailKind.RECEIVED,
            recipient=delivery.recipient,
            facts={"received_id": fax.id},
            now=now,
            via=delivery.via,
            received_id=fax.id,
        )


def acknowledged(tx: sa.Connection, fax: ReceivedFax, *, folder: str, now: float) -> None:
    """Nothing is left to do; `folder` is where it lies at the provider now."""
    values: dict[str, object] = {"folder": folder}
    _move(tx, fax, ReceivedState.ACKNOWLEDGED, Trigger.ACKNOWLEDGED, now=now, run_at=None, values=values)


def parked(
    tx: sa.Connection,
    fax: ReceivedFax,
    reason: str,
    trigger: Trigger = Trigger.SET_ASIDE,
    *,
    now: float,
) -> None:
    """It waits for a person, and the administrator is told once for each reason."""
    _move(tx, fax, ReceivedState.PARKED, trigger, now=now, run_at=None, values={"reason": reason})
    outbox.queue(
        tx,
        key=f"alert:received:{fax.id}:{fax.state}",
        kind=MailKind.ALERT,
        recipient=outbox.ADMIN,
        facts={
            "about": "received_parked",
            "received_id": fax.id,
            "did": fax.did,
            "pages": fax.pages,
            "received_at": fax.received_at,
            "reason": reason,
        },
        now=now,
    )


def postpone(tx: sa.Connection, fax: ReceivedFax, *, run_at: float, reason: str) -> None:
    """The step failed for now; try again at `run_at`."""
    leases.write(
        tx,
        _t,
        fax.id,
        states=(fax.state,),
        fence=fax.fence,
        values={**leases.FREE, "run_at": run_at, "attempts": fax.attempts + 1, "reason": reason},
    )


def mail_left(tx: sa.Connection, mail: OutboxMail, target: OutboxState, *, now: float) -> None:
    """After the move of one of its mails: all sent makes the fax *mailed*, one failed parks it."""
    # Locked before the other mails are looked at: two that end together must not each wait for the other.
    row = tx.execute(sa.select(_t).where(_t.c.id == mail.received_id).with_for_update()).first()
    if row is None or row.state != ReceivedState.ROUTED:
        return
    fax = rows.received(row)
    if target is OutboxState.FAILED:
        reason = f"It could not be mailed to {mail.recipient}."
        parked(tx, fax, reason, Trigger.UNDELIVERABLE, now=now)
    elif not any(other.state is OutboxState.QUEUED for other in outbox.of_received(tx, fax.id)):
        _move(tx, fax, ReceivedState.MAILED, Trigger.MAILED, now=now, run_at=now, values={})


def resume(tx: sa.Connection, fax: ReceivedFax, *, now: float, by: str) -> None:
    """A person takes a parked fax up again: from fetching, or from routing when our copy is stored."""
    target = ReceivedState.SEEN if fax.content is None else ReceivedState.FETCHED
    values: dict[str, object] = {"reason": "", "attempts": 0}
    _move(tx, fax, target, Trigger.RESUME, now=now, run_at=now, values=values, by=by)


def get(tx: sa.Connection, received_id: str, *, lock: bool = False) -> ReceivedFax:
    """One received fax; with `lock` nobody else changes it before this transaction ends.

    Raises `sqlalchemy.exc.NoResultFound`.
    """
    query = sa.select(_t).where(_t.c.id == received_id)
    return rows.received(tx.execute(query.with_for_update() if lock else query).one())


def _move(
    tx: sa.Connection,
    fax: ReceivedFax,
    target: ReceivedState,
    trigger: Trigger,
    *,
    now: float,
    run_at: float | None,
    values: dict[str, object],
    by: str = "",
) -> None:
    guards.of_caller(moves.check(fax.state, target, trigger), by=by)
    leases.write(
        tx,
        _t,
        fax.id,
        states=(fax.state,),
        fence=fax.fence,
        values={**leases.FREE, "state": target, "run_at": run_at, **values},
    )
    history.append(
        tx,
        "received",
        fax.id,
        at=now,
        source=fax.state,
        target=target,
        trigger=trigger,
        detail={
            **({"by": by} if by else {}),
            **{key: value for key, value in values.items() if key in ("reason", "folder", "digest")},
        },
    )
