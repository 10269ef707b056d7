"""What a failure of the store means: a word for it, whether it is the item's, and whether to try again."""

from __future__ import annotations

import errno
import sqlite3

import sqlalchemy as sa

from gateway.errors import Failure, GatewayError, temporary

_AGAIN = frozenset({"40001", "40P01"})
"""SQLSTATE of transactions that were ended in favour of another: serialization_failure, deadlock_detected."""

FULL, READ_ONLY, DISK_ERROR = "disk_full", "read_only", "disk_error"
LOCKED, DAMAGED, GONE = "locked", "damaged", "gone"
_BY_ERRNO = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: READ_ONLY,
    errno.EIO: DISK_ERROR,
}
_BY_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_IOERR: DISK_ERROR,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
_BY_SQLSTATE = {
    "53100": FULL,
    "25006": READ_ONLY,  # read_only_sql_transaction
    "58030": DISK_ERROR,  # io_error
    "55P03": LOCKED,  # lock_not_available
}


class StoreUnavailableError(GatewayError):
    """The database or the spool could not take it: disk full, read-only, locked, restarted or gone.

    `certain` tells that nothing was written; a COMMIT itself that failed may be on disk all the same.
    """

    def __init__(self, cause: BaseException, *, certain: bool) -> None:
        super().__init__(_failure(word(cause)))
        self.certain = certain


class DatabaseGoneError(Exception):
    """The file that is written to is not the one that has the database's name: what it takes is lost."""


def word(error: BaseException) -> str:
    """What is wrong, as one word for the log; the error's class where nothing more is known."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    found = None
    if isinstance(original, DatabaseGoneError):
        found = GONE
    elif isinstance(original, sqlite3.Error):
        found = _BY_SQLITE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF)
    elif isinstance(original, OSError):
        found = _BY_ERRNO.get(original.errno or 0)
    else:
        found = _BY_SQLSTATE.get(str(getattr(original, "sqlstate", "")))
    return found or type(error).__name__


def _failure(code: str) -> Failure:
    if code == FULL:
        return temporary("4.3.1", "The gateway's disk is full.", code=code)
    return temporary("4.3.0", "The gateway cannot write to its store just now.", code=code)


def is_trouble(error: BaseException) -> bool:
    """Whether the database itself is in trouble, so that the whole transaction is lost."""
    return (
        # InternalError: a server that has become read-only, a session ended for idling.
        isinstance(error, sa.exc.OperationalError | sa.exc.InternalError | sa.exc.TimeoutError)
        or connection_lost(error)
        or word(error) == DAMAGED
    )


def connection_lost(error: BaseException) -> bool:
    """Whether the connection broke; the next one may work."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated


def worth_again(error: BaseException) -> bool:
    """Whether the same transaction may well succeed at once, on a new connection if need be."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return connection_lost(error) or state in _AGAIN
