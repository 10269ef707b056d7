"""Every order of events that chance can think of, on the real store, beside a plain model of it.

Several nodes claim, call and die, or stand still and go on with what they had in hand; the clock jumps ahead;
the tracker brings old news; people cancel, resolve and send again. After each step both must say the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support.fax_model import FINAL, LINE, SENDABLE, Call, ModelFax, Queue
from support.plans import PATIENCE, plan
from support.submissions import make_submission

from gateway.control import Verbs
from gateway.control.server import Peer
from gateway.errors import Failure, GatewayError, permanent, temporary, unknown
from gateway.lifecycle import FaxState
from gateway.model import Attempt, Content, new_id
from gateway.moves import Trigger
from gateway.retries import Cause
from gateway.store import Store, attempts, documents, duties, faxes, intake, leases, tables, tracking
from gateway.store.leases import StaleError
from gateway.worker import apply
from gateway.worker.outcomes import Called, LineTaken, NotCalled, Released, Traced, Tracked, Unsure

T = TypeVar("T")
NUMBERS = ("+15552341234", "+15552340000")
NODES = ("a", "b", "c")
LEASE, LONGEST_CALL, LIFE = 60.0, 30.0, 9000.0
POLICY = apply.Policy(plan=plan((60.0, 600.0)), patience=PATIENCE, mail_delays=(60.0,), mail_give_up=3600.0)
WORDS: dict[str, Failure | None] = {
    "success": None,
    "busy_there": temporary("4.3.0", "Not now.", code="odd"),
    "refused": permanent("5.1.3", "Never.", code="invalid_number"),
    "no_word": unknown("4.4.2", "Lost.", code="timeout"),
}
TRUTHFUL = {True: ("success", "no_word"), False: ("busy_there", "refused", "no_word")}
AT_PROVIDER = ("sent", "unknown", "held")
EVENTS = (*["work"] * 12, *["time"] * 4, "mail", "person", "person", "disaster")
STEPS = ("call", "call", "call", "line", "drain", "busy", "never", "lost", "trace")
NEWS = ("known", "pending", "delivered", "partial", "busy", "failed", "doubt", "resend", "expire")


class Clocked(Store):
    """A store whose clock the test sets."""

    time = 1000.0

    def now(self) -> float:
        return self.time


class Faxes(RuleBasedStateMachine):
    """One run. `loop` runs the store's own threads' answers."""

    def __init__(self, store: Clocked, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.store, self.loop = store, loop
        store.time = 1000.0
        self.queue = Queue()
        self.works: list[tuple[str, faxes.Work]] = []
        self.calls: list[tuple[str, faxes.Work, Attempt]] = []
        self.looks: list[tracking.Claimant] = []
        self.refusal = ""
        self.verbs = Verbs(
            store,
            send=self._never,
            wake=lambda: None,
            deadline=LIFE,
            status=dict,
            sent_rows=self._rows,
        )

    @initialize(resend=st.booleans())
    def begin(self, resend: bool) -> None:
        self.write(lambda tx: [tx.execute(sa.delete(t)) for t in reversed(tables.metadata.sorted_tables)])
        for number in (*NUMBERS, NUMBERS[0]):
            self.accept(number, resend, fit=True)

    async def _never(self, *_: object) -> Any:
        raise AssertionError("nothing is sent by command here")

    async def _rows(self, _since: float) -> dict[str, str]:
        return {f"row {fax.id} {len(fax.calls)}": fax.number for fax in self.queue.faxes.values()}

    @property
    def now(self) -> float:
        return self.store.time

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        return self.loop.run_until_complete(self.store.write(work))

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        return self.loop.run_until_complete(self.store.read(work))

    @rule(what=st.sampled_from(EVENTS), draw=st.data())
    def happens(self, what: str, draw: st.DataObject) -> None:
        """One event. (A single rule: no run is without one kind of them.)"""
        pick, node = draw.draw(st.integers(0, 9999)), draw.draw(st.sampled_from(NODES))
        match what:
            case "work":
                possible = [
                    *(["claim"] if self.queue.claimable(self.now) else []),
                    *(["step"] if self.works else []),
                    *(["end"] if self.calls else []),
                    *(["track"] if self.looks or self.at_provider else []),
                ]
                if possible:
                    self._work(possible[pick % len(possible)], pick // 7, node, draw)
            case "time":
                seconds = draw.draw(st.sampled_from([1.0, 31.0, 100.0, 100.0, 100.0, 700.0, LIFE / 2]))
                self.time_passes(seconds, node)
            case "mail" if sum(fax.state not in FINAL for fax in self.queue.faxes.values()) < 4:
                fit = draw.draw(st.sampled_from([True, True, True, False]))
                self.accept(draw.draw(st.sampled_from(NUMBERS)), draw.draw(st.booleans()), fit=fit)
            case "person":
                wish = draw.draw(st.sampled_from(["cancel", "retry", "retry", "resolve", "resolve"]))
                self.person(pick, wish, draw.draw(st.integers(0, 9)))
            case "disaster":
                self.disaster(node, dies=draw.draw(st.booleans()))

    def _work(self, what: str, pick: int, node: str, draw: st.DataObject) -> None:
        match what:
            case "claim":
                self.claim(node, draw.draw(st.sampled_from([1, 99])))
            case "step":
                self.step(pick, draw.draw(st.sampled_from(STEPS)), draw.draw(st.booleans()))
            case "end":
                self.end(pick, draw.draw(st.integers(0, 9)))
            case _:
                self.track(pick, draw.draw(st.integers(0, 9)), fresh=draw.draw(st.booleans()))

    @property
    def at_provider(self) -> bool:
        return any(fax.state in AT_PROVIDER for fax in self.queue.faxes.values())

    # --- in comes a mail ---

    def accept(self, number: str, resend: bool, *, fit: bool) -> None:
        mail = make_submission(message_id=f"<{new_id()}>", resend_unknown=resend)
        accepted = self.write(
            lambda tx: intake.accept(tx, mail, [number], now=self.now, deadline=self.now + LIFE, window=0)
        )
        fax = ModelFax(
            id=accepted.faxes[0], number=number, resend=resend, deadline=self.now + LIFE, run_at=self.now
        )
        self.queue.faxes[fax.id] = fax
        (work,) = self.write(
            lambda tx: documents.claim(tx, owner="a:1", now=self.now, seconds=9, limit=1, idle=True)
        )
        if not fit:
            refuse = documents.POISONOUS
            self.write(lambda tx: documents.refused(tx, work.document, refuse, Trigger.UNFIT, now=self.now))
            fax.move("failed")
            return
        self.write(
            lambda tx: documents.ready(
                tx,
                work.document,
                content=Content(size=1, data=b"x"),
                pages=2,
                digest="d",
                page_digests=["1", "2"],
                notes=[],
                now=self.now,
            )
        )

    # --- nodes at work ---

    def claim(self, node: str, limit: int) -> None:
        owner = f"{node}:1"
        expected = self.queue.claim(owner, self.now, LEASE, limit)
        works = self.write(lambda tx: faxes.claim(tx, owner=owner, now=self.now, seconds=LEASE, limit=limit))
        assert [work.fax.id for work in works] == [fax.id for fax in expected]
        self.works += [(node, work) for work in works]

    def step(self, which: int, how: str, accepted: bool) -> None:
        node, work = self.works.pop(which % len(self.works))
        fax = self.queue.faxes[work.fax.id]
        mine = fax.fence == work.fax.fence and fax.state == work.fax.state
        match how:
            case "call" | "lost":
                self._begin(node, work, fax, mine=mine, lost=how == "lost", accepted=accepted)
            case "trace" if work.fax.state is FaxState.WAITING:
                self._trace(work, fax, mine=mine)
            case "line" | "drain" | "trace":
                outcome = LineTaken() if how == "line" else Released()
                self.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=self.now))
                if fax.fence == work.fax.fence:
                    fax.owner, fax.lease_until = "", None
                    fax.run_at = self.now + (5 if how == "line" else 0)
            case _:
                failure = WORDS["busy_there" if how == "busy" else "refused"]
                assert failure is not None
                outcome = NotCalled(failure=failure)
                try:
                    state = self.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=self.now))
                except StaleError:
                    assert not mine
                    return
                assert mine
                self._tried(fax, state, final=how == "never")

    def _begin(
        self, node: str, work: faxes.Work, fax: ModelFax, *, mine: bool, lost: bool, accepted: bool
    ) -> None:
        deadline = self.now + LEASE + LONGEST_CALL
        token = new_id()
        in_time = fax.lease_until is None or fax.lease_until >= self.now
        try:
            attempt = self.write(
                lambda tx: attempts.begin(
                    tx,
                    work.fax,
                    token=token,
                    deadline=deadline,
                    snapshot=[],
                    digest="d",
                    lease=LEASE,
                    now=self.now,
                )
            )
        except faxes.LineTakenError:
            assert mine
            assert in_time
            assert self.queue.line_taken(fax)
            return
        except StaleError:
            assert not (mine and in_time)
            return
        assert mine
        assert in_time
        assert not self.queue.line_taken(fax)
        assert not fax.twice, "a call while an earlier one may have made the fax arrive"
        fax.state, fax.lease_until, fax.run_at = "submitting", self.now + LEASE, None
        fax.calls.append(Call(accepted=accepted and not lost, deadline=deadline))
        if lost:  # the commit got no answer, so no call is made
            outcome = Unsure(token=token, word="not_called")
            self.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=self.now))
            fax.calls[-1].outcome = "not_called"
            fax.move("waiting")
            fax.run_at = self.now
            return
        self.calls.append((node, work, attempt))

    def end(self, which: int, word: int) -> None:
        _, work, attempt = self.calls.pop(which % len(self.calls))
        fax = self.queue.faxes[work.fax.id]
        call = fax.calls[attempt.ordinal - 1]
        said = TRUTHFUL[call.accepted][word % len(TRUTHFUL[call.accepted])]
        call.outcome = said
        target = self.queue.word(fax, attempt.ordinal, said)
        outcome = Called(attempt=attempt, word=said, failure=WORDS[said])
        state = self.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=self.now))
        if target is None:
            assert state == fax.state
        elif target == "waiting":
            self._tried(fax, state, final=False)
        else:
            assert state == target
            fax.move(target)

    def _trace(self, work: faxes.Work, fax: ModelFax, *, mine: bool) -> None:
        """A rule was to send it again, and a row has come."""
        may = mine and fax.resend and (fax.lease_until is None or fax.lease_until >= self.now)
        try:
            state = self.write(lambda tx: apply.submit(tx, work, Traced(), POLICY, now=self.now))
        except StaleError:
            assert not may
            return
        assert may
        if self.queue.line_taken(fax):
            fax.owner, fax.lease_until, fax.run_at = "", None, self.now + 5
        else:
            fax.move("unknown")
            fax.run_at = self.now
        assert state == fax.state

    def _tried(self, fax: ModelFax, state: FaxState | None, *, final: bool, by_row: bool = False) -> None:
        """It waits for another try, or it was the last."""
        row = self.read(lambda tx: faxes.get(tx, fax.id))
        end = "failed" if by_row else fax.failed
        fax.move(end if final or state == end else "waiting")
        fax.run_at = row.run_at
        assert state == fax.state
        if fax.state == "waiting":
            assert row.run_at is not None
            assert self.now <= row.run_at <= fax.deadline

    def disaster(self, node: str, *, dies: bool) -> None:
        """It dies and starts again; or stood still too long, and goes on with what it had in hand."""
        owner = f"{node}:1"
        if dies:
            self.works = [one for one in self.works if one[0] != node]
            self.calls = [one for one in self.calls if one[0] != node]
            self.write(lambda tx: attempts.orphan(tx, now=self.now, longest_call=LONGEST_CALL, node=node))
            self.write(lambda tx: leases.reclaim(tx, node=node))
        else:
            duty = duties.of_node(node)
            self.write(lambda tx: duties.take(tx, duty, owner=owner, now=self.now - 9, seconds=1))
            assert self.write(lambda tx: duties.bury(tx, node, now=self.now))
        for fax in self.queue.faxes.values():
            if fax.owner == owner and (dies or fax.state in SENDABLE):
                fax.owner, fax.lease_until = "", None
                if fax.state == "submitting":
                    fax.calls[-1].deadline = min(fax.calls[-1].deadline, self.now + LONGEST_CALL)

    def time_passes(self, seconds: float, node: str) -> None:
        """And a node looks for what is overdue."""
        self.store.time += seconds
        calling = {work.fax.id for at, work, _ in self.calls if at == node}
        silent = self.queue.overdue(self.now, calling)
        rescued = self.write(lambda tx: attempts.rescue(tx, now=self.now, calling=calling))
        assert sorted(rescued) == sorted(fax.id for fax in silent)
        for fax in silent:
            fax.move("unknown")
        late = self.queue.late(self.now)
        expired = self.write(lambda tx: faxes.expire(tx, now=self.now))
        for fax in late:
            fax.move(fax.failed)
        assert sorted((fax.id, fax.state) for fax in expired) == sorted((fax.id, fax.state) for fax in late)

    # --- the tracker ---

    def track(self, which: int, what: int, *, fresh: bool) -> None:
        """What was seen now, or long ago, is told."""
        if fresh:
            self.looks += self.read(tracking.claimants)
        if not self.looks:
            return
        claimant = self.looks.pop(which % len(self.looks))
        seen, fax = claimant.fax, self.queue.faxes[claimant.fax.id]
        possible = [(one, found) for one in NEWS if (found := self._news(claimant, fax, one)) is not None]
        if not possible:
            return
        word, news = possible[what % len(possible)]
        if word == "expire" and what > 3:  # it is held for days
            return
        stays = fax.state == seen.state and fax.fence == seen.fence
        resends = stays and word == "resend"
        try:
            state = self.write(lambda tx: apply.tracked(tx, news, POLICY, now=self.now))
        except faxes.LineTakenError:
            assert stays
            assert fax.state == "held"
            assert self.queue.line_taken(fax)
            return
        except StaleError:
            assert not stays or (word == "resend" and not fax.resend)
            return
        assert stays
        if resends:
            assert fax.resend
            fax.tolerated = fax.given_up = True
        if word in ("busy", "failed"):
            fax.calls[-1].disproved = True
        if news.target is None:
            return
        if word == "busy":
            self._tried(fax, state, final=False, by_row=True)
            return
        fax.move(state)
        fax.run_at = self.now if state == "waiting" else fax.run_at

    def _news(self, claimant: tracking.Claimant, fax: ModelFax, what: str) -> Tracked | None:
        """What a truthful tracker could say: a row is there only if its call was accepted."""
        state, latest = claimant.fax.state, claimant.attempts[-1]
        row = faxes.Evidence(provider_id=f"row {fax.id} {latest.ordinal}", pages=2, how="token")
        accepted = fax.calls[latest.ordinal - 1].accepted
        if state is FaxState.SUBMITTING or (what in NEWS[:6] and not accepted):
            return None
        match what:
            case "known" if state is not FaxState.UNKNOWN:
                return Tracked(claimant=claimant, target=None, evidence=row)
            case "pending" if state is not FaxState.SENT:
                return Tracked(claimant=claimant, target=FaxState.SENT, evidence=row)
            case "delivered" | "partial":
                return Tracked(claimant=claimant, target=FaxState(what), evidence=row)
            case "busy" | "failed":
                return Tracked(
                    claimant=claimant,
                    target=FaxState.FAILED,
                    evidence=row,
                    failure=temporary("4.4.1", "It did not work.", code=what),
                    cause=Cause.BUSY if what == "busy" else None,
                )
            case "doubt" if state is not FaxState.HELD:
                doubt = unknown("4.4.7", "Nobody knows.", code="held_no_proof")
                return Tracked(claimant=claimant, target=FaxState.HELD, trigger=Trigger.DOUBT, failure=doubt)
            case "resend" if state is FaxState.UNKNOWN:
                return Tracked(claimant=claimant, target=FaxState.WAITING, trigger=Trigger.RESEND)
            case "expire" if state is FaxState.HELD:
                return Tracked(claimant=claimant, target=FaxState.UNCONFIRMED, trigger=Trigger.EXPIRED)
            case _:
                return None

    # --- people ---

    def ask(self, verb: Callable[..., Any], fax: ModelFax, **args: object) -> dict[str, Any] | None:
        """The answer, or None for a refusal."""
        peer = Peer(pid=1, uid=0, user="anna")
        try:
            return self.loop.run_until_complete(verb(peer, {"id": fax.id, **args}, b""))  # type: ignore[no-any-return]
        except GatewayError as error:
            self.refusal = error.failure.sentence
            return None

    def person(self, which: int, what: str, how: int) -> None:
        """Does something where it may be done, and now and then where it may not."""
        right = {
            "cancel": lambda fax: fax.state in SENDABLE,
            "retry": lambda fax: fax.state in ("waiting", *FINAL),
            "resolve": lambda fax: fax.state in ("held", "unknown"),
        }[what]
        found = list(self.queue.faxes.values())
        fit = [fax for fax in found if right(fax)]
        fax = (fit or found)[which % len(fit or found)]
        match what:
            case "cancel":
                answer = self.ask(self.verbs.queue_cancel, fax)
                assert (answer is not None) == right(fax)
                if answer:
                    fax.move("cancelled")
            case "retry":
                self._retry(fax)
            case _:
                self._resolve(fax, ("sent", "fail", "resend", "row")[how % 4])

    def _resolve(self, fax: ModelFax, how: str) -> None:
        doubtful = fax.state in ("held", "unknown")
        if how == "row":
            taken = fax.state == "held" and self.queue.line_taken(fax)
            answer = self.ask(self.verbs.queue_resolve, fax, row=f"row {fax.id} {len(fax.calls)}")
            assert (answer is not None) == (doubtful and not taken), self.refusal
        else:
            answer = self.ask(self.verbs.queue_resolve, fax, **{"as": how})
            assert (answer is not None) == doubtful
        if answer:
            fax.move(str(answer["state"]))
        if answer and how == "resend":
            fax.tolerated, fax.run_at, fax.deadline = True, self.now, self.now + LIFE

    def _retry(self, fax: ModelFax) -> None:
        answer = self.ask(self.verbs.queue_retry, fax)
        if fax.state == "waiting":
            assert (answer is not None) == fax.free(self.now)
            if answer:
                fax.run_at, fax.deadline = self.now, self.now + LIFE
        elif answer is not None:
            assert fax.state in FINAL
            assert fax.state != "delivered"
            again = ModelFax(
                id=answer["id"],
                number=fax.number,
                resend=fax.resend,
                deadline=self.now + LIFE,
                run_at=self.now,
            )
            self.queue.faxes[again.id] = again

    # --- after each step ---

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        rows, calls, mails, events = self.read(_everything)
        assert {row.id: row.state for row in rows} == {f.id: f.state for f in self.queue.faxes.values()}
        for row in rows:
            fax = self.queue.faxes[row.id]
            assert (row.fence, row.lease_until) == (fax.fence, fax.lease_until), fax
            assert [call.outcome for call in calls if call.fax_id == fax.id] == [
                call.outcome for call in fax.calls
            ], "an outcome is appended whoever holds the lease"
        on_the_line = Counter(row.number for row in rows if row.state in LINE)
        assert all(count == 1 for count in on_the_line.values())
        finals = Counter(mail.facts["fax_id"] for mail in mails if mail.kind == "receipt")
        assert finals == Counter(row.id for row in rows if row.state in FINAL), "one final notice each"
        told = {mail.facts["fax_id"] for mail in mails if mail.kind == "held"}
        assert told >= {row.id for row in rows if row.state == "held"}
        for row in rows:
            history = [event for event in events if event.subject_id == row.id]
            chain = ["", *(event.target for event in history)]
            assert [event.source for event in history] == chain[:-1], "no gap in the history"
            assert chain[-1] == row.state
            assert not any(source in FINAL for source in chain[:-1]), "final states never change"


def _everything(tx: sa.Connection) -> tuple[Any, Any, Any, Any]:
    fax, attempt, outbox, event = tables.fax, tables.attempt, tables.outbox, tables.event
    return (
        tx.execute(sa.select(fax)).all(),
        tx.execute(sa.select(attempt).order_by(attempt.c.id)).all(),
        tx.execute(sa.select(outbox.c.kind, outbox.c.facts)).all(),
        tx.execute(sa.select(event).where(event.c.subject == "fax").order_by(event.c.id)).all(),
    )


def test_whatever_happens_in_whatever_order(
    tmp_path: Path, store_url: str, request: pytest.FixtureRequest
) -> None:
    default = settings.default
    assert default is not None
    runs = default.max_examples  # 100, or as a profile of hypothesis says
    loop = asyncio.new_event_loop()
    store = Clocked(tmp_path / "state", url=store_url)
    store.open()
    try:
        run_state_machine_as_test(
            lambda: Faxes(store, loop),
            settings=settings(
                max_examples=runs // 15 if store_url else runs // 5,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        store.close()
        loop.close()
