"""Answer rows of the fax API as typed values: what the simulator's account holds, before the wire loosens it.

Field names are the API's own (a trailing underscore is dropped on the wire, for ``from_``). The type of a
field decides how `encode` writes it: `int`, `bool` (a flag), `Decimal`, `timedelta`, aware `datetime`,
`bytes` (base64), `Caller`, `Did`, `Phone`, `Label`, `Note` or plain text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


class Phone(str):
    """A telephone number as digits, ten of them in North America."""

    __slots__ = ()


class Did(Phone):
    """A telephone number that belongs to the account; the live service writes some of these with dots."""

    __slots__ = ()


class Label(str):
    """A short word that may happen to be all digits: an id, a station id, a security code."""

    __slots__ = ()


class Note(str):
    """Free text that is ``null`` in some answers when empty."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller id: digits, and the display name if the line gave one."""

    number: Phone
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxRow:
    """One row of ``getFaxMessages``."""

    id: Label
    folder: str
    date: datetime
    """Aware; written as Eastern wall clock."""
    callerid: Caller
    stationid: Label
    destination: Phone
    description: str
    pages: int
    duration: timedelta
    status: str
    rate: Decimal
    """US dollars for a minute."""
    total: Decimal
    """US dollars."""
    msg: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRow:
    """One row of ``getFaxNumbersInfo``."""

    id: Label
    did: Did
    description: str
    state: str
    city: str
    country: str
    email_enabled: bool = False
    email: str = ""
    url_enabled: bool = False
    url: str = ""
    retry: bool = False
    attach_file: bool = False
    note: str = ""
    reseller_account: str = ""
    reseller_next_billing: str = "0000-00-00"
    reseller_monthly: Decimal = Decimal("0.00000000")
    reseller_minute: Decimal = Decimal("0.00000000")
    reseller_setup: Decimal = Decimal("0.00000000")
    fax_to_sip_enabled: bool = False
    fax_to_sip_enabled_account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRow:
    """One row of ``getFaxFolders``."""

    id: Label
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailToFaxRow:
    """One row of ``getEmailToFax``."""

    id: Label
    enabled: bool
    email: str
    security_code: Label
    security_code_enabled: bool
    from_: Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOrderRow:
    """One row of ``getBackOrders``."""

    id: Label
    description: str
    routing: str
    failover_busy: str
    failover_unreachable: str
    failover_noanswer: str
    voicemail: Label
    pop: int
    dialtime: int
    cnam: bool
    billing_type: int
    order_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceRow:
    """One row of ``getFaxProvinces``."""

    province: str
    province_id: int
    province_name: str
    country_code: str = "CAN"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """One row of ``getFaxStates``."""

    state: str
    state_id: int
    state_name: str
    country_code: str = "USA"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCenterRow:
    """One row of ``getFaxRateCentersCAN`` and ``getFaxRateCentersUSA``."""

    location: int
    area_code: int
    ratecenter: str
    available: str
    """``yes`` or ``no``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaCodeRow:
    """One row of ``searchFaxAreaCodeCAN`` and ``searchFaxAreaCodeUSA``."""

    ratecenter: str
    area_code: int
    available: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """``balance`` of ``getBalance``."""

    current_balance: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvancedBalanceRow:
    """``balance`` of ``getBalance`` with ``advanced``."""

    current_balance: Decimal
    spent_total: Decimal
    calls_total: int
    time_total: timedelta
    spent_today: Decimal
    calls_today: int
    time_today: timedelta
