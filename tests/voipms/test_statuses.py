"""What failures mean, for every function, phase and status."""

from __future__ import annotations

import itertools

import pytest

from gateway.errors import Kind, Scope
from gateway.voipms.methods import METHODS, Effect, describe
from gateway.voipms.statuses import Phase, classify, texts

ALL = sorted(texts())
PHASES = [phase for phase in Phase if phase is not Phase.STATUS]

# The statuses that prove that sendFaxMessage sent nothing, written out here on purpose: a new one in the
# table must be a decision, not an accident.
REFUSED_FOR_GOOD = {
    "exceeds_file_size",
    "invalid_dst",
    "invalid_email",
    "invalid_email_enable",
    "invalid_file",
    "invalid_name",
    "invalid_number",
    "invalid_to_number",
    "missing_email",
    "missing_file",
    "missing_name",
    "missing_number",
    "missing_params",
    "name_toolong",
    "no_base64file",
}
REFUSED_FOR_NOW = {"api_limit_exceeded", "limit_reached", "method_maintenance"}
ACCOUNT = {
    "api_not_enabled",
    "invalid_credentials",
    "invalid_method",
    "ip_not_enabled",
    "missing_credentials",
    "missing_method",
    "non_sufficient_funds",
}


def test_there_are_480_statuses_with_texts():
    """The table is whole."""
    assert len(ALL) == 480
    assert all(texts()[code] for code in ALL)
    assert not {"Invalid_threshold", "Unable_to_purchase", "no_folder", "no_emailtofax"} - set(ALL)
    assert not (REFUSED_FOR_GOOD | REFUSED_FOR_NOW | ACCOUNT) - set(ALL)


def test_there_are_26_functions_and_two():
    """One of them sends."""
    assert len(METHODS) == 28
    assert [name for name, method in METHODS.items() if method.effect is Effect.SEND] == ["sendFaxMessage"]
    assert all(method.effect is Effect.READ for method in METHODS.values() if method.empty)


@pytest.mark.parametrize("method", METHODS)
def test_every_status_of_every_function(method):
    """Each of the 480, for each function: a class, a sentence, a status code that agrees with the class."""
    for status in ALL:
        failure = classify(method, Phase.STATUS, status)

        assert failure.code == status
        assert failure.sentence.endswith(".")
        assert not failure.sentence.endswith("..")
        assert failure.status[0] == ("5" if failure.kind is Kind.PERMANENT else "4")
        assert failure.status.count(".") == 2
        if failure.scope is Scope.ACCOUNT or failure.retry_after:
            assert failure.kind is Kind.TEMPORARY
        if describe(method).effect is Effect.READ:
            assert failure.kind is not Kind.UNKNOWN, "reading is never in doubt"


def test_a_fax_is_refused_by_documented_refusals_only():
    """Everything else leaves doubt: no status makes the machine send twice."""
    kinds = {status: classify("sendFaxMessage", Phase.STATUS, status) for status in ALL}

    assert {s for s, f in kinds.items() if f.kind is Kind.PERMANENT} == REFUSED_FOR_GOOD
    assert {
        s for s, f in kinds.items() if f.kind is Kind.TEMPORARY and f.scope is Scope.ITEM
    } == REFUSED_FOR_NOW
    assert {s for s, f in kinds.items() if f.scope is Scope.ACCOUNT} == ACCOUNT | {"invalid_from_number"}
    for status in ("sent_fail", "tls_error", "unavailable_info", "provider_outofservice", "moving_fail"):
        assert kinds[status].kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    "status", [None, "", "invalid_moon_phase", "SUCCESS", "Invalid_to_number", "x" * 999, "a b"]
)
def test_an_unlisted_status_of_a_fax_is_doubt(status):
    """Not even one that looks like a refusal."""
    failure = classify("sendFaxMessage", Phase.STATUS, status)

    assert failure.kind is Kind.UNKNOWN
    assert len(failure.code) <= 64


def test_a_status_that_is_no_word_is_not_repeated():
    """It may be anything the peer has seen."""
    failure = classify("getFaxMessages", Phase.STATUS, "code q7x4m2z9 is wrong")

    assert failure.code == "unreadable_status"
    assert "q7x4m2z9" not in failure.sentence


@pytest.mark.parametrize(("method", "phase"), list(itertools.product(METHODS, PHASES)))
def test_transport_trouble(method, phase):
    """Harmless before the first byte; later as the function's effect says."""
    failure = classify(method, phase, http_status=502, reason="connection reset")

    harmless = phase is Phase.BEFORE_REQUEST or METHODS[method].effect is Effect.READ
    assert failure.kind is (Kind.TEMPORARY if harmless else Kind.UNKNOWN)
    assert failure.scope is Scope.ITEM
    assert ("502" if phase is Phase.HTTP_STATUS else "connection reset") in failure.sentence


@pytest.mark.parametrize("method", ["moveFaxMessage", "orderFaxNumber", "setEmailToFax", "mailFaxMessagePDF"])
def test_other_changes(method):
    """Judged parameters are refusals; failures of the deed itself are doubt."""
    assert classify(method, Phase.STATUS, "invalid_id").kind is Kind.PERMANENT
    assert classify(method, Phase.STATUS, "missing_email").kind is Kind.PERMANENT
    assert classify(method, Phase.STATUS, "used_name").kind is Kind.PERMANENT
    assert classify(method, Phase.STATUS, "moving_fail").kind is Kind.TEMPORARY
    assert classify(method, Phase.STATUS, "order_failed").kind is Kind.UNKNOWN
    assert classify(method, Phase.STATUS, "problem_sending_mail").kind is Kind.UNKNOWN
    assert classify(method, Phase.STATUS, "provider_outofservice").kind is Kind.UNKNOWN
    assert classify(method, Phase.STATUS, "invalid_moon_phase").kind is Kind.UNKNOWN


def test_reading():
    """What is not there stays away; everything else may be asked again."""
    assert classify("getFaxMessagePDF", Phase.STATUS, "no_message").kind is Kind.PERMANENT
    assert classify("getFaxMessagePDF", Phase.STATUS, "invalid_fax_id").kind is Kind.PERMANENT
    assert classify("getFaxMessages", Phase.STATUS, "unavailable_info").kind is Kind.TEMPORARY
    assert classify("getFaxMessages", Phase.STATUS, "invalid_moon_phase").kind is Kind.TEMPORARY
    assert classify("getFaxMessages", Phase.STATUS, None).kind is Kind.TEMPORARY


def test_how_long_to_wait():
    """A minute or two after the call limit; until midnight after the day's."""
    assert 60 <= classify("sendFaxMessage", Phase.STATUS, "api_limit_exceeded").retry_after <= 120
    assert classify("sendFaxMessage", Phase.STATUS, "limit_reached", day_end=4321.0).retry_after == 4321.0
    assert classify("sendFaxMessage", Phase.STATUS, "invalid_to_number", day_end=4321.0).retry_after is None


def test_a_number_that_is_not_ours_is_the_operators_business_only_when_faxing():
    """As a parameter of a setter it is just wrong."""
    assert classify("sendFaxMessage", Phase.STATUS, "invalid_from_number").scope is Scope.ACCOUNT
    assert classify("setEmailToFax", Phase.STATUS, "invalid_from_number").kind is Kind.PERMANENT


def test_hints_about_the_edge():
    """The two answers that have a known cause say so."""
    assert "redirect" in classify("getIP", Phase.HTTP_STATUS, http_status=301).sentence
    assert "firewall" in classify("getIP", Phase.HTTP_STATUS, http_status=403).sentence


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        ("getDIDsInfo", Effect.READ),
        ("searchVanity", Effect.READ),
        ("connectFAX", Effect.WRITE),
        ("", Effect.WRITE),
    ],
)
def test_functions_outside_the_table(method, effect):
    """Raw calls reach them; unless its name says that it reads, it may have changed something."""
    assert describe(method).effect is effect
