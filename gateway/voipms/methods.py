"""The functions of the fax API as data: what each does to the account, and its status for "nothing there"."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Effect(enum.Enum):
    """What a call does to the account, and so what a lost answer means."""

    READ = "read"
    """Nothing: asking again is safe."""
    WRITE = "write"
    """It changes the account: after a lost answer nobody knows whether it did."""
    SEND = "send"
    """It hands over a fax, which costs money and reaches a stranger: only a documented refusal is a no."""


@dataclass(frozen=True, slots=True)
class Method:
    """One API function."""

    effect: Effect
    empty: frozenset[str] = frozenset()
    """Statuses that say that there is nothing to list. They are answers, not failures."""


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "cancelFaxNumber": Method(Effect.WRITE),
        "delEmailToFax": Method(Effect.WRITE),
        "delFaxFolder": Method(Effect.WRITE),
        "deleteFaxMessage": Method(Effect.WRITE),
        # No status for an empty list is known here; a back order is a DID that is not there yet.
        "getBackOrders": Method(Effect.READ, frozenset({"no_did"})),
        "getBalance": Method(Effect.READ),
        "getEmailToFax": Method(Effect.READ, frozenset({"no_emailtofax"})),
        "getFaxFolders": Method(Effect.READ, frozenset({"no_folder"})),
        "getFaxMessagePDF": Method(Effect.READ),
        "getFaxMessages": Method(Effect.READ, frozenset({"no_message", "no_messages"})),
        "getFaxNumbersInfo": Method(Effect.READ, frozenset({"no_numbers"})),
        "getFaxNumbersPortability": Method(Effect.READ),
        "getFaxProvinces": Method(Effect.READ),
        "getFaxRateCentersCAN": Method(Effect.READ),
        "getFaxRateCentersUSA": Method(Effect.READ),
        "getFaxStates": Method(Effect.READ),
        "getIP": Method(Effect.READ),
        "mailFaxMessagePDF": Method(Effect.WRITE),
        "moveFaxMessage": Method(Effect.WRITE),
        "orderFaxNumber": Method(Effect.WRITE),
        "searchFaxAreaCodeCAN": Method(Effect.READ),
        "searchFaxAreaCodeUSA": Method(Effect.READ),
        "sendFaxMessage": Method(Effect.SEND),
        "setEmailToFax": Method(Effect.WRITE),
        "setFaxFolder": Method(Effect.WRITE),
        "setFaxNumberEmail": Method(Effect.WRITE),
        "setFaxNumberInfo": Method(Effect.WRITE),
        "setFaxNumberURLCallback": Method(Effect.WRITE),
    }
)


def describe(method: str) -> Method:
    """What is known about `method`. One outside the table reads if its name says so, else it writes."""
    if method in METHODS:
        return METHODS[method]
    return Method(Effect.READ if method.startswith(("get", "search")) else Effect.WRITE)
