"""What a failed fax's sender should do: said once, by the reason or below it, for real failures."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.config import from_dict
from gateway.document.formats.parts import refusal, too_many_pages
from gateway.errors import Failure, GatewayError, permanent
from gateway.faxout.interpret import Words, interpret
from gateway.lifecycle import FaxState
from gateway.mailout.facts import FaxFacts
from gateway.mailout.fax_letters import receipt
from gateway.mailout.letter import Letter
from gateway.store.documents import POISONOUS
from gateway.voipms.statuses import Phase, classify

TRY_AGAIN = "To try again, send your mail once more."
ADMIN_FIRST = "Please tell the administrator of this gateway"
SCAN = 'The attachment "scan.pdf"'


def document(problem: str, advice: str, status: str, code: str) -> Failure:
    return refusal(SCAN, problem, advice, status=status, code=code)


def pages() -> Failure:
    with pytest.raises(GatewayError) as caught:
        too_many_pages(100)
    return caught.value.failure


def line(msg: str) -> Failure:
    failure = interpret("FAILED", msg, pages=0, pages_sent=3, words=Words.of(from_dict({}))).failure
    assert failure is not None
    return failure


def provider(status: str) -> Failure:
    return classify("sendFaxMessage", Phase.STATUS, status)


def letter(failure: Failure, attempts: int) -> Letter:
    facts: dict[str, Any] = {
        "number": "+15552341234",
        "state": FaxState.FAILED,
        "reason": failure.sentence,
        "status": failure.status,
        "code": failure.code,
        "attempts": attempts,
    }
    return receipt(FaxFacts.read(facts), ZoneInfo("UTC"))


REFUSED_DOCUMENTS = [
    document(
        "is an Office document, which cannot be faxed", "Send it as a PDF", "5.6.1", "format_unsupported"
    ),
    document("is password-protected", "Remove the password and send it again", "5.6.1", "pdf_password"),
    document("is damaged: page 1 of 2 cannot be read", "Send the file again", "5.6.5", "pdf_damaged"),
    document("is encrypted", "Send it without encryption", "5.6.1", "document_encrypted"),
    pages(),
    POISONOUS,
]


@pytest.mark.parametrize("failure", REFUSED_DOCUMENTS, ids=lambda failure: failure.code)
def test_a_refused_document_says_itself_what_to_do(failure: Failure) -> None:
    said = letter(failure, attempts=0)
    assert said.lead.endswith(f"nothing went out. {failure.sentence}")
    assert re.search(r"(Send|Remove|Please send) [^.]+\.$", failure.sentence)
    assert said.advice == ""


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        (line("Busy"), "Check the number, then send your mail once more later."),
        (
            line("Line dropped after page 1"),
            "If it breaks again, have the recipient check their fax machine.",
        ),
        (line("Call rejected"), "Ask the recipient whether they take faxes from your number."),
        (line("Number not in service"), ""),
        (line("Voice answered"), ""),
        (line("Error 17"), TRY_AGAIN),
        (provider("invalid_to_number"), "Check the number, then send your mail to the right one."),
        (provider("exceeds_file_size"), ""),
        (provider("invalid_file"), TRY_AGAIN),
        (provider("invalid_name"), ADMIN_FIRST),
        (provider("invalid_from_number"), ADMIN_FIRST),
        (provider("non_sufficient_funds"), ADMIN_FIRST),
        (provider("limit_reached"), TRY_AGAIN),
        (permanent("5.3.0", "The gateway set it aside.", code="crashed"), TRY_AGAIN),
        (
            permanent("5.3.0", "The pages are damaged. Send it again.", code="pages_damaged"),
            "If it fails again",
        ),
        (permanent("5.4.7", "It could not be sent in the time allowed.", code="deadline"), TRY_AGAIN),
        (permanent("5.9.9", "Something new.", code="something_new"), TRY_AGAIN),
    ],
    ids=lambda value: value.code if isinstance(value, Failure) else "",
)
def test_other_failures_are_followed_by_what_is_still_to_be_said(failure: Failure, advice: str) -> None:
    said = letter(failure, attempts=1)
    assert said.lead == f"Your fax to (555) 234-1234 was not delivered. {failure.sentence}"
    assert said.advice.startswith(advice)
    assert bool(said.advice) == bool(advice)
    assert not [sentence for sentence in said.advice.split(". ") if sentence and sentence in said.lead]


def test_what_the_provider_did_not_take_was_made_by_us() -> None:
    for status in ("invalid_file", "missing_file", "no_base64file"):
        assert "PDF" not in letter(provider(status), attempts=1).advice
