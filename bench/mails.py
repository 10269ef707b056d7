"""Mails that the gateway takes: the right sender, the code in the subject, and a Message-ID of their own."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from bench.load import Mail

DOMAIN = "fax.example.com"
SENDER = "anna@clinic.example.com"
CODE = "K7Q2ZZ"
_PLACE = "@message-id@"
_count = itertools.count(1)


class Mails:
    """Copies of one mail, each with a Message-ID and a destination that no other mail of this process has."""

    def __init__(self, template: EmailMessage) -> None:
        template["From"], template["To"] = SENDER, f"fax@{DOMAIN}"
        template["Subject"], template["Date"] = f"{CODE} Invoice 7", formatdate()
        template["Message-ID"] = _PLACE
        self._before, self._after = template.as_bytes(policy=SMTP).split(_PLACE.encode(), 1)

    def __next__(self) -> Mail:
        number = next(_count)
        return Mail(
            sender=SENDER,
            recipient=f"{destination(number)}@{DOMAIN}",
            content=(self._before, b"<%d@clinic.example.com>" % number, self._after),
        )

    def __iter__(self) -> Iterator[Mail]:
        return self


def destination(number: int) -> str:
    """The number-th telephone number outside the simulator's account, ten digits."""
    return f"555{3_000_000 + number}"


def text_mails(size: int) -> Mails:
    """Mails of about `size` bytes of text."""
    mail = EmailMessage(policy=SMTP)
    words = random.Random(7)  # noqa: S311 - no secret
    lines = ["".join(words.choices("abcdefghij klmnopqrst ", k=70)) for _ in range(size // 72)]
    mail.set_content("\n".join(lines) + "\n")
    return Mails(mail)


def file_mails(content: bytes) -> Mails:
    """Mails with one attached PDF and no text."""
    mail = EmailMessage(policy=SMTP)
    mail.set_content("")
    mail.add_attachment(content, maintype="application", subtype="pdf", filename="invoice.pdf")
    return Mails(mail)
