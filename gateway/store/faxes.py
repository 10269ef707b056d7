"""Faxes: claimed, moved, finished. Their calls are in `attempts`, the evidence for them in `claimants`.

`move` is the only way a Fax changes state. A move into a final state queues the final notice in the same
transaction, so there is exactly one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from gateway import moves
from gateway.errors import Failure, permanent
from gateway.lifecycle import FINAL, ON_THE_LINE, SENDABLE, DocumentState, FaxState
from gateway.model import Document, Fax, MailKind, Submission
from gateway.moves import Effect, Trigger
from gateway.retries import Tries
from gateway.store import guards, history, leases, outbox, pauses, rows, tables
from gateway.store.leases import StaleError
from gateway.store.prepared import Prepared

_t = tables.fax


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A claimed Fax with its pages and its mail."""

    fax: Fax
    document: Document
    submission: Submission
    """Without its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a SENT row says about a Fax."""

    provider_id: str = ""
    pages: int | None = None
    seconds: int | None = None
    cost: str = ""
    how: str = ""
    """How the row was known to be ours: ``token``, ``pages``, ``lone``, ``person``."""


class LineTakenError(StaleError):
    """Another Fax to the same destination is on the line."""


_PERHAPS = "An earlier call ended in doubt, so that the fax may have arrived all the same."
_other = _t.alias("other")
_SENDABLE = tables.among(_t, SENDABLE)
_DUE = leases.Due.of(
    _t,
    sa.and_(_SENDABLE, ~sa.exists().where(_other.c.number == _t.c.number, tables.among(_other, ON_THE_LINE))),
)
_DUE_ANY = leases.Due.of(_t, _SENDABLE)
_PARAMETER = sa.bindparam("id", type_=sa.Text)
_SELECT = sa.select(_t).where(_t.c.id == _PARAMETER)
_FAX = Prepared(_SELECT, returns=tuple(_t.c))
_LOCKED = Prepared(_SELECT.with_for_update(), returns=tuple(_t.c))
_DOCUMENT = Prepared(
    sa.select(tables.document).where(tables.document.c.id == _PARAMETER), returns=tuple(tables.document.c)
)
_BARE = rows.bare(tables.submission)
_SUBMISSION = Prepared(sa.select(*_BARE).where(tables.submission.c.id == _PARAMETER), returns=_BARE)


def claim(tx: sa.Connection, *, owner: str, now: float, seconds: float, limit: int) -> list[Work]:
    """Lease Faxes whose pages are ready and whose destination is free, oldest first, one per destination.

    None while the queue waits (`pauses`).
    """
    if pauses.current(tx, now=now) is not None:
        return []
    found = leases.claim(tx, _DUE, owner=owner, now=now, seconds=seconds, limit=limit)
    works, numbers = [], set()
    for row in found:
        if row.number in numbers:
            leases.release(tx, _t, row.id, fence=row.fence)
            continue
        numbers.add(row.number)
        works.append(_work(tx, rows.fax(row)))
    return works


def next_due(tx: sa.Connection, *, now: float) -> float | None:
    """Epoch seconds when the next one that waits comes due."""
    return leases.next_due(tx, _DUE_ANY, now=now)


def _work(tx: sa.Connection, fax: Fax) -> Work:
    (submission,) = _SUBMISSION.fetch(tx, {"id": fax.submission_id})
    (document,) = _DOCUMENT.fetch(tx, {"id": fax.submission_id})
    return Work(fax=fax, document=rows.document(document), submission=rows.submission(submission))


def move(
    tx: sa.Connection,
    fax: Fax,
    target: FaxState,
    trigger: Trigger,
    *,
    now: float,
    run_at: float | None = None,
    failure: Failure | None = None,
    evidence: Evidence | None = None,
    tries: Tries | None = None,
    deadline: float | None = None,
    by: str = "",
    detail: Mapping[str, object] | None = None,
) -> FaxState:
    """Move a Fax from the state and fence that the caller saw; queue the notices that the move owes.

    Returns its new state: what would fail stays unconfirmed if an earlier call of it was given up in doubt.

    `by`: the person who asked for it. `deadline`: a new one. Raises `IllegalMoveError` for what the table of
    moves does not have, or whose guards ask for more; `StaleError` if the Fax has moved meanwhile, or a guard
    on its row does not hold; `LineTakenError` if it would go back on a line that another Fax has.
    """
    if failure is not None and _arrived_perhaps(tx, fax, target, trigger):
        target = FaxState.UNCONFIRMED
        failure = replace(failure, sentence=f"{failure.sentence} {_PERHAPS}")
    legal = moves.check(fax.state, target, trigger)
    guards.of_caller(legal, failure=failure, row=evidence.provider_id if evidence else "", by=by)
    values: dict[str, object] = {**leases.FREE, "state": target, "run_at": run_at}
    if failure is not None:
        values |= {"reason": failure.sentence, "code": failure.code, "status": failure.status}
    elif target in (FaxState.SENT, FaxState.DELIVERED, *SENDABLE):
        values |= {"reason": "", "code": "", "status": ""}
    if evidence is not None:
        values |= {
            "provider_id": evidence.provider_id,
            "pages": evidence.pages,
            "seconds": evidence.seconds,
            "cost": evidence.cost,
        }
    if tries is not None:
        values["tries"] = dict(tries)
    if deadline is not None:
        values["deadline"] = deadline
    if target in SENDABLE:
        values["provider_id"] = ""  # the next attempt will have a row of its own
    if target in FINAL:
        values["finished"] = now
    write(tx, fax, legal, values, now=now)
    story = {"by": by} if by else {}
    if evidence is not None:
        _own_row(tx, fax, evidence)
        story |= {"row": evidence.provider_id, "how": evidence.how}
    if failure is not None:
        story |= {"code": failure.code, "status": failure.status}
    history.append(
        tx,
        "fax",
        fax.id,
        at=now,
        source=fax.state,
        target=target,
        trigger=trigger,
        detail={**(detail or {}), **story},
    )
    _announce(tx, fax.id, legal.owes, now)
    return target


def _arrived_perhaps(tx: sa.Connection, fax: Fax, target: FaxState, trigger: Trigger) -> bool:
    """Whether a rule let a Fax be sent again in doubt, and it shall fail now without a row.

    A person who lets it be sent again says that it had not gone out.
    """
    return (
        target is FaxState.FAILED
        and fax.attempts > 0
        and moves.find(fax.state, FaxState.UNCONFIRMED, trigger) is not None
        and any(event["trigger"] == Trigger.RESEND for event in history.of(tx, "fax", fax.id))
    )


def write(tx: sa.Connection, fax: Fax, move: moves.Move, values: Mapping[str, object], *, now: float) -> None:
    """The update of one legal move, under its guards. Raises `StaleError` or `LineTakenError`."""
    try:
        leases.write(
            tx,
            _t,
            fax.id,
            states=(fax.state,),
            fence=fax.fence,
            values=values,
            guards=guards.of_row(move),
            now=now,
        )
    except sa.exc.IntegrityError as error:  # the index of the line
        raise LineTakenError(f"another fax to the destination of {fax.id} is on the line") from error


def identify(tx: sa.Connection, fax: Fax, evidence: Evidence, *, now: float) -> None:
    """Record which SENT row is this Fax's; its state stays (the row's result is still to come)."""
    legal = moves.check(fax.state, fax.state, Trigger.ROW)
    guards.of_caller(legal, row=evidence.provider_id)
    write(tx, fax, legal, {"provider_id": evidence.provider_id, "pages": evidence.pages}, now=now)
    _own_row(tx, fax, evidence)
    history.append(
        tx,
        "fax",
        fax.id,
        at=now,
        source=fax.state,
        target=fax.state,
        trigger=Trigger.ROW,
        detail={"row": evidence.provider_id, "how": evidence.how},
    )


def _own_row(tx: sa.Connection, fax: Fax, evidence: Evidence) -> None:
    """The row belongs to this attempt for good: no later match may give it to another."""
    tx.execute(
        sa.update(tables.attempt)
        .where(tables.attempt.c.fax_id == fax.id, tables.attempt.c.ordinal == fax.attempts)
        .values(provider_id=evidence.provider_id)
    )


def _announce(tx: sa.Connection, fax_id: str, owed: Collection[Effect], now: float) -> None:
    """Queue the mails that a move owes: the final notice, or the word that the Fax waits for a person."""
    if not owed:
        return
    work = _work(tx, get(tx, fax_id))
    fax, submission = work.fax, work.submission
    facts = {
        "fax_id": fax.id,
        "number": fax.number,
        "state": fax.state,
        "reason": fax.reason,
        "status": fax.status,
        "code": fax.code,
        "subject": submission.subject,
        "in_reply_to": submission.message_id,
        "references": submission.references,
        "from_number": submission.from_number,
        "pages_sent": work.document.pages if work.document.state is DocumentState.READY else 0,
        "pages": fax.pages,
        "seconds": fax.seconds,
        "cost": fax.cost,
        "attempts": fax.attempts,
        "created": fax.created,
        "finished": fax.finished,
        "notes": list(work.document.notes),
    }
    wanted = submission.receipts == "all" or fax.state is not FaxState.DELIVERED
    if submission.envelope_from and wanted and (Effect.RECEIPT in owed or Effect.WORD in owed):
        final = Effect.RECEIPT in owed
        outbox.queue(
            tx,
            key=f"fax:{fax.id}:final" if final else f"fax:{fax.id}:held:{fax.attempts}",
            kind=MailKind.RECEIPT if final else MailKind.HELD,
            recipient=submission.envelope_from,
            facts=facts,
            now=now,
        )
    if Effect.ALERT in owed:
        outbox.queue(
            tx,
            key=f"alert:fax:{fax.id}:{fax.state}:{fax.attempts}",
            kind=MailKind.ALERT,
            recipient=outbox.ADMIN,
            facts={"about": f"fax_{fax.state}", **facts, "subject": "", "sender": submission.envelope_from},
            now=now,
        )


def release(tx: sa.Connection, fax: Fax, *, run_at: float) -> None:
    """Give the lease back; no attempt was spent."""
    leases.release(tx, _t, fax.id, fence=fax.fence, run_at=run_at)


def get(tx: sa.Connection, fax_id: str, *, lock: bool = False) -> Fax:
    """One Fax; with `lock` nobody else changes it before this transaction ends.

    Raises `sqlalchemy.exc.NoResultFound`.
    """
    found = (_LOCKED if lock else _FAX).fetch(tx, {"id": fax_id})
    if not found:
        raise sa.exc.NoResultFound(f"there is no fax {fax_id}")
    return rows.fax(found[0])


def late(tx: sa.Connection, *, now: float) -> list[Fax]:
    """Faxes that were not sent in their time, whatever they wait for, and that nobody works on."""
    return [rows.fax(row) for row in tx.execute(_late(now))]


def _late(now: float) -> sa.Select[tuple[object, ...]]:
    return sa.select(_t).where(_SENDABLE, guards.late(now), guards.free(_t, now))


def expire(tx: sa.Connection, *, now: float) -> list[Fax]:
    """`late` Faxes fail, but for those that somebody else has in hand. Returns them as they are then."""
    expired = [rows.fax(row) for row in tx.execute(_late(now).with_for_update(skip_locked=True))]
    pause = pauses.current(tx, now=now) if expired else None
    over = []
    for fax in expired:
        failure = too_late(fax, because="" if pause is None else pause.reason)
        state = move(tx, fax, FaxState.FAILED, Trigger.DEADLINE, now=now, failure=failure)
        over.append(replace(fax, state=state))
    return over


def too_late(fax: Fax, *, because: str = "") -> Failure:
    """Why a Fax past its deadline fails: what it met last, or what kept all of them back."""
    reason = fax.reason or because
    last = f" Last: {reason}" if reason else ""
    return permanent("5.4.7", f"It could not be sent in the time allowed for it.{last}", code="deadline")


def hurry(tx: sa.Connection, fax: Fax, *, now: float, deadline: float, by: str) -> bool:
    """A person wants a waiting Fax tried now; False if it is not waiting or is being worked on."""
    if fax.state is not FaxState.WAITING:
        return False
    legal = moves.check(fax.state, FaxState.WAITING, Trigger.RETRY)
    guards.of_caller(legal, by=by)
    try:
        write(tx, fax, legal, {"run_at": now, "deadline": deadline}, now=now)
    except StaleError:
        return False
    history.append(
        tx,
        "fax",
        fax.id,
        at=now,
        source=fax.state,
        target=FaxState.WAITING,
        trigger=Trigger.RETRY,
        detail={"by": by},
    )
    return True


def successor(tx: sa.Connection, fax: Fax) -> str | None:
    """The Fax that already sends this one again, if it is open or was delivered.

    None stays true until this transaction ends: nobody else can send it `again` meanwhile.
    """
    _lock_submission(tx, fax)
    over = sorted(FINAL - {FaxState.DELIVERED})
    query = sa.select(_t.c.id).where(_t.c.retry_of == fax.id, _t.c.state.not_in(over)).limit(1)
    return tx.execute(query).scalar()


def again(tx: sa.Connection, fax: Fax, *, now: float, deadline: float, by: str) -> str:
    """A person sends a finished Fax again: a new Fax of the same Submission. Returns its id."""
    _lock_submission(tx, fax)
    count = tx.execute(
        sa.select(sa.func.count()).select_from(_t).where(_t.c.submission_id == fax.submission_id)
    ).scalar_one()
    original = tx.execute(sa.select(_t.c.duplicate_key).where(_t.c.id == fax.id)).scalar_one()
    fax_id = f"{fax.submission_id}-{count + 1}"
    tx.execute(
        sa.insert(_t).values(
            id=fax_id,
            submission_id=fax.submission_id,
            number=fax.number,
            state=FaxState.ACCEPTED,
            duplicate_key=original,
            created=now,
            deadline=deadline,
            retry_of=fax.id,
            run_at=now,
        )
    )
    guards.of_caller(moves.check(None, FaxState.ACCEPTED, Trigger.AGAIN), by=by)
    history.append(
        tx,
        "fax",
        fax_id,
        at=now,
        source=None,
        target=FaxState.ACCEPTED,
        trigger=Trigger.AGAIN,
        detail={"retry_of": fax.id, "by": by},
    )
    return fax_id


def _lock_submission(tx: sa.Connection, fax: Fax) -> None:
    query = sa.select(tables.submission.c.id).where(tables.submission.c.id == fax.submission_id)
    tx.execute(query.with_for_update())
