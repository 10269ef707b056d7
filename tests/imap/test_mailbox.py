"""UID decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin.mailbox import Contact, Selected, Strikes, back_off, contact, first_mark, to_judge

HERE = Selected(uidvalidity=7, uidnext=100)


@pytest.mark.parametrize(
    ("mark", "expected"), [(None, Contact.FIRST), ((7, 50), Contact.SAME), ((6, 50), Contact.RENUMBERED)]
)
def test_a_folder_is_new_known_or_renumbered(mark: tuple[int, int] | None, expected: Contact) -> None:
    assert contact(mark, HERE) is expected


def test_first_contact_starts_from_now_unless_asked() -> None:
    assert first_mark(HERE, include_existing=False) == 99
    assert first_mark(HERE, include_existing=True) == 0


@given(
    st.sets(st.integers(1, 60)), st.integers(0, 60), st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60))
)
def test_each_new_message_is_judged_once_and_suspects_last(
    uids: set[int], high_water: int, decided: set[int], suspects: set[int]
) -> None:
    order = to_judge(uids, high_water=high_water, decided=decided, withdrawn={5, 6}, suspects=suspects)
    assert set(order) == {uid for uid in uids - decided - {5, 6} if uid > high_water}
    assert len(order) == len(set(order))
    calm, odd = [u for u in order if u not in suspects], [u for u in order if u in suspects]
    assert order == sorted(calm) + sorted(odd)


def test_the_third_strike_is_the_last() -> None:
    strikes = Strikes()
    assert [strikes.add(7, 1) for _ in range(3)] == [False, False, True]
    assert strikes.add(7, 2) is False
    assert strikes.suspects(7) == {1, 2}
    assert strikes.suspects(8) == set()
    strikes.clear(7, 1)
    strikes.clear(7, 1)
    assert strikes.suspects(7) == {2}
    assert strikes.add(7, 1) is False


@given(st.integers(1, 10_000))
def test_the_pause_grows_to_a_limit(failures: int) -> None:
    assert 1.0 <= back_off(failures) <= back_off(failures + 1) <= 300.0
    assert back_off(1) == 1.0
