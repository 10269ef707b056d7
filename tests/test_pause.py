"""What one call's end says about all others."""

import pytest

from gateway.errors import Failure, Scope, permanent, temporary, unknown
from gateway.pause import Patience, Why, asked_in_vain, begun, holds
from gateway.voipms.statuses import Phase, classify

PATIENCE = Patience(probes=(30.0, 60.0), troubles=3, jitter=0.1)


def why(failure: Failure, troubles: int = 1) -> Why | None:
    pause = begun(failure, troubles, PATIENCE, now=1000.0)
    return None if pause is None else pause.why


@pytest.mark.parametrize("status", ["invalid_credentials", "ip_not_enabled", "api_not_enabled"])
def test_the_account_keeps_all_back_at_once(status: str) -> None:
    assert why(classify("sendFaxMessage", Phase.STATUS, status)) is Why.ACCOUNT


def test_money_and_the_days_limit_are_told_apart() -> None:
    assert why(classify("sendFaxMessage", Phase.STATUS, "non_sufficient_funds")) is Why.MONEY
    assert why(classify("sendFaxMessage", Phase.STATUS, "limit_reached", day_end=500)) is Why.DAY_LIMIT


@pytest.mark.parametrize(
    "failure",
    [
        classify("sendFaxMessage", Phase.BEFORE_REQUEST),
        classify("sendFaxMessage", Phase.WAITING_RESPONSE),
        classify("sendFaxMessage", Phase.HTTP_STATUS, http_status=503),
        classify("getFaxMessages", Phase.BODY),
        classify("sendFaxMessage", Phase.STATUS, "provider_outofservice"),
        classify("sendFaxMessage", Phase.STATUS, "method_maintenance"),
    ],
)
def test_an_outage_keeps_all_back_after_some_calls(failure: Failure) -> None:
    assert [why(failure, troubles) for troubles in (1, 2, 3, 4)] == [None, None, Why.PROVIDER, Why.PROVIDER]


@pytest.mark.parametrize(
    "failure",
    [
        classify("sendFaxMessage", Phase.STATUS, "invalid_to_number"),
        classify("sendFaxMessage", Phase.STATUS, "sent_fail"),
        classify("sendFaxMessage", Phase.STATUS, "api_limit_exceeded"),
        permanent("5.1.1", "No."),
        unknown("4.4.2", "Hm."),
        temporary("4.3.5", "Not ours.", code="invalid_from_number"),
    ],
)
def test_the_end_of_one_fax_says_nothing_about_others(failure: Failure) -> None:
    assert why(failure, 99) is None


def test_a_days_limit_ends_by_itself_and_nothing_else_does() -> None:
    limit = begun(temporary("4.3.2", "Enough.", code="limit_reached", retry_after=500), 0, PATIENCE, now=1000)
    assert limit is not None
    assert (holds(limit, now=1499), holds(limit, now=1500)) == (True, False)
    account = begun(temporary("4.3.5", "No.", code="x", scope=Scope.ACCOUNT), 0, PATIENCE, now=1000)
    assert holds(account, now=9e9)
    assert not holds(None, now=0)


def test_questions_become_rarer() -> None:
    pause = begun(temporary("4.3.5", "No.", code="x", scope=Scope.ACCOUNT), 0, PATIENCE, now=1000)
    assert pause is not None
    assert 1030 <= pause.until <= 1033
    for wait in (60, 60):
        pause = asked_in_vain(pause, PATIENCE, now=2000)
        assert 2000 + wait <= pause.until <= 2000 + wait * 1.1
    assert (pause.since, pause.asked) == (1000, 2)
