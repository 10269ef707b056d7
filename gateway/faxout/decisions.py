"""What may be decided about a fax and the rows of SENT: values without behaviour."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Patience, in seconds."""

    skew: float
    """How far the provider's clock and ours may differ."""
    settle: float
    """How long a row that failed or shows other pages must be the lone candidate to be taken as ours."""
    hold_after: float
    """From the end of the call until a fax without proof waits for a person."""
    held_for: float
    """How long it waits."""


class How(enum.StrEnum):
    """Why a row is ours."""

    KNOWN = "known"
    """It was matched before and is still there."""
    TOKEN = "token"  # noqa: S105  a word, no secret
    PAGES = "pages"
    LONE = "lone"


class Doubt(enum.StrEnum):
    """Why a fax is held."""

    NO_PROOF = "no_proof"
    """The call ended without a word, and no row is proved to be ours."""
    NO_ROW = "no_row"
    """Accepted, but no row has come."""
    AMBIGUOUS = "ambiguous"
    """Accepted, but which row is ours cannot be proved."""
    SLOW = "slow"
    """Its row stays pending."""
    UNREAD = "unread"
    """The folder, or a row of it that may be ours, cannot be read."""


@dataclass(frozen=True, slots=True)
class Own:
    """This row is ours."""

    row_id: str
    how: How


@dataclass(frozen=True, slots=True)
class Prove:
    """Fetch the pages of these rows and match again."""

    row_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settle:
    """This row is the lone candidate; it is ours if it stays so."""

    row_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing new."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must decide."""

    doubt: Doubt
    row_ids: tuple[str, ...] = field(default=(), compare=False)
    """Rows that may be its own."""


@dataclass(frozen=True, slots=True)
class Resend:
    """No row at all, and the sender's rule prefers a second fax to none."""


@dataclass(frozen=True, slots=True)
class Expire:
    """Held in vain."""


Decision = Own | Prove | Settle | Wait | Hold | Resend | Expire
