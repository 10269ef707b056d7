"""What a failure of the database means: whether it is the item's or the store's, and whether to try again."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.errors import GatewayError, temporary

_AGAIN = frozenset({"40001", "40P01"})
"""SQLSTATE of transactions that were ended in favour of another: serialization_failure, deadlock_detected."""


class StoreUnavailableError(GatewayError):
    """The database could not commit: disk full, read-only, locked, restarted or gone.

    `certain` tells that nothing was written; a COMMIT itself that failed may be on disk all the same.
    """

    def __init__(self, cause: BaseException, *, certain: bool) -> None:
        super().__init__(
            temporary("4.3.0", "The gateway cannot write to its store just now.", code=type(cause).__name__)
        )
        self.certain = certain


def is_trouble(error: BaseException) -> bool:
    """Whether the database itself is in trouble, so that the whole transaction is lost."""
    return (
        # InternalError: a server that has become read-only, a session ended for idling.
        isinstance(error, sa.exc.OperationalError | sa.exc.InternalError | sa.exc.TimeoutError)
        or connection_lost(error)
    )


def connection_lost(error: BaseException) -> bool:
    """Whether the connection broke; the next one may work."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated


def worth_again(error: BaseException) -> bool:
    """Whether the same transaction may well succeed at once, on a new connection if need be."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return connection_lost(error) or state in _AGAIN
