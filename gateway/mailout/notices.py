"""Received faxes, refusals, and what the administrator is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.mailout import facts as read
from gateway.mailout import spell
from gateway.mailout.facts import Facts
from gateway.mailout.letter import Letter, Row, Tone
from gateway.model import ReceivedFax


def received(fax: ReceivedFax, zone: ZoneInfo) -> Letter:
    """A received fax; its PDF goes with it."""
    name = spell.plain(fax.caller_name, 60)
    caller = spell.number(fax.caller) if fax.caller else ""
    who = " ".join(part for part in (name, caller) if part) or "an unknown number"
    to = spell.number(fax.did) or "an unknown number"
    pages = spell.count(fax.pages, "page") if fax.pages else ""
    full = spell.e164(fax.caller)
    rows = (
        Row(label="From", value=who, href=f"tel:{full}" if full else ""),
        Row(label="Station id", value=spell.plain(fax.station_id, 40)),
        Row(label="To", value=to),
        Row(label="Pages", value=str(fax.pages) if fax.pages else ""),
        Row(label="Received", value=spell.moment(fax.received_at, zone)),
        Row(label="Duration", value=spell.duration(fax.seconds) if fax.seconds else ""),
        Row(label="Fax id", value=fax.id),
    )
    return Letter(
        subject=", ".join(part for part in (f"Fax from {who}", pages, f"to {to}") if part),
        badge="Fax received",
        title=f"Fax from {who}",
        tone=Tone.INFO,
        lead=f"A fax{' of ' + pages if pages else ''} came in for {to}. It is attached as PDF.",
        rows=tuple(row for row in rows if row.value),
    )


def file_name(fax: ReceivedFax, zone: ZoneInfo) -> str:
    """A name that sorts by time and is safe everywhere: ``2026-11-23_1412_from-5552341234_3p.pdf``."""
    at = datetime.fromtimestamp(fax.received_at, zone)
    caller = "".join(char for char in fax.caller if char in "0123456789")[:20] or "unknown"
    pages = f"_{fax.pages}p" if fax.pages else ""
    return f"{at:%Y-%m-%d_%H%M}_from-{caller}{pages}.pdf"


def refusal(facts: Facts) -> Letter:
    """A polled mail was not accepted."""
    subject = read.text(facts, "subject", 200)
    status = read.text(facts, "status", 20)
    return Letter(
        subject="Not faxed" + (f": {subject}" if subject else ""),
        badge="Not faxed",
        title="Your mail was not faxed",
        tone=Tone.BAD,
        lead=read.text(facts, "sentence", 600) or "The gateway did not accept your mail.",
        advice="Nothing was sent. Once that is put right, send your mail again.",
        rows=(Row(label="Status", value=status),) if status else (),
    )


@dataclass(frozen=True, slots=True)
class _About:
    """The fixed words of one kind of alert."""

    subject: str
    lead: str
    advice: str


_ABOUT: Mapping[str, _About] = {
    "account": _About(
        "The VoIP.ms account needs attention",
        "VoIP.ms refuses to work for this account. Faxes wait in the queue and are not lost.",
        "Correct this in the VoIP.ms portal or in the configuration.",
    ),
    "outage": _About(
        "VoIP.ms does not answer",
        "Call after call to VoIP.ms fails. Faxes wait in the queue and go out by themselves when it answers "
        "again, but not after their deadline.",
        "Look whether this host reaches the internet, and whether VoIP.ms reports trouble. fax-gateway "
        "status shows how long the queue has waited.",
    ),
    "fax_held": _About(
        "A fax is on hold",
        "Nothing proves whether this fax arrived. It is not sent again by itself, and its sender knows.",
        "Look at the SENT folder in the VoIP.ms portal, then tell the gateway: fax-gateway queue show shows "
        "the fax, fax-gateway queue resolve settles it.",
    ),
    "fax_unconfirmed": _About(
        "A fax stays unconfirmed",
        "Nothing proves whether this fax arrived: nobody settled it in time, or it could not be sent again. "
        "Its sender was told to ask the recipient.",
        "",
    ),
    "imap_held": _About(
        "Mail in a polled mailbox is on hold",
        "The gateway cannot tell what to do with mail in a mailbox that it polls. It neither faxes nor moves "
        "it, and takes newer mail as ever.",
        "Look at the mail in its folder. To fax it, move it to another folder and back: that makes it new.",
    ),
    "lockout": _About(
        "Somebody guesses a security code",
        "Mails under one name kept coming with a wrong security code. That name is locked for a while.",
        "Ask the sender. If it was somebody else, choose a longer code, or let the sender log in: strangers "
        "cannot lock a name that is proved. You are told once a day at most.",
    ),
    "notice_undeliverable": _About(
        "A notice cannot be delivered",
        "The mail server refused a notice about a fax for good. Its sender does not know the result.",
        "Tell the sender yourself; fax-gateway queue show shows the fax.",
    ),
    "received_parked": _About(
        "A received fax waits for you",
        "A received fax could not be passed on and is set aside. It is still stored at VoIP.ms.",
        "fax-gateway inbox show shows the fax. Remove the cause, then fax-gateway inbox remail delivers it.",
    ),
}
_ANYTHING = _About("The gateway needs attention", "Something needs a person.", "Look into the gateway's log.")

_SHOWN = (
    ("fax_id", "Fax id"),
    ("received_id", "Fax id"),
    ("mailbox", "Mailbox"),
    ("folder", "Folder"),
    ("count", "Mails"),
    ("sender", "Sender"),
    ("recipient", "Recipient"),
    ("kind", "Notice"),
    ("status", "Status"),
    ("code", "Code"),
)
"""Facts that an alert may show. A list of what is allowed: no subject or note ever slips through."""


def alert(facts: Facts, zone: ZoneInfo) -> Letter:
    """Something for the administrator. Never a subject, never what a sender wrote."""
    about = _ABOUT.get(read.text(facts, "about"), _ANYTHING)
    reason = read.text(facts, "reason", 600) or read.text(facts, "sentence", 600)
    received_at = read.moment(facts, "received_at")
    rows = [
        Row(label=label, value=spell.number(number))
        for key, label in (("number", "To"), ("did", "To"))
        if (number := read.text(facts, key, 40))
    ]
    rows += [
        Row(label=label, value=value)
        for key, label in _SHOWN
        if (value := read.text(facts, key, 254) or str(read.whole(facts, key) or ""))
    ]
    if received_at is not None:
        rows.append(Row(label="Received", value=spell.moment(received_at, zone)))
    return Letter(
        subject=f"Fax gateway: {about.subject}",
        badge="For the administrator",
        title=about.subject,
        tone=Tone.WARN,
        lead=f"{about.lead} Reason: {reason}" if reason else about.lead,
        advice=about.advice,
        rows=tuple(rows),
    )
