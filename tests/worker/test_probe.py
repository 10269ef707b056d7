"""The queue goes on when a harmless call finds that it may."""

import contextlib
from decimal import Decimal

import pytest
from support.plans import PATIENCE

from gateway.errors import Failure, GatewayError, Scope, temporary
from gateway.pause import Why
from gateway.store import Store, outbox, pauses
from gateway.worker.probe import Probe

MONEY = temporary("4.3.0", "No money.", code="non_sufficient_funds", scope=Scope.ACCOUNT)
DENIED = temporary("4.3.5", "No.", code="invalid_credentials", scope=Scope.ACCOUNT)
DOWN = temporary("4.3.0", "Down.", code="before_request")
ENOUGH = temporary("4.3.2", "Enough.", code="limit_reached", retry_after=500)


class Clock:
    """The store's clock and the account."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = 1000.0
        self.answer: Decimal | GatewayError = Decimal(5)
        self.questions = 0
        monkeypatch.setattr(store, "now", lambda: self.time)
        self.store = store
        self.probe = Probe(store, ask=self._ask, patience=PATIENCE, least=Decimal(1), tell_after=300)

    async def _ask(self) -> Decimal:
        self.questions += 1
        if isinstance(self.answer, GatewayError):
            raise self.answer
        return self.answer

    async def meets(self, failure: Failure | None, times: int = 1) -> None:
        for _ in range(times):
            await self.store.write(lambda tx: pauses.note(tx, failure, PATIENCE, now=self.time))

    async def why(self) -> Why | None:
        pause = await self.store.read(lambda tx: pauses.current(tx, now=self.time))
        return None if pause is None else pause.why


@pytest.fixture
def clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(store, monkeypatch)


async def test_without_a_pause_nothing_is_asked(clock: Clock) -> None:
    await clock.meets(DOWN, 2)
    assert not await clock.probe.step()
    assert (clock.questions, await clock.why()) == (0, None)


async def test_an_answer_between_troubles_makes_them_start_anew(clock: Clock) -> None:
    await clock.meets(DOWN, 2)
    await clock.meets(None)
    await clock.meets(DOWN, 2)
    assert await clock.why() is None
    await clock.meets(DOWN)
    assert await clock.why() is Why.PROVIDER


async def test_the_account_is_asked_ever_more_rarely_until_it_works(clock: Clock) -> None:
    await clock.meets(DENIED)
    clock.answer = GatewayError(DENIED)
    assert not await clock.probe.step()
    assert clock.questions == 0, "not before its time"
    asked_at = []
    for clock.time in range(1000, 1400, 10):
        try:
            assert not await clock.probe.step()
        except GatewayError:
            asked_at.append(clock.time)
    assert asked_at == [1060, 1180, 1300]
    clock.answer, clock.time = Decimal(5), 1420
    assert await clock.probe.step()
    assert await clock.why() is None


async def test_money_must_be_enough(clock: Clock) -> None:
    await clock.meets(MONEY)
    clock.answer, clock.time = Decimal("0.40"), 1060
    assert not await clock.probe.step()
    assert await clock.why() is Why.MONEY
    clock.answer, clock.time = Decimal("1.00"), 1180
    assert await clock.probe.step()
    assert await clock.why() is None


async def test_a_days_limit_is_not_asked_about(clock: Clock) -> None:
    await clock.meets(ENOUGH)
    clock.time = 1499
    assert not await clock.probe.step()
    clock.time = 1500
    assert await clock.probe.step()
    assert (clock.questions, await clock.why()) == (0, None)


async def test_a_long_outage_is_told_once(clock: Clock) -> None:
    await clock.meets(DOWN, 3)
    clock.answer = GatewayError(DOWN)
    for clock.time in range(1000, 3000, 60):
        with contextlib.suppress(GatewayError):
            await clock.probe.step()
    told = await clock.store.write(lambda tx: outbox.claim(tx, owner="t", now=9e9, seconds=1, limit=9))
    assert [mail.facts["about"] for mail in told] == ["outage"]


async def test_a_pause_outlives_a_restart_and_holds_for_every_node(clock: Clock, store: Store) -> None:
    await clock.meets(DENIED)
    other = Clock.__new__(Clock)  # another process on the same database
    other.store, other.time = store, 1000.0
    assert await other.why() is Why.ACCOUNT


async def test_two_that_ask_at_once_ask_once(clock: Clock) -> None:
    await clock.meets(DENIED)
    clock.time = 1060
    asked = [
        await clock.store.write(lambda tx: pauses.to_ask(tx, PATIENCE, now=clock.time)) for _ in range(2)
    ]
    assert [pause is not None for pause in asked] == [True, False]
