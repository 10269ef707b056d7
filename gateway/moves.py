"""Every move of the four state machines, as data: who makes it, on what trigger, under which guards.

This table is the only truth about what may move. The store looks each move up before it writes it, checks the
guards, and records the trigger in the history; ``docs/states.md`` is drawn from it. A move that is not here
raises, because it can only be a bug.

The words are UML's: ``source → target : trigger [guard] / effect``. One guard holds for all and is not
listed: a move is written only from the state and the fence that its maker has seen (`store.leases.write`), so
whoever was overtaken writes nothing.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.lifecycle import DocumentState, FaxState, OutboxState, ReceivedState, State


class Trigger(enum.StrEnum):
    """What happened."""

    # faxes
    ACCEPTED = "accepted"
    AGAIN = "again"
    CALL = "call"
    NOT_CALLED = "not_called"
    NO_PAGES = "no_pages"
    DEADLINE = "deadline"
    CANCEL = "cancel"
    RETRY = "retry"
    SUCCESS = "success"
    REFUSAL = "refusal"
    NO_WORD = "no_word"
    NO_OUTCOME = "no_outcome"
    TAKEN_BACK = "taken_back"
    ROW = "row"
    DOUBT = "doubt"
    RESEND = "resend"
    TRACE = "trace"
    RESOLVE = "resolve"
    EXPIRED = "expired"
    # documents
    RENDERED = "rendered"
    UNFIT = "unfit"
    DEATHS = "deaths"
    # received faxes
    LISTED = "listed"
    FETCHED = "fetched"
    ROUTED = "routed"
    MAILED = "mailed"
    ACKNOWLEDGED = "acknowledged"
    SET_ASIDE = "set_aside"
    UNDELIVERABLE = "undeliverable"
    REMAIL = "remail"
    RESUME = "resume"
    # mails of ours
    OWED = "owed"
    TAKEN = "taken"
    PUT_OFF = "put_off"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


class Who(enum.StrEnum):
    """Who may make a move."""

    INTAKE = "intake"
    RENDER = "render"
    SUBMIT = "submit"
    TRACK = "track"
    RECEIVE = "receive"
    DELIVER = "deliver"
    RESCUE = "rescue"
    DEADLINE = "deadline"
    PERSON = "person"
    STORE = "store"


class Guard(enum.StrEnum):
    """What the store checks besides state and fence; `GUARDS` has the words."""

    LEASE = "lease"
    FREE = "free"
    LINE = "line"
    ENDED = "ended"
    OVERDUE = "overdue"
    LATE = "late"
    RULE = "rule"
    CERTAIN = "certain"
    ROW = "row"
    NAMED = "named"


GUARDS: Mapping[Guard, str] = {
    Guard.LEASE: "the lease that it was claimed under has not ended",
    Guard.FREE: "nobody works on it: there is no lease, or it has ended",
    Guard.LINE: "no other fax to the number is `submitting`, `sent` or `unknown`, on any node",
    Guard.ENDED: "the outcome of its latest call is recorded",
    Guard.OVERDUE: "its latest call told nothing, and its lease and the provider's time-outs are over",
    Guard.LATE: "its deadline has passed",
    Guard.RULE: 'the sender\'s rule says `on_unknown = "resend"`',
    Guard.CERTAIN: "the failure is temporary or permanent, not unknown",
    Guard.ROW: "a SENT row is named that was proved to be its own",
    Guard.NAMED: "the person is named",
}


class Effect(enum.StrEnum):
    """What a move owes in its own transaction, besides its event; `EFFECTS` has the words."""

    ATTEMPT = "attempt"
    RECEIPT = "receipt"
    WORD = "word"
    ALERT = "alert"
    FAXES_GO = "faxes_go"
    FAXES_FAIL = "faxes_fail"
    MAILS = "mails"


EFFECTS: Mapping[Effect, str] = {
    Effect.ATTEMPT: "the attempt's row: token, deadline, the SENT rows seen before",
    Effect.RECEIPT: "the final notice to the sender, once",
    Effect.WORD: "a word to the sender that it waits for a person",
    Effect.ALERT: "a mail to the administrators",
    Effect.FAXES_GO: "its faxes are due",
    Effect.FAXES_FAIL: "its faxes fail with the same reason",
    Effect.MAILS: "a mail for each recipient",
}


@dataclass(frozen=True, slots=True)
class Move:
    """One row: the same thing may happen in several states."""

    sources: tuple[State | None, ...]
    """None: it begins to exist."""
    target: State
    trigger: Trigger
    who: Who
    when: str
    """For people."""
    guards: tuple[Guard, ...] = ()
    owes: tuple[Effect, ...] = ()


_F, _D, _R, _O = FaxState, DocumentState, ReceivedState, OutboxState
_T, _G, _E = Trigger, Guard, Effect
_SENDABLE = (_F.ACCEPTED, _F.WAITING)
_DOUBTFUL = (_F.UNKNOWN, _F.HELD)
_CALLED = (_F.SUBMITTING, *_DOUBTFUL)
"""The word of a call still counts when it comes after the rescue, or after the fax was held."""
_AT_PROVIDER = (_F.SENT, *_DOUBTFUL)
_FINAL = (_E.RECEIPT,)
_UNKNOWN = (_E.RECEIPT, _E.ALERT)

# fmt: off
FAX = (
    Move((None,), _F.ACCEPTED, _T.ACCEPTED, Who.INTAKE,
         "a mail or a command was accepted for this number"),
    Move((None,), _F.ACCEPTED, _T.AGAIN, Who.PERSON,
         "`queue retry` of a finished fax: a new one", (_G.NAMED,)),
    Move(_SENDABLE, _F.SUBMITTING, _T.CALL, Who.SUBMIT,
         "its turn has come: the intent is committed, then called", (_G.LEASE, _G.LINE), (_E.ATTEMPT,)),
    Move(_SENDABLE, _F.WAITING, _T.NOT_CALLED, Who.SUBMIT,
         "something was in the way of a call", (_G.CERTAIN,)),
    Move(_SENDABLE, _F.FAILED, _T.NOT_CALLED, Who.SUBMIT,
         "it cannot be called for, or not in its time", (_G.CERTAIN,), _FINAL),
    Move((_F.WAITING,), _F.UNCONFIRMED, _T.NOT_CALLED, Who.SUBMIT,
         "the same, and an earlier call was given up in doubt", (_G.CERTAIN,), _UNKNOWN),
    Move((_F.ACCEPTED,), _F.FAILED, _T.NO_PAGES, Who.RENDER,
         "its mail cannot become pages", (_G.CERTAIN,), _FINAL),
    Move(_SENDABLE, _F.FAILED, _T.DEADLINE, Who.DEADLINE,
         "it was not sent in its time", (_G.FREE, _G.LATE), _FINAL),
    Move((_F.WAITING,), _F.UNCONFIRMED, _T.DEADLINE, Who.DEADLINE,
         "the same, and an earlier call was given up in doubt", (_G.FREE, _G.LATE), _UNKNOWN),
    Move(_SENDABLE, _F.CANCELLED, _T.CANCEL, Who.PERSON,
         "`queue cancel`", (_G.NAMED,), _FINAL),
    Move((_F.WAITING,), _F.WAITING, _T.RETRY, Who.PERSON,
         "`queue retry`: its next try is now", (_G.FREE, _G.NAMED)),
    Move(_CALLED, _F.SENT, _T.SUCCESS, Who.SUBMIT,
         "the provider answered success", (_G.ENDED, _G.LINE)),
    Move(_CALLED, _F.WAITING, _T.REFUSAL, Who.SUBMIT,
         "a documented refusal, or an end before the first byte", (_G.ENDED, _G.CERTAIN)),
    Move(_CALLED, _F.FAILED, _T.REFUSAL, Who.SUBMIT,
         "the same, for good or after the last try", (_G.ENDED, _G.CERTAIN), _FINAL),
    Move(_CALLED, _F.UNCONFIRMED, _T.REFUSAL, Who.SUBMIT,
         "the same, and an earlier call was given up in doubt", (_G.ENDED, _G.CERTAIN), _UNKNOWN),
    Move(_CALLED, _F.WAITING, _T.TAKEN_BACK, Who.SUBMIT,
         "the commit of the intent got no answer, so no call was made", (_G.ENDED,)),
    Move((_F.SUBMITTING,), _F.UNKNOWN, _T.NO_WORD, Who.SUBMIT,
         "the call ended without a word that proves anything", (_G.ENDED,)),
    Move((_F.SUBMITTING,), _F.UNKNOWN, _T.NO_OUTCOME, Who.RESCUE,
         "whoever made the call has told nothing", (_G.OVERDUE,)),
    Move(_DOUBTFUL, _F.SENT, _T.ROW, Who.TRACK,
         "its row is there, without a result", (_G.ROW, _G.LINE)),
    Move((_F.SENT,), _F.SENT, _T.ROW, Who.TRACK,
         "its row is known from now on, without a result", (_G.ROW,)),
    Move((_F.HELD,), _F.HELD, _T.ROW, Who.TRACK,
         "the same, and its line is taken or its time over", (_G.ROW,)),
    Move(_AT_PROVIDER, _F.DELIVERED, _T.ROW, Who.TRACK,
         "its row says that every page arrived", (_G.ROW,), _FINAL),
    Move(_AT_PROVIDER, _F.PARTIAL, _T.ROW, Who.TRACK,
         "its row says success and counts fewer pages", (_G.ROW,), _FINAL),
    Move(_AT_PROVIDER, _F.WAITING, _T.ROW, Who.TRACK,
         "its row says that it failed, and the cause allows another try", (_G.ROW, _G.CERTAIN)),
    Move(_AT_PROVIDER, _F.FAILED, _T.ROW, Who.TRACK,
         "its row says that it failed, for good or after the last try", (_G.ROW, _G.CERTAIN), _FINAL),
    Move((_F.UNKNOWN, _F.SENT), _F.HELD, _T.DOUBT, Who.TRACK,
         "nothing proves what happened, and it has waited long enough", (), (_E.WORD, _E.ALERT)),
    Move((_F.UNKNOWN,), _F.WAITING, _T.RESEND, Who.TRACK,
         "no trace of it, and its sender prefers two faxes to none", (_G.RULE,)),
    Move((_F.WAITING,), _F.UNKNOWN, _T.TRACE, Who.SUBMIT,
         "it was to be sent again by that rule, and a row has come meanwhile", (_G.LEASE, _G.LINE, _G.RULE)),
    Move((_F.HELD,), _F.UNCONFIRMED, _T.EXPIRED, Who.TRACK,
         "nobody resolved it in time", (), _UNKNOWN),
    Move(_DOUBTFUL, _F.SENT, _T.RESOLVE, Who.PERSON,
         "`queue resolve --sent ROW`", (_G.NAMED, _G.ROW, _G.LINE)),
    Move(_DOUBTFUL, _F.DELIVERED, _T.RESOLVE, Who.PERSON,
         "`queue resolve --sent`", (_G.NAMED,), _FINAL),
    Move(_DOUBTFUL, _F.FAILED, _T.RESOLVE, Who.PERSON,
         "`queue resolve --fail`", (_G.NAMED,), _FINAL),
    Move(_DOUBTFUL, _F.WAITING, _T.RESOLVE, Who.PERSON,
         "`queue resolve --resend`", (_G.NAMED,)),
)

DOCUMENT = (
    Move((None,), _D.PENDING, _T.ACCEPTED, Who.INTAKE, "a mail or a command was accepted"),
    Move((_D.PENDING,), _D.READY, _T.RENDERED, Who.RENDER, "its pages are stored", (), (_E.FAXES_GO,)),
    Move((_D.PENDING,), _D.REFUSED, _T.UNFIT, Who.RENDER,
         "it cannot become fax pages", (_G.CERTAIN,), (_E.FAXES_FAIL,)),
    Move((_D.PENDING,), _D.REFUSED, _T.DEATHS, Who.RENDER,
         "its renderer died three times, or the daemon with it alone", (_G.CERTAIN,), (_E.FAXES_FAIL,)),
)

RECEIVED = (
    Move((None,), _R.SEEN, _T.LISTED, Who.RECEIVE, "it is in a folder of the account"),
    Move((_R.SEEN,), _R.FETCHED, _T.FETCHED, Who.RECEIVE, "our own copy is stored"),
    Move((_R.FETCHED,), _R.ROUTED, _T.ROUTED, Who.RECEIVE, "who gets it is known", (), (_E.MAILS,)),
    Move((_R.ROUTED,), _R.MAILED, _T.MAILED, Who.DELIVER, "its last mail was accepted"),
    Move((_R.MAILED,), _R.ACKNOWLEDGED, _T.ACKNOWLEDGED, Who.RECEIVE,
         "it was moved at the provider, or stays where it is"),
    Move((_R.SEEN, _R.FETCHED, _R.MAILED), _R.PARKED, _T.SET_ASIDE, Who.RECEIVE,
         "it cannot go on without a person", (), (_E.ALERT,)),
    Move((_R.ROUTED,), _R.PARKED, _T.UNDELIVERABLE, Who.DELIVER,
         "one of its mails was refused or given up", (), (_E.ALERT,)),
    Move((_R.PARKED, _R.MAILED, _R.ACKNOWLEDGED), _R.ROUTED, _T.REMAIL, Who.PERSON,
         "`inbox remail`", (_G.NAMED,), (_E.MAILS,)),
    Move((_R.PARKED,), _R.SEEN, _T.RESUME, Who.PERSON,
         "`inbox remail`, and our copy is missing", (_G.NAMED,)),
    Move((_R.PARKED,), _R.FETCHED, _T.RESUME, Who.PERSON,
         "`inbox remail`, and it was never routed", (_G.NAMED,)),
)

OUTBOX = (
    Move((None,), _O.QUEUED, _T.OWED, Who.STORE, "a move owes it, or a mail was refused or repeated"),
    Move((_O.QUEUED,), _O.SENT, _T.TAKEN, Who.DELIVER, "the next mail server, or the provider, took it"),
    Move((_O.QUEUED,), _O.QUEUED, _T.PUT_OFF, Who.DELIVER, "not now; it is tried again"),
    Move((_O.QUEUED,), _O.FAILED, _T.REFUSED, Who.DELIVER, "it was refused for good"),
    Move((_O.QUEUED,), _O.FAILED, _T.GIVEN_UP, Who.DELIVER, "it was tried for long enough"),
)
# fmt: on


class IllegalMoveError(Exception):
    """A move that the table does not have, or that lacks what its guards ask for."""


def _each() -> Iterator[tuple[tuple[type[State], State | None, State, Trigger], Move]]:
    for move in (*FAX, *DOCUMENT, *RECEIVED, *OUTBOX):
        for source in move.sources:
            # Members of different enums may be equal as words, so the kind is part of the key.
            yield (type(move.target), source, move.target, move.trigger), move


_BY_KEY = dict(_each())


def find(source: State | None, target: State, trigger: Trigger) -> Move | None:
    """The row of this move, if it is legal."""
    if source is not None and type(source) is not type(target):
        return None
    return _BY_KEY.get((type(target), source, target, trigger))


def check(source: State | None, target: State, trigger: Trigger) -> Move:
    """The row of this move. Raises `IllegalMoveError` if it is not in the table."""
    move = find(source, target, trigger)
    if move is None:
        raise IllegalMoveError(f"{type(target).__name__}: {source} -> {target} on {trigger} is no legal move")
    return move


def targets(table: Sequence[Move]) -> dict[State, frozenset[State]]:
    """Where each state of a table may go, whatever the trigger; states without a way out are final."""
    found: defaultdict[State, set[State]] = defaultdict(set)
    for move in table:
        found[move.target] |= set()
        for source in move.sources:
            if source is not None:
                found[source].add(move.target)
    return {state: frozenset(states) for state, states in found.items()}
