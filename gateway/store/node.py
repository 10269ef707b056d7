"""This process among those that share a PostgreSQL: its name, the lock on that name, the common clock.

The name begins every lease of this node, so that at its next start it takes back its own ones and no others.
It ends in a word that is kept in the state directory: whoever has that directory's lock knows that the
leases' owner is dead, which a name in a configuration does not tell.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from gateway.errors import GatewayError, temporary
from gateway.store.clock import SharedClock
from gateway.store.trouble import is_trouble

_BEAT = 2.0
"""Seconds between two looks at the clock and the lock."""
_PATIENCE = 20.0
"""Seconds that a lock may be left over from a connection that the server has not given up yet."""
_TRIM_EVERY, _IDLE = 600.0, 6 * 3600.0
_LOCK = sa.text("SELECT pg_try_advisory_lock(hashtextextended(:word, 0))")
_CLOCK = sa.text("SELECT extract(epoch FROM clock_timestamp())::float8")


def identity(state_dir: Path, name: str) -> str:
    """The node's name, or the host's, and the word that belongs to this state directory."""
    file = state_dir / "node"
    try:
        word = file.read_text().strip()
    except FileNotFoundError:
        word = ""
    if not word:
        word = secrets.token_hex(4)
        draft = file.with_name(".node")
        draft.write_text(word + "\n")
        draft.replace(file)
    return f"{name or socket.gethostname()}.{word}"


class Keeper(threading.Thread):
    """Holds the lock on the node's name for as long as the process lives, and reads the common clock."""

    def __init__(
        self,
        engine: sa.Engine,
        name: str,
        *,
        clock: SharedClock,
        trim: Callable[[float], None],
        lost: Callable[[], None],
    ) -> None:
        """`trim` removes cached files that were idle for some seconds; `lost` is called if another process
        has the name.
        """
        super().__init__(name="store-node", daemon=True)
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._name = name
        self._clock = clock
        self._trim = trim
        self._lost = lost
        self._closing = threading.Event()
        self._connection: sa.Connection | None = None

    def take(self) -> None:
        """Get the lock and the first reading of the clock. Blocks for `_PATIENCE` seconds at most.

        Raises `GatewayError` if another process has the name.
        """
        deadline = time.monotonic() + _PATIENCE
        while not self._reach():
            if time.monotonic() >= deadline:
                raise GatewayError(
                    temporary(
                        "4.3.0",
                        f"Another fax gateway uses this database as node {self._name}. "
                        "Stop it, or give this one a name of its own in store.node.",
                        code="cannot_start",
                    )
                )
            self._closing.wait(0.2)

    def close(self) -> None:
        """Give the lock back. Blocks."""
        self._closing.set()
        if self.is_alive():
            self.join()
        self._drop()

    def run(self) -> None:
        kept, trimmed = time.monotonic(), time.monotonic()
        while not self._closing.wait(_BEAT):
            now = time.monotonic()
            try:
                if not self._reach():
                    if now - kept > 2 * _PATIENCE:
                        self._lost()
                        return
                    continue
            except sa.exc.SQLAlchemyError as error:
                if not is_trouble(error):
                    raise
                kept = trimmed = now  # whoever uses the store tells that it is not there
                self._drop()
                continue
            kept = now
            if now - trimmed > _TRIM_EVERY:
                trimmed = now
                self._trim(_IDLE)

    def _reach(self) -> bool:
        """Read the clock over the connection that has the lock; tell whether it has."""
        if self._connection is None:
            self._connection = self._engine.connect()
            if not self._connection.execute(_LOCK, {"word": f"node {self._name}"}).scalar_one():
                self._drop()
                return False
        connection = self._connection
        self._clock.read(lambda: connection.execute(_CLOCK).scalar_one())
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # not back to the pool: the lock belongs to the session
            self._connection.close()
            self._connection = None
