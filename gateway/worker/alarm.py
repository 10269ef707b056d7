"""Trouble of the account needs a person, whoever meets it, and keeps all faxes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.errors import GatewayError, Scope
from gateway.store import Store
from gateway.worker import apply

T = TypeVar("T")


class Alarm:
    """Watches what talks to the provider beside the faxes' own calls."""

    def __init__(self, store: Store, *, policy: apply.Policy, wake: Callable[[], None]) -> None:
        self._store = store
        self._policy = policy
        self._wake = wake

    async def over(self, beat: Callable[[], Awaitable[T]]) -> T:
        """Await `beat`; what it raises is noted if it is the account's, and raised again."""
        try:
            return await beat()
        except GatewayError as error:
            failure = error.failure
            if failure.scope is Scope.ACCOUNT:
                await self._store.write(
                    lambda tx: apply.noted(tx, failure, self._policy, now=self._store.now())
                )
                self._wake()
            raise
