"""Who guesses waits, longer each time."""

from gateway.mailin.lockout import LIMIT, SHORT, Lockout


def fail(lockout: Lockout, key: str, now: float, times: int = LIMIT) -> float:
    """The lock that the last of `times` failures brings."""
    return [lockout.failed(key, now=now)[1] for _ in range(times)][-1]


def test_the_fifth_failure_locks() -> None:
    lockout = Lockout()
    assert [lockout.failed("a", now=float(second)) for second in range(5)] == [
        (1, 0.0),
        (2, 0.0),
        (3, 0.0),
        (4, 0.0),
        (5, 60.0),
    ]
    assert lockout.locked("a", now=5.0) == 59.0
    assert lockout.locked("b", now=5.0) == 0.0
    assert lockout.locked("a", now=64.0) == 0.0


def test_each_lock_is_longer_up_to_a_day() -> None:
    lockout = Lockout()
    now, locks = 0.0, []
    for _ in range(8):
        locks.append(fail(lockout, "a", now))
        now += locks[-1]
    assert locks == [60.0, 240.0, 960.0, 3840.0, 15360.0, 61440.0, 86400.0, 86400.0]


def test_a_lock_in_a_name_that_anybody_can_write_stops_growing() -> None:
    lockout = Lockout()
    now, locks = 0.0, []
    for _ in range(1000):  # ten days of it
        tries = [lockout.failed("a", now=now, longest=SHORT)[1] for _ in range(LIMIT)]
        locks.append(tries[-1])
        now += locks[-1]
    assert locks[:3] == [60.0, 240.0, 900.0]
    assert set(locks[2:]) == {900.0}


def test_honest_errors_are_forgiven_with_time() -> None:
    lockout = Lockout()
    assert all(lockout.failed("a", now=1800.0 * n)[1] == 0.0 for n in range(50))


def test_a_day_without_news_clears_the_record() -> None:
    lockout = Lockout()
    fail(lockout, "a", 0.0)
    assert fail(lockout, "a", 100_000.0) == 60.0


def test_success_clears_the_record() -> None:
    lockout = Lockout()
    fail(lockout, "a", 0.0, times=4)
    lockout.succeeded("a")
    assert fail(lockout, "a", 0.0, times=4) == 0.0


def test_a_light_key_takes_more() -> None:
    lockout = Lockout()
    assert all(lockout.failed("relay", now=0.0, weight=0.1)[1] == 0.0 for _ in range(49))
    assert lockout.failed("relay", now=0.0, weight=0.1)[1] == 60.0


def test_memory_is_bounded() -> None:
    lockout = Lockout(keys=10)
    for number in range(1000):
        lockout.failed(f"key {number}", now=0.0)
    fail(lockout, "key 999", 0.0, times=3)
    assert lockout.failed("key 999", now=0.0) == (5, 60.0)
    assert lockout.failed("key 0", now=0.0) == (1, 0.0)
