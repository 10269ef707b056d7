"""All functions of the API by name, and the checks that come before any of them."""

from __future__ import annotations

import fnmatch
import hmac
import ipaddress
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from gateway.simulator import (
    methods_emailtofax,
    methods_folders,
    methods_messages,
    methods_numbers,
    methods_orders,
    methods_send,
)
from gateway.simulator.call import Call, Result
from gateway.simulator.statuses import Refused

Function = Callable[[Call], Awaitable[Result]]

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    methods_emailtofax.FUNCTIONS
    | methods_folders.FUNCTIONS
    | methods_messages.FUNCTIONS
    | methods_numbers.FUNCTIONS
    | methods_orders.FUNCTIONS
    | methods_send.FUNCTIONS
)
MINUTE = 60.0


class Gate:
    """Checks that come before any function, in the service's order; counts calls per minute."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()

    def admit(self, call: Call) -> Function:
        """The function that is called.

        Raises:
            Refused: credentials, API off, address, limit per minute, or the name of the function.
        """
        service, account = call.world.service, call.account
        username, password = call.get("api_username"), call.params.get("api_password", "")
        name = call.get("method")
        if not username or not password:
            raise Refused("missing_credentials")
        if not service.api_enabled:
            raise Refused("api_not_enabled")
        right = hmac.compare_digest(password.encode(), account.password.encode())
        if username != account.username or not right:
            raise Refused("invalid_credentials")
        if name != "getIP" and not allowed(call.client, service.allowed_ips):
            raise Refused("ip_not_enabled")
        self._count(call.world.clock.now().timestamp(), service.calls_per_minute)
        if not name:
            raise Refused("missing_method")
        if name not in FUNCTIONS:
            raise Refused("invalid_method")
        if name in service.maintenance:
            raise Refused("method_maintenance")
        return FUNCTIONS[name]

    def _count(self, now: float, limit: int | None) -> None:
        while self._calls and self._calls[0] <= now - MINUTE:
            self._calls.popleft()
        if limit is not None and len(self._calls) >= limit:
            raise Refused("api_limit_exceeded")
        self._calls.append(now)


def allowed(client: str, patterns: tuple[str, ...] | None) -> bool:
    """Whether an address is on the list of addresses, networks and patterns; ``0.0.0.0`` stands for all."""
    if patterns is None:
        return True
    return any(pattern == "0.0.0.0" or _matches(client, pattern) for pattern in patterns)  # noqa: S104


def _matches(client: str, pattern: str) -> bool:
    try:
        return ipaddress.ip_address(client) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return fnmatch.fnmatchcase(client, pattern)
