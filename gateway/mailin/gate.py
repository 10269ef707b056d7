"""Judges mails and remembers who guesses: the policy, the rules in force and the lockout together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

from gateway import journal
from gateway.config import Settings
from gateway.errors import temporary
from gateway.mailin.header import Head
from gateway.mailin.lockout import SHORT, Lockout
from gateway.mailin.policy import Claim, Reason, Refusal, Rule, Verdict, claimed_rule, judge, permit
from gateway.mailin.provider import RulesProvider

_RELAY_WEIGHT = 0.1
"""A believed peer is a mail server or a mailbox that many people use: it is locked after fifty failures."""

Alarm = Callable[[str, Mapping[str, str]], object]
"""Told the name of a rule and facts for the administrator when a lock is set."""


def _silent(_rule: str, _facts: Mapping[str, str]) -> None:
    """Nobody to tell."""


class Gate:
    """One for all doors, so that guesses are counted together."""

    def __init__(
        self,
        settings: Settings,
        rules: RulesProvider,
        *,
        alarm: Alarm = _silent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._alarm = alarm
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

        Raises `Refusal`; five wrong codes lock the identity, and a peer that logged in, for a growing time. A
        name that anybody can write is locked for 15 minutes at most, and never together with the proved one.
        The answer to a locked sender is temporary: a mail server in between keeps the mail and tries again.
        """
        kind = "proved" if claim.proved else "claimed"
        keys = (f"{kind} identity {claim.identity}", f"{kind} peer {peer}")
        now = self._clock()
        if seconds := max(self._lockout.locked(key, now=now) for key in keys):
            raise Refusal(
                temporary(
                    "4.7.1",
                    f"Too many wrong security codes. Try again in {_minutes(seconds)}.",
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
        failed = self._lockout.failed
        tries, seconds = failed(keys[0], now=now) if claim.proved else failed(keys[0], now=now, longest=SHORT)
        if claim.user is not None:
            by_peer = failed(keys[1], now=now)[1]
        else:  # it stands for many people
            by_peer = failed(keys[1], now=now, weight=_RELAY_WEIGHT, longest=SHORT)[1]
        seconds = max(seconds, by_peer)
        journal.code_wrong(peer=peer, identity=claim.identity, tries=tries)
        if seconds:
            journal.locked_out(peer=peer, identity=claim.identity, seconds=seconds)
            self._alarm(
                self.claimed_rule(claim).name,
                {
                    "sender": claim.identity,
                    "reason": f"Too many wrong security codes from {peer}, locked for {_minutes(seconds)}.",
                },
            )


def _minutes(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minute{'s' * (minutes != 1)}"
