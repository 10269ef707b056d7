"""How long a client may take: silence, and a least speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin.patience import Patience


def patience(**changes: float) -> Patience:
    values = {"silence": 300.0, "content": 600.0, "rate": 500.0, "most": 50_000_000, **changes}
    return Patience(**values)  # type: ignore[arg-type]


def send(client: Patience, *, every: float, size: int, total: int) -> float | None:
    """Send `total` bytes in pieces; when the client was cut off, None if it was not."""
    client.begin(0.0)
    now, sent = 0.0, 0
    while sent < total:
        now += every
        if client.until < now:
            return client.until
        client.received(size, now)
        sent += size
    return None


def test_a_slow_client_that_goes_on_sending_may_finish() -> None:
    assert send(patience(), every=1.0, size=1000, total=5_000_000) is None


@pytest.mark.parametrize(("every", "size"), [(10.0, 1), (1.0, 100), (200.0, 50_000)])
def test_a_client_below_the_least_speed_is_cut_off(every: float, size: int) -> None:
    assert send(patience(), every=every, size=size, total=20_000_000) is not None


def test_a_trickle_earns_no_time_to_speak_of() -> None:
    client = patience()
    ended = send(client, every=10.0, size=1, total=1_000_000)
    assert ended == pytest.approx(600.0, abs=1.0)
    assert client.slow


def test_silence_ends_also_the_content_of_a_quick_client() -> None:
    client = patience()
    client.begin(0.0)
    client.received(1_000_000, 2.0)
    assert client.until == 302.0
    assert not client.slow


def test_between_mails_only_silence_counts() -> None:
    client = patience()
    client.heard(10.0)
    assert client.until == 310.0
    client.begin(20.0)
    client.end(1000.0)
    assert client.until == 1300.0
    assert not client.slow


def test_what_we_kept_it_waiting_does_not_count() -> None:
    client = patience(silence=10_000.0)
    client.begin(0.0)
    client.waited(500.0, 500.0)
    assert client.until == 1100.0


def test_a_mail_that_is_refused_for_its_size_earns_nothing_more() -> None:
    client = patience(silence=10_000.0, most=1000)
    client.begin(0.0)
    client.received(1001, 5.0)
    client.received(1_000_000, 6.0)
    assert client.until == 605.0


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(0, 1_000_000)), max_size=30))
def test_sending_more_never_takes_time_away(pieces: list[tuple[float, int]]) -> None:
    client = patience(most=10**9)
    client.begin(0.0)
    now, before = 0.0, client.until
    for pause, size in pieces:
        now += pause
        client.received(size, now)
        assert client.until >= before
        before = client.until
