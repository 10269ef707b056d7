"""What a stage's step can end in. Stages return these; only `worker.apply` turns them into writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import Failure
from gateway.lifecycle import FaxState
from gateway.model import Attempt, Content
from gateway.moves import Trigger
from gateway.retries import Cause
from gateway.store.faxes import Evidence
from gateway.store.received import Delivery
from gateway.store.tracking import Claimant


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Not done, and trying again is safe."""

    failure: Failure


# --- documents -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The pages exist and are on disk."""

    content: Content
    pages: int
    digest: str
    page_digests: Sequence[str]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It cannot become fax pages; nothing is sent."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class RendererDied:
    """The child died while it held this item; three deaths park it."""

    failure: Failure


DocumentOutcome = Rendered | Refused | RendererDied | Later

# --- faxes: one call -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCalled:
    """No call was made in this step: certainly not sent. Permanent fails the Fax, temporary waits."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTaken:
    """Another Fax to the same destination is on the line; come back soon, no attempt was spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Not begun, because the gateway is about to stop: whoever comes next takes it, no attempt was spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The intent was committed and the call made. `failure` None means the provider said success."""

    attempt: Attempt
    word: str
    """What the attempt's row records: ``success``, a provider status, or a transport word."""
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """The lease was lost before the intent: somebody else has the Fax. Nothing to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """Nobody knows whether the intent with this token was committed, so no call was made."""

    token: str
    word: str
    """What the attempt's row records, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """No call: a row has come that an earlier call may have made, and only a rule asked for another one."""


SubmitOutcome = NotCalled | LineTaken | Released | Called | Abandoned | Unsure | Traced

# --- faxes: what the SENT folder says ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One claimant's news. `target` None with evidence means: its row is known, its status still pending."""

    claimant: Claimant
    target: FaxState | None
    trigger: Trigger = Trigger.ROW
    """What it goes by."""
    evidence: Evidence | None = None
    failure: Failure | None = None
    cause: Cause | None = None
    """Why it failed, where another attempt is worth it while the rules allow one."""


# --- received faxes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Our own copy is on disk."""

    content: Content
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The mails that it becomes."""

    deliveries: Sequence[Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Its mails were accepted and it lies in `folder` at the provider."""

    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A person must look at it."""

    reason: str
    """For the administrator; may quote what others said."""
    code: str
    """For the log."""


ReceivedOutcome = Fetched | Routed | Acknowledged | Parked | Later

# --- mails ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The next mail server (or the provider) took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable:
    """It was refused for good."""

    failure: Failure


MailOutcome = Accepted | Undeliverable | Later
