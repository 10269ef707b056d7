"""The words of the product as frozen values. Rows of the store come out as these; nothing here does anything.

Times are seconds since the epoch (float, UTC). Numbers are E.164 unless a field says otherwise.
"""

from __future__ import annotations

import enum
import itertools
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.lifecycle import DocumentState, FaxState, OutboxState, ReceivedState

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID_START, _ID_COUNT = secrets.randbits(20), itertools.count()


def new_id() -> str:
    """A queue id: 13 characters, sortable by time, easy to read aloud (Crockford's base 32)."""
    milliseconds = time.time_ns() // 1_000_000
    stamp = "".join(_CROCKFORD[(milliseconds >> shift) & 31] for shift in range(40, -1, -5))
    # Counted from a chance start: mails of the same millisecond differ for certain in one process.
    tail = (_ID_START + next(_ID_COUNT)) & 0xFFFFF
    return stamp + "".join(_CROCKFORD[(tail >> shift) & 31] for shift in (15, 10, 5, 0))


def new_token() -> str:
    """Eight characters that mark one attempt in the station id, if that is switched on."""
    return "".join(secrets.choice(_CROCKFORD) for _ in range(8))


class Source(enum.StrEnum):
    """Which door a Submission came through."""

    SMTP = "smtp"
    IMAP = "imap"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Stored bytes: in the row (`data`, up to 64 kB) or in a file of the spool (`file`, a relative name)."""

    size: int
    data: bytes | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One accepted mail (or command): who sent it, its spooled message, what it asked for."""

    id: str
    source: Source
    identity: str
    """The proved sender: an AUTH user, or an address that envelope and From agree on."""
    rule: str
    """Name of the sender rule that let it in."""
    envelope_from: str
    """Where notices go."""
    message_id: str = ""
    references: str = ""
    subject: str = ""
    """With the security code already removed."""
    fingerprint: str = ""
    """SHA-256 of the original without trace headers."""
    from_number: str = ""
    """The account's number that the fax is sent from, ten digits."""
    from_name: str = ""
    station_id: str = ""
    max_pages: int | None = None
    resend_unknown: bool = False
    """The rule says that an unknown Fax may be sent again without a person."""
    receipts: str = "all"
    """``all`` or ``failures``."""
    received_at: float = 0.0
    content: Content = field(default_factory=lambda: Content(size=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The fax-ready pages of a Submission."""

    id: str
    """The Submission's id."""
    state: DocumentState
    content: Content | None = None
    pages: int = 0
    digest: str = ""
    """SHA-256 of the PDF."""
    page_digests: tuple[str, ...] = ()
    deaths: int = 0
    notes: tuple[str, ...] = ()
    fence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fax:
    """One Submission to one number: the thing that has a state."""

    id: str
    submission_id: str
    number: str
    state: FaxState
    created: float
    run_at: float | None = None
    deadline: float = 0.0
    """After this no new attempt is begun."""
    attempts: int = 0
    tries: Mapping[str, int] = field(default_factory=dict)
    """How often each `retries.Cause` stood in its way."""
    fence: int = 0
    lease_until: float | None = None
    provider_id: str = ""
    pages: int | None = None
    """Pages that the provider reports."""
    seconds: int | None = None
    cost: str = ""
    reason: str = ""
    """A sentence for people."""
    code: str = ""
    status: str = ""
    """Enhanced status code of the reason."""
    finished: float | None = None
    retry_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One `sendFaxMessage` call: the intent, committed before, and the outcome, appended after."""

    id: int
    fax_id: str
    ordinal: int
    started: float
    token: str
    deadline: float
    """Epoch seconds after which the call cannot still be running."""
    snapshot: tuple[str, ...]
    """Ids of SENT rows for this destination before the call."""
    digest: str
    outcome: str = ""
    """Empty while nobody knows; then ``success``, a provider status, or a transport word."""
    outcome_at: float | None = None
    provider_id: str = ""
    """The SENT row that this call made, once it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFax:
    """One received message at the provider, known by the provider's id."""

    id: str
    provider_id: str
    did: str
    """The account's number that was called, ten digits."""
    caller: str
    caller_name: str
    station_id: str
    pages: int
    seconds: int
    received_at: float
    folder: str
    state: ReceivedState
    content: Content | None = None
    digest: str = ""
    reason: str = ""
    run_at: float | None = None
    attempts: int = 0
    fence: int = 0


class MailKind(enum.StrEnum):
    """What an outbox row will say."""

    RECEIPT = "receipt"
    """Final notice of a Fax."""
    HELD = "held"
    """A Fax waits for a person."""
    REFUSAL = "refusal"
    """A polled mail was not accepted."""
    DUPLICATE = "duplicate"
    """A repeat made no second Fax."""
    RECEIVED = "received"
    """A received fax, with its PDF."""
    ALERT = "alert"
    """Something for the administrator."""


class Via(enum.StrEnum):
    """How an outbox mail leaves."""

    SMTP = "smtp"
    PROVIDER = "provider"
    """`mailFaxMessagePDF`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMail:
    """A mail on its way: facts, not words. `mailout` composes."""

    id: int
    key: str
    """Unique: what makes a notice queue exactly once."""
    kind: MailKind
    recipient: str
    facts: Mapping[str, Any]
    message_id: str
    """Stable over every delivery attempt."""
    created: float
    state: OutboxState = OutboxState.QUEUED
    via: Via = Via.SMTP
    received_id: str = ""
    attempts: int = 0
    run_at: float | None = None
    reason: str = ""
    fence: int = 0
