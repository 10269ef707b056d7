"""A store with a past: very many finished faxes, and some that are ready to go. The database makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from gateway.lifecycle import DocumentState, FaxState, OutboxState
from gateway.moves import Trigger

_COUNTED = """WITH RECURSIVE counted(i) AS
    (SELECT CAST(:first AS BIGINT) UNION ALL SELECT i + 1 FROM counted WHERE i < :last)"""
_HASH = {
    "sqlite": "lower(hex(randomblob(32)))",
    "postgresql": "md5(random()::text) || md5(random()::text)",
}
_ID = "'0' || CAST(100000000000 + i AS TEXT)"
"""As long as an id of ours, and older than all that are made from now on."""
_FAX_ID = f"{_ID} || '-1'"
_AT = "CAST(i AS DOUBLE PRECISION)"
_TEXT = "CAST(i AS TEXT)"
_SENDER = "'anna@clinic.example.com'"
_D, _F, _T = DocumentState, FaxState, Trigger
_MOVES = (
    ("document", _ID, _D.PENDING, _D.READY, _T.RENDERED),
    ("fax", _FAX_ID, "", _F.ACCEPTED, _T.ACCEPTED),
    ("fax", _FAX_ID, _F.ACCEPTED, _F.SUBMITTING, _T.CALL),
    ("fax", _FAX_ID, _F.SUBMITTING, _F.SENT, _T.SUCCESS),
    ("fax", _FAX_ID, _F.SENT, _F.DELIVERED, _T.ROW),
)
_Columns = dict[str, str]
"""SQL expressions by column; ``i`` is the row's number, ``{hash}`` a new digest."""


def finished(tx: sa.Connection, *, first: int, last: int) -> None:
    """Delivered faxes with all that a fax leaves behind, their content forgotten."""
    _insert(tx, "submission", {**_submission(), "purged": _AT}, first, last)
    _insert(tx, "document", _document(), first, last)
    delivered = {"state": _word(_F.DELIVERED), "attempts": "1", "provider_id": _TEXT, "finished": _AT}
    _insert(tx, "fax", {**_fax(2_000_000_000), **delivered}, first, last)
    _insert(tx, "attempt", _attempt(), first, last)
    for event in _events():
        _insert(tx, "event", event, first, last)
    _insert(tx, "outbox", _receipt(), first, last)


def ready(tx: sa.Connection, *, first: int, last: int) -> None:
    """Faxes whose pages are made, each to a number of its own."""
    _insert(tx, "submission", _submission(), first, last)
    _insert(tx, "document", {**_document(), "content_file": f"{_ID} || '.pdf'"}, first, last)
    waiting = {"state": _word(_F.ACCEPTED), "run_at": _AT}
    _insert(tx, "fax", {**_fax(3_000_000_000), **waiting}, first, last)


def owed(tx: sa.Connection, *, first: int, last: int) -> None:
    """Mails of ours that are due."""
    queued = {"state": _word(OutboxState.QUEUED), "finished": "NULL", "attempts": "0", "run_at": _AT}
    _insert(tx, "outbox", {**_receipt(), **queued}, first, last)


def _submission() -> _Columns:
    return {
        "id": _ID,
        "source": "'smtp'",
        "identity": _SENDER,
        "rule": "'anna'",
        "envelope_from": _SENDER,
        "message_id": f"'<' || {_TEXT} || '@clinic.example.com>'",
        "subject": f"'Invoice ' || {_TEXT}",
        "fingerprint": "{hash}",
        "received_at": _AT,
        "content_size": "5000",
    }


def _document() -> _Columns:
    return {
        "id": _ID,
        "state": _word(_D.READY),
        "pages": "1",
        "digest": "{hash}",
        "page_digests": "'[]'",
        "notes": "'[]'",
        "content_size": "9000",
    }


def _fax(place: int) -> _Columns:
    return {
        "id": _FAX_ID,
        "submission_id": _ID,
        "number": f"'+1' || CAST({place} + i AS TEXT)",
        "duplicate_key": "{hash}",
        "created": _AT,
        "deadline": f"{_AT} + 1e10",
    }


def _attempt() -> _Columns:
    return {
        "fax_id": _FAX_ID,
        "ordinal": "1",
        "started": _AT,
        "token": "'K7Q2ZZZZ'",
        "deadline": _AT,
        "snapshot": "'[]'",
        "digest": "{hash}",
        "outcome": "'success'",
        "outcome_at": _AT,
        "provider_id": _TEXT,
    }


def _events() -> Iterator[_Columns]:
    for subject, name, source, target, trigger in _MOVES:
        yield {
            "at": _AT,
            "subject": _word(subject),
            "subject_id": name,
            "source": _word(source),
            "target": _word(target),
            '"trigger"': _word(trigger),
            "detail": "'{{}}'",
        }


def _receipt() -> _Columns:
    return {
        '"key"': f"'fax:' || {_FAX_ID} || ':final'",
        "kind": "'receipt'",
        "recipient": _SENDER,
        "facts": "'{{}}'",
        "message_id": "{hash}",
        "state": _word(OutboxState.SENT),
        "via": "'smtp'",
        "created": _AT,
        "finished": _AT,
        "attempts": "1",
    }


def _word(value: Any) -> str:
    return f"'{value!s}'"


def _insert(tx: sa.Connection, table: str, columns: _Columns, first: int, last: int) -> None:
    words = ", ".join(columns.values()).format(hash=_HASH[tx.dialect.name])
    # A colon is a parameter's beginning where it is not masked.
    words = (
        words.replace("'fax:'", r"'fax\:'").replace("':final'", r"'\:final'").replace("::text", r"\:\:text")
    )
    statement = f"INSERT INTO {table} ({', '.join(columns)}) {_COUNTED} SELECT {words} FROM counted"  # noqa: S608
    tx.execute(sa.text(statement), {"first": first, "last": last})
