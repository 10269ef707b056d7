"""The wire encoder: each habit by itself, and properties over generated rows in every mode."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.encode import (
    MODES,
    Dotted,
    Noise,
    Numbers,
    WireMode,
    encode_answer,
    encode_date,
    encode_duration,
    encode_fields,
    encode_value,
    parse_mode,
)
from gateway.simulator.rows import AreaCodeRow, Caller, Did, FaxRow, FolderRow, Label, Note, Phone

FAX = FaxRow(
    id=Label("100201"),
    folder="INBOX",
    date=datetime(2016, 1, 1, 5, 0, 0, tzinfo=UTC),
    callerid=Caller(number=Phone("5552341234"), name="John Doe"),
    stationid=Label("5552341234"),
    destination=Phone("7772341234"),
    description="INBOUND FAX",
    pages=2,
    duration=timedelta(seconds=76),
    status="SUCCESS",
    rate=Decimal("0.029"),
    total=Decimal("0.058"),
    msg=Note(""),
)
modes = st.sampled_from(sorted(MODES)).map(MODES.__getitem__)
numbers = st.from_regex(r"[2-9][0-9]{9}", fullmatch=True)


def encoded(value: object, mode: WireMode) -> object:
    return encode_value("field", value, mode)


def test_the_documented_example() -> None:
    assert encode_fields({"status": "success", "faxes": [FAX]}, WireMode()) == {
        "status": "success",
        "faxes": [
            {
                "id": "100201",
                "folder": "INBOX",
                "date": "2016-01-01 00:00:00",
                "callerid": "John Doe <5552341234>",
                "stationid": "5552341234",
                "destination": "7772341234",
                "description": "INBOUND FAX",
                "pages": "2",
                "duration": "1:16",
                "status": "SUCCESS",
                "rate": "0.029",
                "total": "0.058",
                "msg": "",
            }
        ],
    }


def test_native_numbers() -> None:
    row = encode_fields({"faxes": [FAX]}, MODES["native"])["faxes"][0]
    assert (row["pages"], row["rate"], row["destination"], row["id"]) == (2, 0.029, 7772341234, 100201)
    assert encoded(True, MODES["native"]) == 1


def test_mixed_numbers_differ_from_row_to_row() -> None:
    rows = encode_fields({"faxes": [FAX, FAX]}, MODES["mixed"])["faxes"]
    assert {type(row["pages"]) for row in rows} == {int, str}


@pytest.mark.parametrize("word", ["0123", "12a", "", "1234567890123456", "٣"])
def test_words_that_a_number_would_damage_stay_words(word: str) -> None:
    assert encoded(Label(word), MODES["native"]) == word


def test_a_lone_row_is_bare_but_two_are_a_list() -> None:
    row = FolderRow(id=Label("1"), name="INBOX")
    assert encode_fields({"folders": [row]}, MODES["bare"])["folders"] == {"id": "1", "name": "INBOX"}
    assert len(encode_fields({"folders": [row, row]}, MODES["bare"])["folders"]) == 2
    assert encode_fields({"dids": ["5552341234"]}, MODES["bare"])["dids"] == ["5552341234"]


def test_an_empty_list_may_be_missing() -> None:
    assert encode_fields({"status": "success", "faxes": []}, MODES["missing"]) == {"status": "success"}
    assert encode_fields({"faxes": []}, WireMode()) == {"faxes": []}


def test_dots() -> None:
    own, other = Did("6479484755"), Phone("6479484755")
    assert encoded(own, WireMode()) == "647.948.4755"
    assert encoded(other, WireMode()) == "6479484755"
    assert encoded(other, MODES["dotted"]) == "647.948.4755"
    assert encoded(own, WireMode(dotted=Dotted.NEVER)) == "6479484755"
    assert encoded(Phone("441632960001"), MODES["dotted"]) == "441632960001"


def test_e164() -> None:
    assert encoded(Phone("6479484755"), MODES["e164"]) == "+16479484755"


def test_callers() -> None:
    caller = Caller(number=Phone("5552341234"), name="John Doe")
    assert encoded(caller, WireMode()) == "John Doe <5552341234>"
    assert encoded(caller, MODES["plain"]) == "5552341234"
    assert encoded(Caller(number=Phone("5552341234")), WireMode()) == "5552341234"
    assert encoded(caller, MODES["dotted"]) == "John Doe <555.234.1234>"


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [
        (0, "0:00", "0:00:00"),
        (76, "1:16", "0:01:16"),
        (3599, "59:59", "0:59:59"),
        (3661, "1:01:01", "1:01:01"),
    ],
)
def test_durations(seconds: int, short: str, long: str) -> None:
    assert encode_duration(timedelta(seconds=seconds), WireMode()) == short
    assert encode_duration(timedelta(seconds=seconds), WireMode(hours=True)) == long


def test_dates_are_eastern_and_repeat_an_hour_in_autumn() -> None:
    first, again = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert encode_date(first, WireMode()) == encode_date(again, WireMode()) == "2026-11-01 01:30:00"
    assert encode_date(datetime(2026, 7, 1, 4, tzinfo=UTC), WireMode()) == "2026-07-01 00:00:00"
    with pytest.raises(ValueError, match="zone"):
        encode_date(datetime(2026, 7, 1), WireMode())  # noqa: DTZ001  the point of the test


def test_empty_msg_may_be_null() -> None:
    assert encoded(Note(""), WireMode(null_msg=True)) is None
    assert encoded(Note("Busy"), WireMode(null_msg=True)) == "Busy"


@pytest.mark.parametrize("noise", Noise)
def test_base64_noise_leaves_the_data(noise: Noise) -> None:
    data = bytes(range(256)) * 2
    text = encoded(data, WireMode(base64_noise=noise))
    assert isinstance(text, str)
    assert base64.b64decode(text.removeprefix("data:application/pdf;base64,")) == data
    assert ("\r\n" in text) is (noise is Noise.LINES)


def test_slashes_are_escaped_like_php_and_text_is_ascii() -> None:
    body = encode_answer({"status": "success", "url": "http://a/é"}, WireMode())
    assert body == b'{"status":"success","url":"http:\\/\\/a\\/\\u00e9"}'
    assert json.loads(body)["url"] == "http://a/é"


def test_unknown_types_are_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        encoded({1}, WireMode())


def test_modes_by_name_and_by_change() -> None:
    assert parse_mode("native") is MODES["native"]
    assert parse_mode({"mode": "bare", "numbers": "native"}).bare_rows
    assert parse_mode({"null_msg": True}, MODES["dotted"]) == WireMode(dotted=Dotted.ALL, null_msg=True)
    assert parse_mode({**asdict(MODES["noisy"])}) == MODES["noisy"]


@pytest.mark.parametrize(
    "spec", ["loud", {"speed": 1}, {"numbers": "roman"}, {"bare_rows": "yes"}, {"zone": "Mars/Olympus"}]
)
def test_bad_modes_are_refused(spec: str | dict[str, object]) -> None:
    with pytest.raises((ValueError, LookupError)):
        parse_mode(spec)


@given(
    mode=modes,
    rows=st.lists(
        st.builds(
            AreaCodeRow, ratecenter=st.text(), area_code=st.integers(200, 999), available=st.just("yes")
        )
    ),
)
def test_every_list_survives_as_json(mode: WireMode, rows: list[AreaCodeRow]) -> None:
    found = json.loads(encode_answer({"ratecenters": rows}, mode)).get("ratecenters", [])
    found = [found] if isinstance(found, dict) else found
    assert [(row["ratecenter"], int(row["area_code"])) for row in found] == [
        (row.ratecenter, row.area_code) for row in rows
    ]


@given(mode=modes, number=numbers)
def test_every_number_keeps_its_digits(mode: WireMode, number: str) -> None:
    for kind in (Phone, Did, Label):
        text = str(encode_value("n", kind(number), mode))
        assert "".join(filter(str.isdigit, text))[-10:] == number


@given(mode=modes, seconds=st.integers(0, 10**6))
def test_every_duration_can_be_summed_up_again(mode: WireMode, seconds: int) -> None:
    total = 0
    for part in encode_duration(timedelta(seconds=seconds), mode).split(":"):
        total = total * 60 + int(part)
    assert total == seconds


def test_the_named_modes_cover_every_habit() -> None:
    for field in fields(WireMode):
        if field.name != "zone":
            assert len({getattr(mode, field.name) for mode in MODES.values()}) > 1, field.name
    assert {mode.numbers for mode in MODES.values()} == set(Numbers)
