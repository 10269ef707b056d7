"""How many clients there are, in all and from one address. Pure."""

from __future__ import annotations

import functools
import ipaddress
from collections import Counter


class Connections:
    """Counts open connections by `network`."""

    def __init__(self, *, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._open: Counter[str] = Counter()

    def add(self, address: str) -> bool:
        """Count one more; tell whether it is within the limits. Every `add` needs its `remove`."""
        key = network(address)
        self._open[key] += 1
        return self._open.total() <= self._total and self._open[key] <= self._per_address

    def remove(self, address: str) -> None:
        """One less."""
        key = network(address)
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]


@functools.lru_cache(maxsize=1024)
def network(address: str) -> str:
    """What one customer has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))
