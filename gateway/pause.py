"""Why the whole queue waits, and until when: what one call's end says about all that would follow. Pure.

A refusal for want of money, or of the credentials, meets every fax alike, and so does a provider that does
not answer. So nothing is sent while one of them lasts; a harmless call asks now and then whether it is over.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.errors import Failure, Kind, Scope
from gateway.lifecycle import next_try
from gateway.retries import spread

MONEY = "non_sufficient_funds"
DAY_LIMIT = "limit_reached"
_OUTAGES = frozenset(
    {
        # how far an exchange got (gateway.voipms.statuses.Phase)
        "before_request",
        "sending",
        "waiting_response",
        "body",
        "no_status",
        # what the provider says of itself
        "provider_outofservice",
        "unavailable_info",
        "tls_error",
        "method_maintenance",
    }
)
_HTTP = "http_"
_DAY = 86400.0


class Why(enum.StrEnum):
    """What keeps every fax back."""

    ACCOUNT = "account"
    """Credentials, allow-list, configuration: a person must act."""
    MONEY = "money"
    DAY_LIMIT = "day_limit"
    """The account's faxes of the (Eastern) day are used up. It ends by itself."""
    PROVIDER = "provider"
    """Call after call met trouble of the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The queue waits."""

    why: Why
    code: str
    """Machine's word for what was met, such as ``invalid_credentials``."""
    reason: str
    """The same for people."""
    since: float
    until: float
    """Epoch seconds: when to ask whether it is over; for `Why.DAY_LIMIT` when it is."""
    asked: int = 0
    """How often that was asked in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Settings: seconds."""

    probes: Sequence[float]
    """Waits between two questions whether it is over; the last one repeats."""
    troubles: int
    """Calls in a row that meet trouble of the provider, until the queue waits."""
    jitter: float = 0.1


def is_outage(failure: Failure) -> bool:
    """Whether a call met trouble of the provider, whatever became of its fax."""
    return failure.code in _OUTAGES or failure.code.startswith(_HTTP)


def begun(failure: Failure, troubles: int, patience: Patience, *, now: float) -> Pause | None:
    """The pause that a call's failure begins, if it does.

    `troubles` counts calls in a row that met an outage, this one included.
    """
    why = _why(failure, troubles, patience)
    if why is None:
        return None
    wait = failure.retry_after or patience.probes[0]
    if why is Why.DAY_LIMIT:
        wait = failure.retry_after or _DAY
    return Pause(
        why=why,
        code=failure.code,
        reason=failure.sentence,
        since=now,
        until=now + spread(wait, 0.0 if why is Why.DAY_LIMIT else patience.jitter, f"{failure.code}:{now}"),
    )


def asked_in_vain(pause: Pause, patience: Patience, *, now: float) -> Pause:
    """The pause goes on, and the next question comes later."""
    asked = pause.asked + 1
    wait = next_try(asked + 1, patience.probes, 0.0)
    return replace(pause, asked=asked, until=now + spread(wait, patience.jitter, f"{pause.since}:{asked}"))


def holds(pause: Pause | None, *, now: float) -> bool:
    """Whether nothing may be sent."""
    return pause is not None and (pause.why is not Why.DAY_LIMIT or now < pause.until)


def _why(failure: Failure, troubles: int, patience: Patience) -> Why | None:
    if failure.code == MONEY:
        return Why.MONEY
    if failure.code == DAY_LIMIT:
        return Why.DAY_LIMIT
    if failure.scope is Scope.ACCOUNT and failure.kind is Kind.TEMPORARY:
        return Why.ACCOUNT
    return Why.PROVIDER if is_outage(failure) and troubles >= patience.troubles else None
