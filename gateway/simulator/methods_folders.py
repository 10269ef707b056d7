"""Functions about fax folders."""

from __future__ import annotations

import re

from gateway.simulator.account import INBOX, SENT
from gateway.simulator.call import Call, Result, success
from gateway.simulator.rows import FolderRow, Label
from gateway.simulator.statuses import Refused

MAX_NAME = 30
_NAME = re.compile(r"[A-Za-z0-9 _-]+")
_SYSTEM = frozenset({INBOX, SENT, "ALL"})


async def get_fax_folders(call: Call) -> Result:
    """``getFaxFolders``: all, or one by id."""
    wanted = call.get("id")
    rows = [
        FolderRow(id=Label(number), name=name)
        for number, name in call.account.folders.items()
        if (call.world.service.list_system_folders or name not in _SYSTEM) and wanted in {"", str(number)}
    ]
    return call.rows("folders", rows, "no_folder")


async def set_fax_folder(call: Call) -> Result:
    """``setFaxFolder``: a new one, or with an id a new name."""
    name = call.need("name", "missing_name")
    if not _NAME.fullmatch(name):
        raise Refused("invalid_name")
    if len(name) > MAX_NAME:
        raise Refused("name_toolong")
    wanted = _own_folder(call) if call.get("id") else None
    folders = call.account.folders
    if any(other.upper() == name.upper() for number, other in folders.items() if number != wanted):
        raise Refused("used_name")
    if call.test:
        return success()
    if wanted is None:
        folders[call.account.next_id()] = name
    else:
        _rename(call, folders[wanted], name)
        folders[wanted] = name
    return success()


async def del_fax_folder(call: Call) -> Result:
    """``delFaxFolder``: what was in it returns to INBOX."""
    wanted = _own_folder(call)
    if not call.test:
        _rename(call, call.account.folders.pop(wanted), INBOX)
    return success()


def _own_folder(call: Call) -> int:
    """Id of an existing folder that is not the system's."""
    wanted = int(call.need_id())
    if call.account.folders.get(wanted, INBOX) in _SYSTEM:
        raise Refused("invalid_folder_id")
    return wanted


def _rename(call: Call, old: str, new: str) -> None:
    for message in call.account.messages.values():
        if message.folder == old:
            message.folder = new


FUNCTIONS = {
    "getFaxFolders": get_fax_folders,
    "setFaxFolder": set_fax_folder,
    "delFaxFolder": del_fax_folder,
}
