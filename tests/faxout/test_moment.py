"""Our clock is wrong, and the provider's dates are not."""

import time
from typing import Any

import pytest

from gateway.faxout import Submitter, Tracker
from gateway.faxout.moment import at_provider
from gateway.lifecycle import FaxState


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, 1000.0), (1060.0, 1000.0), (940.0, 1000.0), (1061.0, 1061.0), (939.0, 939.0)],
)
def test_the_provider_is_believed_where_the_clocks_differ_too_much(
    told: float | None, expected: float
) -> None:
    assert at_provider(1000.0, told, skew=60.0) == expected


async def test_the_providers_clock_is_read_from_its_answers(office: Any) -> None:
    assert office.client.told_time() is None
    await office.client.get_balance()
    assert office.client.told_time() == pytest.approx(time.time(), abs=2)
    office.simulator.advance(7200.0)
    await office.client.get_balance()
    assert office.client.told_time() == pytest.approx(time.time() + 7200, abs=2)
    assert office.client.answers() == 2


@pytest.mark.parametrize("ahead", [5 * 86400.0, -5 * 86400.0])
@pytest.mark.parametrize("fate", ["success", "accepted_then_reset"])
async def test_a_fax_is_proved_though_our_clock_is_far_off(
    office: Any, monkeypatch: pytest.MonkeyPatch, ahead: float, fate: str
) -> None:
    right = office.now
    monkeypatch.setattr(type(office), "now", lambda _: right() + ahead)
    parts = {"client": office.client, "store": office.store, "settings": office.settings}
    clocks = {"clock": office.now, "told": office.client.told_time}
    office.submitter = Submitter(**parts, **clocks)
    office.tracker = Tracker(**parts, **clocks, page_digests=office.page_digests, alike=office.alike)
    office.script(fate)
    fax = await office.accept()
    await office.client.get_balance()
    await office.send()
    office.simulator.advance(600.0)
    for _ in range(3):
        await office.track()
    assert await office.state(fax) is FaxState.DELIVERED
