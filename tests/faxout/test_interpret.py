"""The provider's words as results. Only SUCCESS is documented; the other texts are examples of free text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import from_dict
from gateway.errors import Kind
from gateway.faxout.interpret import (
    Interpretation,
    Standing,
    Verdict,
    Words,
    interpret,
    quote,
    standing,
    surely_not_sent,
)
from gateway.retries import Cause
from gateway.simulator.life import ENDINGS
from gateway.voipms import statuses

WORDS = Words.of(from_dict({}))


def read(status: str, msg: str = "", pages: int = 2) -> Interpretation:
    return interpret(status, msg, pages=pages, pages_sent=2, words=WORDS)


@pytest.mark.parametrize("status", ["SUCCESS", "success", " Success "])
def test_success_is_delivered(status: str) -> None:
    assert read(status) == Interpretation(verdict=Verdict.DELIVERED)
    assert read(status, pages=3).verdict is Verdict.DELIVERED


@pytest.mark.parametrize("pages", [0, 1])
def test_success_with_fewer_pages_is_partial(pages: int) -> None:
    result = read("SUCCESS", pages=pages)
    assert result.verdict is Verdict.PARTIAL
    assert result.failure is not None
    assert f"{pages} of 2 pages" in result.failure.sentence
    assert result.cause is None


@pytest.mark.parametrize("status", ["", "  ", "IN PROGRESS", "Queued", "pending", "Sending", "WAITING"])
def test_nothing_and_words_of_progress_are_pending(status: str) -> None:
    assert read(status, "Busy") == Interpretation(verdict=Verdict.PENDING)


def test_progress_in_the_explanation_of_a_failure_is_a_failure() -> None:
    assert read("FAILED", "timed out waiting for the other side").verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("status", "msg", "code", "enhanced", "cause"),
    [
        ("FAILED", "Busy", "busy", "4.4.1", Cause.BUSY),
        ("BUSY", "", "busy", "4.4.1", Cause.BUSY),
        ("FAILED", "No answer", "no_answer", "4.4.1", Cause.NO_ANSWER),
        ("NOANSWER", "", "no_answer", "4.4.1", Cause.NO_ANSWER),
        ("FAILED", "Call dropped after page 1", "dropped", "4.4.2", Cause.DROPPED),
        ("ERROR", "Training failed", "dropped", "4.4.2", Cause.DROPPED),
        ("FAILED", "Carrier lost", "dropped", "4.4.2", Cause.DROPPED),
        ("FAILED", "No fax carrier detected", "no_fax", "5.1.1", Cause.VOICE),
        ("FAILED", "Voice answered", "no_fax", "5.1.1", Cause.VOICE),
        ("FAILED", "no answer tone", "no_fax", "5.1.1", Cause.VOICE),
        ("FAILED", "Number not in service", "no_number", "5.1.1", None),
        ("FAILED", "Call rejected", "rejected", "5.7.1", None),
        ("OOPS", "", "failed", "5.4.0", None),
    ],
)
def test_everything_else_failed_with_a_status_code_and_the_providers_words(
    status: str, msg: str, code: str, enhanced: str, cause: Cause | None
) -> None:
    result = read(status, msg)
    assert result.verdict is Verdict.FAILED
    assert result.failure is not None
    assert (result.failure.code, result.failure.status, result.cause) == (code, enhanced, cause)
    assert result.failure.kind is (Kind.PERMANENT if cause is None else Kind.TEMPORARY)
    assert quote(status, msg) in result.failure.sentence


def test_the_simulators_endings_are_understood() -> None:
    codes = {
        ending: failure.code
        for ending, (status, msg) in ENDINGS.items()
        if (failure := read(status, msg.format(pages=1)).failure) is not None
    }
    assert codes == {"busy": "busy", "no_answer": "no_answer", "voice": "no_fax", "drop": "dropped"}


def test_the_patterns_are_configuration() -> None:
    words = Words.of(from_dict({"fax": {"pending_pattern": "^dialling$", "busy_pattern": "besetzt"}}))
    assert standing("Dialling", words) is Standing.PENDING
    assert standing("IN PROGRESS", words) is Standing.FAILED
    assert interpret("FAILED", "BESETZT", pages=0, pages_sent=1, words=words).cause is Cause.BUSY


@given(st.text(), st.text())
def test_any_words_give_one_printable_line(status: str, msg: str) -> None:
    said = quote(status, msg)
    assert said.isprintable()
    assert len(said) <= 120
    result = interpret(status, msg, pages=0, pages_sent=1, words=WORDS)
    assert (result.failure is None) == (result.verdict is Verdict.PENDING)


def test_only_documented_refusals_prove_that_nothing_was_sent() -> None:
    assert all(map(surely_not_sent, ("lease_lost", "before_request", "limit_reached", "no_base64file")))
    doubtful = ("", "success", "sent_fail", "unavailable_info", "http_502", "http_403", "body", "no_status")
    assert not any(map(surely_not_sent, doubtful))
    for code in statuses.texts():
        if code != "success" and surely_not_sent(code):
            assert re.search(
                r"^(invalid|missing|no_base64|exceeds|name_too|limit_|api_|method_|non_suff|ip_not)", code
            )
