"""Finds received faxes: every folder but SENT, by id, in a window wider than the time since the last look.

Design, invariant 10: the first contact with the account records what is there and takes none of it, unless
that is asked for. From then on a message is new if its id is neither among those nor stored; dates only bound
the question. A message that shows up late, with an older date, is found while the window covers its date.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from gateway import journal
from gateway.config import Settings
from gateway.faxin.known import INBOX, own_numbers, unknown
from gateway.faxin.window import Days, questions
from gateway.lifecycle import ReceivedState
from gateway.model import ReceivedFax, new_id
from gateway.store import Store, facts, received
from gateway.voipms import ApiError, Client, FaxMessage

MARK = "inbound:mark"
"""Fact of the first contact: ``ids`` that were there, and ``floor``, the first day that was listed (ISO)."""
POLLED = "inbound:polled"
"""Fact: epoch seconds up to which every folder was listed."""
HISTORY_TAKEN = "inbound:history"
"""Fact: the messages from before the first contact were asked for, and listed."""

SENT = "SENT"
HISTORY = timedelta(days=730)
"""How far back ``include_existing`` goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What outlives a restart."""

    ids: Collection[str]
    floor: date
    polled: float
    history_taken: bool

    @classmethod
    def read(cls, tx: sa.Connection) -> Self | None:
        """None before the first contact."""
        mark = facts.get(tx, MARK)
        if mark is None:
            return None
        return cls(
            ids=frozenset(mark["ids"]),
            floor=date.fromisoformat(mark["floor"]),
            polled=facts.get(tx, POLLED),
            history_taken=facts.get(tx, HISTORY_TAKEN, False),
        )

    def first_write(self, tx: sa.Connection) -> None:
        """The first contact, all of it or nothing."""
        facts.put(tx, MARK, {"ids": sorted(self.ids), "floor": self.floor.isoformat()})
        facts.put(tx, POLLED, self.polled)


@dataclass(frozen=True, slots=True)
class _Folder:
    name: str
    listed: bool = True
    """False: assumed. The service may know no such folder, then nothing is in it."""


class Poller:
    """Looks for received faxes. One step at a time."""

    def __init__(
        self, *, client: Client, store: Store, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._store = store
        self._include = settings.receive.include_existing
        self._margin = settings.receive.window_days
        self._move_to = settings.receive.move_to
        self._own = own_numbers(settings)
        self._zone = ZoneInfo(settings.voipms.timezone)
        self._clock = clock

    async def step(self) -> int:
        """One look; returns how many received faxes are new.

        Raises:
            GatewayError: a folder could not be listed, or the store not written. What was found in other
                folders is stored; the next look covers the same days again.
        """
        now = self._clock()
        folders = await self._folders()
        state = await self._store.read(_State.read)
        if state is None:
            state = await self._first_contact(folders, now)
            if not self._include:
                return 0
        history = self._include and not state.history_taken
        windows = questions(
            since=now - HISTORY.total_seconds() if history else state.polled,
            now=now,
            margin=self._margin,
            zone=self._zone,
            floor=None if self._include else state.floor,
        )
        first_ids = () if self._include else state.ids
        count = 0
        for days in windows:
            count += await self._look(days, folders, first_ids, now)
        if history:
            await self._store.write(lambda tx: facts.put(tx, HISTORY_TAKEN, True))
        return count

    async def _folders(self) -> list[_Folder]:
        """Every folder but SENT. INBOX is asked for even where the service does not list its own folders."""
        names = dict.fromkeys(folder.name for folder in await self._client.get_fax_folders() if folder.name)
        folders = [_Folder(name) for name in names if name.upper() != SENT]
        if not any(name.upper() == INBOX for name in names):
            folders.insert(0, _Folder(INBOX, listed=False))
        return folders

    async def _first_contact(self, folders: Sequence[_Folder], now: float) -> _State:
        """Record what is there. A folder that cannot be listed ends it: its faxes would pass for new ones."""
        windows = questions(since=now, now=now, margin=self._margin, zone=self._zone, floor=None)
        ids: set[str] = set()
        for days in windows:
            for folder in folders:
                ids.update(fax.provider_id for fax in await self._list(folder, days, now))
        state = _State(ids=ids, floor=windows[0].first, polled=now, history_taken=False)
        await self._store.write(state.first_write)
        return state

    async def _look(
        self, days: Days, folders: Sequence[_Folder], first_ids: Collection[str], now: float
    ) -> int:
        """List every folder for some days and store what is new, together with how far we have come."""
        found: dict[str, ReceivedFax] = {}
        trouble: ApiError | None = None
        for folder in folders:
            try:
                for fax in await self._list(folder, days, now):
                    found.setdefault(fax.provider_id, fax)
            except ApiError as error:
                trouble = trouble or error

        def record(tx: sa.Connection) -> set[str]:
            fresh = unknown(
                tx, list(found.values()), first_ids=first_ids, move_to=self._move_to, own=self._own
            )
            new = received.see(tx, fresh, now=now)
            if trouble is None:
                facts.put(tx, POLLED, min(now, days.end(self._zone)))
            return set(new)

        new = await self._store.write(record)
        for fax in found.values():
            if fax.id in new:
                journal.received(fax_id=fax.id, did=fax.did, caller=fax.caller, pages=fax.pages)
        if trouble is not None:
            raise trouble
        return len(new)

    async def _list(self, folder: _Folder, days: Days, now: float) -> list[ReceivedFax]:
        try:
            listing = await self._client.list_fax_messages(from_=days.first, to=days.last, folder=folder.name)
        except ApiError as error:
            if folder.listed or error.provider_status != "invalid_folder":
                raise
            return []
        journal.rows_unreadable(folder=folder.name, count=listing.unreadable)
        # SENT again, should the service ever take a folder's name for a mere hint.
        return [_fax(row, folder.name, now) for row in listing.rows if row.folder.upper() != SENT]


def _fax(row: FaxMessage, folder: str, now: float) -> ReceivedFax:
    return ReceivedFax(
        id=new_id(),
        provider_id=row.id,
        did=row.destination,
        caller=row.callerid.number,
        caller_name=row.callerid.name,
        station_id=row.stationid,
        pages=row.pages,
        seconds=int(row.duration.total_seconds()),
        received_at=now if row.date is None else row.date.timestamp(),
        folder=row.folder or folder,
        state=ReceivedState.SEEN,
    )
