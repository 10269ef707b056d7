"""Judges one mail on its header block by the sender rules. Pure.

The identity is the user who logged in, else, for peers that are believed, the address that the envelope
sender and From agree on. A code that is wrong and one that is missing get the same answer.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway import phone
from gateway.config import Gateway
from gateway.errors import Failure, GatewayError, permanent
from gateway.mailin.code import GUESSES, GUESSES_UNPROVED, without_words
from gateway.mailin.code import in_subject as find_code
from gateway.mailin.header import Head
from gateway.mailin.provider import RulesProvider
from gateway.mailin.rules import Rule, Rules, rules_from_account, rules_from_config

__all__ = [
    "Claim",
    "Reason",
    "Refusal",
    "Rule",
    "Rules",
    "RulesProvider",
    "Verdict",
    "claimed_rule",
    "find_code",
    "judge",
    "permit",
    "rules_from_account",
    "rules_from_config",
]


class Reason(enum.StrEnum):
    """Why a mail was refused, for logs."""

    NULL_SENDER = "null_sender"
    AUTOMATIC = "automatic"
    UNPROVED = "unproved"
    """From and the envelope sender do not agree."""
    UNKNOWN_SENDER = "unknown_sender"
    CODE = "code"
    """Wrong or missing."""
    LOCKED = "locked"
    NUMBER = "number"
    HEADER = "header"
    SIZE = "size"
    RECIPIENTS = "recipients"


class Refusal(GatewayError):  # noqa: N818 - the field's word
    """A mail that is not accepted, and why."""

    def __init__(self, failure: Failure, reason: Reason, *, identity: str = "") -> None:
        super().__init__(failure)
        self.reason = reason
        self.identity = identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who a mail says it is from, before the header is known."""

    envelope_from: str
    user: str | None = None
    """The AUTH user; None for a peer that is believed without."""
    vouched: bool = False
    """A trusted server has proved the address."""
    code_needed: bool = False
    """Without the code this mail is not believed, whatever its rule says."""

    @property
    def proved(self) -> bool:
        """Whether nobody else can have written this name."""
        return self.user is not None or self.vouched

    @property
    def identity(self) -> str:
        """The identity, if it holds."""
        return (self.user or self.envelope_from).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A mail that may come in."""

    rule: Rule
    identity: str
    subject: str
    """Without the code."""
    code: str | None = field(default=None, repr=False)
    """What must be removed from the header before it is stored: the rule's code, if it has one."""


def claimed_rule(claim: Claim, rules: Rules) -> Rule:
    """The rule that `claim` would come under. Raises `Refusal`."""
    found = rules.of_user(claim.user) if claim.user else rules.of_address(claim.envelope_from)
    if found is None:
        raise Refusal(
            permanent(
                "5.7.1", f"{claim.identity} may not send faxes here. Ask the administrator for permission."
            ),
            Reason.UNKNOWN_SENDER,
            identity=claim.identity,
        )
    return found


def judge(claim: Claim, head: Head, rules: Rules) -> Verdict:
    """Decide about a mail on its original header. Raises `Refusal` (permanent)."""
    identity = claim.identity
    if not claim.envelope_from or head.return_path == "":
        raise Refusal(null_sender(), Reason.NULL_SENDER, identity=identity)
    if head.auto_submitted:
        raise Refusal(
            permanent("5.7.1", "Automatic mails (replies, reports, lists) are not faxed. Send it yourself."),
            Reason.AUTOMATIC,
            identity=identity,
        )
    if claim.user is None and set(head.from_addresses) != {identity}:
        raise Refusal(
            permanent(
                "5.7.1",
                "The From address and the envelope sender must be the same one. Send from your own address.",
            ),
            Reason.UNPROVED,
            identity=identity,
        )
    rule = claimed_rule(claim, rules)
    if claim.user is not None and not rules.speaks_for(rule, claim.envelope_from):
        raise Refusal(
            permanent("5.7.1", f"{claim.user} may not send as {claim.envelope_from}. Use your own address."),
            Reason.UNPROVED,
            identity=identity,
        )
    subject = head.subject
    if rule.code is not None:
        subject = without_words(head.subject, rule.code)
    guesses = GUESSES if claim.proved else GUESSES_UNPROVED
    found = rule.code is not None and find_code(head.subject, rule.code, guesses=guesses)
    if rule.code_required and not found:
        raise Refusal(
            permanent(
                "5.7.1",
                "The security code in the subject is wrong or missing. Write it as a word of its own.",
            ),
            Reason.CODE,
            identity=identity,
        )
    if claim.code_needed and not found:
        raise Refusal(
            permanent("5.7.1", "Nothing proves who sent this mail. Write the security code in the subject."),
            Reason.UNPROVED if rule.code is None else Reason.CODE,
            identity=identity,
        )
    return Verdict(rule=rule, identity=identity, subject=subject, code=rule.code)


def null_sender() -> Failure:
    """The answer to ``MAIL FROM:<>``."""
    return permanent(
        "5.7.1", "Mails without a sender are not faxed: nobody could be told what became of them."
    )


def permit(rule: Rule, numbers: Sequence[str], gateway: Gateway) -> None:
    """Raise `Refusal` unless `rule` and the gateway's dial policy allow every number (E.164)."""
    for number in numbers:
        try:
            phone.permit(
                number,
                allow_international=gateway.allow_international,
                blocked=gateway.blocked_prefixes,
                allowed=rule.allow,
            )
        except GatewayError as error:
            raise Refusal(error.failure, Reason.NUMBER) from None
