"""Functions about places and orders, and the account's money and address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway.simulator.account import Charge
from gateway.simulator.call import FALSE, Call, Result, success
from gateway.simulator.methods_numbers import callback_settings, email_settings
from gateway.simulator.places import CANADA, PROVINCES, STATES, USA, Place, place
from gateway.simulator.rows import (
    AdvancedBalanceRow,
    AreaCodeRow,
    BalanceRow,
    Did,
    Label,
    NumberRow,
    ProvinceRow,
    RateCenterRow,
    StateRow,
)
from gateway.simulator.statuses import Refused


async def get_fax_provinces(call: Call) -> Result:
    """``getFaxProvinces``: all, or one by its letters."""
    rows = [
        ProvinceRow(province=code, province_id=number, province_name=name)
        for code, (number, name) in _regions(call, "province", PROVINCES, "invalid_province").items()
    ]
    return success({"provinces": rows})


async def get_fax_states(call: Call) -> Result:
    """``getFaxStates``: all, or one by its letters."""
    rows = [
        StateRow(state=code, state_id=number, state_name=name)
        for code, (number, name) in _regions(call, "state", STATES, "invalid_state").items()
    ]
    return success({"states": rows})


async def get_fax_rate_centers_can(call: Call) -> Result:
    """``getFaxRateCentersCAN``."""
    call.need("province", "missing_province")
    return _rate_centers(call, _regions(call, "province", PROVINCES, "invalid_province"), CANADA)


async def get_fax_rate_centers_usa(call: Call) -> Result:
    """``getFaxRateCentersUSA``."""
    call.need("state", "missing_state")
    return _rate_centers(call, _regions(call, "state", STATES, "invalid_state"), USA)


async def search_fax_area_code_can(call: Call) -> Result:
    """``searchFaxAreaCodeCAN``."""
    return _search(call, CANADA)


async def search_fax_area_code_usa(call: Call) -> Result:
    """``searchFaxAreaCodeUSA``."""
    return _search(call, USA)


async def order_fax_number(call: Call) -> Result:
    """``orderFaxNumber``: numbers from a place's stock, for money."""
    location = call.need_id("location", missing="missing_location", invalid="invalid_location")
    where = place(int(location))
    if where is None:
        raise Refused("invalid_location")
    quantity = int(call.need_id("quantity", missing="missing_params", invalid="invalid_quantity"))
    if quantity < 1:
        raise Refused("invalid_quantity")
    email, callback = email_settings(call), callback_settings(call)
    taken = call.account.ordered.get(where.location, 0)
    if quantity > where.stock - taken:
        raise Refused("unsifficient_stock")
    price = call.world.service.monthly * quantity
    if price > call.account.balance:
        raise Refused("non_sufficient_funds")
    dids = [Did(f"{where.area_code}2{where.location % 100:02}{taken + n:04}") for n in range(quantity)]
    if not call.test:
        canadian = where in CANADA
        call.account.ordered[where.location] = taken + quantity
        call.account.charge(Charge(at=call.world.clock.now(), amount=price))
        call.account.numbers += [
            NumberRow(
                id=Label(call.account.next_id()),
                did=did,
                description=f"{'Canada' if canadian else 'United States'}, {where.region}, {where.name}",
                state=where.region,
                city=where.name,
                country="Canada" if canadian else "United States",
                **email,
                **callback,
            )
            for did in dids
        ]
    return success({"dids": [str(did) for did in dids]})


async def get_back_orders(call: Call) -> Result:
    """``getBackOrders``: all, or one by id."""
    wanted = call.get("id")
    rows = [row for row in call.account.back_orders if wanted in {"", row.id}]
    if wanted and not rows:
        raise Refused("invalid_id")
    return success({"quantity": len(rows), "back_orders": rows})


async def get_balance(call: Call) -> Result:
    """``getBalance``; with ``advanced`` also what was spent."""
    account = call.account
    if call.get("advanced").lower() in FALSE:
        return success({"balance": BalanceRow(current_balance=account.balance)})
    zone = ZoneInfo(call.world.wire.zone)
    today = call.world.clock.today(call.world.wire.zone)
    fresh = [charge for charge in account.charges if charge.at.astimezone(zone).date() == today]
    row = AdvancedBalanceRow(
        current_balance=account.balance,
        spent_total=sum((charge.amount for charge in account.charges), Decimal("0.0000")),
        calls_total=sum(charge.call for charge in account.charges),
        time_total=timedelta(seconds=sum(charge.seconds for charge in account.charges)),
        spent_today=sum((charge.amount for charge in fresh), Decimal("0.0000")),
        calls_today=sum(charge.call for charge in fresh),
        time_today=timedelta(seconds=sum(charge.seconds for charge in fresh)),
    )
    return success({"balance": row})


async def get_ip(call: Call) -> Result:
    """``getIP``: the caller's address; works for addresses that may call nothing else."""
    return success({"ip": call.client})


def _regions(
    call: Call, name: str, known: Mapping[str, tuple[int, str]], invalid: str
) -> Mapping[str, tuple[int, str]]:
    """All provinces or states, or the one that the parameter names."""
    code = call.get(name).upper()
    if not code:
        return known
    if code not in known:
        raise Refused(invalid)
    return {code: known[code]}


def _rate_centers(call: Call, regions: Mapping[str, object], places: tuple[Place, ...]) -> Result:
    rows = [
        RateCenterRow(
            location=where.location,
            area_code=where.area_code,
            ratecenter=where.name,
            available=_available(call, where),
        )
        for where in places
        if where.region in regions
    ]
    return _listed(rows)


def _search(call: Call, places: tuple[Place, ...]) -> Result:
    code = call.need("area_code", "missing_params")
    if not (len(code) == 3 and code.isascii() and code.isdigit()):
        raise Refused("invalid_area_code")
    rows = [
        AreaCodeRow(ratecenter=where.name, area_code=where.area_code, available=_available(call, where))
        for where in places
        if where.area_code == int(code)
    ]
    return _listed(rows)


def _listed(rows: list[RateCenterRow] | list[AreaCodeRow]) -> Result:
    """Seen live: without a match the list is missing from a successful answer."""
    return success({"ratecenters": rows} if rows else None)


def _available(call: Call, where: Place) -> str:
    return "yes" if where.stock > call.account.ordered.get(where.location, 0) else "no"


FUNCTIONS = {
    "getFaxProvinces": get_fax_provinces,
    "getFaxStates": get_fax_states,
    "getFaxRateCentersCAN": get_fax_rate_centers_can,
    "getFaxRateCentersUSA": get_fax_rate_centers_usa,
    "searchFaxAreaCodeCAN": search_fax_area_code_can,
    "searchFaxAreaCodeUSA": search_fax_area_code_usa,
    "orderFaxNumber": order_fax_number,
    "getBackOrders": get_back_orders,
    "getBalance": get_balance,
    "getIP": get_ip,
}
