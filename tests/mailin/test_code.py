"""The security code as a word of a subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin.code import holds, in_subject, without_traces, without_words

CODE = "483920"


@pytest.mark.parametrize(
    "subject",
    [
        "483920",
        "483920 Invoice",
        "Re: 483920 Invoice",
        "[483920] x",
        "x_483920_y",
        "x (483920).",
        "Fw: a-483920",
    ],
)
def test_found_as_a_word_of_its_own(subject: str) -> None:
    assert in_subject(subject, CODE)


@pytest.mark.parametrize(
    "subject", ["", "48392", "4839201", "x483920", "483920é", "483 920", "٤٨٣٩٢٠", "invoice"]
)
def test_not_found_elsewhere(subject: str) -> None:
    assert not in_subject(subject, CODE)


def test_case_matters_for_opening_the_door() -> None:
    assert in_subject("aBc12x", "aBc12x")
    assert not in_subject("ABC12X", "aBc12x")


def test_one_subject_is_not_a_search() -> None:
    many = " ".join(f"{number:06}" for number in range(16))
    assert in_subject(f"{CODE} {many[:-7]}", CODE)
    assert not in_subject(f"{CODE} {many}", CODE)


def test_words_that_cannot_be_the_code_are_no_guesses() -> None:
    words = "Please verify number amount before moving"
    assert in_subject(f"{words} {CODE}", CODE, guesses=1)
    assert in_subject(f"{words} A1B2C3 {CODE}", CODE, guesses=1)
    assert not in_subject(f"{words} 111111 {CODE}", CODE, guesses=1)
    assert not in_subject(f"{words} Kodiak", "Kodiak", guesses=6)


@pytest.mark.parametrize(
    ("subject", "rest"),
    [
        ("483920 555-234-1234 Invoice", "555-234-1234 Invoice"),
        ("483920: (555) 234-1234", "(555) 234-1234"),
        ("483920 +1 555 234 1234", "+1 555 234 1234"),
        ("Re: [483920]  Invoice", "Re: Invoice"),
        ("Invoice (483920)", "Invoice"),
        ("483920 - Invoice - 483920", "Invoice"),
        ("483920", ""),
        ("5554839201 has it inside", "5554839201 has it inside"),
        ("- untouched -", "- untouched -"),
    ],
)
def test_removed_as_a_word_only(subject: str, rest: str) -> None:
    assert without_words(subject, CODE) == rest


@given(st.text(st.sampled_from("483920 -x[]"), max_size=60))
def test_no_word_of_it_is_left_and_nothing_else_is_lost(subject: str) -> None:
    rest = without_words(subject, CODE)
    assert not in_subject(rest, CODE)
    if not in_subject(subject, CODE):
        assert rest == subject


@given(st.text(st.sampled_from("483920aB"), max_size=80), st.sampled_from([CODE, "aB48", "4848"]))
def test_no_trace_is_left(text: str, code: str) -> None:
    rest = without_traces(text, code)
    assert not holds(rest, code)
    assert rest == text or holds(text, code)


def test_removing_does_not_bring_new_ones_together() -> None:
    assert without_traces("4839" + CODE + "20", CODE) == "4839-20"
    assert without_traces(f"<{CODE}@example.com>", CODE) == "<-@example.com>"
