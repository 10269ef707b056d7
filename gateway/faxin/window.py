"""Which days to ask the provider for. Pure.

The API takes whole days of the account's zone, at most 92 of them at a time, and its default is today alone:
a fax of 23:59 would be missed without a window that is wider than the time since the last look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MOST_DAYS = 90
"""Of one question; the API refuses more than 92 (``invalid_daterange``)."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, both included."""

    first: date
    last: date

    def end(self, zone: ZoneInfo) -> float:
        """Epoch seconds at which the last day is over."""
        return datetime.combine(self.last + _DAY, time.min, zone).timestamp()


def day(at: float, zone: ZoneInfo) -> date:
    """The account's calendar day at epoch seconds `at`."""
    return datetime.fromtimestamp(at, zone).date()


def questions(*, since: float, now: float, margin: int, zone: ZoneInfo, floor: date | None) -> list[Days]:
    """The windows to ask for, oldest first, so that a long outage is caught up in order.

    Args:
        since: The last complete look, epoch seconds. A clock that went back does not open a gap.
        now: The present, epoch seconds.
        margin: Days before `since`, for rows that appear late.
        zone: Of the account's days.
        floor: No day before this one.
    """
    first = day(min(since, now), zone) - margin * _DAY
    if floor is not None:
        first = max(first, floor)
    last = day(now, zone) + _DAY  # the provider's clock may be ahead of ours
    windows = []
    while first <= last:
        end = min(first + (MOST_DAYS - 1) * _DAY, last)
        windows.append(Days(first, end))
        first = end + _DAY
    return windows
