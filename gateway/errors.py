"""Every failure is Temporary, Permanent or Unknown, and says so once, where it is understood.

A `Failure` is a value: it is stored with the item, shown to people and mapped to machines. `GatewayError`
carries one through the call stack. Neither may hold a secret, a code, a subject or page content, because both
reach logs and mails.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """What a failure means for the item that met it."""

    TEMPORARY = "temporary"
    """Certainly not done; trying again later is safe."""
    PERMANENT = "permanent"
    """Certainly not done; trying again unchanged is useless."""
    UNKNOWN = "unknown"
    """May have been done; only evidence may decide."""


class Scope(enum.StrEnum):
    """What the failure is about: one item, or everything that uses the account."""

    ITEM = "item"
    ACCOUNT = "account"
    """Credentials, money, allow-list: the operator must act, and the queue waits meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure, ready for people (`sentence`) and for machines (`status`, `code`)."""

    kind: Kind
    status: str
    """Enhanced status code, RFC 3463, for example ``5.1.3``."""
    sentence: str
    """What happened and what to do, for people; ends with a full stop."""
    code: str = ""
    """Machine's word for it, for example a provider status such as ``limit_reached``."""
    scope: Scope = Scope.ITEM
    retry_after: float | None = None
    """Seconds to wait at least before the next try, when the cause tells it."""


class GatewayError(Exception):
    """Raises a `Failure`. Its text is the sentence and the code, nothing else."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence + (f" ({failure.code})" if failure.code else ""))
        self.failure = failure


class StoppingError(GatewayError):
    """The gateway stops, and this was not begun."""

    def __init__(self) -> None:
        super().__init__(temporary("4.3.2", "The gateway is stopping. Try again later.", code="stopping"))


def temporary(
    status: str,
    sentence: str,
    *,
    code: str = "",
    scope: Scope = Scope.ITEM,
    retry_after: float | None = None,
) -> Failure:
    """A failure that is certainly not done and may be tried again."""
    return Failure(
        kind=Kind.TEMPORARY, status=status, sentence=sentence, code=code, scope=scope, retry_after=retry_after
    )


def permanent(status: str, sentence: str, *, code: str = "", scope: Scope = Scope.ITEM) -> Failure:
    """A failure that is certainly not done and will not get better by itself."""
    return Failure(kind=Kind.PERMANENT, status=status, sentence=sentence, code=code, scope=scope)


def unknown(status: str, sentence: str, *, code: str = "") -> Failure:
    """A failure after which nobody can say whether the thing was done."""
    return Failure(kind=Kind.UNKNOWN, status=status, sentence=sentence, code=code)
