"""SMTP AUTH: passwords against argon2 hashes, off the event loop, with the same work for unknown names."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence

import argon2

from gateway import journal
from gateway.config import User
from gateway.errors import GatewayError, temporary
from gateway.mailin.lockout import Lockout

_AT_ONCE = 2
"""Verifications in parallel: each takes a processor and, by argon2's design, tens of megabytes."""
_LIMIT = 10


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
        self._lockout = Lockout(limit=_LIMIT)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def verify(self, login: bytes, password: bytes, *, peer: str) -> str | None:
        """The user's name as configured, or None when name or password is wrong.

        Raises `GatewayError` (temporary) for a peer that has been guessing.
        """
        if seconds := self._lockout.locked(peer, now=self._clock()):
            raise GatewayError(
                temporary("4.7.0", "Too many wrong passwords. Try again later.", retry_after=seconds)
            )
        name = login.decode("utf-8", "replace")
        user, stored = self._hashes.get(name.lower(), ("", ""))
        async with self._turns:
            right = await asyncio.to_thread(self._matches, stored, password)
        if right and user:
            self._lockout.succeeded(peer)
            return user
        journal.login_failed(peer=peer, user=name[:64])
        _, locked = self._lockout.failed(peer, now=self._clock())
        if locked:
            journal.locked_out(peer=peer, identity=name[:64], seconds=locked)
        await asyncio.sleep(self._delay)
        return None

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
