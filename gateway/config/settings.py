"""The whole configuration as one frozen value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, SecretStr

from gateway.config.account import Document, Fax, Gateway, Receive, Route, SenderRules, User, Voipms
from gateway.config.mail import Log, Mail, Mailbox, SenderRule, Smtp
from gateway.config.storage import Retention, Storage
from gateway.config.types import NotText, Section


class Settings(Section):
    """Everything the file may say; attributes are plural where it repeats a table (``[[sender]]``)."""

    gateway: Gateway = Gateway()
    store: Storage = Storage()
    voipms: Voipms = Voipms()
    smtp: Smtp = Smtp()
    users: Annotated[tuple[User, ...], NotText] = Field(default=(), alias="user")
    sender_rules: SenderRules = SenderRules()
    senders: Annotated[tuple[SenderRule, ...], NotText] = Field(default=(), alias="sender")
    mailboxes: Annotated[tuple[Mailbox, ...], NotText] = Field(default=(), alias="mailbox")
    document: Document = Document()
    fax: Fax = Fax()
    receive: Receive = Receive()
    routes: Annotated[tuple[Route, ...], NotText] = Field(default=(), alias="route")
    mail: Mail = Mail()
    retention: Retention = Retention()
    log: Log = Log()

    @property
    def mail_sender(self) -> str:
        """From address of our mails: `Mail.sender`, else ``fax@`` the first domain or this host."""
        if self.mail.sender:
            return self.mail.sender
        return f"fax@{self.gateway.domains[0] if self.gateway.domains else self.gateway.host}"

    def secrets(self) -> Iterator[str]:
        """Every secret in the configuration, for whoever must keep them out of sight."""
        owners = (self.voipms, self.store, self.mail, *self.mailboxes, *self.senders)
        for owner in owners:
            for value in (getattr(owner, field) for field in type(owner).model_fields):
                if isinstance(value, SecretStr) and value.get_secret_value():
                    yield value.get_secret_value()
        if self.store.password:
            yield self.store.password
        yield from (user.password_hash for user in self.users)


def from_dict(data: Mapping[str, Any]) -> Settings:
    """Settings from a dictionary shaped like the file, for the demo and for tests.

    Checks each value, not how they fit together; `gateway.config.load` does both. Raises pydantic's
    ValidationError, which hides the values.
    """
    return Settings.model_validate(data)
