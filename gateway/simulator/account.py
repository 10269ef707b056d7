"""The state of the simulated account: numbers, folders, rules, messages, orders, money."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from gateway.simulator.life import Life
from gateway.simulator.rows import BackOrderRow, Caller, Did, EmailToFaxRow, Label, NumberRow, Phone

INBOX = "INBOX"
SENT = "SENT"
_CHANGED_ID_STRIDE = 1_000_000


@dataclass(slots=True, kw_only=True)
class Message:
    """One fax in a folder, ours or not."""

    number: int
    """Its id, and what never changes while ids do."""
    folder: str
    date: datetime
    caller: Caller
    station_id: str
    destination: Phone
    outbound: bool
    pdf: bytes
    pages: int
    life: Life
    changing_ids: bool = False
    origin: str = "call"
    """``call`` (sent by `sendFaxMessage`), ``received``, ``stranger`` or ``by hand``."""
    arriving: bytes = b""
    """The PDF that reaches the other side: less than `pdf` if the call drops."""
    upload: str = ""
    """SHA-256 of the file as it was uploaded, in hex."""

    def id(self, now: float) -> str:
        """The id the account shows at the line second `now`."""
        moves = self.life.index(now) if self.changing_ids else 0
        return str(self.number + moves * _CHANGED_ID_STRIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money spent on a call or an order."""

    at: datetime
    amount: Decimal
    seconds: float = 0.0
    call: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    """Everything the functions read and write."""

    username: str
    password: str
    numbers: list[NumberRow] = field(default_factory=list)
    folders: dict[int, str] = field(default_factory=dict)
    """By id. INBOX and SENT are there from the start and stay."""
    rules: list[EmailToFaxRow] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    """By `Message.number`."""
    back_orders: list[BackOrderRow] = field(default_factory=list)
    ordered: dict[int, int] = field(default_factory=dict)
    """Numbers taken from stock, by location."""
    balance: Decimal = Decimal("112.192790")
    charges: list[Charge] = field(default_factory=list)
    sent_on: dict[str, int] = field(default_factory=dict)
    """Accepted faxes by the server's day, for the daily limit."""
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(100201))

    def number(self, did: str) -> NumberRow | None:
        """The account's own number with these digits."""
        return next((row for row in self.numbers if row.did == did), None)

    def replace_number(self, row: NumberRow) -> None:
        """Put a changed row in the place of the one with its id."""
        self.numbers = [row if old.id == row.id else old for old in self.numbers]

    def message(self, fax_id: str, now: float) -> Message | None:
        """The message that shows this id now, if it shows at all."""
        return next((m for m in self.messages.values() if m.id(now) == fax_id and m.life.shown(now)), None)

    def charge(self, charge: Charge) -> None:
        """Take money from the balance."""
        self.balance -= charge.amount
        self.charges.append(charge)

    def next_id(self) -> int:
        """An id that was never given before."""
        return next(self.ids)


def demo_account(username: str, password: str) -> Account:
    """An account with two fax numbers, the system folders, one more folder and one email-to-fax rule."""
    own = NumberRow(
        id=Label("4101"),
        did=Did("5552341234"),
        description="United States, CA, HALF MOON BAY",
        state="CA",
        city="HALF MOON BAY",
        country="United States",
        email="office@example.com",
        attach_file=True,
        note="Front desk",
    )
    second = NumberRow(
        id=Label("4102"),
        did=Did("5557654321"),
        description="Canada, ON, TORONTO",
        state="ON",
        city="TORONTO",
        country="Canada",
    )
    rule = EmailToFaxRow(
        id=Label("301"),
        enabled=True,
        email="alice@example.com",
        security_code=Label("483920"),
        security_code_enabled=True,
        from_=Phone("5552341234"),
    )
    back_order = BackOrderRow(
        id=Label("1234"),
        description="MIAMI, FL",
        routing="account:100001_VoIP",
        failover_busy="none:",
        failover_unreachable="fwd:1521",
        failover_noanswer="none:",
        voicemail=Label("1001"),
        pop=16,
        dialtime=60,
        cnam=True,
        billing_type=2,
        order_date=datetime(2014, 7, 30, 19, 9, 4, tzinfo=UTC),
    )
    return Account(
        username=username,
        password=password,
        numbers=[own, second],
        folders={1: INBOX, 2: SENT, 3: "Archive"},
        rules=[rule],
        back_orders=[back_order],
    )
