"""What the API's functions return, typed. Field names are the API's own.

Telephone numbers are digit strings as `gateway.voipms.wire.digits` gives them (ten digits in North America),
money is US dollars, moments are aware and in UTC. Texts are verbatim; an empty text means "not given".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date as Date  # noqa: N812 - FaxMessage has a field named date
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller id, ``Name <number>`` on the wire."""

    name: str = ""
    number: str = ""
    """Digits; empty for a caller that hides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxMessage:
    """A sent or received fax (``getFaxMessages``)."""

    id: str
    folder: str
    """Name: ``INBOX``, ``SENT`` or one of the account's own."""
    date: datetime | None
    """UTC, from `wall_date`; None when that is no date (``0000-00-00 00:00:00``). The hour that the end of
    daylight saving repeats is read as its first pass, so it may be an hour early: never order by it."""
    wall_date: str
    """The account's wall clock, as the API wrote it."""
    callerid: Caller
    stationid: str
    destination: str
    description: str
    pages: int
    """0 when not given (yet)."""
    duration: timedelta
    """0 when not given (yet)."""
    status: str
    """Verbatim. Only ``SUCCESS`` is documented."""
    msg: str
    """Free text that explains `status`."""
    rate: Decimal
    """For a minute."""
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Faxes, and how many more there are that nobody can tell apart (``getFaxMessages``)."""

    rows: list[FaxMessage]
    unreadable: int = 0
    """Rows that are no object or have no id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxFolder:
    """A folder for faxes (``getFaxFolders``)."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxNumber:
    """One of the account's fax numbers (``getFaxNumbersInfo``). Optional fields are None on older accounts.

    The setters name the same things differently; `gateway.voipms.accounts` maps them.
    """

    id: str
    did: str
    description: str
    state: str
    city: str
    country: str
    email_enabled: bool
    email: str
    url_enabled: bool
    url: str
    retry: bool
    """Post to `url` again until it answers ``ok``."""
    attach_file: bool
    """Notifications by mail carry the fax as PDF."""
    note: str | None = None
    reseller_account: str | None = None
    reseller_next_billing: Date | None = None
    reseller_monthly: Decimal | None = None
    reseller_minute: Decimal | None = None
    reseller_setup: Decimal | None = None
    fax_to_sip_enabled: bool | None = None
    fax_to_sip_enabled_account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailToFax:
    """A rule of the provider's own mail-to-fax service (``getEmailToFax``)."""

    id: str
    enabled: bool
    email: str
    """The address that may send."""
    security_code: str = field(repr=False)
    """Secret: never in a log, a reply or an error."""
    security_code_enabled: bool
    from_: str
    """The account's number that shows as sender; ``from`` on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxProvince:
    """A Canadian province with fax numbers (``getFaxProvinces``)."""

    province: str
    """Two letters."""
    province_id: str
    province_name: str
    country_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxState:
    """A state of the USA with fax numbers (``getFaxStates``)."""

    state: str
    """Two letters."""
    state_id: str
    state_name: str
    country_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCenter:
    """A place to order a number in (``getFaxRateCentersCAN/USA``, ``searchFaxAreaCodeCAN/USA``)."""

    location: str
    """What ``orderFaxNumber`` wants; empty in the results of a search by area code."""
    area_code: str
    ratecenter: str
    available: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOrder:
    """A number that was ordered and is not there yet (``getBackOrders``)."""

    id: str
    description: str
    routing: str
    failover_busy: str
    failover_unreachable: str
    failover_noanswer: str
    voicemail: str
    pop: str
    dialtime: str
    """Seconds."""
    cnam: bool
    billing_type: str
    order_date: datetime | None
    """UTC, from the account's wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The account's money (``getBalance``). All but `current_balance` only come with ``advanced``."""

    current_balance: Decimal
    spent_total: Decimal | None = None
    calls_total: int | None = None
    time_total: timedelta | None = None
    spent_today: Decimal | None = None
    calls_today: int | None = None
    time_today: timedelta | None = None
