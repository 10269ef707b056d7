"""What a worker does in the store with a fax, and with a mail of ours: claim it, and complete it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import sqlalchemy as sa

from gateway.lifecycle import FaxState
from gateway.model import Content, OutboxMail, Source, Submission, new_id
from gateway.pause import Patience
from gateway.retries import Plan
from gateway.store import attempts, faxes, outbox
from gateway.worker import apply
from gateway.worker.outcomes import Accepted, Called

_POLICY = apply.Policy(
    plan=Plan(waits={}),
    patience=Patience(probes=(60.0,), troubles=5),
    mail_delays=(60.0,),
    mail_give_up=86400.0,
)
_LEASE = 600.0

Verb = Callable[[sa.Connection], None]


class Fax:
    """A fax on its way out: claimed, the intent committed, the provider's answer written. Three commits.

    Each verb is a transaction. `now` is the time of all of them.
    """

    def __init__(self, *, owner: str, now: float) -> None:
        self._owner = owner
        self._now = now
        self._work: faxes.Work | None = None
        self._called: Called | None = None

    @property
    def claimed(self) -> bool:
        """Whether there was one to claim."""
        return self._work is not None

    @property
    def verbs(self) -> tuple[Verb, Verb, Verb]:
        """In their order; without a claimed fax the others do nothing."""
        return self.claim, self.begin, self.end

    def claim(self, tx: sa.Connection) -> None:
        found = faxes.claim(tx, owner=self._owner, now=self._now, seconds=_LEASE, limit=1)
        self._work = found[0] if found else None

    def begin(self, tx: sa.Connection) -> None:
        if self._work is None:
            return
        attempt = attempts.begin(
            tx,
            self._work.fax,
            token="K7Q2ZZZZ",  # noqa: S106 - no secret
            deadline=self._now + _LEASE,
            snapshot=[],
            digest=self._work.document.digest,
            lease=_LEASE,
            now=self._now,
        )
        self._called = Called(attempt=attempt, word="success", failure=None)

    def end(self, tx: sa.Connection) -> None:
        if self._work is None:
            return
        assert self._called is not None
        state = apply.submit(tx, self._work, self._called, _POLICY, now=self._now)
        assert state is FaxState.SENT


class Mail:
    """A mail of ours on its way out: claimed, and written down as taken. Two commits."""

    def __init__(self, *, owner: str, now: float) -> None:
        self._owner = owner
        self._now = now
        self._mail: OutboxMail | None = None

    @property
    def claimed(self) -> bool:
        """Whether there was one to claim."""
        return self._mail is not None

    @property
    def verbs(self) -> tuple[Verb, Verb]:
        """In their order; without a claimed mail the second one does nothing."""
        return self.claim, self.end

    def claim(self, tx: sa.Connection) -> None:
        found = outbox.claim(tx, owner=self._owner, now=self._now, seconds=_LEASE, limit=1)
        self._mail = found[0] if found else None

    def end(self, tx: sa.Connection) -> None:
        if self._mail is not None:
            apply.mail(tx, self._mail, Accepted(), _POLICY, now=self._now)


def clock(began: float | None = None) -> Callable[[], float]:
    """A clock that goes on by a second with each look, from now on or from `began` (epoch seconds)."""
    ticks = itertools.count(time.time() if began is None else began)
    return lambda: next(ticks)


def submission(now: float) -> Submission:
    """A small mail like no other."""
    name = new_id()
    return Submission(
        id=name,
        source=Source.SMTP,
        identity="anna@clinic.example.com",
        rule="anna",
        envelope_from="anna@clinic.example.com",
        message_id=f"<{name}@clinic.example.com>",
        subject="Invoice 7",
        fingerprint=name,
        received_at=now,
        content=Content(size=5_000, data=bytes(5_000)),
    )
