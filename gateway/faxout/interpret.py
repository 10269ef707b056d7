"""What the provider's words about a sent fax mean. Pure.

Only one final word is documented, ``SUCCESS`` (``getFaxMessages``); every other text is free. So words are
not enumerated: nothing, or a word of progress, is pending; what is neither that nor ``SUCCESS`` is a failure,
and people get the provider's own words with it. The enhanced status codes follow RFC 3463.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config import Settings
from gateway.errors import Failure, Kind, permanent, temporary
from gateway.retries import Cause
from gateway.voipms.statuses import Phase, classify

SUCCESS = "success"
"""What an attempt's row records for a call that the provider accepted."""
LEASE_LOST = "lease_lost"
"""... for a call that was stopped before its first byte."""
PAGES_UNREADABLE = "pages_unreadable"
"""... for a call whose pages could not be opened: no byte has left."""
NOT_CALLED = "not_called"
"""... for one that was never made, because nobody knew whether its intent was committed."""
_QUOTED = 120


class Standing(enum.StrEnum):
    """What a row says of itself, whoever it belongs to."""

    PENDING = "pending"
    ARRIVED = "arrived"
    FAILED = "failed"


class Verdict(enum.StrEnum):
    """What a row says of our fax."""

    PENDING = "pending"
    DELIVERED = "delivered"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The configured words."""

    pending: re.Pattern[str]
    causes: Mapping[Cause, re.Pattern[str]]

    @classmethod
    def of(cls, settings: Settings) -> Words:
        """From ``fax.*_pattern``; any case."""
        fax = settings.fax
        patterns = {
            Cause.VOICE: fax.voice_pattern,
            Cause.BUSY: fax.busy_pattern,
            Cause.NO_ANSWER: fax.no_answer_pattern,
            Cause.DROPPED: fax.dropped_pattern,
        }
        return cls(
            pending=re.compile(fax.pending_pattern, re.IGNORECASE),
            causes={cause: re.compile(pattern, re.IGNORECASE) for cause, pattern in patterns.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """A row's result for our fax."""

    verdict: Verdict
    failure: Failure | None = None
    """Given for `Verdict.PARTIAL` and `Verdict.FAILED`."""
    cause: Cause | None = None
    """What may be over by another attempt."""


def standing(status: str, words: Words) -> Standing:
    """What `status` (verbatim) says. Only it can be pending: ``msg`` explains failures in free text."""
    word = status.strip()
    if word.casefold() == SUCCESS:
        return Standing.ARRIVED
    return Standing.PENDING if not word or words.pending.search(word) else Standing.FAILED


def interpret(status: str, msg: str, *, pages: int, pages_sent: int, words: Words) -> Interpretation:
    """A row's `status` and `msg` (verbatim) and its count of pages, for a fax of `pages_sent` pages.

    Success with fewer pages than were sent is partial, also when the row counts none: a wrong word of comfort
    costs more than a look at the account.
    """
    match standing(status, words):
        case Standing.PENDING:
            return Interpretation(verdict=Verdict.PENDING)
        case Standing.ARRIVED if pages >= pages_sent:
            return Interpretation(verdict=Verdict.DELIVERED)
        case Standing.ARRIVED:
            sentence = (
                f"Only {pages} of {pages_sent} pages arrived, as VoIP.ms reports it. "
                "Ask the recipient which ones, and send the others again."
            )
            return Interpretation(
                verdict=Verdict.PARTIAL, failure=permanent("4.4.2", sentence, code="partial")
            )
    return _failed(status, msg, words)


# Free text by what it means. Status codes: RFC 3463, sections 3.2, 3.5 and 3.8.
_NO_NUMBER = re.compile(
    r"not in service|unallocated|unassigned|out of service|no such number|wrong number"
    r"|number (has been |was |is )?(changed|disconnected)|invalid (number|destination)",
    re.IGNORECASE,
)
_REJECTED = re.compile(r"reject|refus|forbidden|block|denied|not allowed|declin", re.IGNORECASE)
_LINE: Mapping[Cause, tuple[str, str]] = {
    # Before the words for busy: "no answer tone" is not "no answer".
    Cause.VOICE: ("5.1.1", "No fax machine answered at this number. Check it with the recipient."),
    Cause.BUSY: ("4.4.1", "The line was busy."),
    Cause.NO_ANSWER: ("4.4.1", "Nobody answered."),
    Cause.DROPPED: (
        "4.4.2",
        "The connection broke before all pages were through; some may have arrived. Fewer pages often help.",
    ),
}
"""What may be over by another attempt, in the order in which it is looked for."""


def _failed(status: str, msg: str, words: Words) -> Interpretation:
    said = quote(status, msg)
    if _NO_NUMBER.search(said):
        return _final(
            "5.1.1", "The number is not in service. Check it with the recipient.", said, "no_number"
        )
    for cause, (enhanced, sentence) in _LINE.items():
        if words.causes[cause].search(said):
            failure = temporary(enhanced, f'{sentence} VoIP.ms says: "{said}".', code=cause.value)
            return Interpretation(verdict=Verdict.FAILED, failure=failure, cause=cause)
    if _REJECTED.search(said):
        return _final("5.7.1", "The call was rejected.", said, "rejected")
    return _final("5.4.0", "The fax failed.", said, "failed")


def _final(enhanced: str, sentence: str, said: str, code: str) -> Interpretation:
    failure = permanent(enhanced, f'{sentence} VoIP.ms says: "{said}".', code=code)
    return Interpretation(verdict=Verdict.FAILED, failure=failure)


def quote(status: str, msg: str) -> str:
    """The provider's words on one printable line of bounded length."""
    said = ": ".join(part for text in (status, msg) if (part := " ".join(text.split())))
    return "".join(char if char.isprintable() else "?" for char in said)[:_QUOTED]


def surely_not_sent(outcome: str) -> bool:
    """Whether an attempt's recorded `outcome` proves that the provider did not accept that call.

    Not for ``success``, for an empty one (nobody knows), and for whatever is no documented refusal.
    """
    if outcome in (LEASE_LOST, PAGES_UNREADABLE, NOT_CALLED, Phase.BEFORE_REQUEST.value):
        return True
    if outcome in ("", SUCCESS):
        return False
    return classify("sendFaxMessage", Phase.STATUS, outcome).kind is not Kind.UNKNOWN
