"""Judges mails and remembers who guesses: the policy, the rules in force and the lockout together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from gateway import journal
from gateway.config import Settings
from gateway.errors import temporary
from gateway.mailin.header import Head
from gateway.mailin.lockout import Lockout
from gateway.mailin.policy import Claim, Reason, Refusal, Rule, Verdict, claimed_rule, judge, permit
from gateway.mailin.provider import RulesProvider

_RELAY_WEIGHT = 0.1
"""A believed peer is a mail server or a mailbox that many people use: it is locked after fifty failures."""


class Gate:
    """One for all doors, so that guesses are counted together."""

    def __init__(
        self, settings: Settings, rules: RulesProvider, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._clock = clock
        self._lockout = Lockout()

    def claimed_rule(self, claim: Claim) -> Rule:
        """The rule that `claim` would come under. Raises `Refusal`, or temporary without any rules yet."""
        return claimed_rule(claim, self._rules.current())

    def permit(self, rule: Rule, numbers: Sequence[str]) -> None:
        """Raise `Refusal` unless `numbers` (E.164) may be dialled under `rule`."""
        permit(rule, numbers, self._settings.gateway)

    def judge(self, claim: Claim, head: Head, *, peer: str) -> Verdict:
        """Decide about a mail on its original header; `peer` is an address or the name of a mailbox.

        Raises `Refusal`; five wrong codes lock the identity, and a peer that logged in, for a growing time.
        The answer to a locked sender is temporary: a mail server in between keeps the mail and tries again.
        """
        keys = (f"identity {claim.identity}", f"peer {peer}")
        now = self._clock()
        if seconds := max(self._lockout.locked(key, now=now) for key in keys):
            minutes = math.ceil(seconds / 60)
            raise Refusal(
                temporary(
                    "4.7.1",
                    f"Too many wrong security codes. Try again in {minutes} minute{'s' * (minutes != 1)}.",
                    retry_after=seconds,
                ),
                Reason.LOCKED,
                identity=claim.identity,
            )
        try:
            verdict = judge(claim, head, self._rules.current())
        except Refusal as refusal:
            if refusal.reason is Reason.CODE:
                self._count(claim, peer, keys, now)
            raise
        self._lockout.succeeded(keys[0])
        return verdict

    def _count(self, claim: Claim, peer: str, keys: tuple[str, str], now: float) -> None:
        tries, seconds = self._lockout.failed(keys[0], now=now)
        weight = 1.0 if claim.user else _RELAY_WEIGHT
        seconds = max(seconds, self._lockout.failed(keys[1], now=now, weight=weight)[1])
        journal.code_wrong(peer=peer, identity=claim.identity, tries=tries)
        if seconds:
            journal.locked_out(peer=peer, identity=claim.identity, seconds=seconds)
