"""The tables of moves, and the back-off."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lifecycle import (
    CLAIMANTS,
    FAX_MOVES,
    FINAL,
    ON_THE_LINE,
    SENDABLE,
    DocumentState,
    FaxState,
    IllegalMoveError,
    OutboxState,
    check,
    next_try,
)


def test_every_state_is_in_the_table() -> None:
    assert set(FAX_MOVES) == set(FaxState)


def test_final_states_are_the_ones_the_design_names() -> None:
    assert {
        FaxState.DELIVERED,
        FaxState.PARTIAL,
        FaxState.FAILED,
        FaxState.CANCELLED,
        FaxState.UNCONFIRMED,
    } == FINAL


def test_every_state_reaches_a_final_one() -> None:
    reached = set(FINAL)
    for _ in FaxState:
        reached |= {state for state, targets in FAX_MOVES.items() if targets & reached}
    assert reached == set(FaxState)


@given(st.sampled_from(list(FaxState)), st.sampled_from(list(FaxState)))
def test_a_move_is_legal_exactly_when_the_table_has_it(source: FaxState, target: FaxState) -> None:
    if target in FAX_MOVES[source]:
        check(source, target)
    else:
        with pytest.raises(IllegalMoveError):
            check(source, target)


def test_a_call_is_only_begun_from_states_that_certainly_are_not_sent() -> None:
    assert {s for s, targets in FAX_MOVES.items() if FaxState.SUBMITTING in targets} == SENDABLE


def test_a_call_without_outcome_never_goes_back_to_waiting_by_expiry_alone() -> None:
    # Submitting may wait only through a documented refusal; an expired lease goes through unknown.
    assert FaxState.UNKNOWN in FAX_MOVES[FaxState.SUBMITTING]
    assert FaxState.SUBMITTING not in FAX_MOVES[FaxState.UNKNOWN]
    assert ON_THE_LINE < CLAIMANTS


def test_words_of_different_tables_do_not_mix() -> None:
    with pytest.raises(IllegalMoveError):
        check(OutboxState.QUEUED, FaxState.SENT)  # equal as words, different kinds
    with pytest.raises(IllegalMoveError):
        check(DocumentState.PENDING, FaxState.FAILED)


@given(
    tries=st.integers(0, 50),
    delays=st.lists(st.floats(1, 1e4), min_size=1, max_size=6),
    at_least=st.floats(0, 1e5),
)
def test_back_off_repeats_its_last_delay_and_honours_the_cause(
    tries: int, delays: list[float], at_least: float
) -> None:
    due = next_try(tries, delays, 1000.0, at_least=at_least)
    assert due >= 1000.0 + at_least
    assert due - 1000.0 in (*(d for d in delays if d >= at_least), at_least) or any(
        abs(due - 1000.0 - d) < 1e-6 for d in itertools.chain(delays, [at_least])
    )
