"""Mail in from a mailbox: a thread that polls by IMAP, with IDLE as a hint and polling as the truth.

`imap_session` is the connection, `imap_look` what is done over it, `imap_message` what becomes of a message,
`mailbox`, `directive` and `vouch` decide. This module keeps it going: connect, look, wait, and connect again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from gateway import journal
from gateway.config import Mailbox, Settings
from gateway.errors import GatewayError
from gateway.mailin.imap_look import Looker
from gateway.mailin.imap_message import LoopGoneError, MessageHandler
from gateway.mailin.imap_session import TROUBLE, Bell, Session, Timeouts, explain
from gateway.mailin.intake import Intake
from gateway.mailin.mailbox import Strikes, back_off
from gateway.mailin.provider import RulesProvider
from gateway.store import Store

T = TypeVar("T")

_OFF_DUTY = 60.0
"""Seconds between two looks at who attends, if nobody pokes."""

_IDLE_SECONDS = 540.0
"""Routers forget silent connections, and servers may log out after 30 minutes (RFC 2177)."""


class MailboxPoller:
    """One ``[[mailbox]]``. Trouble with its server is logged once per outage and tried again for ever."""

    def __init__(
        self,
        box: Mailbox,
        *,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        intake: Intake,
        rules: RulesProvider,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.time,
        on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """`loop` runs the store's and the intake's coroutines; `clock` tells epoch seconds.

        `on_duty`: whether this node attends to the mailbox; poke it when that changes.
        """
        self._box = box
        self._loop = loop
        self._store = store
        self._timeouts = timeouts
        self._clock = clock
        self._on_duty = on_duty
        self._handler = MessageHandler(
            box, settings=settings, store=store, intake=intake, rules=rules, wait=self._wait, clock=clock
        )
        self._strikes = Strikes()
        self._failures = 0
        self._bell = Bell()
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._stopping = threading.Event()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"mailbox-{box.name}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def poke(self) -> None:
        """Look now, or right after the look that is under way."""
        self._bell.ring()

    def stop(self) -> None:
        """Ask the thread to end. What it waits for at the server is cut off; a commit in flight is not."""
        self._stopping.set()
        if self._thread.ident is None:  # never started
            self._bell.close()
            self._stopped.set()
        self._bell.ring()
        with self._lock:
            if self._session is not None:
                self._session.interrupt()

    async def wait_stopped(self, timeout: float) -> bool:
        """Tell whether the thread has ended, after `timeout` seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._stopped.wait()
        return self._stopped.is_set()

    # Everything below runs in the thread.

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._on_duty():
                    self._connection()
                else:
                    self._bell.wait(_OFF_DUTY)
        except LoopGoneError:
            pass
        finally:
            self._bell.close()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._stopped.set)

    def _connection(self) -> None:
        """One connection, from the login to its end, and the pause after a failure."""
        try:
            with Session(self._box, timeouts=self._timeouts) as session, self._interruptible(session):
                self._attend(session)
        except LoopGoneError:
            raise
        except Exception as error:
            if self._relieved():
                return
            if not isinstance(error, (*TROUBLE, GatewayError)):
                journal.crashed_item(stage="imap", item_id=self._box.name, error=error)
            self._tell(error.failure.sentence if isinstance(error, GatewayError) else explain(error))
            self._failures += 1
            self._bell.wait(back_off(self._failures))

    @contextlib.contextmanager
    def _interruptible(self, session: Session) -> Iterator[None]:
        with self._lock:
            self._session = session
        try:
            yield
        finally:
            with self._lock:
                self._session = None

    def _attend(self, session: Session) -> None:
        """Look and wait, until stopped or until the connection breaks."""
        for folder in (self._box.faxed, self._box.refused):
            session.ensure_folder(folder)
        looker = Looker(
            self._box,
            session,
            store=self._store,
            handler=self._handler,
            strikes=self._strikes,
            wait=self._wait,
            stopping=self._relieved,
            clock=self._clock,
        )
        while not self._relieved():
            trouble = looker.look()
            self._failures = 0
            if not self._relieved():
                self._tell(trouble)
            session.wait(min(self._box.poll, _IDLE_SECONDS), self._bell, idle=self._box.idle)

    def _relieved(self) -> bool:
        """Whether this node has nothing more to do here, for now or for good."""
        return self._stopping.is_set() or not self._on_duty()

    def _tell(self, trouble: str) -> None:
        if trouble:
            journal.mailbox_trouble(mailbox=self._box.name, reason=trouble)
        else:
            journal.mailbox_recovered(mailbox=self._box.name)

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise LoopGoneError from None
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise LoopGoneError from None
