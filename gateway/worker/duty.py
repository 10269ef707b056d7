"""What only one of the nodes does: a mailbox, the poll, the tracker's rounds. On SQLite there is one node.

`Duties` renews what this node has and tries for the rest; a `Duty` tells whether it is this node's just now,
on a clock that also runs while the machine sleeps.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa

from gateway import journal
from gateway.store import Store, StoreUnavailableError, duties
from gateway.store.clock import boottime
from gateway.store.duties import DutyLostError

LEASE = 15.0
"""Seconds after which the others may take over from a node that is silent."""
GRACE = 10.0
"""Seconds beyond that until its leases are taken from it: after an outage of the database all are late."""
BEAT = 3.0
"""Seconds between two renewals, and between two tries."""


class Duty:
    """One of them. `changed` is called on the event loop when this node got it, or lost it."""

    def __init__(self, store: Store, name: str, *, owner: str, changed: Callable[[], None]) -> None:
        self.name = name
        self.changed = changed
        self.store = store.guarded(self._guard) if store.shared else store
        """Its writes raise `DutyLostError` once another node has the duty."""
        self._shared = store
        self._owner = owner
        self._fence: int | None = None
        self._until = 0.0
        self._over = False

    @property
    def held(self) -> bool:
        """Whether this node has it. Any thread may ask."""
        return not self._shared.shared or boottime() < self._until

    @property
    def wanted(self) -> bool:
        """Whether this node still tries to have it."""
        return self._shared.shared and not self._over

    def take(self, tx: sa.Connection) -> int | None:
        """Take or renew it in the store."""
        return duties.take(tx, self.name, owner=self._owner, now=self._shared.now(), seconds=LEASE)

    def taken(self, fence: int | None, since: float) -> None:
        """Note what `take` brought; the lease began after `since`, on CLOCK_BOOTTIME."""
        before = self.held
        self._fence = fence
        self._until = 0.0 if fence is None else since + LEASE
        if self.held is not before:
            journal.duty(name=self.name, held=self.held)
            self.changed()

    async def do(self, beat: Callable[[], Awaitable[object]]) -> None:
        """Await `beat()` if the duty is this node's; being relieved meanwhile is fine."""
        if self.held:
            with contextlib.suppress(DutyLostError):
                await beat()

    async def release(self) -> None:
        """This node does it no more: another one may, at once."""
        held = self.held
        self._over, self._until = True, 0.0
        if self._shared.shared and held:
            with contextlib.suppress(StoreUnavailableError):  # the lease runs out by itself
                await self._shared.write(lambda tx: duties.release(tx, self.name, owner=self._owner))

    def _guard(self, tx: sa.Connection) -> None:
        if self._fence is None:
            raise DutyLostError(self.name)
        duties.guard(tx, self.name, owner=self._owner, fence=self._fence)


class Duties:
    """All of this node's. Await `beat` every `BEAT` seconds."""

    def __init__(self, store: Store, *, owner: str) -> None:
        self._store = store
        self._owner = owner
        self._duties: list[Duty] = []
        self._silent: dict[str, float] = {}
        if store.shared:
            self.duty(duties.of_node(store.node))

    def duty(self, name: str, *, changed: Callable[[], None] = lambda: None) -> Duty:
        """A duty to try for from the next beat on."""
        duty = Duty(self._store, name, owner=self._owner, changed=changed)
        self._duties.append(duty)
        return duty

    def held(self) -> list[str]:
        """Names of those that this node has just now."""
        return [duty.name for duty in self._duties if duty.held and not duty.name.startswith(duties.NODE)]

    async def beat(self) -> None:
        """Renew, try for what others let go, and for the work of nodes that died.

        Raises `StoreUnavailableError`.
        """
        wanted = [duty for duty in self._duties if duty.wanted]
        if not wanted:
            return
        since = boottime()
        fences, silent = await self._store.write(
            lambda tx: (
                [duty.take(tx) for duty in wanted],
                duties.silent(tx, now=self._store.now()),
            )
        )
        for duty, fence in zip(wanted, fences, strict=True):
            if duty.wanted:  # it was not released meanwhile
                duty.taken(fence, since)
        await self._bury(silent, since)

    async def _bury(self, silent: Sequence[str], now: float) -> None:
        self._silent = {node: self._silent.get(node, now) for node in silent}
        for node in [node for node, since in self._silent.items() if now - since > GRACE]:
            if await self._store.write(functools.partial(_bury, node, self._store.now)):
                journal.node_lost(node=node)


def _bury(node: str, clock: Callable[[], float], tx: sa.Connection) -> bool:
    return duties.bury(tx, node, now=clock())
