"""What a failed call means: from the function, how far the exchange got, and the API's status. Pure.

The API answers HTTP 200 with a ``status`` word; everything else comes from the edge in front of it. The rule
for ``sendFaxMessage`` is strict: whatever is not a documented refusal is *Unknown*, because a second call
would be a second fax. A lost answer is *Temporary* where a function only reads, and *Unknown* elsewhere.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Mapping
from importlib import resources

from gateway.errors import Failure, GatewayError, Scope, permanent, temporary, unknown
from gateway.voipms.methods import Effect, describe

CALL_LIMIT = "api_limit_exceeded"
CALL_LIMIT_PAUSE = 90.0
"""Seconds without calls after `CALL_LIMIT`. The limit is "per minute", its size and phase are unpublished."""
DAY_LIMIT = "limit_reached"

_MAINTENANCE_PAUSE = 600.0
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Phase(enum.StrEnum):
    """How far an exchange got before it ended."""

    BEFORE_REQUEST = "before_request"
    """No byte of the request had left: resolving, connecting, TLS."""
    SENDING = "sending"
    WAITING_RESPONSE = "waiting_response"
    """The whole request had left, or the peer stopped reading it."""
    HTTP_STATUS = "http_status"
    """Answered with an HTTP status other than 200."""
    BODY = "body"
    """HTTP 200 whose body was cut off, too large or not the expected JSON."""
    STATUS = "status"
    """A JSON answer; its ``status`` decides."""


class ApiError(GatewayError):
    """A call that failed, or that nobody can say about. `failure` decides what to do."""

    def __init__(self, failure: Failure, *, method: str, provider_status: str | None = None) -> None:
        super().__init__(failure)
        self.method = method
        self.provider_status = provider_status
        """The API's ``status``, verbatim; None when there was none."""


# Refused because of the account or our configuration, whatever was asked. Certainly not done; the operator
# must act, and nothing is to be told to senders as final before that.
_ACCOUNT: dict[str, tuple[str, str]] = {
    "missing_credentials": (
        "4.3.5",
        "VoIP.ms got no API user name or password. Set both in the configuration, and check that the API's"
        " address is exactly https://voip.ms/api/v1/rest.php (a redirect loses them).",
    ),
    "invalid_credentials": (
        "4.3.5",
        "VoIP.ms rejects the API user name or password. The user name is the account's e-mail address; the"
        " API password is set in the portal under SOAP and REST/JSON API and is not the portal's password.",
    ),
    "api_not_enabled": (
        "4.3.5",
        "The API of this VoIP.ms account is switched off."
        " Enable it in the portal under SOAP and REST/JSON API.",
    ),
    "ip_not_enabled": (
        "4.3.5",
        "VoIP.ms does not accept API calls from this address. Add it in the portal under SOAP and REST/JSON"
        " API (getIP tells which address VoIP.ms sees).",
    ),
    "missing_method": (
        "4.3.5",
        "The request reached VoIP.ms without its content. Check that the API's address is exactly"
        " https://voip.ms/api/v1/rest.php (a redirect loses the content).",
    ),
    "invalid_method": (
        "4.3.5",
        "VoIP.ms does not know this function. Check that the API's address is exactly"
        " https://voip.ms/api/v1/rest.php.",
    ),
    "non_sufficient_funds": (
        "4.3.0",
        "The VoIP.ms account has not enough money. Add funds in the portal.",
    ),
}

# The sender's number is configuration too, but only where it is the caller of a fax.
_SEND_ACCOUNT: dict[str, tuple[str, str]] = {
    "invalid_from_number": (
        "4.3.5",
        "VoIP.ms does not accept the sender's fax number. It must be one of the account's own fax numbers"
        " (getFaxNumbersInfo lists them).",
    ),
}

# Parameter checks that are documented for, or can only concern, sendFaxMessage. Certainly not sent.
_SEND_REFUSED: Mapping[str, tuple[str, str]] = {
    "invalid_to_number": ("5.1.3", "VoIP.ms does not accept this destination number."),
    "invalid_dst": ("5.1.3", "VoIP.ms does not accept this destination number."),
    "invalid_number": ("5.1.3", "VoIP.ms does not accept this destination number."),
    "missing_number": ("5.1.3", "VoIP.ms got no destination number."),
    "no_base64file": ("5.6.1", "VoIP.ms could not decode the uploaded file."),
    "invalid_file": ("5.6.1", "VoIP.ms does not accept the uploaded file."),
    "missing_file": ("5.6.1", "VoIP.ms got no file."),
    "exceeds_file_size": (
        "5.3.4",
        "The fax is larger than VoIP.ms accepts. Send fewer pages, or pages with less grey.",
    ),
    "missing_params": ("5.5.4", "VoIP.ms misses a parameter of the fax."),
    "missing_name": ("5.5.4", "VoIP.ms got no sender's name. Set from_name for this sender."),
    "invalid_name": (
        "5.5.4",
        "VoIP.ms does not accept the sender's name: letters, digits and spaces only. Change from_name.",
    ),
    "name_toolong": ("5.5.4", "VoIP.ms finds the sender's name too long. Shorten from_name."),
    "missing_email": ("5.5.4", "VoIP.ms got no address for its copy of the fax. Set send_email."),
    "invalid_email": ("5.5.4", "VoIP.ms does not accept the address for its copy of the fax (send_email)."),
    "invalid_email_enable": ("5.5.4", "VoIP.ms does not accept the value of send_email_enabled."),
}

# Elsewhere the codes' own grammar tells refusals apart: a parameter was judged, or the thing is not there.
_REFUSAL_PREFIXES = {
    Effect.READ: ("invalid_", "missing_", "no_"),
    Effect.WRITE: ("invalid_", "missing_", "no_", "used_", "duplicated_"),
}
_REFUSALS = frozenset(
    {
        "message_not_found",
        "name_toolong",
        "note_toolong",
        "exceeds_file_size",
        "did_limit_reached",
        "did_in_use",
    }
)
# Changes that were, by their text, certainly not made and may be possible later.
_NOT_DONE = frozenset({"moving_fail", "unsifficient_stock", "Unable_to_purchase"})


@functools.cache
def texts() -> Mapping[str, str]:
    """The 480 known status codes and the provider's short text for each (package data)."""
    lines = resources.files("gateway.voipms").joinpath("statuses.tsv").read_text("utf-8").splitlines()
    rows = (line.partition("\t") for line in lines if not line.startswith("#"))
    return {code: text for code, _, text in rows}


def classify(
    method: str,
    phase: Phase,
    status: str | None = None,
    *,
    http_status: int | None = None,
    reason: str = "",
    day_end: float | None = None,
) -> Failure:
    """What it means that `method` ended in `phase`, for people and machines.

    Args:
        method: The API function, for example ``sendFaxMessage``.
        phase: How far the exchange got.
        status: The answer's ``status`` for `Phase.STATUS`; None when it has none.
        http_status: For `Phase.HTTP_STATUS`.
        reason: The transport's own words, such as ``connection refused``; never text from the peer.
        day_end: Seconds until the provider's next day, when the daily limit starts anew.
    """
    effect = describe(method).effect
    if phase is Phase.BEFORE_REQUEST:
        return temporary(
            "4.3.0", f"VoIP.ms cannot be reached{_because(reason)}. Nothing was sent.", code=phase.value
        )
    if phase is Phase.STATUS and status is not None:
        return _judge(method, effect, status, day_end)
    return _doubt(method, effect, _what(phase, http_status, reason), code=_code(phase, http_status))


def _judge(method: str, effect: Effect, status: str, day_end: float | None) -> Failure:
    code = status if _WORD.fullmatch(status) else "unreadable_status"
    account = _ACCOUNT | _SEND_ACCOUNT if effect is Effect.SEND else _ACCOUNT
    if status in account:
        enhanced, sentence = account[status]
        return temporary(enhanced, sentence, code=code, scope=Scope.ACCOUNT)
    if status == CALL_LIMIT:
        sentence = "VoIP.ms takes no more calls this minute."
        return temporary("4.4.5", sentence, code=code, retry_after=CALL_LIMIT_PAUSE)
    if status == DAY_LIMIT:
        sentence = (
            "The account's number of faxes for today is used up. The next day (Eastern time) starts anew."
        )
        return temporary("4.3.2", sentence, code=code, retry_after=day_end)
    if status == "method_maintenance":
        sentence = f"VoIP.ms has {method} under maintenance."
        return temporary("4.3.2", sentence, code=code, retry_after=_MAINTENANCE_PAUSE)
    if effect is Effect.SEND:
        if status in _SEND_REFUSED:
            return permanent(*_SEND_REFUSED[status], code=code)
    elif status in texts():
        if status.startswith(_REFUSAL_PREFIXES[effect]) or status in _REFUSALS:
            return permanent("5.5.4", f"VoIP.ms refuses {method}: {_text(status)}.", code=code)
        if status in _NOT_DONE:
            return temporary("4.3.0", f"VoIP.ms did not do {method}: {_text(status)}.", code=code)
    said = _text(status) or "a status that is not documented"
    return _doubt(method, effect, f"VoIP.ms answered: {said}", code=code)


def _doubt(method: str, effect: Effect, what: str, *, code: str) -> Failure:
    """Anything that proves nothing: harmless when reading, *Unknown* when the call may have taken effect."""
    if effect is Effect.READ:
        return temporary("4.3.0", f"{what} ({method}). Asking again later is safe.", code=code)
    if effect is Effect.SEND:
        sentence = (
            f"{what}. Nobody can say yet whether the fax was accepted; the account's SENT folder shows it."
        )
        return unknown("4.4.2", sentence, code=code)
    sentence = f"{what}. It is uncertain whether {method} was done: look at the account before trying again."
    return unknown("4.4.2", sentence, code=code)


def _what(phase: Phase, http_status: int | None, reason: str) -> str:
    match phase:
        case Phase.SENDING:
            return f"The request to VoIP.ms was cut off{_because(reason)}"
        case Phase.WAITING_RESPONSE:
            return f"VoIP.ms took the request and did not answer{_because(reason)}"
        case Phase.HTTP_STATUS:
            return f"VoIP.ms answered HTTP {http_status} instead of a result{_edge(http_status)}"
        case Phase.BODY:
            return f"VoIP.ms gave an answer that cannot be read{_because(reason)}"
        case _:
            return "VoIP.ms gave an answer without a status"


def _edge(http_status: int | None) -> str:
    """A hint for the answers that the edge is known for."""
    if http_status is not None and 300 <= http_status < 400:
        return " (a redirect: the API's address must be exactly https://voip.ms/api/v1/rest.php)"
    return " (refused by the firewall in front of it)" if http_status == 403 else ""


def _code(phase: Phase, http_status: int | None) -> str:
    if phase is Phase.HTTP_STATUS:
        return f"http_{http_status}"
    return "no_status" if phase is Phase.STATUS else phase.value


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _text(status: str) -> str:
    """The provider's documented words for a status, from our own table: never text off the wire."""
    return texts().get(status, "").rstrip(". ")
