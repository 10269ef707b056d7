"""Sender rules, compiled from the configuration or from the account's Email-to-Fax list. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.config import SenderRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may fax, and within which limits; fields as in ``[[sender]]``."""

    name: str
    code: str | None = field(default=None, repr=False)
    code_required: bool = True
    """With no `code` set, nobody can fulfil this."""
    from_number: str = ""
    from_name: str = ""
    station_id: str = ""
    max_pages: int | None = None
    max_recipients: int | None = None
    allow: tuple[str, ...] = ("*",)
    resend_unknown: bool = False
    receipts: Literal["all", "failures"] = "all"


class AccountRow(Protocol):
    """What is needed of a row of ``getEmailToFax`` (`gateway.voipms.results.EmailToFax`)."""

    @property
    def id(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def email(self) -> str: ...
    @property
    def security_code(self) -> str: ...
    @property
    def security_code_enabled(self) -> bool: ...
    @property
    def from_(self) -> str: ...


class Rules:
    """The rules that hold now, looked up by who sends."""

    def __init__(self, entries: Iterable[tuple[Rule, Sequence[str], Sequence[str]]] = ()) -> None:
        """`entries`: a rule, its address patterns (``a@b``, ``*@b``, ``*``), its AUTH users."""
        self._users: dict[str, Rule] = {}
        self._addresses: dict[str, Rule] = {}
        self._by_name: dict[str, Rule] = {}
        for rule, addresses, users in entries:
            self._by_name[rule.name] = rule
            for user in users:
                self._users.setdefault(user.lower(), rule)
            for address in addresses:
                self._addresses.setdefault(address.lower(), rule)

    def of_user(self, user: str) -> Rule | None:
        """The rule of an AUTH user; one whose name is a mail address may be meant by its address."""
        return self._users.get(user.lower()) or (self.of_address(user) if "@" in user else None)

    def speaks_for(self, rule: Rule, address: str) -> bool:
        """Whether who comes under `rule` may send as `address`: one of the rule's, if it names any."""
        return rule not in self._addresses.values() or self.of_address(address) is rule

    def of_address(self, address: str) -> Rule | None:
        """The rule of a mail address: the most specific pattern wins."""
        address = address.lower()
        domain = address.rpartition("@")[2]
        for pattern in (address, f"*@{domain}", "*"):
            if (rule := self._addresses.get(pattern)) is not None:
                return rule
        return None

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._by_name.values())


def rules_from_config(senders: Iterable[SenderRule]) -> Rules:
    """Rules from ``[[sender]]``."""
    return Rules(
        (
            Rule(
                name=sender.name,
                code=sender.code.get_secret_value() if sender.code is not None else None,
                code_required=sender.code_required,
                from_number=sender.from_number,
                from_name=sender.from_name,
                station_id=sender.station_id,
                max_pages=sender.max_pages,
                max_recipients=sender.max_recipients,
                allow=sender.allow,
                resend_unknown=sender.on_unknown == "resend",
                receipts=sender.receipts,
            ),
            sender.addresses,
            sender.users,
        )
        for sender in senders
    )


def rules_from_account(rows: Iterable[AccountRow]) -> Rules:
    """Rules from ``getEmailToFax``, as the provider's own service would apply them.

    Only exact addresses count; a row without one, or with an empty code that is switched on, admits nobody.
    """
    return Rules(
        (
            Rule(
                name=f"account:{row.id}",
                code=row.security_code.strip() or None if row.security_code_enabled else None,
                code_required=row.security_code_enabled,
                from_number=row.from_,
            ),
            (row.email.strip(),) if "*" not in row.email and "@" in row.email else (),
            (),
        )
        for row in rows
        if row.enabled
    )
