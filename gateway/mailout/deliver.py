"""Takes one outbox mail where it belongs: to the mail server, or to the provider's own mailer."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

from gateway import journal
from gateway.config import Settings
from gateway.errors import GatewayError, Kind, permanent, temporary
from gateway.mailout import relay
from gateway.mailout.compose import Context, compose, recipients
from gateway.model import MailKind, OutboxMail, ReceivedFax, Via
from gateway.store import Store
from gateway.store import received as received_faxes
from gateway.voipms import Client
from gateway.worker.outcomes import Accepted, Later, MailOutcome, Undeliverable


class Deliverer:
    """Delivers outbox mails, one step each. Steps may run side by side."""

    def __init__(self, *, settings: Settings, store: Store, client: Client | None) -> None:
        mail = settings.mail
        self._store = store
        self._client = client
        self._context = Context(
            name=settings.gateway.name,
            sender=settings.mail_sender,
            admins=settings.gateway.admin,
            zone=ZoneInfo(settings.voipms.timezone),
        )
        self._relay = relay.Relay(
            host=mail.host,
            port=mail.port,
            tls=mail.tls,
            hello=settings.gateway.host,
            timeout=mail.timeout,
            username=mail.username,
            password=mail.password.get_secret_value(),
            ca_file=mail.ca_file,
        )

    async def step(self, mail: OutboxMail) -> MailOutcome:
        """One delivery attempt.

        At least once: a lost answer is followed by another attempt, with the same Message-ID where the mail
        is ours. `mailFaxMessagePDF` has no such id; its second mail is a harmless copy.
        """
        try:
            if mail.via is Via.PROVIDER:
                return await self._by_provider(mail)
            return await self._by_smtp(mail)
        except GatewayError as error:
            failure = error.failure
            if failure.kind is Kind.PERMANENT:
                return Undeliverable(failure=failure)
            return Later(failure=failure)

    async def _by_provider(self, mail: OutboxMail) -> MailOutcome:
        if self._client is None:
            raise GatewayError(temporary("4.3.5", "No VoIP.ms account is configured to mail this fax."))
        fax = await self._fax(mail)
        await self._client.mail_fax_message_pdf(id=fax.provider_id, email=mail.recipient)
        return Accepted()

    async def _by_smtp(self, mail: OutboxMail) -> MailOutcome:
        to = recipients(mail, self._context)
        if not to:
            journal.mail_failed(
                item_id=mail.key, recipient="gateway.admin", reason="nobody is configured there", final=True
            )
            return Accepted()
        fax = pdf = None
        if mail.kind is MailKind.RECEIVED:
            fax = await self._fax(mail)
            pdf = await asyncio.to_thread(self._pages, fax)
        message = await asyncio.to_thread(compose, mail, self._context, received=fax, pdf=pdf)
        addresses = tuple(address.addr_spec for address in message["To"].addresses)
        report = await relay.send(
            self._relay,
            relay.Parcel(
                # A received fax comes from us and its bounce must be seen; a notice never causes another one.
                sender=self._context.sender if mail.kind is MailKind.RECEIVED else "",
                recipients=addresses,
                content=await asyncio.to_thread(message.as_bytes),
                utf8=not all(address.isascii() for address in addresses),
            ),
        )
        if report.reached:
            journal.relay_recovered(relay=self._relay.name)
        elif report.failure is not None:
            journal.relay_trouble(relay=self._relay.name, reason=report.failure.code)
        for refused in report.refused:
            journal.mail_failed(item_id=mail.key, recipient=refused, reason="refused", final=True)
        if report.failure is not None:
            raise GatewayError(report.failure)
        return Accepted()

    async def _fax(self, mail: OutboxMail) -> ReceivedFax:
        return await self._store.read(lambda tx: received_faxes.get(tx, mail.received_id))

    def _pages(self, fax: ReceivedFax) -> bytes:
        """Our own copy, exactly as it was fetched. Blocks."""
        if fax.content is None:
            raise GatewayError(permanent("5.3.0", "The received fax is not stored; fetch it again."))
        try:
            whole = self._store.inbox.matches(fax.content, fax.digest)
            pdf = self._store.inbox.read(fax.content) if whole else b""
        except FileNotFoundError:
            whole, pdf = False, b""
        except OSError as error:
            raise GatewayError(
                temporary(
                    "4.3.0", "The stored copy of the fax cannot be read just now.", code=type(error).__name__
                )
            ) from error
        if not whole:
            raise GatewayError(
                permanent("5.3.0", "The stored copy of the fax is missing or damaged; fetch it again.")
            )
        return pdf
