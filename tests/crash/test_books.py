"""What the books call lost, doubled and held in vain."""

from dataclasses import replace

import pytest

from crash.books import Call, Fax, compare

FAX = Fax(id="Q-1", mail="<m>", number="2122000001", state="delivered", digest="d")
CALL = Call(number="2122000001", digest="d", at=10.0, answer="success", accepted=True, shown=True)
ACCEPTED = {"<m>": ["2122000001"]}
NOTICE = [("Q-1", "<n>")]


def test_books_that_agree() -> None:
    assert compare(ACCEPTED, [FAX], [CALL], NOTICE).agrees


@pytest.mark.parametrize(
    ("faxes", "notices"),
    [([], []), ([replace(FAX, state="waiting")], NOTICE), ([FAX], []), ([replace(FAX, state="held")], [])],
)
def test_an_accepted_mail_without_an_end_or_a_word_is_lost(
    faxes: list[Fax], notices: list[tuple[str, str]]
) -> None:
    assert compare(ACCEPTED, faxes, [], notices).lost


@pytest.mark.parametrize(
    ("first", "doubled"),
    [
        (CALL, True),
        (replace(CALL, accepted=False, answer="http 502", shown=False), True),
        (replace(CALL, accepted=False, answer="invalid_file", shown=False), False),
        (replace(CALL, failed_at=15.0), False),
        (replace(CALL, failed_at=25.0), True),
    ],
)
def test_a_second_call_needs_a_failed_first_one(first: Call, doubled: bool) -> None:
    verdict = compare(ACCEPTED, [FAX], [first, replace(CALL, at=20.0)], NOTICE)
    assert bool(verdict.doubled) is doubled


def test_a_held_fax_with_a_row_is_held_in_vain() -> None:
    held = replace(FAX, state="held")
    assert compare(ACCEPTED, [held], [CALL], NOTICE).held
    assert compare(ACCEPTED, [held], [replace(CALL, shown=False)], NOTICE).agrees
    assert compare(ACCEPTED, [replace(held, attempts=2)], [CALL], NOTICE).agrees
    busy = replace(CALL, failed_at=15.0)
    in_doubt = replace(CALL, at=20.0, accepted=False, answer="http 502", shown=False)
    assert compare(ACCEPTED, [held], [busy, in_doubt], NOTICE).agrees


def test_two_faxes_of_one_mail_and_a_call_for_none() -> None:
    assert compare(ACCEPTED, [FAX, replace(FAX, id="Q-2")], [], [*NOTICE, ("Q-2", "<o>")]).other
    assert compare(ACCEPTED, [FAX], [replace(CALL, digest="x")], NOTICE).other
