"""What time alone decides, when the SENT folder cannot be read."""

from support.sent_rows import POLICY, T0, attempt, claimant

from gateway.faxout.decisions import Decision, Doubt, Expire, Hold
from gateway.faxout.patience import unread
from gateway.lifecycle import FaxState
from gateway.store.tracking import Claimant

DEADLINE = T0 + 86400
LATE = DEADLINE + POLICY.hold_after


def decide(one: Claimant, now: float, **held_since: float) -> Decision | None:
    return unread([one], held_since=held_since, now=now, policy=POLICY).get("F")


def test_on_the_line_it_waits_beyond_its_deadline_and_is_then_held() -> None:
    for state in (FaxState.SENT, FaxState.UNKNOWN):
        assert decide(claimant(state), LATE - 1) is None
        assert decide(claimant(state), LATE) == Hold(Doubt.UNREAD)


def test_it_is_never_sent_again_whatever_its_rule_says() -> None:
    bold = claimant(FaxState.UNKNOWN, resend_unknown=True)
    assert decide(bold, DEADLINE) is None
    assert decide(bold, LATE) == Hold(Doubt.UNREAD)


def test_a_call_that_ended_after_the_deadline_has_its_own_time() -> None:
    answered = claimant(FaxState.SENT, attempt(started=DEADLINE - 5))  # its word came 10 seconds later
    assert decide(answered, LATE + 4) is None
    assert decide(answered, LATE + 5) == Hold(Doubt.UNREAD)
    silent = claimant(FaxState.UNKNOWN, attempt(started=DEADLINE - 5, outcome=""))  # may last 1000 seconds
    assert decide(silent, LATE + 994) is None
    assert decide(silent, LATE + 995) == Hold(Doubt.UNREAD)


def test_held_it_expires_by_the_time_it_was_held() -> None:
    end = T0 + 5000 + POLICY.held_for
    assert decide(claimant(FaxState.HELD), end - 1, F=T0 + 5000) is None
    assert decide(claimant(FaxState.HELD), end, F=T0 + 5000) == Expire()
    assert decide(claimant(FaxState.HELD), end) is None


def test_a_call_under_way_is_its_workers() -> None:
    assert decide(claimant(FaxState.SUBMITTING), LATE + 99999, F=T0) is None
