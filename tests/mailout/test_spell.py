"""Values for people, and foreign text made harmless."""

from __future__ import annotations

import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailout import spell

ANY_TEXT = st.text(st.characters(), max_size=400)
"""Also surrogates, controls and direction marks."""


@given(ANY_TEXT, st.integers(2, 300))
def test_plain_is_one_harmless_line(text: str, limit: int) -> None:
    line = spell.plain(text, limit)
    assert len(line) <= limit
    assert line == line.strip()
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")
    line.encode("utf-8")


@given(ANY_TEXT)
def test_plain_changes_nothing_twice(text: str) -> None:
    once = spell.plain(text)
    assert spell.plain(once) == once


def test_plain_keeps_what_spelling_needs() -> None:
    assert spell.plain("می\u200cخواهم 👩\u200d⚕️ Zoë") == "می\u200cخواهم 👩\u200d⚕️ Zoë"
    assert spell.plain(None) == ""
    assert spell.plain("x" * 10, 5) == "xxxx…"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("5552341234", "(555) 234-1234"),
        ("15552341234", "(555) 234-1234"),
        ("+15552341234", "(555) 234-1234"),
        ("011496922223333", "+49 69 22223333"),
        ("+496922223333", "+49 69 22223333"),
        ("1000", "1000"),
        ("Anonymous\r\n", "Anonymous"),
        ("", ""),
    ],
)
def test_numbers_are_shown_as_people_write_them(written: str, shown: str) -> None:
    assert spell.number(written) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.058", "US$0.058"),
        ("1", "US$1.00"),
        ("0.0290", "US$0.029"),
        ("0.000", "US$0.00"),
        ("12.5", "US$12.50"),
        ("", ""),
        ("free", ""),
        ("NaN", ""),
        ("Infinity", ""),
        ("1e400", ""),
    ],
)
def test_money(amount: str, shown: str) -> None:
    assert spell.money(amount) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (48, "48 s"), (60, "1 min 0 s"), (76, "1 min 16 s"), (3720, "1 h 2 min")],
)
def test_duration(seconds: int, shown: str) -> None:
    assert spell.duration(seconds) == shown


def test_moments_carry_their_offset() -> None:
    zone = ZoneInfo("America/New_York")
    assert spell.moment(1795461125, zone) == "2026-11-23 14:12:05 -05:00"
    assert spell.moment(1782900000, zone) == "2026-07-01 06:00:00 -04:00"
    assert spell.moment(1795461125, ZoneInfo("Asia/Kolkata")) == "2026-11-24 00:42:05 +05:30"


@pytest.mark.parametrize(
    ("first", "last", "shown"), [(2, 2, "page 2"), (2, 3, "pages 2 and 3"), (2, 5, "pages 2 to 5")]
)
def test_pages(first: int, last: int, shown: str) -> None:
    assert spell.pages(first, last) == shown
