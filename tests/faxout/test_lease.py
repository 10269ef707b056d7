"""A lease on CLOCK_BOOTTIME."""

import pytest

from gateway.worker.lease import Lease, LeaseLostError, boottime


def test_a_lease_is_lost_when_its_time_is_over() -> None:
    now = 100.0
    lease = Lease.lasting(50, clock=lambda: now)
    assert lease == Lease(until=150.0)
    lease.check()
    now = 149.9
    lease.check()
    now = 150.0
    with pytest.raises(LeaseLostError):
        lease.check()


def test_it_counts_the_time_since_the_machine_started() -> None:
    before = boottime()
    lease = Lease.lasting(60)
    assert before + 60 <= lease.until <= boottime() + 60
    lease.check()
