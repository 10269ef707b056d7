"""The world of one simulator: account, line, time, wire, and the knobs of the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from gateway.simulator.account import INBOX, SENT, Account, Charge, Message
from gateway.simulator.clock import Clock, Timeline
from gateway.simulator.deliveries import Callback, Deliveries
from gateway.simulator.encode import WireMode
from gateway.simulator.fate import Ending
from gateway.simulator.ledger import Ledger
from gateway.simulator.life import Life, Pace, cost, finished
from gateway.simulator.line import Line
from gateway.simulator.papers import Paper
from gateway.simulator.rows import Caller, Phone
from gateway.simulator.sample import stranger
from gateway.simulator.waiting import Changes

SECONDS_PER_PAGE = 38
"""Of a fax that came in; the documentation's example has two pages in 1:16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Knobs of the service. What is not publicly known about it is one of them."""

    api_enabled: bool = True
    allowed_ips: tuple[str, ...] | None = None
    """Addresses, networks and ``192.168.1.*``; None allows all."""
    maintenance: frozenset[str] = frozenset()
    """Functions that answer ``method_maintenance``."""
    calls_per_minute: int | None = None
    faxes_per_day: int | None = None
    max_file_bytes: int = 10_000_000
    """Of the decoded file. The real limit is not published."""
    strict_names: bool = True
    """``from_name`` is letters, digits and spaces only, as the text of ``invalid_name`` says."""
    international: bool = False
    """Destinations beyond ten digits are accepted."""
    id_ignores_dates: bool = True
    """`getFaxMessages` with an id finds it whatever its date."""
    list_system_folders: bool = True
    """`getFaxFolders` shows INBOX and SENT."""
    rate: Decimal = Decimal("0.029")
    """US dollars for a minute, both ways."""
    monthly: Decimal = Decimal("1.99")
    """US dollars for a new number."""
    callback_retry_every: float = 1800.0
    """Line seconds between two tries of a callback."""
    pace: Pace = field(default_factory=Pace)


@dataclass(slots=True, kw_only=True)
class World:
    """All that the functions work on."""

    account: Account
    service: Service
    clock: Clock
    timeline: Timeline
    line: Line
    ledger: Ledger
    deliveries: Deliveries
    changes: Changes
    wire: WireMode

    def put(
        self,
        *,
        folder: str,
        caller: Caller,
        station_id: str,
        destination: str,
        paper: Paper,
        life: Life,
        origin: str,
        changing_ids: bool = False,
        arriving: bytes = b"",
        upload: str = "",
    ) -> Message:
        """A new message in a folder."""
        message = Message(
            number=self.account.next_id(),
            folder=folder,
            date=self.clock.now(),
            caller=caller,
            station_id=station_id,
            destination=Phone(destination),
            outbound=folder == SENT,
            pdf=paper.pdf,
            pages=paper.pages,
            life=life,
            changing_ids=changing_ids,
            origin=origin,
            arriving=arriving,
            upload=upload,
        )
        self.account.messages[message.number] = message
        self.changes.notify()
        return message

    def receive(self, *, to: str, caller: Caller, station_id: str, paper: Paper) -> Message:
        """A fax comes in for one of the account's numbers: INBOX, money, mail and callback.

        Raises:
            LookupError: `to` is not a number of the account.
        """
        number = self.account.number(to)
        if number is None:
            raise LookupError(f"{to} is not a fax number of this account")
        seconds = float(SECONDS_PER_PAGE * paper.pages)
        message = self.put(
            folder=INBOX,
            caller=caller,
            station_id=station_id,
            destination=to,
            paper=paper,
            life=finished(paper.pages, seconds, self.clock.seconds()),
            origin="received",
        )
        self.account.charge(
            Charge(at=message.date, amount=cost(seconds, self.service.rate), seconds=seconds, call=True)
        )
        if number.email_enabled and number.email:
            self.deliveries.start(
                self.deliveries.mail(
                    to=number.email,
                    subject=f"VoIP.ms - Fax received from {caller.number}",
                    text=f"You have received a fax of {paper.pages} page(s) from {caller.number} on {to}.\n",
                    message=str(message.number),
                    pdf=paper.pdf if number.attach_file else None,
                )
            )
        if number.url_enabled and number.url:
            self.deliveries.start(
                self.deliveries.call_back(
                    Callback(
                        url=number.url,
                        retry=number.retry,
                        message=str(message.number),
                        sender=caller.number,
                        recipient=to,
                        pdf=paper.pdf,
                    )
                )
            )
        return message

    def put_stranger(
        self, *, destination: str, sender: str, pages: int, ending: Ending, delay: float
    ) -> None:
        """Somebody else's row in SENT, with the same number and pages, `delay` line seconds from now."""
        status, msg = self.service.pace.endings[ending]
        now = self.clock.seconds()
        self.put(
            folder=SENT,
            caller=Caller(number=Phone(sender)),
            station_id="",
            destination=destination,
            paper=Paper(pdf=stranger(pages), pages=pages),
            life=finished(
                pages if ending is Ending.SUCCESS else 0,
                float(SECONDS_PER_PAGE * pages),
                now,
                status=status,
                msg=msg,
                shown_at=now + delay,
            ),
            origin="stranger",
        )

    def deliver_sent(self, message: Message) -> None:
        """What a finished call leaves behind: its cost, and the pages at the other side if that is ours."""
        if message.number not in self.account.messages:
            return
        connected = message.life.end.connected
        if connected:
            self.account.charge(
                Charge(
                    at=self.clock.now(),
                    amount=cost(connected, self.service.rate),
                    seconds=connected,
                    call=True,
                )
            )
        through = message.life.delivered_pages
        if through and self.account.number(message.destination) is not None:
            self.receive(
                to=message.destination,
                caller=message.caller,
                station_id=message.station_id,
                paper=Paper(pdf=message.arriving, pages=through),
            )
        self.changes.notify()
