"""``sendFaxMessage``: the function the product exists for."""

from __future__ import annotations

import asyncio
import hashlib
import re

from gateway.simulator.account import SENT, Message
from gateway.simulator.call import Call, Result, digits, success
from gateway.simulator.fate import Stranger
from gateway.simulator.life import plan
from gateway.simulator.papers import Paper, first_pages, to_paper
from gateway.simulator.rows import Caller, Phone
from gateway.simulator.statuses import Refused

STATION_ID_CHARS = 20
"""Of a transmitting subscriber identification (ITU-T T.30)."""
_NANP = re.compile(r"[2-9][0-9]{9}")
_INTERNATIONAL = re.compile(r"[0-9]{7,18}")
_NAME = re.compile(r"[A-Za-z0-9 ]+")


async def send_fax_message(call: Call) -> Result:
    """``sendFaxMessage``: checks, then a fax that lives as its fate says. The answer names no id."""
    world, service = call.world, call.world.service
    to = digits(call.need("to_number", "missing_number"))
    name = call.need("from_name", "missing_name")
    sender = digits(call.need("from_number", "missing_number"))
    call.need("file", "missing_file")
    if not _NANP.fullmatch(to) and not (service.international and _INTERNATIONAL.fullmatch(to)):
        raise Refused("invalid_to_number")
    if service.strict_names and not _NAME.fullmatch(name):
        raise Refused("invalid_name")
    if call.account.number(sender) is None:
        raise Refused("invalid_from_number")
    copy_to = call.email("send_email")
    if call.flag("send_email_enabled", "invalid_email_enable") and not copy_to:
        raise Refused("missing_email")
    data = call.file("file")
    if len(data) > service.max_file_bytes:
        raise Refused("exceeds_file_size")
    paper = await asyncio.to_thread(to_paper, data)
    call.note_pages(paper.pages)
    if service.faxes_per_day is not None and sent_today(call) >= service.faxes_per_day:
        raise Refused("limit_reached")
    if call.account.balance <= 0:
        raise Refused("non_sufficient_funds")
    if not call.test:
        message = accept(
            call,
            to=to,
            caller=Caller(number=Phone(sender), name=name if not name.isdecimal() else ""),
            paper=paper,
            upload=hashlib.sha256(data).hexdigest(),
        )
        if call.flag("send_email_enabled", "invalid_email_enable"):
            world.timeline.at(message.life.end.at, lambda: _mail_copy(call, message, copy_to))
    return success()


def accept(call: Call, *, to: str, caller: Caller, paper: Paper, upload: str) -> Message:
    """Make the fax, its future and the strangers its fate brings."""
    world, fate = call.world, call.fate
    pace = world.service.pace
    life = plan(fate, paper.pages, world.clock.seconds(), pace)
    arriving = first_pages(paper.pdf, life.delivered_pages) if life.delivered_pages else b""
    row_delay = pace.row_delay if fate.row_delay is None else fate.row_delay
    stranger_delay = {
        Stranger.BEFORE: 0.0,
        Stranger.DURING: row_delay + pace.queue,
        Stranger.INSTEAD: row_delay,
    }.get(fate.stranger)
    if stranger_delay is not None:
        world.put_stranger(
            destination=to,
            sender=caller.number,
            pages=paper.pages,
            ending=fate.stranger_ending,
            delay=stranger_delay,
        )
    message = world.put(
        folder=SENT,
        caller=caller,
        station_id=call.get("station_id")[:STATION_ID_CHARS],
        destination=to,
        paper=paper,
        life=life,
        origin="call",
        changing_ids=fate.changing_ids,
        arriving=arriving,
        upload=upload,
    )
    day = world.clock.today(world.wire.zone).isoformat()
    world.account.sent_on[day] = world.account.sent_on.get(day, 0) + 1
    world.timeline.at(life.end.at, lambda: world.deliver_sent(message))
    call.record.accepted = True
    call.record.message = str(message.number)
    return message


def sent_today(call: Call) -> int:
    """Faxes accepted on the server's day."""
    world = call.world
    return world.account.sent_on.get(world.clock.today(world.wire.zone).isoformat(), 0)


def _mail_copy(call: Call, message: Message, to: str) -> None:
    call.world.deliveries.start(
        call.world.deliveries.mail(
            to=to,
            subject=f"VoIP.ms - Fax to {message.destination}",
            text=f"{message.life.end.status} {message.life.end.msg}".strip() + "\n",
            message=str(message.number),
            pdf=message.pdf,
        )
    )


FUNCTIONS = {"sendFaxMessage": send_fax_message}
