"""The client against the simulator: every function in every wire mode, and every scripted fate of a fax."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio

from gateway.errors import Kind
from gateway.simulator import Simulator, sample
from gateway.simulator.encode import MODES
from gateway.simulator.fate import FATES
from gateway.simulator.server import PASSWORD, USERNAME
from gateway.voipms import ApiError, Client, accounts
from gateway.voipms.methods import METHODS

OWN = "5552341234"
OUTSIDE = "5558880001"


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    """A simulator of its own for each test."""
    async with Simulator() as simulator:
        yield simulator


@pytest_asyncio.fixture
async def account(sim: Simulator) -> AsyncIterator[Client]:
    """A client of it."""
    async with Client(
        url=sim.url, username=USERNAME, password=PASSWORD, calls_per_minute=1e9, read_timeout=0.5
    ) as client:
        yield client


async def refused(call) -> str | None:
    """The status that a call is refused with."""
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value.provider_status


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
async def test_every_function(sim, account, mode):
    """One day with an account, whatever the habits of the wire."""
    sim.wire = mode
    today = account.local_date(sim.world.clock.now())
    window = {"from_": today - timedelta(days=1), "to": today + timedelta(days=1)}

    assert await account.get_ip() == "127.0.0.1"
    before = (await account.get_balance(advanced=True)).current_balance
    assert (await account.get_balance()).current_balance == before > 0

    # A fax in: listed, fetched, mailed (there is no mail server), filed, deleted.
    fax_id = await sim.receive(to=OWN, from_="5559990000", name="Parkwoods Dental", station_id="0042")
    [fax] = await account.get_fax_messages(**window, folder="INBOX")
    assert (fax.id, fax.destination, fax.callerid.number) == (fax_id, OWN, "5559990000")
    assert fax.callerid.name == ("Parkwoods Dental" if mode.display_callers else "")
    assert (fax.stationid, fax.status) == ("0042", "SUCCESS")
    assert fax.pages > 0
    assert abs(fax.date - sim.world.clock.now()) < timedelta(hours=2)
    assert (await account.get_fax_message_pdf(fax.id)).startswith(b"%PDF-")
    assert await refused(account.mail_fax_message_pdf(fax.id, "me@example.com")) == "problem_sending_mail"
    folder = await accounts.folder_id(account, "DONE", create=True)
    await account.move_fax_message(fax.id, folder)
    assert await account.get_fax_messages(**window, folder="INBOX") == []
    assert [moved.id for moved in await account.get_fax_messages(**window, folder="DONE")] == [fax.id]
    await account.delete_fax_message(fax.id)
    assert await account.get_fax_messages(**window, id=fax.id) == []
    await account.set_fax_folder("OLD", id=folder)
    assert "OLD" in [found.name for found in await account.get_fax_folders()]
    await account.del_fax_folder(folder)
    assert "OLD" not in [found.name for found in await account.get_fax_folders()]

    # A fax out.
    fax = {"to_number": OUTSIDE, "from_name": "Front desk", "from_number": OWN, "file": sample.invoice()}
    await account.send_fax_message(**fax, test=True)
    assert await account.get_fax_messages(**window, folder="SENT") == []
    await account.send_fax_message(**fax, station_id="DESK 7Q")
    sim.advance(3600)
    [sent] = await account.get_fax_messages(**window, folder="SENT")
    assert (sent.destination, sent.callerid.number, sent.pages) == (OUTSIDE, OWN, 2)
    assert sent.status == "SUCCESS"
    assert sent.stationid == ("DESK 7Q" if mode.station_echo else OWN)
    assert sent.duration > timedelta()
    assert sent.total > Decimal(0)
    assert (await account.get_balance()).current_balance < before

    # Numbers and rules: one change each, all else as it was.
    number = await accounts.find_fax_number(account, "+1 (555) 234-1234")
    changed = await accounts.update_fax_number(
        account, OWN, url="https://fax.example.com/in", url_enabled=True
    )
    assert (await account.get_fax_numbers_info(OWN)) == [changed]
    assert changed.note == number.note == "Front desk"
    await account.set_fax_number_email(OWN, email="desk@example.com", email_enable=True)
    await account.set_fax_number_url_callback(OWN)
    [number] = [found for found in await account.get_fax_numbers_info() if found.did == OWN]
    assert (number.email, number.email_enabled, number.url_enabled) == ("desk@example.com", True, False)
    [rule] = await account.get_email_to_fax()
    await accounts.update_email_to_fax(account, rule.id, security_code_enabled=False)
    [after] = await account.get_email_to_fax(rule.id)
    assert (after.security_code, after.from_, after.security_code_enabled) == ("483920", OWN, False)
    await accounts.add_email_to_fax(account, email="bob@example.com", from_=OWN, security_code="0012a")
    added = [found for found in await account.get_email_to_fax() if found.email == "bob@example.com"]
    assert [found.security_code for found in added] == ["0012a"]
    for found in await account.get_email_to_fax():
        await account.del_email_to_fax(found.id)
    assert await account.get_email_to_fax() == []

    # Places and orders.
    assert [found.province_name for found in await account.get_fax_provinces("AB")] == ["Alberta"]
    assert len(await account.get_fax_states()) > 1
    assert any(center.available for center in await account.get_fax_rate_centers_usa("AL"))
    places = await account.get_fax_rate_centers_can("AB")
    [place] = [found for found in places if found.available]
    assert await account.search_fax_area_code_can(place.area_code) != []
    assert await account.search_fax_area_code_usa("999") == []
    bought = await account.order_fax_number(place.location, 2)
    numbers = await account.get_fax_numbers_info()
    assert set(bought) <= {found.did for found in numbers}
    gone = next(found for found in numbers if found.did == bought[0])
    assert await account.cancel_fax_number(gone.id) == bought[0]
    assert [order.description for order in await account.get_back_orders()] == ["MIAMI, FL"]
    assert await account.get_fax_numbers_portability(OUTSIDE) in (True, False)

    assert {record.method for record in sim.ledger} == set(METHODS)


@pytest.mark.parametrize(
    "fate", [fate for fate in FATES.values() if fate.name != "slow"], ids=lambda fate: fate.name
)
async def test_no_fate_makes_an_accepted_fax_look_refused(sim, account, fate):
    """What the ledger says was accepted is success or *Unknown* here: never a licence to send again."""
    sim.line.script([fate], destination=OUTSIDE)

    outcome = None
    try:
        await account.send_fax_message(
            to_number=OUTSIDE, from_name="Front desk", from_number=OWN, file=sample.invoice()
        )
    except ApiError as error:
        outcome = error.failure.kind

    [record] = sim.world.ledger.calls("sendFaxMessage") or [None]
    assert len(sim.ledger) == 1, "one call, whatever happens"
    if record is not None and record.accepted:
        assert outcome in (None, Kind.UNKNOWN)
    else:
        assert outcome is not None
