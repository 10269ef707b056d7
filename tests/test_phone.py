"""Numbers as people write them, and what may be dialled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import phone
from gateway.errors import GatewayError, Kind


@pytest.mark.parametrize(
    "text",
    [
        "5552341234",
        "15552341234",
        "+15552341234",
        "555-234-1234",
        "(555) 234-1234",
        "555.234.1234",
        "+1 555 234 1234",
        "1-555-234-1234",
        " 5552341234 ",
    ],
)
def test_spellings_of_one_number(text: str) -> None:
    assert phone.parse(text) == "+15552341234"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "555CALLNOW",
        "555234123",
        "55523412345",
        "1555234123",
        "0552341234",
        "5551341234",
        "555234123４",  # full-width digit
        "5552341234;ext=5",
        "5552341234x5",
        "++15552341234",
        "+",
        "911",
        "5552341234\n5552341235",
        "٥٥٥٢٣٤١٢٣٤",
        "tel:5552341234",
        "5552341234,5552341235",
    ],
)
def test_refused_with_a_sentence_that_shows_the_number(text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        phone.parse(text)
    assert caught.value.failure.kind is Kind.PERMANENT
    assert caught.value.failure.status == "5.1.3"
    assert "is not a fax number" in str(caught.value)


@given(st.text(max_size=30))
def test_never_dials_digits_that_were_not_written(text: str) -> None:
    try:
        e164 = phone.parse(text)
    except GatewayError:
        return
    written = "".join(c for c in text if c in "0123456789")
    dialled = e164.lstrip("+")
    assert written.endswith(dialled) or dialled.endswith(written.lstrip("0")), (text, e164)


@given(st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True))
def test_dial_form_and_back(ten: str) -> None:
    e164 = phone.parse(ten)
    assert phone.dial(e164) == ten
    assert phone.same(e164, ten)
    assert phone.parse(phone.national(e164)) == e164
    assert phone.mask(e164) == "…" + ten[-4:]


@given(st.from_regex(r"(\+?1)?[0-9]{9,11}", fullmatch=True), st.sampled_from(["US", "CA", "DE", "JM"]))
def test_digits_alone_mean_the_same_as_with_a_hyphen(digits: str, region: str) -> None:
    """Digits alone take a shorter way, without the library."""

    def meant(text: str) -> str:
        try:
            return phone.parse(text, region=region)
        except GatewayError:
            return "refused"

    assert meant(digits) == meant(f"{digits[:-4]}-{digits[-4:]}")


def test_international_is_off_by_default() -> None:
    berlin = phone.parse("+49 30 901820")
    with pytest.raises(GatewayError) as caught:
        phone.permit(berlin)
    assert caught.value.failure.status == "5.7.1"
    phone.permit(berlin, allow_international=True)
    assert phone.dial(berlin) == "0114930901820"


def test_blocked_wins_over_allowed() -> None:
    with pytest.raises(GatewayError):
        phone.permit("+19005551234", blocked=["+1900"], allowed=["*"])
    with pytest.raises(GatewayError):
        phone.permit("+15552341234", allowed=["+1212"])
    phone.permit("+12122341234", allowed=["+1212*"])


def test_different_numbers_are_not_the_same() -> None:
    assert not phone.same("5552341234", "5552341235")
    assert not phone.same("", "")
    assert phone.same("555.234.1234", "1 (555) 234-1234")
