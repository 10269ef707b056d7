"""The loose wire, value by value."""

from __future__ import annotations

import base64
import json
import string
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.voipms import rows, wire
from gateway.voipms.results import Caller

EASTERN = ZoneInfo("America/New_York")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


# Answers


@given(st.binary())
def test_any_bytes_are_an_object_or_a_wire_error(body):
    """Nothing else comes out, whatever comes in."""
    try:
        answer = wire.parse(body)
    except wire.WireError:
        return
    assert isinstance(answer, dict)


def test_numbers_arrive_digit_for_digit():
    """Money as a JSON number keeps its zeros, and a long id its last digit."""
    answer = wire.parse(b'\xef\xbb\xbf{"rate": 0.02900, "id": 12345678901234567890, "odd": NaN}')

    assert answer == {"rate": "0.02900", "id": "12345678901234567890", "odd": "NaN"}


def test_a_raw_answer_keeps_its_types():
    """Shown raw, numbers are numbers."""
    assert wire.parse(b'{"a": 1, "b": 0.5, "c": "x\\/y"}', exact=False) == {"a": 1, "b": 0.5, "c": "x/y"}


@pytest.mark.parametrize(("body", "problem"), [(b"[" * 200_000, "JSON"), (b'{"a": ' + b"9" * 9000, "JSON")])
def test_hostile_json_is_refused(body, problem):
    """Depth and length are no way to crash the reader."""
    with pytest.raises(wire.WireError, match=problem):
        wire.parse(body)


def test_bytes_that_are_not_utf8_spoil_one_character_only():
    """One Latin-1 name must not hide a whole list."""
    assert wire.parse(b'{"name": "Andr\xe9"}') == {"name": "Andr\ufffd"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": "no_message"}, "no_message"),
        ({"status": "Weird Thing"}, "Weird Thing"),
        ({"status": None}, None),
        ({"status": ""}, None),
        ({"status": 1}, None),
        ({"status": ["success"]}, None),
        ({}, None),
    ],
)
def test_a_status_is_a_word_or_none(answer, expected):
    """Only a string can say success."""
    assert wire.status_of(answer) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([{"id": "1"}, {"id": "2"}], [{"id": "1"}, {"id": "2"}]),
        ({"id": "1"}, [{"id": "1"}]),
        ({"0": {"id": "1"}, "2": {"id": "2"}}, [{"id": "1"}, {"id": "2"}]),
        ([], []),
        (None, []),
        ("", []),
        ({}, []),
    ],
)
def test_a_list_has_many_forms(found, expected):
    """An array, a bare row, a numbered object, or nothing."""
    assert wire.rows({"faxes": found}, "faxes") == expected


def test_a_list_may_be_missing():
    """Success without the key is an empty list."""
    assert wire.rows({"status": "success"}, "ratecenters") == []


@pytest.mark.parametrize("found", ["text", ["text"], [{"id": "1"}, None], 7, {"0": "x"}])
def test_what_is_no_list_of_rows_is_refused(found):
    """A list that cannot be read is not an empty one."""
    with pytest.raises(wire.WireError, match="faxes"):
        wire.rows({"faxes": found}, "faxes")


@given(st.lists(JSON))
def test_no_row_hides_another(found):
    """Whatever the others look like; each is either read or counted."""
    listing = rows.listing({"faxes": [*found, {"id": 7}]}, "faxes", EASTERN)
    assert listing.rows[-1].id == "7"
    assert len(listing.rows) + listing.unreadable == len(found) + 1


@pytest.mark.parametrize("found", ["text", 7, True])
def test_what_is_no_list_holds_no_rows(found):
    """One cannot say how many are missing."""
    with pytest.raises(wire.WireError, match="faxes"):
        rows.listing({"faxes": found}, "faxes", EASTERN)


@given(JSON)
def test_bought_numbers_never_fail(found):
    """The order was accepted: whatever its list looks like, it must not become an error."""
    assert all(number.isdigit() for number in wire.numbers({"dids": found}, "dids"))


def test_bought_numbers_in_each_form():
    """An array, one alone, a numbered object."""
    assert wire.numbers({"dids": ["5878831590", 5878831591]}, "dids") == ["5878831590", "5878831591"]
    assert wire.numbers({"dids": "587.883.1590"}, "dids") == ["5878831590"]
    assert wire.numbers({"dids": {"0": "+15878831590"}}, "dids") == ["5878831590"]
    assert wire.numbers({}, "dids") == []


# Values


@given(JSON)
def test_no_value_breaks_a_lenient_reader(value):
    """Values that only inform always have a reading."""
    assert wire.text(value) == wire.text(value).strip()
    assert wire.digits(value) == "" or set(wire.digits(value)) <= set(string.digits)
    assert wire.flag(value) in (True, False)
    assert wire.count(value) >= 0
    assert wire.money(value).is_finite()
    assert wire.duration(value) >= timedelta()
    assert wire.moment(value, EASTERN) is None or wire.moment(value, EASTERN).tzinfo is UTC
    assert wire.day(value) is None or isinstance(wire.day(value), date)
    assert isinstance(wire.caller(value), Caller)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("647.948.4755", "6479484755"),
        ("+16479484755", "6479484755"),
        ("16479484755", "6479484755"),
        ("(647) 948-4755", "6479484755"),
        (6479484755, "6479484755"),
        ("11234567890", "11234567890"),
        ("+442071234567", "442071234567"),
        ("anonymous", ""),
        ("٣٤٥", ""),
        (None, ""),
    ],
)
def test_numbers_become_digits(written, expected):
    """Ten digits in North America, all digits elsewhere."""
    assert wire.digits(written) == expected


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True))
def test_every_way_to_write_a_number_is_the_same_number(number):
    """Dots, dashes, the country code: one number."""
    area, exchange, line = number[:3], number[3:6], number[6:]
    ways = [number, int(number), f"+1{number}", f"1{number}", f"{area}.{exchange}.{line}"]

    assert {wire.digits(way) for way in ways} == {number}
    assert wire.digits(wire.digits(f"+1 ({area}) {exchange}-{line}")) == number


@pytest.mark.parametrize("value", ["1", 1, True, "true", "Yes", "y", " Y ", "on"])
def test_flags_that_are_set(value):
    """Half a dozen ways to say yes."""
    assert wire.flag(value) is True


@pytest.mark.parametrize("value", ["0", 0, False, "", None, "no", "N", "-1", "false", [], {}])
def test_flags_that_are_not_set(value):
    """Everything else is no."""
    assert wire.flag(value) is False


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1:16", timedelta(minutes=1, seconds=16)),
        ("00:01:16", timedelta(minutes=1, seconds=16)),
        ("2:03:04", timedelta(hours=2, minutes=3, seconds=4)),
        ("75:00", timedelta(minutes=75)),
        ("76", timedelta(seconds=76)),
        (76, timedelta(seconds=76)),
        ("", timedelta()),
        (None, timedelta()),
        ("soon", timedelta()),
        ("-1:16", timedelta()),
    ],
)
def test_durations(written, expected):
    """Both clock forms and plain seconds."""
    assert wire.duration(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.0290", Decimal("0.0290")),
        ("$1,234.50", Decimal("1234.50")),
        (0.029, Decimal("0.029")),
        (None, Decimal(0)),
        ("Infinity", Decimal(0)),
        ("free", Decimal(0)),
    ],
)
def test_money(written, expected):
    """Exact, or nothing."""
    assert wire.money(written) == expected


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2016-01-01 00:00:00", datetime(2016, 1, 1, 5, 0, tzinfo=UTC)),
        ("2016-07-01 00:00:00", datetime(2016, 7, 1, 4, 0, tzinfo=UTC)),
        ("2026-11-01 00:59:59", datetime(2026, 11, 1, 4, 59, 59, tzinfo=UTC)),
        ("2026-11-01 01:30:00", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("2026-11-01 02:00:00", datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
        ("2026-03-08 02:30:00", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        ("2016-01-01T00:00:00Z", datetime(2016, 1, 1, tzinfo=UTC)),
        ("0000-00-00 00:00:00", None),
        ("0001-01-01 00:00:00", datetime(1, 1, 1, 4, 56, 2, tzinfo=UTC)),
        ("9999-12-31 23:59:59", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_moments(wall, utc):
    """Eastern wall clock with daylight saving; the repeated hour is its first pass."""
    assert wire.moment(wall, EASTERN) == utc


@given(st.integers(946_684_800, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_moments_come_back_but_for_the_repeated_hour(moment):
    """From UTC to the wall and back: the same, or exactly the hour that nobody can tell apart."""
    wall = moment.astimezone(EASTERN)
    read = wire.moment(wall.strftime("%Y-%m-%d %H:%M:%S"), EASTERN)

    assert moment - read == (timedelta(hours=1) if wall.fold else timedelta())


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 6, 15, 12, 0, tzinfo=UTC), 16 * 3600),
        (datetime(2026, 6, 16, 3, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 1, 4, 0, tzinfo=UTC), 25 * 3600),
        (datetime(2026, 3, 8, 5, 0, tzinfo=UTC), 23 * 3600),
    ],
)
def test_the_next_day_begins_at_eastern_midnight(now, expected):
    """Days have 23 or 25 hours twice a year."""
    assert wire.seconds_to_next_day(now, EASTERN) == expected


@pytest.mark.parametrize(
    ("written", "name", "number"),
    [
        ("John Doe <5552341234>", "John Doe", "5552341234"),
        ("PARKWOODSDENTAL <416.444.2828>", "PARKWOODSDENTAL", "4164442828"),
        ('"Doe, John" <+15552341234>', "Doe, John", "5552341234"),
        ("<5552341234>", "", "5552341234"),
        ("5552341234", "", "5552341234"),
        (5552341234, "", "5552341234"),
        ("555-234-1234", "", "5552341234"),
        ("anonymous", "anonymous", ""),
        ("Unknown <>", "Unknown", ""),
        ("A <b> <5552341234>", "A <b> <5552341234>", ""),
        ("", "", ""),
        (None, "", ""),
    ],
)
def test_callers(written, name, number):
    """Digits, a name with digits, or a word."""
    assert wire.caller(written) == Caller(name=name, number=number)


# Base64


@given(
    st.binary(min_size=1),
    st.sampled_from(["", "data:application/pdf;base64,", "\r\n Data:;base64,"]),
    st.data(),
)
def test_base64_with_noise(payload, prefix, data):
    """Line breaks, blanks, a prefix, missing padding: the same bytes."""
    encoded = base64.b64encode(payload).decode()
    if data.draw(st.booleans()):
        encoded = encoded.rstrip("=")
    width = data.draw(st.integers(1, 100))
    noise = data.draw(st.sampled_from(["\n", "\r\n", " ", "\t\0", "\\"]))
    noisy = noise.join(encoded[at : at + width] for at in range(0, len(encoded), width)) + noise

    assert wire.base64_bytes(prefix + noisy) == payload


@given(st.binary(min_size=1))
def test_urlsafe_base64(payload):
    """The other alphabet is understood when it is the only one."""
    encoded = base64.urlsafe_b64encode(payload).decode()
    assert wire.base64_bytes(encoded) == payload


@pytest.mark.parametrize("value", ["QUJDR", "QQ==QQ==", "", "!!!", None, 7, ["QUJD"]])
def test_damaged_base64_is_refused(value):
    """Cut off inside a byte, padded in the middle, or not there."""
    with pytest.raises(wire.WireError):
        wire.base64_bytes(value)


def test_a_pdf_is_checked():
    """Its header may come a little late; without it the file is refused."""
    late = b"\0" * 1000 + b"%PDF-1.4"
    assert wire.pdf({"message_base64": base64.b64encode(late).decode()}) == late
    with pytest.raises(wire.WireError, match="not a PDF"):
        wire.pdf({"message_base64": base64.b64encode(b"GIF89a").decode()})
    with pytest.raises(wire.WireError, match="not a PDF"):
        wire.pdf({"message_base64": base64.b64encode(b"\0" * 1024 + b"%PDF-1.4").decode()})


# Rows


def test_a_row_without_an_id_is_refused():
    """Nothing can be done with it, and leaving it out would hide a fax."""
    with pytest.raises(wire.WireError, match="a fax has no id"):
        rows.fax_message({"id": "", "folder": "SENT"}, EASTERN)


def test_a_row_with_nothing_but_an_id():
    """Everything else may be missing."""
    message = rows.fax_message({"id": 7}, EASTERN)

    assert (message.id, message.date, message.pages, message.total) == ("7", None, 0, Decimal(0))


@given(st.dictionaries(st.sampled_from(["id", "date", "callerid", "pages", "duration", "rate", "msg"]), JSON))
def test_odd_fields_never_hide_a_fax(fields):
    """One odd field spoils itself only."""
    message = rows.fax_message(fields | {"id": "7"}, EASTERN)

    assert message.id == "7"


def test_money_that_is_not_known_is_not_zero():
    """A balance is an amount or an error."""
    assert rows.balance({"balance": {"current_balance": "-0.50"}}).current_balance == Decimal("-0.50")
    assert rows.balance({"balance": "112.192790"}).current_balance == Decimal("112.192790")
    for odd in (None, "", "NaN", "a lot", {}):
        with pytest.raises(wire.WireError, match="current_balance"):
            rows.balance({"balance": {"current_balance": odd}})


def test_an_error_never_shows_what_it_read():
    """Content stays out of the text."""
    for body in (b"secret", json.dumps(["secret"]).encode()):
        with pytest.raises(wire.WireError) as caught:
            wire.parse(body)
        assert "secret" not in repr(caught.value)
