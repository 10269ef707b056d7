"""Counting clients."""

import pytest

from gateway.mailin.connections import Connections, network


def test_limits_in_all_and_for_one_address() -> None:
    connections = Connections(total=3, per_address=2)
    assert [connections.add("192.0.2.1") for _ in range(3)] == [True, True, False]
    connections.remove("192.0.2.1")
    assert connections.add("192.0.2.2")
    assert not connections.add("192.0.2.3")
    connections.remove("192.0.2.3")
    connections.remove("192.0.2.1")
    assert connections.add("192.0.2.1")


def test_what_one_customer_has() -> None:
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::") == "2001:db8:1:2::/64"
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") == "192.0.2.1"
    assert network("local") == "local"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("local", "local", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    connections = Connections(total=9, per_address=1)
    assert connections.add(one)
    assert connections.add(other) is not same
