"""Days to ask for: no gap, never too many at once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.faxin.window import MOST_DAYS, Days, day, questions

EASTERN = ZoneInfo("America/New_York")
DAY = 86_400.0
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=EASTERN).timestamp()
ZONES = st.sampled_from(
    ["America/New_York", "UTC", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
)


def test_a_usual_look_covers_some_days_before_and_one_after() -> None:
    assert questions(since=NOW - 60, now=NOW, margin=2, zone=EASTERN, floor=None) == [
        Days(date(2026, 2, 28), date(2026, 3, 3))
    ]


def test_a_day_is_the_accounts_day() -> None:
    late = datetime(2026, 3, 2, 23, 59, tzinfo=EASTERN).timestamp()
    assert day(late, EASTERN) == date(2026, 3, 2)
    assert day(late, ZoneInfo("UTC")) == date(2026, 3, 3)
    assert (
        Days(date(2026, 3, 7), date(2026, 3, 8)).end(EASTERN)
        == datetime(2026, 3, 9, tzinfo=EASTERN).timestamp()
    )


def test_a_clock_that_went_back_opens_no_gap() -> None:
    windows = questions(since=NOW + 400 * DAY, now=NOW, margin=2, zone=EASTERN, floor=None)
    assert windows == [Days(date(2026, 2, 28), date(2026, 3, 3))]


def test_nothing_before_the_floor() -> None:
    windows = questions(since=NOW, now=NOW, margin=30, zone=EASTERN, floor=date(2026, 3, 1))
    assert windows == [Days(date(2026, 3, 1), date(2026, 3, 3))]


@given(away=st.floats(0, 1500 * DAY), now=st.floats(1e9, 2e9), margin=st.integers(1, 90), zone=ZONES)
def test_windows_cover_everything_once_and_in_order(away: float, now: float, margin: int, zone: str) -> None:
    place = ZoneInfo(zone)
    windows = questions(since=now - away, now=now, margin=margin, zone=place, floor=None)
    days = [
        window.first + timedelta(days=offset)
        for window in windows
        for offset in range((window.last - window.first).days + 1)
    ]
    first, last = day(now - away, place) - timedelta(days=margin), day(now, place) + timedelta(days=1)
    assert days == [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    assert all((window.last - window.first).days < MOST_DAYS for window in windows)
    assert windows[-1].end(place) > now


@pytest.mark.parametrize("floor", [date(2026, 3, 4), date(2030, 1, 1)])
def test_a_floor_in_the_future_asks_nothing(floor: date) -> None:
    assert questions(since=NOW, now=NOW, margin=2, zone=EASTERN, floor=floor) == []
