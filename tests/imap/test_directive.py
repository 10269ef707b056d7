"""The number in the subject: what is taken, what is left alone, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import phone
from gateway.errors import GatewayError
from gateway.mailin.directive import read

ONE = "+15552341234"
TWO = "+15552341235"


@pytest.mark.parametrize(
    ("subject", "numbers", "rest"),
    [
        ("555-234-1234 Invoice", (ONE,), "Invoice"),
        ("(555) 234-1234 Invoice", (ONE,), "Invoice"),
        ("(555)234-1234", (ONE,), ""),
        ("+1 555 234 1234 Invoice", (ONE,), "Invoice"),
        ("+1 (555) 234-1234 Invoice", (ONE,), "Invoice"),
        ("1-555-234-1234: Invoice", (ONE,), "Invoice"),
        ("5552341234", (ONE,), ""),
        ("555.234.1234 - Invoice", (ONE,), "Invoice"),
        ("555 234 1234 2024 taxes", (ONE,), "2024 taxes"),
        ("555-234-1234 (2 pages)", (ONE,), "(2 pages)"),
        ("555-234-1234, 2 pages", (ONE,), "2 pages"),
        ("555-234-1234, 5552341235; (555) 234-1234 Invoice", (ONE, TWO), "Invoice"),
        ("+442079460958 report 7", ("+442079460958",), "report 7"),
        ("\u202a555\u2011234\u20111234\u202c\u00a0Invoice", (ONE,), "Invoice"),
    ],
)
def test_numbers_at_the_front_are_taken_off(subject: str, numbers: tuple[str, ...], rest: str) -> None:
    found = read(subject)
    assert (found.numbers, found.subject) == (numbers, rest)


@pytest.mark.parametrize(
    ("subject", "rest"),
    [
        ("483920 555-234-1234 Invoice", "Invoice"),
        ("[483920] 555-234-1234 Invoice", "Invoice"),
        ("483920: 555-234-1234 Invoice", "Invoice"),
        ("Re: 483920 555-234-1234 Invoice", "Re: Invoice"),
        ("483920 555-234-1234 Invoice 483920", "Invoice"),
    ],
)
def test_the_number_follows_the_code(subject: str, rest: str) -> None:
    found = read(subject, code="483920")
    assert (found.numbers, found.subject) == ((ONE,), rest)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Invoice",
        "Invoice 555-234-1234",  # a number in the text is not an address
        "order 5552341234",
        "5552341234x9 Invoice",
        "555-234-123 Invoice",
        "555-234-12345 Invoice",
        "055-234-1234 Invoice",
        "911 Invoice",
        "555-234-CALL Invoice",
        "+49 30 123456 78 Invoice",  # two readings
        "555-234-1234, 55-234-1234 Invoice",  # a second number with a slip must not be dropped in silence
        "\u0665\u0665\u0665-234-1234 Invoice",
    ],
)
def test_anything_else_is_refused_without_being_quoted(subject: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(subject)
    assert caught.value.failure.status == "5.1.3"
    assert "Invoice " + subject.partition(" ")[2] not in str(caught.value)


def test_a_number_before_the_code_is_not_meant() -> None:
    with pytest.raises(GatewayError):
        read("555-234-1234 483920 Invoice", code="483920")


@given(st.text(max_size=80), st.sampled_from(["", "483920", "a1b2"]))
def test_any_subject_gives_valid_numbers_or_a_refusal(subject: str, code: str) -> None:
    try:
        found = read(subject, code=code)
    except GatewayError:
        return
    assert found.numbers
    assert all(phone.parse(number) == number for number in found.numbers)


_LAYOUTS = ["{a}-{b}-{c}", "({a}) {b}-{c}", "{a}{b}{c}", "+1 {a} {b} {c}", "1-{a}-{b}-{c}", "{a}.{b}.{c}"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(_LAYOUTS),
            st.integers(200, 999),
            st.integers(200, 999),
            st.integers(0, 9999),
        ),
        min_size=1,
        max_size=5,
    ),
    st.text(alphabet="abcdefgh XYZ", max_size=20),
)
def test_every_layout_of_every_number_is_read(parts: list[tuple[str, int, int, int]], text: str) -> None:
    written = ", ".join(layout.format(a=a, b=b, c=f"{c:04}") for layout, a, b, c in parts)
    wanted = tuple(dict.fromkeys(f"+1{a}{b}{c:04}" for _, a, b, c in parts))
    found = read(f"{written} {text}")
    assert found.numbers == wanted
    assert found.subject == " ".join(text.split())
