"""What happens in a campaign, drawn from its seed: mails, fates of calls, and how processes end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from support.pdf_maker import PdfMaker
from support.world import CODE, DOMAIN, SENDER

_CROWD = 200
"""So many mails in a row share the numbers that several mails go to; those go one after the other."""
_CROWDED = 5
"""Numbers of each crowd."""
_FATES: Sequence[tuple[float, Any]] = (
    (50, "success"),
    (4, "busy"),
    (3, "no_answer"),
    (2, "voice"),
    (2, {"fate": "drop_after", "k": 1}),
    (2, {"fate": "partial", "k": 0}),
    (3, {"fate": "slow", "seconds": 80}),
    (4, "accepted_then_timeout"),
    (4, "accepted_then_reset"),
    (2, {"fate": "accepted_then_reset", "ending": "busy"}),
    (2, "refused_after_body"),
    (2, "close_before_body"),
    (3, {"fate": "row_delayed", "seconds": 90}),
    (1, "row_never"),
    (1, {"fate": "accepted_then_timeout", "row_shown": False}),
    (1, {"fate": "stranger_row", "when": "before"}),
    (1, {"fate": "stranger_row", "when": "during"}),
    (1, {"fate": "accepted_then_timeout", "stranger": "instead"}),
    (2, "changing_ids"),
    (2, "http_5xx"),
    (2, {"fate": "http_5xx", "accepted": True}),
    (1, "empty_200"),
    (1, {"fate": "empty_200", "accepted": True}),
    (1, "html_200"),
    (1, "null_status"),
    (1, "sent_fail"),
    (1, {"fate": "sent_fail", "accepted": True}),
    (1, "unavailable_info"),
    (1, "provider_outofservice"),
    (1, "tls_error"),
    (1, "non_sufficient_funds"),
    (1, {"status": "invalid_file"}),
    (1, {"status": "brand_new_code"}),
)
"""Weights and fates. Not `limit_reached`, `method_maintenance` and `api_limit_exceeded`: they ask for waits
of minutes to a day, which have tests of their own."""

POINTS = (
    "gateway.mailin.intake:Intake.accept:after",
    "gateway.store.intake:accept_all:before",
    "gateway.store.intake:accept_all:after",
    "gateway.store.documents:claim:after",
    "gateway.store.faxes:claim:after",
    "gateway.worker.apply:document:before",
    "gateway.worker.apply:document:after",
    "gateway.store.attempts:begin:before",
    "gateway.store.attempts:begin:after",
    "gateway.voipms:Client.send_fax_message:before",
    "gateway.voipms:Client.send_fax_message:after",
    "gateway.voipms.payload:Base64Reader.read:before",
    "gateway.voipms.payload:Base64Reader.read:after",
    "gateway.worker.apply:submit:before",
    "gateway.worker.apply:submit:after",
    "gateway.store.attempts:end:after",
    "gateway.store.attempts:rescue:before",
    "gateway.worker.apply:tracked:before",
    "gateway.worker.apply:tracked:after",
    "gateway.store.outbox:queue:after",
    "gateway.store.outbox:move:before",
    "gateway.store.outbox:move:after",
    "gateway.mailout.deliver:Deliverer.step:before",
    "gateway.mailout.deliver:Deliverer.step:after",
    "gateway.store.spool:Draft.keep:after",
    "gateway.store.spool:Spool.adopt:after",
    "gateway.store.writer:_transact:after",
)
"""Where a daemon kills itself; what is called inside of a transaction dies in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One mail, and what becomes of the calls that it makes."""

    name: str
    numbers: tuple[str, ...]
    """Ten digits each."""
    content: bytes
    fates: tuple[Any, ...]
    """Of the first calls to each number; later ones succeed."""


class Scenario:
    """Draws. Everything but the moments at which things happen is the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._mails = random.Random(f"mails {seed}")
        self._faults = random.Random(f"faults {seed}")

    def errand(self, number: int) -> Errand:
        """The mail with this number."""
        draw = self._mails
        count = draw.choices((1, 2, 3), (80, 15, 5))[0]
        numbers = [_number(3 * number + n) for n in range(count)]
        crowded = draw.random() < 0.1
        if crowded:
            crowd = number // _CROWD * _CROWDED
            numbers[0] = _number(7_000_000 + crowd + draw.randrange(_CROWDED))
        weights, fates = zip(*_FATES, strict=True)
        # Several mails to a number take its fates in turns, so those of a crowd belong to none of them.
        chosen = () if crowded else tuple(draw.choices(fates, weights, k=draw.choice((1, 1, 1, 2))))
        name = f"{self.seed}-{number}"
        return Errand(name=name, numbers=tuple(numbers), content=_mail(name, numbers), fates=chosen)

    def point(self) -> str:
        """Where the next daemon kills itself; "" for one that runs until it is killed."""
        if self._faults.random() < 0.5:
            return ""
        return f"{self._faults.choice(POINTS)}:{self._faults.choice((1, 1, 2, 5, 9))}"

    def until_the_next_fault(self, mean: float) -> float:
        """Seconds."""
        return min(self._faults.expovariate(1 / mean), 4 * mean)

    def fault(self) -> str:
        """What happens then."""
        kinds = {
            "kill": 50,
            "term": 8,
            "renderer": 12,
            "stop": 12,
            "long stop": 4,
            "provider": 7,
            "mails": 7,
            "database": 3,
            "slow disk": 4,
            "broken disk": 4,
            "full disk": 4,
            "read-only disk": 4,
            "clock": 6,
        }
        return self._faults.choices(list(kinds), list(kinds.values()))[0]

    def shift(self) -> float:
        """Seconds by which a clock is set: minutes to a day, forward or back."""
        return self._faults.choice((-1, 1)) * self._faults.choice((120.0, 3600.0, 86400.0))

    def below(self, count: int) -> int:
        """Which one of so many."""
        return self._faults.randrange(count)


def _number(n: int) -> str:
    return f"{212 + n // 8_000_000}{200 + n // 10_000 % 800}{n % 10_000:04}"


def _mail(name: str, numbers: Sequence[str]) -> bytes:
    made = PdfMaker()
    font = b"/Font<</F %d 0 R>>" % made.add(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    made.page(b"BT /F 60 Tf 60 600 Td (" + name.encode() + b") Tj ET", font)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = SENDER
    mail["To"] = ", ".join(f"{number}@{DOMAIN}" for number in numbers)
    mail["Subject"] = f"{CODE} {name}"
    mail["Message-ID"] = f"<{name}@clinic.example.com>"
    mail["Date"] = "Fri, 27 Nov 2026 12:00:00 +0000"
    mail.set_content("")
    mail.add_attachment(made.bytes(), maintype="application", subtype="pdf", filename="page.pdf")
    return mail.as_bytes()
