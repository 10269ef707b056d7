"""The table of moves: whole, without contradiction, and closed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import moves
from gateway.lifecycle import (
    CLAIMANTS,
    FINAL,
    ON_THE_LINE,
    SENDABLE,
    DocumentState,
    FaxState,
    OutboxState,
    ReceivedState,
    State,
)
from gateway.moves import EFFECTS, GUARDS, Effect, Guard, IllegalMoveError, Move, Trigger, Who, check, find

TABLES = {
    FaxState: moves.FAX,
    DocumentState: moves.DOCUMENT,
    ReceivedState: moves.RECEIVED,
    OutboxState: moves.OUTBOX,
}
EVERY = tuple(itertools.chain(*TABLES.values()))
STATES: list[State | None] = [None, *itertools.chain(*TABLES)]


def fax_moves(source: FaxState) -> list[Move]:
    return [move for move in moves.FAX if source in move.sources]


@pytest.mark.parametrize("kind", TABLES)
def test_every_state_can_be_reached_from_the_beginning_and_reaches_an_end(kind: type[State]) -> None:
    ways = moves.targets(TABLES[kind])
    assert set(ways) == set(kind)
    reached = {move.target for move in TABLES[kind] if None in move.sources}
    for _ in kind:
        reached |= set(itertools.chain(*(ways[state] for state in reached)))
    assert reached == set(kind)
    ends = {state for state in kind if not ways[state]} or {ReceivedState.ACKNOWLEDGED}
    for _ in kind:
        ends |= {state for state in kind if ways[state] & ends}
    assert ends == set(kind)


def test_no_move_is_in_the_table_twice() -> None:
    keys = [(type(m.target), source, m.target, m.trigger) for m in EVERY for source in m.sources]
    assert len(keys) == len(set(keys))


def test_every_word_is_used_and_explained() -> None:
    assert {move.trigger for move in EVERY} == set(Trigger)
    assert {move.who for move in EVERY} == set(Who)
    assert {guard for move in EVERY for guard in move.guards} == set(Guard) == set(GUARDS)
    assert {effect for move in EVERY for effect in move.owes} == set(Effect) == set(EFFECTS)


@given(st.sampled_from(STATES), st.sampled_from(STATES[1:]), st.sampled_from(Trigger))
def test_a_move_is_legal_exactly_when_the_table_has_it(
    source: State | None, target: State, trigger: Trigger
) -> None:
    rows = [
        move
        for move in TABLES[type(target)]
        if move.target is target and move.trigger is trigger and any(one is source for one in move.sources)
    ]
    assert find(source, target, trigger) is (rows[0] if rows else None)
    if rows:
        assert check(source, target, trigger) is rows[0]
    else:
        with pytest.raises(IllegalMoveError):
            check(source, target, trigger)


def test_words_of_different_tables_do_not_mix() -> None:
    with pytest.raises(IllegalMoveError):
        check(OutboxState.QUEUED, FaxState.SENT, Trigger.SUCCESS)
    assert check(OutboxState.QUEUED, OutboxState.SENT, Trigger.TAKEN)
    for source, target in itertools.product(FaxState, OutboxState):
        assert not any(find(source, target, trigger) for trigger in Trigger)


def test_final_states_are_the_ones_without_a_way_out() -> None:
    assert {state for state, ways in moves.targets(moves.FAX).items() if not ways} == FINAL


def test_a_final_notice_is_owed_by_every_move_into_a_final_state_and_by_no_other() -> None:
    for move in moves.FAX:
        assert (Effect.RECEIPT in move.owes) == (move.target in FINAL)
        held = move.target is FaxState.HELD and move.trigger is not Trigger.ROW
        assert (Effect.WORD in move.owes) == held


def test_a_call_is_only_begun_from_states_that_certainly_are_not_sent_and_under_a_lease() -> None:
    (call,) = [move for move in moves.FAX if move.target is FaxState.SUBMITTING]
    assert set(call.sources) == SENDABLE
    assert set(call.guards) == {Guard.LEASE, Guard.LINE}
    assert Effect.ATTEMPT in call.owes


def test_a_fax_goes_on_the_line_only_past_the_guard_of_the_line() -> None:
    for move in moves.FAX:
        comes = move.target in ON_THE_LINE and not ON_THE_LINE.issuperset(move.sources)
        assert not comes or Guard.LINE in move.guards


def test_a_fax_that_may_be_at_the_provider_waits_again_only_for_a_reason_that_says_it_is_not() -> None:
    """A recorded end that is certain, its own row, the sender's rule, or a person: never time alone."""
    for source in CLAIMANTS:
        for move in fax_moves(source):
            if move.target in SENDABLE:
                reasons = {Guard.ENDED, Guard.ROW, Guard.RULE, Guard.NAMED}
                assert reasons & set(move.guards), move
    # What the rescue and the deadline may do.
    by_time = [move for move in moves.FAX if move.who in (Who.RESCUE, Who.DEADLINE)]
    assert {(source, move.target) for move in by_time for source in move.sources} == {
        (FaxState.SUBMITTING, FaxState.UNKNOWN),
        (FaxState.ACCEPTED, FaxState.FAILED),
        (FaxState.WAITING, FaxState.FAILED),
        (FaxState.WAITING, FaxState.UNCONFIRMED),
    }


def test_who_is_a_person_is_named() -> None:
    for move in EVERY:
        assert (move.who is Who.PERSON) == (Guard.NAMED in move.guards)
