"""One call of a function: its parameters, and the checks that many functions share."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.simulator.account import Account, Message
from gateway.simulator.fate import Fate
from gateway.simulator.ledger import Record
from gateway.simulator.statuses import Refused
from gateway.simulator.world import World

Result = dict[str, object]

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
_EMAIL = re.compile(r"[^@\s<>\",;]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(slots=True, kw_only=True)
class Call:
    """One call. Every check raises `Refused` with the status the service would give."""

    world: World
    params: Mapping[str, str]
    fate: Fate
    record: Record
    client: str

    @property
    def account(self) -> Account:
        """The account that was logged into."""
        return self.world.account

    @property
    def test(self) -> bool:
        """Check everything and change nothing."""
        return not self.fate.accepted or self.params.get("test", "").lower() not in FALSE

    def get(self, name: str) -> str:
        """A parameter, empty if it was left out."""
        return self.params.get(name, "").strip()

    def need(self, name: str, missing: str) -> str:
        """A required parameter."""
        if not (value := self.get(name)):
            raise Refused(missing)
        return value

    def need_id(self, name: str = "id", missing: str = "missing_id", invalid: str = "invalid_id") -> str:
        """A required id: digits."""
        value = self.need(name, missing)
        if not (value.isascii() and value.isdigit()):
            raise Refused(invalid)
        return value

    def flag(self, name: str, invalid: str) -> bool:
        """A flag; left out it is 0, as the documentation says."""
        value = self.get(name).lower()
        if value in TRUE:
            return True
        if value in FALSE:
            return False
        raise Refused(invalid)

    def email(self, name: str) -> str:
        """An optional mail address."""
        value = self.get(name)
        if value and not _EMAIL.fullmatch(value):
            raise Refused("invalid_email")
        return value

    def message(self, name: str = "id") -> Message:
        """The message a required id names."""
        wanted = self.need_id(name)
        found = self.account.message(wanted, self.world.clock.seconds())
        if found is None:
            raise Refused("invalid_fax_id")
        return found

    def date(self, name: str) -> date:
        """A day of the server; today if it was left out."""
        value = self.get(name)
        if not value:
            return self.world.clock.today(self.world.wire.zone)
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise Refused("invalid_date")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise Refused("invalid_date") from None

    def file(self, name: str) -> bytes:
        """A required file in strict base64."""
        text = self.need(name, "missing_file")
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise Refused("no_base64file") from None
        if not data:
            raise Refused("no_base64file")
        return data

    def note_pages(self, pages: int) -> None:
        """Write the page count of the uploaded file into the ledger."""
        file = self.record.params.get("file")
        if isinstance(file, dict):
            file["pages"] = pages

    def rows(self, name: str, rows: Sequence[object], empty: str) -> Result:
        """A list, or the status that stands for an empty one."""
        if not rows and not self.world.wire.missing_lists:
            raise Refused(empty)
        return success({name: rows})


def success(fields: Mapping[str, object] | None = None) -> Result:
    """``{"status": "success", …}``."""
    return {"status": "success", **(fields or {})}


def digits(number: str) -> str:
    """A number as the account writes it: separators, ``+1`` and a leading 1 of eleven digits dropped."""
    bare = re.sub(r"[\s().+-]", "", number)
    return bare[1:] if len(bare) == 11 and bare.startswith("1") else bare
