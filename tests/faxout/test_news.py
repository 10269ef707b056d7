"""Decisions and rows as what the store is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from support.sent_rows import T0, claimant, message

from gateway import moves
from gateway.config import from_dict
from gateway.errors import Kind
from gateway.faxout.decisions import Decision, Doubt, Expire, Hold, How, Own, Prove, Resend, Settle, Wait
from gateway.faxout.interpret import Words
from gateway.faxout.news import news
from gateway.lifecycle import FaxState
from gateway.retries import Cause
from gateway.store.faxes import Evidence
from gateway.voipms import FaxMessage
from gateway.worker.outcomes import Tracked

SENT, UNKNOWN, HELD = FaxState.SENT, FaxState.UNKNOWN, FaxState.HELD
WORDS = Words.of(from_dict({}))


def tell(
    state: FaxState,
    decision: Decision,
    found: FaxMessage | None = None,
    *,
    line_taken: bool = False,
    now: float = T0 + 60,
) -> Tracked | None:
    rows = {found.id: found} if found else {}
    tracked = news(claimant(state), decision, rows, words=WORDS, line_taken=line_taken, now=now)
    if tracked is not None and tracked.target is not None:
        assert moves.find(state, tracked.target, tracked.trigger), "the table of moves allows it"
    return tracked


@pytest.mark.parametrize("state", [SENT, UNKNOWN, HELD])
@pytest.mark.parametrize(
    ("found", "target", "cause"),
    [
        (message(), FaxState.DELIVERED, None),
        (message(pages=1), FaxState.PARTIAL, None),
        (message(status="FAILED", msg="Voice"), FaxState.FAILED, Cause.VOICE),
        (message(status="FAILED", msg="Busy"), FaxState.FAILED, Cause.BUSY),
        (message(status="FAILED", msg="Rejected"), FaxState.FAILED, None),
    ],
)
def test_a_final_row_ends_a_fax(
    state: FaxState, found: FaxMessage, target: FaxState, cause: Cause | None
) -> None:
    tracked = tell(state, Own("1", How.PAGES), found)
    assert tracked is not None
    assert (tracked.target, tracked.cause) == (target, cause)
    assert (tracked.failure is None) == (target is FaxState.DELIVERED)
    assert tracked.evidence == Evidence(
        provider_id="1", pages=found.pages, seconds=76, cost="0.058", how="pages"
    )


def test_a_row_without_cost_has_none() -> None:
    tracked = tell(SENT, Own("1", How.LONE), message(total=Decimal(0), duration=timedelta()))
    assert tracked is not None
    assert tracked.evidence is not None
    assert (tracked.evidence.cost, tracked.evidence.seconds) == ("", 0)


def test_a_pending_row_is_news_once() -> None:
    pending = message(status="IN PROGRESS")
    tracked = tell(SENT, Own("1", How.TOKEN), pending)
    assert tracked is not None
    assert tracked.target is None
    assert tracked.evidence is not None
    assert tell(SENT, Own("1", How.KNOWN), pending) is None


def test_a_proved_pending_row_brings_a_fax_in_doubt_back() -> None:
    pending = message(status="")
    for state in (UNKNOWN, HELD):
        tracked = tell(state, Own("1", How.PAGES), pending)
        assert tracked is not None
        assert tracked.target is SENT


def test_a_held_fax_stays_with_its_person_when_it_cannot_return() -> None:
    pending = message(status="")
    for tracked in (
        tell(HELD, Own("1", How.PAGES), pending, line_taken=True),
        tell(HELD, Own("1", How.PAGES), pending, now=T0 + 86400),
    ):
        assert tracked is not None
        assert tracked.target is None
        assert tracked.evidence is not None
    assert tell(HELD, Own("1", How.KNOWN), pending) is None


@pytest.mark.parametrize("doubt", list(Doubt))
def test_holding_says_why_and_what_to_do(doubt: Doubt) -> None:
    tracked = tell(SENT, Hold(doubt))
    assert tracked is not None
    assert tracked.target is HELD
    assert tracked.failure is not None
    assert tracked.failure.kind is Kind.UNKNOWN
    assert tracked.failure.code == f"held_{doubt}"
    assert "sent faxes" in tracked.failure.sentence
    assert "queue resolve" in tracked.failure.sentence


def test_holding_names_the_rows_that_may_be_it() -> None:
    tracked = tell(UNKNOWN, Hold(Doubt.NO_PROOF, ("1", "gone")), message(status="FAILED", msg="Busy"))
    assert tracked is not None
    assert tracked.failure is not None
    assert "Rows that may be it: 1 (" in tracked.failure.sentence
    assert "FAILED: Busy)" in tracked.failure.sentence
    assert "gone" not in tracked.failure.sentence


def test_resending_and_expiring() -> None:
    resent, expired = tell(UNKNOWN, Resend()), tell(HELD, Expire())
    assert resent is not None
    assert resent.target is FaxState.WAITING
    assert expired is not None
    assert expired.target is FaxState.UNCONFIRMED
    assert expired.failure is not None
    assert "recipient" in expired.failure.sentence


@pytest.mark.parametrize("decision", [Wait(), Settle("1"), Prove(("1",))])
def test_no_decision_is_no_news(decision: Decision) -> None:
    assert tell(SENT, decision, message()) is None
