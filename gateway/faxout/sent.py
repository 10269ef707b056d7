"""The account's sent faxes, read by whole days of its own zone: of all folders, because people move them.

``getFaxMessages`` shows only today unless told otherwise, takes whole days only, and at most 92 of them. A
window is a day wider at both ends, so that no difference between clocks hides a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway import voipms

FOLDER = "SENT"
_INBOX = "INBOX"
UNREADABLE = "?"
"""Stands in a snapshot for rows that could not be read. No row has this id, so to `match` the ids change."""
_DAYS = 90
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A window of the folders."""

    rows: dict[str, voipms.FaxMessage]
    """By id."""
    unreadable: int
    """Rows that could not be read. Any of them may be anybody's."""


async def list_sent(client: voipms.Client, *, since: float, until: float, everywhere: bool) -> Sent:
    """Sent faxes from the day before `since` to the day after `until` (epoch seconds).

    Those of all folders but INBOX (``folder`` is by default ALL, says the API); or, if not `everywhere`, of
    SENT alone.

    Raises `voipms.ApiError` if any part of the window could not be read: half a list proves nothing.
    """
    first = client.local_date(datetime.fromtimestamp(since, UTC)) - _DAY
    last = client.local_date(datetime.fromtimestamp(until, UTC)) + _DAY
    found: dict[str, voipms.FaxMessage] = {}
    unreadable = 0
    while first <= last:
        end = min(last, first + timedelta(days=_DAYS - 1))
        listing = await client.list_fax_messages(from_=first, to=end, folder=None if everywhere else FOLDER)
        for message in listing.rows:
            # A fax to one of our own numbers has a second row, in INBOX: not taken for the sent one.
            if message.folder.upper() != _INBOX:
                found[message.id] = message
        unreadable += listing.unreadable
        first = end + _DAY
    return Sent(rows=found, unreadable=unreadable)


def latest_meaning(moment: datetime | None, zone: ZoneInfo) -> float | None:
    """The latest instant (epoch seconds) that a row's wall clock can mean.

    It is ambiguous in the hour that the end of daylight saving repeats; `FaxMessage.date` is its first pass.
    """
    if moment is None:
        return None
    local = moment.astimezone(zone)
    return max(local.replace(fold=fold).timestamp() for fold in (0, 1))
