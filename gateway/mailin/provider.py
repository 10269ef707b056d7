"""The rules in force: fixed ones from the configuration, or the account's list, refreshed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway import journal
from gateway.config import Settings
from gateway.errors import GatewayError, temporary
from gateway.mailin.rules import AccountRow, Rules, rules_from_account, rules_from_config

Fetch = Callable[[], Awaitable[Sequence[AccountRow]]]


class RulesProvider:
    """Holds the current `Rules`. While the account cannot be read, the last good ones stay in force."""

    def __init__(self, settings: Settings, *, fetch: Fetch) -> None:
        """`fetch` is ``getEmailToFax``; it is called only with ``sender_rules.source = "account"``."""
        self._fetch = fetch if settings.sender_rules.source == "account" else None
        self._rules = None if self._fetch else rules_from_config(settings.senders)
        self._codes: dict[str, tuple[str, ...]] = {}
        self._refreshing = asyncio.Lock()
        if self._rules is not None:
            self._remember(self._rules)

    def current(self) -> Rules:
        """The rules in force. Raises `GatewayError` (temporary, 4.3.0) before the account was read once."""
        if self._rules is None:
            raise GatewayError(
                temporary(
                    "4.3.0", "The list of permitted senders is not known yet. Try again in a few minutes."
                )
            )
        return self._rules

    def codes(self, rule_name: str) -> tuple[str, ...]:
        """Every code that a rule had since the daemon started: words that must not reach a page.

        A document may be rendered after its rule's code was changed. Raises as `current` does.
        """
        self.current()
        return self._codes.get(rule_name, ())

    async def refresh(self) -> None:
        """Read the account's list again; trouble is logged once and changes nothing."""
        if self._fetch is None:
            return
        async with self._refreshing:
            try:
                rules = rules_from_account(await self._fetch())
            except GatewayError as error:
                journal.rules_trouble(reason=error.failure.code or error.failure.status)
                return
            journal.rules_recovered()
            self._remember(rules)
            self._rules = rules

    def _remember(self, rules: Rules) -> None:
        for rule in rules:
            if rule.code is not None:
                journal.register_secret(rule.code)
                known = self._codes.get(rule.name, ())
                self._codes[rule.name] = tuple(dict.fromkeys((*known, rule.code)))
