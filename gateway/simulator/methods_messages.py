"""Functions about fax messages: list, fetch, mail, move, delete."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway.simulator.account import Message
from gateway.simulator.call import Call, Result, success
from gateway.simulator.life import cost
from gateway.simulator.redraw import redraw
from gateway.simulator.rows import FaxRow, Label, Note
from gateway.simulator.statuses import Refused

MAX_DAYS = 92
ALL_FOLDERS = "ALL"


async def get_fax_messages(call: Call) -> Result:
    """``getFaxMessages``: by folder name and days of the server, or one by id."""
    first, last = call.date("from"), call.date("to")
    if first > last:
        raise Refused("invalid_date_from")
    if (last - first).days > MAX_DAYS:
        raise Refused("invalid_daterange")
    folder = call.get("folder") or ALL_FOLDERS
    if folder != ALL_FOLDERS and folder not in call.account.folders.values():
        raise Refused("invalid_folder")
    wanted = call.get("id")
    if wanted and not wanted.isdecimal():
        raise Refused("invalid_id")
    world, now = call.world, call.world.clock.seconds()
    zone = ZoneInfo(world.wire.zone)
    any_day = bool(wanted) and world.service.id_ignores_dates
    rows = [
        row_of(message, call)
        for message in call.account.messages.values()
        if message.life.shown(now)
        and folder in {ALL_FOLDERS, message.folder}
        and (not wanted or message.id(now) == wanted)
        and (any_day or first <= message.date.astimezone(zone).date() <= last)
    ]
    return call.rows("faxes", rows, "no_message")


async def get_fax_message_pdf(call: Call) -> Result:
    """``getFaxMessagePDF``: the pages, also of a sent fax."""
    message = call.message()
    pdf = redraw(message.pdf, call.world.wire.kept) if message.outbound else message.pdf
    return success({"message_base64": pdf})


async def mail_fax_message_pdf(call: Call) -> Result:
    """``mailFaxMessagePDF``: really mails it, if an SMTP server is configured."""
    call.need_id()
    call.need("email", "missing_email")
    to = call.email("email")
    message = call.message()
    if not call.test:
        taken = await call.world.deliveries.mail(
            to=to,
            subject=f"VoIP.ms - Fax from {message.caller.number}",
            text=f"Fax of {message.pages} page(s) from {message.caller.number} to {message.destination}.\n",
            message=str(message.number),
            pdf=message.pdf,
        )
        if not taken:
            raise Refused("problem_sending_mail")
    return success({"message_status": "message_sent"})


async def move_fax_message(call: Call) -> Result:
    """``moveFaxMessage``: to a folder by its id."""
    fax_id = call.need_id("fax_id", invalid="invalid_fax_id")
    folder_id = call.need_id("folder_id", missing="missing_folder", invalid="invalid_folder_id")
    message = call.account.message(fax_id, call.world.clock.seconds())
    if message is None:
        raise Refused("invalid_fax_id")
    folder = call.account.folders.get(int(folder_id))
    if folder is None:
        raise Refused("invalid_folder_id")
    if not call.test:
        message.folder = folder
        call.world.changes.notify()
    return success()


async def delete_fax_message(call: Call) -> Result:
    """``deleteFaxMessage``."""
    message = call.message()
    if not call.test:
        del call.account.messages[message.number]
        call.world.changes.notify()
    return success()


def row_of(message: Message, call: Call) -> FaxRow:
    """What the list says of a message now."""
    world = call.world
    now = world.clock.seconds()
    step = message.life.at(now)
    station = message.station_id
    if message.outbound and not world.wire.station_echo:
        station = message.caller.number
    rate = world.service.rate if step.connected else Decimal("0.000")
    return FaxRow(
        id=Label(message.id(now)),
        folder=message.folder,
        date=message.date,
        callerid=message.caller,
        stationid=Label(station),
        destination=message.destination,
        description="OUTBOUND FAX" if message.outbound else "INBOUND FAX",
        pages=step.pages,
        duration=timedelta(seconds=step.connected),
        status=step.status,
        rate=rate,
        total=cost(step.connected, rate) if step.final else Decimal("0.000"),
        msg=Note(step.msg),
    )


FUNCTIONS = {
    "getFaxMessages": get_fax_messages,
    "getFaxMessagePDF": get_fax_message_pdf,
    "mailFaxMessagePDF": mail_fax_message_pdf,
    "moveFaxMessage": move_fax_message,
    "deleteFaxMessage": delete_fax_message,
}
