"""What the simulator writes, in each of its wire modes, is what the client reads."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator import rows as theirs
from gateway.simulator.encode import MODES, encode_answer
from gateway.voipms import results as ours
from gateway.voipms import rows, wire

EASTERN = ZoneInfo("America/New_York")
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)

phones = st.from_regex(r"[2-9][0-9]{9}", fullmatch=True) | st.from_regex(r"[2-9][0-9]{6}", fullmatch=True)
labels = st.from_regex(r"0|[0-9]{1,20}|[A-Z0-9]{1,8}", fullmatch=True)
words = st.text(st.characters(codec="utf-8", exclude_characters='<>"'), max_size=20).map(str.strip)
names = words.filter(lambda name: not wire.digits(name))
money = st.decimals(0, 9999, places=4)
durations = st.integers(0, 99 * 3600).map(lambda seconds: timedelta(seconds=seconds))
moments = st.integers(946_684_800, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
counts = st.integers(0, 10**9)

fax_rows = st.builds(
    theirs.FaxRow,
    id=labels.map(theirs.Label),
    folder=words,
    date=moments,
    callerid=st.builds(theirs.Caller, number=phones.map(theirs.Phone), name=names),
    stationid=labels.map(theirs.Label),
    destination=phones.map(theirs.Phone),
    description=words,
    pages=counts,
    duration=durations,
    status=words,
    rate=money,
    total=money,
    msg=words.map(theirs.Note),
)
number_rows = st.builds(
    theirs.NumberRow,
    id=labels.map(theirs.Label),
    did=phones.map(theirs.Did),
    description=words,
    state=words,
    city=words,
    country=words,
    email=words,
    url=words,
    note=words,
    reseller_account=words,
    reseller_next_billing=st.dates().map(str) | st.just("0000-00-00"),
    reseller_monthly=money,
    reseller_minute=money,
    reseller_setup=money,
    fax_to_sip_enabled_account=words,
    **dict.fromkeys(
        ("email_enabled", "url_enabled", "retry", "attach_file", "fax_to_sip_enabled"), st.booleans()
    ),
)
rule_rows = st.builds(
    theirs.EmailToFaxRow,
    id=labels.map(theirs.Label),
    enabled=st.booleans(),
    email=words,
    security_code=labels.map(theirs.Label),
    security_code_enabled=st.booleans(),
    from_=phones.map(theirs.Phone),
)
order_rows = st.builds(
    theirs.BackOrderRow,
    id=labels.map(theirs.Label),
    description=words,
    routing=words,
    failover_busy=words,
    failover_unreachable=words,
    failover_noanswer=words,
    voicemail=labels.map(theirs.Label),
    pop=counts,
    dialtime=counts,
    cnam=st.booleans(),
    billing_type=counts,
    order_date=moments,
)


def travel(key, found, mode):
    """Over the wire: the simulator's bytes, read as an answer."""
    return wire.parse(encode_answer({"status": "success", key: found}, mode))


def values(row, **changed):
    """A row's fields by name, some of them as the client has them."""
    return {field.name: getattr(row, field.name) for field in fields(row)} | changed


def seen(moment):
    """A moment as the wall clock lets it be seen: the repeated hour is its first pass."""
    return moment - timedelta(hours=moment.astimezone(EASTERN).fold)


@modes
@settings(max_examples=20)
@given(found=st.lists(fax_rows, max_size=3))
def test_faxes(mode, found):
    """Lists of none, one and several faxes; only what the mode does not write is lost."""
    read = [rows.fax_message(row, EASTERN) for row in wire.rows(travel("faxes", found, mode), "faxes")]

    assert [replace(fax, wall_date="") for fax in read] == [
        ours.FaxMessage(
            **values(
                row,
                date=seen(row.date),
                wall_date="",
                callerid=ours.Caller(
                    name=row.callerid.name if mode.display_callers else "", number=row.callerid.number
                ),
            )
        )
        for row in found
    ]


@modes
@settings(max_examples=20)
@given(found=st.lists(number_rows, max_size=3))
def test_numbers(mode, found):
    """Dotted or not, flags as numbers or words."""
    read = [rows.fax_number(row) for row in wire.rows(travel("numbers", found, mode), "numbers")]

    assert read == [
        ours.FaxNumber(**values(row, reseller_next_billing=wire.day(row.reseller_next_billing)))
        for row in found
    ]


@modes
@settings(max_examples=20)
@given(found=st.lists(rule_rows, max_size=3))
def test_rules(mode, found):
    """A code of digits keeps its zeros."""
    read = [rows.email_to_fax(row) for row in wire.rows(travel("emailToFax", found, mode), "emailToFax")]

    assert read == [ours.EmailToFax(**values(row)) for row in found]


@modes
@settings(max_examples=20)
@given(found=st.lists(order_rows, max_size=3))
def test_back_orders(mode, found):
    """Numbers that are only ids stay text."""
    read = [
        rows.back_order(row, EASTERN) for row in wire.rows(travel("back_orders", found, mode), "back_orders")
    ]

    assert read == [
        ours.BackOrder(
            **values(
                row,
                order_date=seen(row.order_date),
                pop=str(row.pop),
                dialtime=str(row.dialtime),
                billing_type=str(row.billing_type),
            )
        )
        for row in found
    ]


@modes
@settings(max_examples=20)
@given(content=st.binary(max_size=300))
def test_files(mode, content):
    """Base64 with its noise."""
    file = b"%PDF-1.4\n" + content

    assert wire.pdf(travel("message_base64", file, mode)) == file


@modes
@settings(max_examples=20)
@given(amounts=st.tuples(money, money, money), calls=counts, spans=st.tuples(durations, durations))
def test_balances(mode, amounts, calls, spans):
    """Short and advanced."""
    row = theirs.AdvancedBalanceRow(
        current_balance=amounts[0],
        spent_total=amounts[1],
        calls_total=calls,
        time_total=spans[0],
        spent_today=amounts[2],
        calls_today=calls,
        time_today=spans[1],
    )

    assert rows.balance(travel("balance", row, mode)) == ours.Balance(**values(row))


@modes
@settings(max_examples=20)
@given(found=st.lists(phones.map(theirs.Did), max_size=4))
def test_bought_numbers(mode, found):
    """A list of plain numbers."""
    assert wire.numbers(travel("dids", found, mode), "dids") == found
