"""SMTP AUTH: passwords against argon2 hashes, off the event loop, with the same work for unknown names.

Guesses are counted by the network they come from and by the user they are about, because a guesser may have
many of either. Only the user's count is cleared by a success: whoever has a login could guess on for ever.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import argon2

from gateway import journal
from gateway.config import User
from gateway.errors import GatewayError, temporary
from gateway.mailin.connections import network
from gateway.mailin.lockout import SHORT, Lockout

_AT_ONCE = 2
"""Verifications in parallel: each takes a processor and, by argon2's design, tens of megabytes."""
_LIMIT = 10
_NAME = 64
"""Characters of a user name that are remembered and logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guess:
    """What a login attempt is counted by."""

    network: str
    user: str


class Authenticator:
    """Knows the ``[[user]]`` tables."""

    def __init__(
        self,
        users: Sequence[User],
        *,
        delay: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`delay`: seconds that every wrong password costs the client."""
        self._hashes = {user.name.lower(): (user.name, user.password_hash) for user in users}
        self._delay = delay
        self._clock = clock
        self._hasher = argon2.PasswordHasher()
        self._decoy = ""
        self._networks, self._users = Lockout(limit=_LIMIT), Lockout(limit=_LIMIT)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def verify(self, login: bytes, password: bytes, *, peer: str) -> str | None:
        """The user's name as configured, or None when name or password is wrong.

        Raises `GatewayError` (temporary) when too many guesses came from the peer's network or for the user.
        """
        name = login.decode("utf-8", "replace")
        guess = _Guess(network=network(peer), user=name.lower()[:_NAME])
        self._check(guess)
        user, stored = self._hashes.get(name.lower(), ("", ""))
        async with self._turns:
            # Whoever waited for a turn may have been locked by those who went before.
            self._check(guess)
            if await asyncio.to_thread(self._matches, stored, password) and user:
                self._users.succeeded(guess.user)
                return user
            seconds = self._failed(guess)
        journal.login_failed(peer=peer, user=name[:_NAME])
        if seconds:
            journal.locked_out(peer=peer, identity=name[:_NAME], seconds=seconds)
        await asyncio.sleep(self._delay)
        return None

    def _check(self, guess: _Guess) -> None:
        now = self._clock()
        seconds = max(self._networks.locked(guess.network, now=now), self._users.locked(guess.user, now=now))
        if seconds:
            raise GatewayError(
                temporary("4.7.0", "Too many wrong passwords. Try again later.", retry_after=seconds)
            )

    def _failed(self, guess: _Guess) -> float:
        """Count it; the seconds for which that locks the network or the user."""
        now = self._clock()
        _, by_network = self._networks.failed(guess.network, now=now)
        # Anybody may guess about a user, who must get in again before long.
        _, by_user = self._users.failed(guess.user, now=now, longest=SHORT)
        return max(by_network, by_user)

    def _matches(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored or self._made_up(), password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def _made_up(self) -> str:
        """A hash that nothing matches, as costly as the real ones."""
        if not self._decoy:
            parameters = [argon2.extract_parameters(stored) for _, stored in self._hashes.values()]
            hasher = argon2.PasswordHasher.from_parameters(parameters[0]) if parameters else self._hasher
            self._decoy = hasher.hash(secrets.token_bytes(16))
        return self._decoy
