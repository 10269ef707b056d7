"""The back-off."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.lifecycle import next_try


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
