"""Files kept in the database, in parts: where several nodes share it, they share no file system.

Written by the transaction whose row names them, read by whichever node needs them; see `spool`. On SQLite
there are none: the files themselves are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa

from gateway.model import Content
from gateway.store import tables

ROOMS = "gateway_rooms"
"""Execution option of an engine that keeps files in the database: room → the directory of its files here."""
_PART = 512 * 1024
"""Bytes in one row: what a transfer needs of memory."""
_t = tables.blob
_INSERT = sa.insert(_t)
_SELECT = sa.select(_t.c.data).where(_t.c.name == sa.bindparam("name"), _t.c.part == sa.bindparam("part"))


def put(tx: sa.Connection, room: str, content: Content) -> None:
    """Carry the file of `content` into the database, if files are kept there: call it with the row's write.

    Raises OSError if the file cannot be read whole.
    """
    rooms: Mapping[str, Path] | None = tx.get_execution_options().get(ROOMS)
    if rooms is None or content.file is None:
        return
    drop(tx, room, content.file)  # the same name again: a received fax that is fetched anew
    size = 0
    with (rooms[room] / content.file).open("rb") as stream:
        for number, data in enumerate(iter(lambda: stream.read(_PART), b"")):
            tx.execute(_INSERT, {"name": _name(room, content.file), "part": number, "data": data})
            size += len(data)
    if size != content.size:
        raise OSError(f"a file of the {room} has {size} bytes instead of {content.size}")


def parts(tx: sa.Connection, room: str, file: str) -> Iterator[bytes]:
    """The file, part by part; nothing if it is not there."""
    number = 0
    while (row := tx.execute(_SELECT, {"name": _name(room, file), "part": number}).first()) is not None:
        yield row.data
        number += 1


def drop(tx: sa.Connection, room: str, file: str) -> None:
    """Remove a file from the database; one that is not there is fine."""
    tx.execute(sa.delete(_t).where(_t.c.name == _name(room, file)))


def _name(room: str, file: str) -> str:
    return f"{room}/{file}"
