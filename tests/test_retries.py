"""Tries by cause, waits with jitter, the deadline over all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retries import Cause, Plan, again, counted

waits = st.lists(st.floats(1, 1e5), max_size=5).map(tuple)
plans = st.builds(Plan, waits=st.fixed_dictionaries(dict.fromkeys(Cause, waits)), jitter=st.floats(0, 0.5))


@given(plans, st.sampled_from(list(Cause)), st.integers(1, 9), st.floats(0, 1e6), st.text(max_size=5))
def test_a_wait_is_that_of_its_turn_and_never_shorter(
    plan: Plan, cause: Cause, count: int, now: float, seed: str
) -> None:
    tries = {cause.value: count, "something else": 99}
    run_at = again(plan, cause, tries, now=now, deadline=1e12, seed=seed)
    given_waits = plan.waits[cause]
    if not given_waits or (count > len(given_waits) and cause is not Cause.PROVIDER):
        assert run_at is None
        return
    wait = given_waits[min(count, len(given_waits)) - 1]
    assert run_at is not None
    assert now + wait <= run_at <= now + wait * (1 + plan.jitter) + 1e-6
    assert run_at == again(plan, cause, tries, now=now, deadline=1e12, seed=seed)


@given(plans, st.sampled_from(list(Cause)), st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 1e5))
def test_nothing_is_tried_after_the_deadline_nor_before_the_cause_allows(
    plan: Plan, cause: Cause, now: float, left: float, at_least: float
) -> None:
    run_at = again(plan, cause, counted({}, cause), now=now, deadline=now + left, seed="x", at_least=at_least)
    if run_at is not None:
        assert now + at_least <= run_at <= now + left


def test_counting_leaves_other_causes_alone() -> None:
    tries = counted(counted({"busy": 2}, Cause.BUSY), Cause.DROPPED)
    assert tries == {"busy": 3, "dropped": 1}


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.VOICE])
def test_faxes_of_one_outage_come_back_at_different_times(cause: Cause) -> None:
    plan = Plan(waits={cause: (100.0,)})
    times = {again(plan, cause, {cause.value: 1}, now=0, deadline=1e9, seed=f"fax-{n}") for n in range(50)}
    assert len(times) > 40
