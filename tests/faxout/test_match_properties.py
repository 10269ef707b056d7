"""Whose row is it: what must hold for any account, however strange, and what holds in a truthful one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st
from support.sent_rows import LINE, NUMBER, POLICY, T0, attempt, claimant, row

from gateway import phone
from gateway.faxout.decisions import Decision, How, Own, Resend
from gateway.faxout.interpret import Standing, surely_not_sent
from gateway.faxout.match import Clues, SentRow, match
from gateway.lifecycle import FaxState
from gateway.model import Attempt
from gateway.store.tracking import Claimant, GivesBack

_DOCUMENTS = (("a",), ("b", "c"), ())
_NUMBERS = ((NUMBER, LINE), ("+15559870001", "5559870001"))
_STATES = (FaxState.SUBMITTING, FaxState.SENT, FaxState.UNKNOWN, FaxState.HELD)
_WORDS = ("success", "", "sending", "http_502", "lease_lost", "limit_reached")
_ROW_IDS = tuple(str(n) for n in range(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything that matching looks at."""

    claimants: list[Claimant]
    rows: list[SentRow]
    clues: Clues
    now: float

    def match(self) -> dict[str, Decision]:
        return match(self.claimants, self.rows, clues=self.clues, now=self.now, policy=POLICY)

    def owned(self) -> dict[str, Own]:
        return {fax_id: one for fax_id, one in self.match().items() if isinstance(one, Own)}


times = st.sampled_from((T0 - 5000, T0, T0 + 100, T0 + 700, T0 + 4000, T0 + 90000))


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Any combination, also ones that the store would not allow."""
    ids = [f"F{n}" for n in range(draw(st.integers(1, 4)))]
    known = draw(st.dictionaries(st.sampled_from(_ROW_IDS), st.sampled_from([*ids, "gone"]), max_size=3))
    claimants, tokens = [], []
    for index, id_ in enumerate(ids):
        calls = []
        for ordinal in range(1, draw(st.integers(1, 3)) + 1):
            token = f"TOK{index}{ordinal}XYZ"
            tokens.append(token)
            mine = [row_id for row_id, owner in known.items() if owner == id_]
            calls.append(
                attempt(
                    ordinal,
                    outcome=draw(st.sampled_from(_WORDS)),
                    started=draw(times),
                    token=token,
                    fax_id=id_,
                    snapshot=tuple(draw(st.lists(st.sampled_from((*_ROW_IDS, "vanished")), max_size=3))),
                    provider_id=draw(st.sampled_from(["", *mine])),
                )
            )
        claimants.append(
            claimant(
                draw(st.sampled_from(_STATES)),
                *calls,
                id_=id_,
                number=draw(st.sampled_from(_NUMBERS))[0],
                pages=draw(st.sampled_from(_DOCUMENTS)),
                resend_unknown=draw(st.booleans()),
            )
        )
    rows = [
        row(
            row_id,
            draw(st.sampled_from(list(Standing))),
            destination=draw(st.sampled_from(_NUMBERS))[1],
            station_id=draw(st.sampled_from(["", "Clinic", *(f"clinic {token}" for token in tokens)])),
            pages=draw(st.integers(0, 3)),
            latest=draw(st.none() | times),
        )
        for row_id in draw(st.lists(st.sampled_from(_ROW_IDS), unique=True))
    ]
    shown = st.sampled_from((*_DOCUMENTS, ("stranger",)))
    clues = Clues(
        known=known,
        pages=draw(st.dictionaries(st.sampled_from(_ROW_IDS), shown)),
        settling=draw(st.dictionaries(st.sampled_from(ids), st.tuples(st.sampled_from(_ROW_IDS), times))),
        held_since=draw(st.dictionaries(st.sampled_from(ids), times)),
        gives_back=draw(st.none() | st.sampled_from(GivesBack)),
        echoed=draw(st.sets(st.sampled_from(ids), max_size=1)),
        unreadable=draw(st.sampled_from((0, 0, 1))),
    )
    return Account(claimants=claimants, rows=rows, clues=clues, now=draw(times))


def _until_open(calls: Sequence[Attempt]) -> Sequence[Attempt]:
    """Calls up to the first that may still have made a row."""
    for index, call in enumerate(calls):
        if not (call.provider_id or surely_not_sent(call.outcome)):
            return calls[: index + 1]
    return calls


@given(accounts())
def test_each_decision_is_lawful(account: Account) -> None:
    decisions = account.match()
    by_id = {one.fax.id: one for one in account.claimants}
    rows = {one.id: one for one in account.rows}
    assert decisions.keys() == {id_ for id_, one in by_id.items() if one.fax.state is not FaxState.SUBMITTING}
    owned = {id_: one for id_, one in decisions.items() if isinstance(one, Own)}
    assert len({one.row_id for one in owned.values()}) == len(owned), "a row was given to two faxes"
    for id_, own in owned.items():
        one, found = by_id[id_], rows[own.row_id]
        latest = one.attempts[-1]
        assert phone.same(found.destination, one.fax.number)
        if own.how is How.KNOWN:
            assert account.clues.known[found.id] == id_
            assert latest.provider_id == found.id
            continue
        # Its own from before may be proved anew: a failed one, while an earlier call is in doubt too.
        assert account.clues.known.get(found.id, id_) == id_, "it belongs to an attempt of another"
        before = _until_open(one.attempts)
        assert not any(found.id in call.snapshot for call in before), "it was there before the call"
        match own.how:
            case How.TOKEN:
                assert any(call.token in found.station_id.upper() for call in one.attempts)
            case How.PAGES:
                assert account.clues.pages[found.id] == one.document.page_digests != ()
            case How.LONE:
                assert one.fax.state is FaxState.SENT
                assert latest.outcome == "success"
                assert found.standing is not Standing.PENDING
                assert account.clues.unreadable == 0
                assert id_ not in account.clues.echoed
                seen = account.clues.pages.get(found.id, ())
                short = len(seen) < len(one.document.page_digests)
                if account.clues.gives_back is GivesBack.AS_SENT or (
                    account.clues.gives_back is GivesBack.REDRAWN and not short
                ):
                    assert seen == one.document.page_digests[: len(seen)], "it shows another fax"
    for id_, decision in decisions.items():
        if isinstance(decision, Resend):
            one = by_id[id_]
            assert one.submission.resend_unknown
            assert one.fax.state is FaxState.UNKNOWN
            assert account.clues.unreadable == 0
            assert {row_id for call in one.attempts for row_id in call.snapshot} <= rows.keys()


@given(accounts(), st.randoms(use_true_random=False))
def test_order_does_not_matter(account: Account, random: object) -> None:
    claimants, rows = list(account.claimants), list(account.rows)
    random.shuffle(claimants)  # type: ignore[attr-defined]
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert replace(account, claimants=claimants, rows=rows).match() == account.match()


@given(accounts(), st.sampled_from(list(Standing)), st.integers(0, 3), st.none() | times, st.booleans())
def test_a_strangers_row_never_becomes_the_answer_of_a_fax_in_doubt(
    account: Account, standing: Standing, pages: int, latest: float | None, fetched: bool
) -> None:
    """Before, after or instead of ours; with our number and our page count; asked for or not."""
    stranger = row("stranger", standing, pages=pages, latest=latest)
    seen = {"stranger": ("theirs",)} if fetched else {}
    clues = replace(account.clues, pages={**account.clues.pages, **seen})
    crowded = replace(account, rows=[*account.rows, stranger], clues=clues)
    states = {one.fax.id: one.fax.state for one in account.claimants}
    doubtful = {id_ for id_, state in states.items() if state in (FaxState.UNKNOWN, FaxState.HELD)}
    before, after = account.owned(), crowded.owned()
    for id_ in doubtful:
        assert after.get(id_) == before.get(id_), "nothing but proof decides, so a stranger changes nothing"
    proofs = {id_: own for id_, own in after.items() if own.how is not How.LONE}
    assert proofs == {id_: own for id_, own in before.items() if own.how is not How.LONE}


@st.composite
def truthful(draw: st.DrawFn) -> tuple[Account, dict[str, Attempt], set[str]]:
    """An account without strangers that does what it says: an accepted call makes one row, at some time.

    Returns it with the maker of each row, and the ids of Faxes of which no call failed so far and one was
    accepted.
    """
    claimants, rows, makers, alive, pages = [], [], {}, set(), {}
    echo = draw(st.booleans())
    clock, count = T0, 0
    visible: list[str] = []
    for index in range(draw(st.integers(1, 3))):
        id_, document = f"F{index}", draw(st.sampled_from(_DOCUMENTS[:2]))
        calls = []
        ends: list[Standing | None] = []
        for ordinal in range(1, draw(st.integers(1, 3)) + 1):
            snapshot = tuple(visible)
            word = draw(st.sampled_from(("success", "sending", "", "limit_reached")))
            accepted = word == "success" or (word in ("sending", "") and draw(st.booleans()))
            call = attempt(
                ordinal,
                outcome=word,
                started=clock,
                snapshot=snapshot,
                fax_id=id_,
                token=f"TOK{index}{ordinal}XYZ",
                id=index * 10 + ordinal,
            )
            calls.append(call)
            if accepted:
                end = draw(st.sampled_from(list(Standing)))
                ends.append(end)
                if draw(st.booleans()):  # its row shows already
                    count += 1
                    row_id = str(count)
                    made = row(
                        row_id,
                        end,
                        latest=clock + draw(st.sampled_from((0, 50))),
                        pages=len(document),
                        station_id=f"x {call.token}" if echo else "",
                    )
                    rows.append(made)
                    makers[row_id] = call
                    if draw(st.booleans()):
                        visible.append(row_id)  # ... and did before the next call
                    if draw(st.booleans()):
                        pages[row_id] = document
            clock += 1000
        if any(end is not Standing.FAILED for end in ends):
            alive.add(id_)
        last = calls[-1].outcome
        states = {"success": (FaxState.SENT, FaxState.HELD)}.get(last, (FaxState.UNKNOWN, FaxState.HELD))
        claimants.append(claimant(draw(st.sampled_from(states)), *calls, id_=id_, pages=document))
    settled = {one.fax.id: (made.id, T0 - 9999) for one in claimants for made in rows}
    clues = Clues(pages=pages, settling=settled)
    account = Account(claimants=claimants, rows=rows, clues=clues, now=clock + 100)
    return account, makers, alive


@given(truthful())
def test_in_a_truthful_account_a_row_goes_to_its_maker(
    world: tuple[Account, dict[str, Attempt], set[str]],
) -> None:
    account, makers, _ = world
    documents = {one.fax.id: one.document.page_digests for one in account.claimants}
    for id_, own in account.owned().items():
        if own.how is How.TOKEN:
            assert makers[own.row_id].fax_id == id_
        else:
            # Equal pages to the same number say the same of both faxes, whichever call made the row.
            assert documents[makers[own.row_id].fax_id] == documents[id_]


@given(truthful())
def test_in_a_truthful_account_a_fax_only_fails_when_every_call_failed(
    world: tuple[Account, dict[str, Attempt], set[str]],
) -> None:
    """A busy row leads to another call: none may be made while an accepted one is still under way."""
    account, makers, alive = world
    standings = {one.id: one.standing for one in account.rows}
    distinct = len({one.document.page_digests for one in account.claimants}) == len(account.claimants)
    for id_, own in account.owned().items():
        if distinct and own.how is not How.TOKEN and standings[own.row_id] is Standing.FAILED:
            assert id_ not in alive
        if own.how is How.TOKEN and standings[own.row_id] is Standing.FAILED:
            latest = next(one for one in account.claimants if one.fax.id == id_).attempts[-1]
            assert makers[own.row_id] is latest
