"""Names that the API takes and station ids that fit a TSI."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.faxout.identity import STATION_ID_LENGTH, sender_name, station_id


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("Clinic Dr. Müller & Søn", "Clinic Dr Muller S n"),
        ("  Anna   Smith  ", "Anna Smith"),
        ("Ärzte—Haus", "Arzte Haus"),
        ("東京", "5552341234"),
        ("", "5552341234"),
    ],
)
def test_a_name_keeps_what_the_api_takes(wish: str, name: str) -> None:
    assert sender_name(wish, otherwise="5552341234") == name


def test_the_first_name_with_anything_left_wins() -> None:
    assert sender_name("", "!!!", "Front desk", "Other", otherwise="x") == "Front desk"


@given(st.lists(st.text()))
def test_any_name_becomes_alphanumeric(wishes: list[str]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ]{0,59}", sender_name(*wishes, otherwise="5552341234"))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", None),
        ("   ", None),
        ("Front desk", "Front desk"),
        ("{token}", "0A1B2C3D"),
        ("{name} {token}", "Clinic of N 0A1B2C3D"),
        ("{token}/{name}", "0A1B2C3D/Clinic of N"),
        ("{name}", "Clinic of North Town"),
        ("{name}{name}", "Clinic of North Town"),
    ],
)
def test_the_name_gives_way_to_the_token(template: str, expected: str | None) -> None:
    assert station_id(template, name="Clinic of North Town West", token="0A1B2C3D") == expected


@given(st.text(max_size=12), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ]{0,59}", fullmatch=True))
def test_a_station_id_fits_and_its_token_is_whole(plain: str, name: str) -> None:
    literal = plain.replace("{", "").replace("}", "")
    text = station_id(f"{literal}{{token}}{{name}}", name=name, token="0A1B2C3D")
    assert text is not None
    assert len(text) <= STATION_ID_LENGTH
    assert text.isascii()
    assert text.isprintable()
    assert "0A1B2C3D" in text
