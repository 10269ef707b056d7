"""From the facts of an outbox row to a message. Pure: the same row always makes the same bytes.

A mail is delivered at least once, so what may arrive twice is recognisably the same: one Message-ID, one
Date, one content. Notices follow RFC 3834: Auto-Submitted, the thread of the mail that they answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from zoneinfo import ZoneInfo

from gateway.errors import GatewayError, permanent
from gateway.mailout import fax_letters, notices
from gateway.mailout.facts import FaxFacts
from gateway.mailout.letter import Letter, as_html, as_text
from gateway.mailout.spell import plain
from gateway.model import MailKind, OutboxMail, ReceivedFax
from gateway.store.outbox import ADMIN

_SUBJECT_LIMIT = 250
_MESSAGE_ID = re.compile(r"<(?![^<>]*=\?)[!-;=?-~]{3,400}>")
"""Printable and short enough for a line of its own; an encoded word inside would be decoded by the header."""
_REFERENCES_LIMIT = 12
"""Ids kept of a thread: the first and the newest ones (RFC 5322, 3.6.4 allows more; some relays do not)."""
_THREAD_HEADERS = frozenset({"in-reply-to", "references", "message-id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is the same for every mail of this installation."""

    name: str
    """Display name of our address."""
    sender: str
    """Our address. Its domain is the right side of our Message-IDs."""
    admins: tuple[str, ...]
    zone: ZoneInfo
    """Of the times that people read."""

    @property
    def domain(self) -> str:
        """Not the host's name: a second delivery may be another node's, and is the same mail all the same."""
        return self.sender.rpartition("@")[2]


class _Policy(EmailPolicy):
    """SMTP's line ends; Message-IDs are folded between ids and never encoded.

    The standard policy turns an id that is longer than a line into encoded words, which breaks the thread.
    """

    def fold(self, name: str, value: str) -> str:
        if name.lower() in _THREAD_HEADERS:
            return f"{name}: {(self.linesep + ' ').join(str(value).split())}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _THREAD_HEADERS:
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n", max_line_length=78, cte_type="7bit", raise_on_defect=False)
_POLICY_UTF8 = _POLICY.clone(utf8=True)


def recipients(mail: OutboxMail, context: Context) -> tuple[str, ...]:
    """The mailboxes that a mail goes to; none when no administrator is configured."""
    return context.admins if mail.recipient == ADMIN else (mail.recipient,)


def compose(
    mail: OutboxMail,
    context: Context,
    *,
    received: ReceivedFax | None = None,
    pdf: bytes | None = None,
) -> EmailMessage:
    """Write a mail.

    Args:
        mail: The outbox row.
        context: Who we are.
        received: The fax, for `MailKind.RECEIVED`.
        pdf: Its pages.

    Raises:
        GatewayError: the recipient is no mail address (permanent, 5.1.3).
        ValueError: a received fax without its fax or pages.
    """
    to = [_address(recipient) for recipient in recipients(mail, context)]
    utf8 = not all(address.addr_spec.isascii() for address in to)
    message = EmailMessage(policy=_POLICY_UTF8 if utf8 else _POLICY)
    letter = _letter(mail, context, received)
    message["From"] = Address(plain(context.name, 60), addr_spec=context.sender)
    message["To"] = to
    message["Subject"] = _subject(letter)
    message["Date"] = datetime.fromtimestamp(int(mail.created), context.zone)
    message["Message-ID"] = f"<{mail.message_id}@{context.domain}>"
    if thread := _thread(mail):
        message["In-Reply-To"] = thread[-1]
        message["References"] = " ".join(thread)
    message["Auto-Submitted"] = (
        "auto-generated" if mail.kind in (MailKind.RECEIVED, MailKind.ALERT) else "auto-replied"
    )
    _fill(message, letter, context)
    if mail.kind is MailKind.RECEIVED:
        if received is None or pdf is None:
            raise ValueError("a received fax is mailed with its pages")
        name = notices.file_name(received, context.zone)
        message.add_attachment(pdf, maintype="application", subtype="pdf", filename=name)
    _settle_boundaries(message, mail.message_id)
    return message


def _letter(mail: OutboxMail, context: Context, received: ReceivedFax | None) -> Letter:
    match mail.kind:
        case MailKind.RECEIPT:
            return fax_letters.receipt(FaxFacts.read(mail.facts), context.zone)
        case MailKind.HELD:
            return fax_letters.held(FaxFacts.read(mail.facts), context.zone)
        case MailKind.DUPLICATE:
            return fax_letters.duplicate(FaxFacts.read(mail.facts))
        case MailKind.REFUSAL:
            return notices.refusal(mail.facts)
        case MailKind.ALERT:
            return notices.alert(mail.facts, context.zone)
        case MailKind.RECEIVED:
            if received is None:
                raise ValueError("a received fax is mailed with its pages")
            return notices.received(received, context.zone)


def _subject(letter: Letter) -> str:
    # The header class would decode encoded words inside a subject, and with them line ends.
    return plain(letter.subject, _SUBJECT_LIMIT).replace("=?", "= ?")


def _address(recipient: str) -> Address:
    """A mailbox for the To header. The domain goes in its ASCII form (IDNA), the local part as it is."""
    local, _, domain = recipient.rpartition("@")
    refusal = GatewayError(permanent("5.1.3", "The address of this mail's recipient is not a mail address."))
    if not local or not domain or plain(recipient, 320) != recipient:
        raise refusal
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
        if not local.isascii():
            return Address(username=local, domain=ascii_domain)  # the parser knows no RFC 6532
        return Address(addr_spec=f"{local}@{ascii_domain}")
    except (ValueError, IndexError, HeaderParseError):
        raise refusal from None


def _thread(mail: OutboxMail) -> Sequence[str]:
    """Ids of the thread that this mail belongs to, the one it answers last. RFC 5322, 3.6.4."""
    answered = _MESSAGE_ID.findall(str(mail.facts.get("in_reply_to") or ""))[:1]
    if not answered:
        return ()
    before = _MESSAGE_ID.findall(str(mail.facts.get("references") or "")[:20_000])
    chain = [id_ for id_ in dict.fromkeys(before) if id_ != answered[0]]
    if len(chain) >= _REFERENCES_LIMIT:
        chain = [chain[0], *chain[2 - _REFERENCES_LIMIT :]]
    return [*chain, answered[0]]


def _fill(message: EmailMessage, letter: Letter, context: Context) -> None:
    signature = f"{plain(context.name, 60)}, {context.domain}"
    # Quoted-printable whatever the content: lines stay short, and no relay needs 8BITMIME.
    message.set_content(as_text(letter, signature), cte="quoted-printable")
    message.add_alternative(as_html(letter, signature), subtype="html", cte="quoted-printable")


def _settle_boundaries(message: EmailMessage, message_id: str) -> None:
    """Boundaries that are the same at each composing; ``=_`` occurs in no encoded body."""
    for ordinal, part in enumerate(message.walk()):
        if part is not message:
            del part["MIME-Version"]  # belongs to the message alone (RFC 2045, 4)
        if part.is_multipart():
            part.set_boundary(f"=_{ordinal}_{message_id}"[:70])
