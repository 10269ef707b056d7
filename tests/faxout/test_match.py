"""Whose row is it: the rules one by one. The provider's habits behind them are not documented."""

import pytest
from support.sent_rows import OURS, POLICY, T0, attempt, claimant, row

from gateway.faxout.decisions import Decision, Doubt, Expire, Hold, How, Own, Prove, Resend, Settle, Wait
from gateway.faxout.interpret import Standing
from gateway.faxout.match import Clues, Pages, SentRow, match
from gateway.lifecycle import FaxState
from gateway.store.tracking import Claimant, GivesBack

SENT, UNKNOWN, HELD, SUBMITTING = FaxState.SENT, FaxState.UNKNOWN, FaxState.HELD, FaxState.SUBMITTING
PENDING, FAILED = Standing.PENDING, Standing.FAILED
LATE = T0 + 10 + POLICY.hold_after


def decide(
    one: Claimant, *rows: SentRow, others: tuple[Claimant, ...] = (), now: float = T0 + 60, **clues: object
) -> Decision:
    """The decision about `one`."""
    found = match([one, *others], rows, clues=Clues(**clues), now=now, policy=POLICY)  # type: ignore[arg-type]
    return found[one.fax.id]


UNSEEN: dict[str, Pages] = dict.fromkeys(("1", "2", "3", "1000001"), ())
"""PDFs that were asked for and cannot be had."""


# Which rows are candidates.


@pytest.mark.parametrize(
    "other",
    [
        row(destination="5551239999"),
        row(destination=""),
        row(latest=T0 - POLICY.skew - 1),
    ],
    ids=["another number", "no number", "too old"],
)
def test_a_row_that_cannot_be_ours_is_passed_over(other: SentRow) -> None:
    assert decide(claimant(), other) == Wait()


def test_a_row_of_any_snapshot_is_never_ours() -> None:
    twice = claimant(SENT, attempt(1, outcome="lease_lost", snapshot=("1",)), attempt(2, snapshot=()))
    assert decide(twice, row("1")) == Wait()


def test_what_was_there_before_the_second_call_may_be_the_first_ones() -> None:
    """The first ended in doubt, and its row came just before the second."""
    calls = attempt(1, outcome="sending", snapshot=("1",)), attempt(2, snapshot=("1", "2"))
    for state in (SENT, UNKNOWN, HELD):
        twice = claimant(state, *calls)
        assert decide(twice, row("1"), row("2"), pages={"2": OURS}) == Own("2", How.PAGES)
        assert decide(twice, row("1"), row("2", FAILED), pages={"2": OURS}) == Wait(), (
            "the second's is to come"
        )
        assert decide(twice, row("1"), row("2"), pages={"1": OURS, "2": ()}) != Own("1", How.PAGES)
    other = claimant(SENT, id_="G")
    assert decide(other, row("2"), row("1", destination=""), others=(twice,), pages=UNSEEN) == Wait()


def test_a_row_of_another_fax_is_never_ours() -> None:
    assert decide(claimant(), row("1"), known={"1": "someone else's"}) == Wait()
    assert decide(claimant(UNKNOWN), row("1"), known={"1": "F0"}, pages={"1": OURS}) == Wait()


def test_clocks_may_differ_and_a_date_may_be_missing() -> None:
    assert decide(claimant(), row(latest=T0 - POLICY.skew), pages=UNSEEN) == Own("1", How.LONE)
    assert decide(claimant(), row(latest=None), pages=UNSEEN) == Own("1", How.LONE)


@pytest.mark.parametrize("spelling", ["15551230001", "+15551230001", "555.123.0001"])
def test_the_number_may_be_spelled_differently(spelling: str) -> None:
    assert decide(claimant(), row(destination=spelling), pages=UNSEEN) == Own("1", How.LONE)


def test_an_international_number_is_found_with_and_without_its_prefix() -> None:
    abroad = claimant(number="+442079460123")
    assert decide(abroad, row(destination="011442079460123"), pages=UNSEEN) == Own("1", How.LONE)
    assert decide(abroad, row(destination="442079460123"), pages=UNSEEN) == Own("1", How.LONE)


# After a clean success.


def test_a_lone_row_that_arrived_is_adopted_once_its_pages_were_asked_for() -> None:
    assert decide(claimant(), row("1")) == Prove(("1",))
    assert decide(claimant(), row("1"), pages={"1": OURS}) == Own("1", How.PAGES)
    assert decide(claimant(), row("1"), pages=UNSEEN) == Own("1", How.LONE)
    assert decide(claimant(pages=()), row("1", pages=0)) == Own("1", How.LONE), "nothing to compare with"


def test_a_lone_row_with_other_pages_must_stay_alone() -> None:
    """By hand from the portal, in the same minute, with as many pages; ours may come a little later."""
    others = {"1": ("not", "ours")}
    assert decide(claimant(), row("1"), pages=others) == Settle("1")
    settling, late = {"F": ("1", T0 + 60)}, T0 + 60 + POLICY.settle
    assert decide(claimant(), row("1"), pages=others, settling=settling, now=late) == Own("1", How.LONE)
    assert decide(claimant(), row("1"), row("2"), pages=others, settling=settling, now=late) == Prove(("2",))
    both = {**others, "2": OURS}
    assert decide(claimant(), row("1"), row("2"), pages=both, settling=settling) == Own("2", How.PAGES)


@pytest.mark.parametrize("standing", [Standing.ARRIVED, FAILED])
@pytest.mark.parametrize("form", [GivesBack.AS_SENT, GivesBack.REDRAWN])
def test_where_our_pages_are_recognised_other_pages_are_another_fax(
    standing: Standing, form: GivesBack
) -> None:
    found = row("1", standing)
    settling = {"F": ("1", T0 + 60)}
    clues = {"pages": {"1": ("not", "ours")}, "gives_back": form, "settling": settling}
    assert decide(claimant(), found, **clues, now=T0 + 60 + POLICY.settle) == Wait()
    assert decide(claimant(), found, **clues, now=LATE) == Hold(Doubt.AMBIGUOUS)


@pytest.mark.parametrize(
    "clue", [{"late": ["1"]}, {"gives_back": GivesBack.AS_SENT}], ids=["late", "as sent"]
)
def test_a_lone_row_whose_pdf_should_be_there_must_stay_alone(clue: dict[str, object]) -> None:
    """A stranger's PDF may be the one that cannot be had just now, and our row may come a little later."""
    clues = {"pages": {"1": ()}, "settling": {"F": ("1", T0 + 60)}, **clue}
    assert decide(claimant(), row("1"), **clues) == Settle("1")
    assert decide(claimant(), row("1"), row("2"), **clues) == Prove(("2",))
    assert decide(claimant(), row("1"), **clues, now=T0 + 60 + POLICY.settle) == Own("1", How.LONE)


def test_a_row_that_showed_other_pages_is_asked_for_again() -> None:
    """It may not have been finished."""
    for state in (SENT, UNKNOWN, HELD):
        clues = {"pages": {"1": ("wait",)}, "again": ["1"]}
        assert decide(claimant(state), row("1"), **clues) == Prove(("1",))


def test_where_tokens_come_back_a_lone_row_without_ours_is_another_fax() -> None:
    echo = {"pages": UNSEEN, "echoed": ["F"]}
    assert decide(claimant(), row("1"), **echo) == Wait()
    assert decide(claimant(), row("1"), **echo, now=LATE) == Hold(Doubt.AMBIGUOUS)
    assert decide(claimant(), row("1", station_id="TOKEN001"), **echo) == Own("1", How.TOKEN)
    assert decide(claimant(), row("1"), pages={"1": OURS}, echoed=["F"]) == Own("1", How.PAGES)


def test_the_first_of_our_pages_drawn_anew_are_not_recognised() -> None:
    found, clues = row("1", pages=1), {"pages": {"1": ("anew",)}, "settling": {"F": ("1", T0 + 60)}}
    late = T0 + 60 + POLICY.settle
    assert decide(claimant(), found, **clues, gives_back=GivesBack.REDRAWN, now=late) == Own("1", How.LONE)
    assert decide(claimant(), found, **clues, gives_back=GivesBack.AS_SENT, now=late) == Wait()


def test_where_a_person_knew_better_other_pages_may_be_ours() -> None:
    clues = {"pages": {"1": ("not", "ours")}, "gives_back": GivesBack.UNLIKE}
    assert decide(claimant(), row("1"), **clues) == Settle("1")
    assert decide(claimant(), row("1", FAILED), **clues) == Settle("1")


def test_a_failed_row_with_other_pages_leads_to_no_other_call_while_nothing_is_known() -> None:
    failed, others = row("1", FAILED), {"1": ("not", "ours")}
    settling, late = {"F": ("1", T0 + 60)}, T0 + 60 + POLICY.settle
    assert decide(claimant(), failed, pages=others, settling=settling, now=late) == Wait()
    assert decide(claimant(), failed, pages={"1": ("one",)}) == Settle("1"), "of a call that broke, perhaps"


def test_the_first_of_our_pages_are_a_partial_fax_of_ours() -> None:
    found = row("1", pages=1)
    clues = {"pages": {"1": OURS[:1]}, "gives_back": GivesBack.AS_SENT}
    assert decide(claimant(), found, **clues) == Own("1", How.LONE)


def test_a_lone_pending_row_is_not_pinned_because_a_second_may_come() -> None:
    assert decide(claimant(), row("1", PENDING)) == Wait()
    assert decide(claimant(), row("1"), row("2")) == Prove(("1", "2"))


def test_a_lone_failed_row_is_asked_for_proof_and_else_must_stay_alone() -> None:
    failed = row("1", FAILED)
    assert decide(claimant(), failed) == Prove(("1",))
    assert decide(claimant(), failed, pages={"1": OURS}) == Own("1", How.PAGES)
    assert decide(claimant(), failed, pages={"1": ()}) == Settle("1")
    settling = {"F": ("1", T0 + 60)}
    seen = {"1": ()}
    early, late = T0 + 60 + POLICY.settle - 1, T0 + 60 + POLICY.settle
    assert decide(claimant(), failed, pages=seen, settling=settling, now=early) == Settle("1")
    assert decide(claimant(), failed, pages=seen, settling=settling, now=late) == Own("1", How.LONE)
    # Another row's time does not count, and a second candidate ends it.
    assert decide(claimant(), failed, pages=seen, settling={"F": ("9", T0)}, now=late) == Settle("1")
    both = {"1": (), "2": ()}
    assert decide(claimant(), failed, row("2"), pages=both, settling=settling, now=late) == Wait()


def test_a_lone_row_with_more_pages_than_ours_must_be_proved() -> None:
    assert decide(claimant(), row(pages=3)) == Prove(("1",))
    assert decide(claimant(), row(pages=3), pages={"1": ("x",)}, now=LATE) == Hold(Doubt.AMBIGUOUS)


def test_fewer_pages_are_ours_and_partial() -> None:
    assert decide(claimant(), row(pages=1), pages=UNSEEN) == Own("1", How.LONE)


@pytest.mark.parametrize("state", [HELD, SUBMITTING])
def test_a_lone_row_that_another_fax_could_own_must_be_proved(state: FaxState) -> None:
    other = claimant(state, id_="E", pages=("other",))
    assert decide(claimant(), row("1"), others=(other,)) == Prove(("1",))
    assert decide(claimant(), row("1"), others=(other,), pages={"1": OURS}) == Own("1", How.PAGES)


def test_a_fax_that_has_its_row_contests_no_other() -> None:
    other = claimant(HELD, attempt(provider_id="7"), id_="E")
    found = decide(claimant(), row("1"), row("7", PENDING), others=(other,), known={"7": "E"}, pages=UNSEEN)
    assert found == Own("1", How.LONE)


def test_where_ids_of_the_snapshot_vanish_a_new_id_is_no_new_row() -> None:
    renamed = claimant(SENT, attempt(snapshot=("8",)))
    assert decide(renamed, row("1")) == Prove(("1",))
    assert decide(renamed, row("1"), row("8"), pages=UNSEEN) == Own("1", How.LONE)


def test_pages_tell_two_candidates_apart() -> None:
    assert decide(claimant(), row("1"), row("2"), pages={"1": ("x",)}) == Prove(("2",))
    assert decide(claimant(), row("1"), row("2"), pages={"1": ("x",), "2": OURS}) == Own("2", How.PAGES)


def test_no_row_and_ambiguous_rows_are_held_in_the_end() -> None:
    assert decide(claimant(), now=LATE - 1) == Wait()
    assert decide(claimant(), now=LATE) == Hold(Doubt.NO_ROW)
    rows, seen = (row("1"), row("2")), {"1": (), "2": ()}
    assert decide(claimant(), *rows, pages=seen, now=LATE - 1) == Wait()
    assert decide(claimant(), *rows, pages=seen, now=LATE) == Hold(Doubt.AMBIGUOUS)


def test_rows_not_asked_for_yet_come_before_holding() -> None:
    assert decide(claimant(UNKNOWN), row("1"), now=LATE) == Prove(("1",))


def test_a_fax_on_the_line_is_waited_for_until_its_deadline() -> None:
    assert decide(claimant(), row("1", PENDING), now=LATE) == Wait()
    assert decide(claimant(), row("1", PENDING), now=T0 + 86400) == Hold(Doubt.SLOW)
    short = claimant(SENT, deadline=T0 + 100)
    assert decide(short, row("1", PENDING), now=LATE - 1) == Wait()
    known = claimant(SENT, attempt(provider_id="1"))
    clues = {"known": {"1": "F"}}
    assert decide(known, row("1", PENDING), now=LATE, **clues) == Wait()
    assert decide(known, row("1", PENDING), now=T0 + 86400, **clues) == Hold(Doubt.SLOW)
    assert decide(known, row("1"), now=T0 + 86400, **clues) == Own("1", How.KNOWN)


# Known rows.


def test_a_known_row_wins_over_any_other() -> None:
    known = claimant(SENT, attempt(provider_id="1"))
    assert decide(known, row("1", FAILED), row("2"), known={"1": "F"}) == Own("1", How.KNOWN)


def test_a_known_row_whose_id_vanished_is_matched_anew() -> None:
    known = claimant(SENT, attempt(provider_id="1"))
    assert decide(known, row("1000001"), pages=UNSEEN) == Own("1000001", How.LONE)
    elsewhere = row("1", destination="5551239999")
    assert decide(known, elsewhere, row("3"), known={"1": "F"}, pages=UNSEEN) == Own("3", How.LONE)
    assert decide(known, now=LATE) == Wait(), "it was seen: more patience than without any row"
    doubtful = claimant(UNKNOWN, attempt(outcome="sending", provider_id="1"))
    assert decide(doubtful, row("1000001")) == Prove(("1000001",))


def test_the_failed_row_of_an_earlier_call_says_nothing_about_this_one() -> None:
    again = claimant(SENT, attempt(1, provider_id="1"), attempt(2, started=T0 + 500))
    assert decide(again, row("1", FAILED), now=T0 + 600, known={"1": "F"}) == Wait()


@pytest.mark.parametrize("outcome", ["success", "sending"])
def test_an_earlier_calls_row_that_is_gone_may_be_back_under_another_id(outcome: str) -> None:
    """It failed, and says nothing about the call that is under way: a third would send the fax twice."""
    calls = attempt(1, provider_id="1"), attempt(2, started=T0 + 60, outcome=outcome, snapshot=("1",))
    again = claimant(SENT if outcome == "success" else UNKNOWN, *calls)
    failed, both = row("7", FAILED, latest=T0 + 30), {"7": OURS, "8": OURS}
    assert decide(again, failed, pages=both) == Wait()
    assert decide(again, failed, row("8", PENDING), pages=both) == Own("8", How.PAGES)
    assert decide(again, failed, row("8", FAILED), pages=both) == Own("7", How.PAGES), "both have failed"
    assert decide(again, row("1", FAILED), failed, pages=both) == Own("7", How.PAGES), "it is still there"


def test_a_row_that_is_known_to_be_anothers_stays_so() -> None:
    known = claimant(UNKNOWN, attempt(outcome="sending", provider_id="1"))
    assert decide(known, row("1"), known={"1": "E"}, pages={"1": OURS}) == Wait()


def test_a_known_row_of_either_call_does_not_fail_both() -> None:
    resent = claimant(SENT, attempt(1, outcome="sending"), attempt(2, provider_id="1"))
    clues = {"known": {"1": "F"}, "pages": {"1": OURS}}
    assert decide(resent, row("1", PENDING), **clues) == Wait()
    assert decide(resent, row("1"), **clues) == Own("1", How.KNOWN)
    assert decide(resent, row("1", FAILED), **clues) == Wait()
    assert decide(resent, row("1", FAILED, station_id="TOKEN002"), **clues) == Own("1", How.TOKEN)


def test_another_row_that_is_ours_wins_if_it_says_more() -> None:
    resent = claimant(SENT, attempt(1, outcome="sending"), attempt(2, provider_id="1"))
    clues = {"known": {"1": "F"}, "pages": {"2": OURS}}
    assert decide(resent, row("1", PENDING), row("2"), **clues) == Own("2", How.PAGES)
    assert decide(resent, row("1", PENDING), row("2", PENDING), **clues) == Wait()
    assert decide(resent, row("1"), row("2", FAILED), **clues) == Own("1", How.KNOWN)
    busy = row("1", FAILED, station_id="TOKEN002")
    assert decide(resent, busy, row("2", PENDING), **clues) == Own("2", How.PAGES), (
        "nothing is sent beside it"
    )
    rows = (row("1", PENDING), row("2", station_id="TOKEN001"))
    assert decide(resent, *rows, known={"1": "F"}) == Own("2", How.TOKEN)


# Tokens.


@pytest.mark.parametrize("state", [SENT, UNKNOWN, HELD])
def test_an_echoed_token_is_proof(state: FaxState) -> None:
    rows = (row("1"), row("2", FAILED, station_id="Clinic token001"), row("3"))
    assert decide(claimant(state), *rows) == Own("2", How.TOKEN)


def test_a_row_with_anothers_token_is_not_ours() -> None:
    other = claimant(HELD, attempt(outcome="sending", token="ELSEWHER"), id_="E")
    theirs = row("1", station_id="ELSEWHER")
    assert decide(claimant(), theirs, row("2"), others=(other,), pages=UNSEEN) == Own("2", How.LONE)
    assert decide(claimant(), theirs, others=(other,), now=LATE) == Hold(Doubt.NO_ROW)


def test_two_tokens_in_one_row_prove_nothing() -> None:
    other = claimant(HELD, attempt(outcome="sending", token="ELSEWHER"), id_="E")
    both = row("1", station_id="TOKEN001 ELSEWHER")
    assert decide(claimant(UNKNOWN), both, others=(other,)) == Prove(("1",))


def test_two_rows_with_the_token_need_the_pages() -> None:
    rows = (row("1", station_id="TOKEN001"), row("2", station_id="TOKEN001"))
    assert decide(claimant(UNKNOWN), *rows) == Prove(("1", "2"))
    assert decide(claimant(UNKNOWN), *rows, pages={"1": (), "2": OURS}) == Own("2", How.PAGES)


def test_a_token_of_an_earlier_call_tells_of_arrival_but_not_of_failure() -> None:
    resent = claimant(UNKNOWN, attempt(1, outcome="sending"), attempt(2, outcome="sending"))
    first = row("1", station_id="TOKEN001")
    assert decide(resent, first) == Own("1", How.TOKEN)
    assert decide(resent, row("1", FAILED, station_id="TOKEN001")) == Wait()
    both = (row("1", FAILED, station_id="TOKEN001"), row("2", FAILED, station_id="TOKEN002"))
    assert decide(resent, *both) == Own("2", How.TOKEN)


def test_an_earlier_call_whose_token_failed_is_over() -> None:
    resent = claimant(UNKNOWN, attempt(1, outcome="sending"), attempt(2, outcome="sending"))
    rows = (row("1", FAILED, station_id="TOKEN001"), row("2", FAILED))
    assert decide(resent, *rows, pages={"2": OURS}) == Own("2", How.PAGES)


# A call that ended in doubt.


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("state", [UNKNOWN, HELD])
def test_likeness_never_resolves_doubt(state: FaxState, standing: Standing) -> None:
    stranger = row("1", standing)
    for now in (T0 + 60, LATE, T0 + 30 * 86400):
        assert not isinstance(decide(claimant(state), stranger, pages={"1": ("x", "y")}, now=now), Own)
        assert not isinstance(decide(claimant(state), stranger, pages={"1": ()}, now=now), Own)


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("state", [SENT, UNKNOWN, HELD])
def test_pages_are_proof(state: FaxState, standing: Standing) -> None:
    assert decide(claimant(state), row("1", standing), row("2"), pages={"1": OURS}) == Own("1", How.PAGES)


def test_a_fax_in_doubt_whose_row_is_known_is_no_longer_in_doubt() -> None:
    known = claimant(UNKNOWN, attempt(outcome="sending", provider_id="1"))
    assert decide(known, row("1", PENDING), known={"1": "F"}) == Own("1", How.KNOWN)


def test_likeness_needs_a_clean_success_of_a_fax_on_the_line() -> None:
    proved_before = claimant(SENT, attempt(outcome="sending", provider_id="vanished"))
    assert decide(proved_before, row("1"), pages={"1": ()}) == Wait()
    assert decide(claimant(HELD, attempt()), row("1"), pages={"1": ()}) == Wait()


def test_pages_must_be_all_and_in_order() -> None:
    for shown in (OURS[:1], tuple(reversed(OURS)), (*OURS, "more")):
        assert decide(claimant(UNKNOWN), row("1"), pages={"1": shown}) == Wait()


def test_a_document_without_digests_is_never_proved() -> None:
    assert decide(claimant(UNKNOWN, pages=()), row("1", pages=0), pages={"1": ()}) == Wait()


def test_an_unknown_fax_without_proof_is_held() -> None:
    assert decide(claimant(UNKNOWN), now=LATE - 1) == Wait()
    assert decide(claimant(UNKNOWN), now=LATE) == Hold(Doubt.NO_PROOF)


def test_patience_with_a_call_that_told_nothing_counts_from_its_last_possible_moment() -> None:
    silent = claimant(UNKNOWN, attempt(outcome=""))
    assert decide(silent, now=T0 + 1000 + POLICY.hold_after - 1) == Wait()
    assert decide(silent, now=T0 + 1000 + POLICY.hold_after) == Hold(Doubt.NO_PROOF)


def test_it_is_resent_only_by_rule_and_without_any_new_row() -> None:
    bold = claimant(UNKNOWN, resend_unknown=True)
    assert decide(bold, now=LATE - 1) == Wait()
    assert decide(bold, now=LATE) == Resend()
    assert decide(bold, row("1"), pages={"1": ("x",)}, now=LATE) == Hold(Doubt.NO_PROOF)
    # Too old to be ours, and yet it came after the snapshot: something is odd here.
    assert decide(bold, row("1", latest=T0 - 9999), now=LATE) == Hold(Doubt.NO_PROOF)
    assert decide(bold, row("1"), known={"1": "E"}, now=LATE) == Resend()
    assert decide(bold, now=T0 + 86401) == Hold(Doubt.NO_PROOF)
    clean = claimant(SENT, resend_unknown=True)
    assert decide(clean, now=LATE) == Hold(Doubt.NO_ROW)


def test_it_is_not_resent_while_the_folder_is_not_what_it_was() -> None:
    """Rows of the snapshot are gone: the fax's own may hide in the same way."""
    bold = claimant(UNKNOWN, attempt(outcome="sending", snapshot=("0",)), resend_unknown=True)
    assert decide(bold, row("0", latest=T0 - 60), now=LATE) == Resend()
    assert decide(bold, now=LATE) == Hold(Doubt.NO_PROOF)


def test_after_a_resend_a_failed_row_does_not_speak_for_both_calls() -> None:
    resent = claimant(SENT, attempt(1, outcome="sending"), attempt(2))
    one, two = row("1", FAILED), row("2", FAILED)
    assert decide(resent, one, pages={"1": OURS}) == Wait()
    assert decide(resent, one, two, pages={"1": OURS, "2": OURS}) == Own("1", How.PAGES)
    assert decide(resent, one, row("2"), pages={"1": OURS, "2": OURS}) == Own("2", How.PAGES)
    assert decide(resent, one, row("2", PENDING), pages={"1": OURS, "2": OURS}) == Own("2", How.PAGES)
    settled = {"F": ("1", T0)}
    assert decide(resent, one, pages={"1": ()}, settling=settled, now=T0 + 700) == Wait()


def test_after_a_certain_refusal_one_failed_row_is_enough() -> None:
    for word in ("lease_lost", "before_request", "api_limit_exceeded", "limit_reached", "invalid_file"):
        twice = claimant(SENT, attempt(1, outcome=word), attempt(2))
        assert decide(twice, row("1", FAILED), pages={"1": OURS}) == Own("1", How.PAGES)


# Faxes with equal pages to the same number.


def test_an_equal_fax_that_has_its_row_wants_no_other() -> None:
    other = claimant(HELD, attempt(provider_id="7"), id_="E")
    rows = (row("1"), row("7", PENDING))
    found = decide(claimant(UNKNOWN), *rows, others=(other,), known={"7": "E"}, pages={"1": OURS})
    assert found == Own("1", How.PAGES)


def test_of_equal_faxes_the_one_that_can_have_made_the_row_gets_it() -> None:
    older = claimant(HELD, attempt(outcome="sending"), id_="E")
    newer = claimant(SENT, attempt(started=T0 + 500, snapshot=("1",)), id_="F")
    clues = Clues(pages={"1": OURS, "2": OURS})
    rows = [row("1"), row("2", latest=T0 + 600)]
    found = match([older, newer], rows, clues=clues, now=T0 + 700, policy=POLICY)
    assert found == {"E": Own("1", How.PAGES), "F": Own("2", How.PAGES)}


def test_of_equal_faxes_that_both_can_have_made_the_row_none_gets_it() -> None:
    older = claimant(HELD, attempt(outcome="sending"), id_="E")
    newer = claimant(SENT, attempt(started=T0 + 500), id_="F")
    rows = [row("1", latest=T0 + 600)]
    clues = Clues(pages={"1": OURS})
    assert match([older, newer], rows, clues=clues, now=T0 + 700, policy=POLICY) == {"E": Wait(), "F": Wait()}


def test_the_row_an_equal_fax_has_does_not_stand_for_its_other_call() -> None:
    resent = claimant(SENT, attempt(1, outcome="sending"), attempt(2, provider_id="1"), id_="E")
    rows = (row("1", PENDING), row("2"))
    clues = {"known": {"1": "E"}, "pages": {"1": OURS, "2": OURS}}
    assert decide(claimant(UNKNOWN), *rows, others=(resent,), **clues) == Wait()


def test_a_row_with_anothers_pages_is_not_ours() -> None:
    other = claimant(HELD, id_="E", pages=("other",))
    rows = (row("1"), row("2"))
    assert decide(claimant(), *rows, others=(other,), pages={"1": ("other",), "2": ()}) == Own("2", How.LONE)


# Rows that cannot be read.


def test_beside_an_unreadable_row_nothing_is_adopted_by_likeness() -> None:
    blank = {"1": ()}
    assert decide(claimant(), row("1"), unreadable=1) == Prove(("1",))
    assert decide(claimant(), row("1"), unreadable=1, pages=blank) == Wait()
    settling = {"F": ("1", T0)}
    failed = row("1", FAILED)
    assert decide(claimant(), failed, unreadable=1, pages=blank, settling=settling, now=T0 + 700) == Wait()
    assert decide(claimant(), row("1"), unreadable=1, pages=blank, now=LATE) == Hold(Doubt.AMBIGUOUS)
    assert decide(claimant(), unreadable=1, now=LATE) == Hold(Doubt.UNREAD)


def test_beside_an_unreadable_row_nothing_is_resent() -> None:
    bold = claimant(UNKNOWN, resend_unknown=True)
    assert decide(bold, unreadable=1, now=LATE) == Hold(Doubt.NO_PROOF)


@pytest.mark.parametrize("state", [SENT, UNKNOWN, HELD])
def test_beside_an_unreadable_row_proof_is_proof(state: FaxState) -> None:
    assert decide(claimant(state), row("1"), unreadable=1, pages={"1": OURS}) == Own("1", How.PAGES)
    echoed = row("1", station_id="TOKEN001")
    assert decide(claimant(state), echoed, unreadable=1) == Own("1", How.TOKEN)
    known = claimant(state, attempt(provider_id="1"))
    assert decide(known, row("1"), unreadable=1, known={"1": "F"}) == Own("1", How.KNOWN)


# Held.


def test_a_held_fax_ends_when_its_time_is_over_and_only_then() -> None:
    held = {"F": T0 + 5000}
    end = T0 + 5000 + POLICY.held_for
    assert decide(claimant(HELD), now=end - 1, held_since=held) == Wait()
    assert decide(claimant(HELD), now=end, held_since=held) == Expire()
    assert decide(claimant(HELD), now=end) == Wait()
    assert decide(claimant(HELD), row("1"), now=end, held_since=held) == Prove(("1",))
    slow = claimant(HELD, attempt(provider_id="1"))
    assert decide(slow, row("1", PENDING), now=end, held_since=held, known={"1": "F"}) == Expire()


def test_a_submitting_fax_is_not_decided_about() -> None:
    assert match([claimant(SUBMITTING)], [row()], clues=Clues(), now=LATE, policy=POLICY) == {}


def test_faxes_to_other_numbers_do_not_meet() -> None:
    other = claimant(HELD, id_="E", number="+15559870001")
    assert decide(claimant(), row("1"), others=(other,), pages=UNSEEN) == Own("1", How.LONE)
