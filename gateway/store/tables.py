"""The schema. Portable between SQLite and PostgreSQL: no dialect types, partial indexes named for both.

Times are seconds since the epoch. Content up to 64 kB lives in the row, larger content in a
fsynced spool file, or on PostgreSQL in `blob`.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from gateway.lifecycle import (
    FINAL,
    ON_THE_LINE,
    SENDABLE,
    DocumentState,
    FaxState,
    OutboxState,
    ReceivedState,
)

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME: sa.Double[float] = sa.Double()

# What partial indexes hold: rows that something is still to be done with, however many others there are.
OPEN = frozenset(FaxState) - FINAL
PENDING = frozenset({DocumentState.PENDING})
QUEUED = frozenset({OutboxState.QUEUED})
STEPS = frozenset({ReceivedState.SEEN, ReceivedState.FETCHED, ReceivedState.MAILED})
"""A worker can take a step from these; *routed* waits for its mails."""


def _content() -> list[sa.Column[object]]:
    return [
        sa.Column("content", sa.LargeBinary),
        sa.Column("content_file", sa.Text),
        sa.Column("content_size", sa.BigInteger, nullable=False, server_default="0"),
    ]


def _lease() -> list[sa.Column[object]]:
    return [
        sa.Column("run_at", _TIME),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", _TIME),
        sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    ]


class _Foreign(sa.TypeDecorator[str]):
    """Text that others wrote: PostgreSQL takes no NUL character in it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value.replace("\0", "\ufffd") if value is not None and "\0" in value else value


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _Foreign, nullable=False, server_default="")


def among(table: sa.FromClause, states: Collection[str]) -> sa.ColumnElement[bool]:
    """Rows in one of these states, in the very words of a partial index: for others SQLite does not take it.

    Literal values, because PostgreSQL cannot match a parameter.
    """
    return table.c.state.in_([sa.literal_column(f"'{state}'") for state in sorted(states)])


def calling(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Faxes in a call, by the index of the open ones."""
    return sa.and_(among(table, OPEN), among(table, {FaxState.SUBMITTING}))


def _among(states: Collection[str]) -> sa.TextClause:
    words = ", ".join(f"'{state}'" for state in sorted(states))
    return sa.text(f"state IN ({words})")


def _partial(table: sa.Table, name: str, where: sa.TextClause, *columns: str, unique: bool = False) -> None:
    sa.Index(
        name,
        *(table.c[column] for column in columns),
        unique=unique,
        sqlite_where=where,
        postgresql_where=where,
    )


submission = sa.Table(
    "submission",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    _text("identity"),
    _text("rule"),
    _text("envelope_from"),
    _text("message_id"),
    _text("references"),
    _text("subject"),
    _text("fingerprint"),
    _text("from_number"),
    _text("from_name"),
    _text("station_id"),
    sa.Column("max_pages", sa.Integer),
    sa.Column("resend_unknown", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("receipts", sa.Text, nullable=False, server_default="all"),
    sa.Column("received_at", _TIME, nullable=False),
    sa.Column("purged", _TIME),
    *_content(),
)
_partial(submission, "ix_submission_kept", sa.text("purged IS NULL"), "received_at")

document = sa.Table(
    "document",
    metadata,
    sa.Column("id", sa.Text, sa.ForeignKey("submission.id"), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
    _text("digest"),
    sa.Column("page_digests", sa.JSON, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False, server_default="0"),
    sa.Column("suspect", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("reason"),
    _text("code"),
    _text("status"),
    *_content(),
    *_lease(),
)
_partial(document, "ix_document_pending", _among(PENDING), "run_at", "id")

fax = sa.Table(
    "fax",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("submission_id", sa.Text, sa.ForeignKey("submission.id"), nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("duplicate_key", sa.Text, nullable=False),
    sa.Column("created", _TIME, nullable=False),
    sa.Column("deadline", _TIME, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tries", sa.JSON, nullable=False, server_default="{}"),
    _text("provider_id"),
    sa.Column("pages", sa.BigInteger),  # as the provider says, however little sense it makes
    sa.Column("seconds", sa.BigInteger),
    _text("cost"),
    _text("reason"),
    _text("code"),
    _text("status"),
    sa.Column("finished", _TIME),
    _text("retry_of"),
    *_lease(),
    sa.Index("ix_fax_submission_id", "submission_id"),
    sa.Index("ix_fax_duplicate_key", "duplicate_key"),
)
_partial(fax, "ix_fax_sendable", _among(SENDABLE), "run_at", "id")
_partial(fax, "ix_fax_open", _among(OPEN), "state", "id")
_partial(fax, "uq_fax_on_the_line", _among(ON_THE_LINE), "number", unique=True)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("fax_id", sa.Text, sa.ForeignKey("fax.id"), nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("started", _TIME, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("deadline", _TIME, nullable=False),
    sa.Column("snapshot", sa.JSON, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    _text("outcome"),
    sa.Column("outcome_at", _TIME),
    _text("provider_id"),
    sa.UniqueConstraint("fax_id", "ordinal"),
    sa.Index("ix_attempt_provider_id", "provider_id"),
)

received = sa.Table(
    "received",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("provider_id", _Foreign, nullable=False, unique=True),
    _text("did"),
    _text("caller"),
    _text("caller_name"),
    _text("station_id"),
    sa.Column("pages", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("seconds", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("received_at", _TIME, nullable=False),
    _text("folder"),
    sa.Column("state", sa.Text, nullable=False),
    _text("digest"),
    _text("reason"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created", _TIME, nullable=False),
    sa.Column("purged", _TIME),
    *_content(),
    *_lease(),
)
_partial(received, "ix_received_kept", sa.text("purged IS NULL"), "created")
_partial(received, "ix_received_due", _among(STEPS), "run_at", "id")
sa.Index("ix_received_received_at", received.c.received_at)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("recipient", _Foreign, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    _text("received_id"),
    sa.Column("created", _TIME, nullable=False),
    sa.Column("finished", _TIME),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _text("reason"),
    *_lease(),
    sa.Index("ix_outbox_received_id", "received_id"),
)
_partial(outbox, "ix_outbox_queued", _among(QUEUED), "run_at", "id")

mailbox = sa.Table(
    "mailbox",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("folder", sa.Text, primary_key=True),
    sa.Column("uidvalidity", sa.BigInteger, nullable=False),
    sa.Column("high_water", sa.BigInteger, nullable=False),
)
"""First contact with a polled folder: UIDs up to `high_water` are older than the gateway."""

mailbox_message = sa.Table(
    "mailbox_message",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("folder", sa.Text, primary_key=True),
    sa.Column("uidvalidity", sa.BigInteger, primary_key=True),
    sa.Column("uid", sa.BigInteger, primary_key=True),
    _text("message_id"),
    _text("fingerprint"),
    sa.Column("verdict", sa.Text, nullable=False),
    _text("submission_id"),
    sa.Column("filed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("at", _TIME, nullable=False),
    sa.Index("ix_mailbox_message_message_id", "account", "message_id"),
)
"""The ledger of polled messages: flags are not a ledger."""
sa.Index(
    "ix_mailbox_message_unfiled",
    mailbox_message.c.account,
    mailbox_message.c.folder,
    mailbox_message.c.uidvalidity,
    sqlite_where=sa.text("filed = 0"),
    postgresql_where=sa.text("NOT filed"),
)

fact = sa.Table(
    "fact",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)
"""Single facts that outlive a restart: high-water marks of the account, pauses of the queue."""

duty = sa.Table(
    "duty",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("until", _TIME, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
)
"""What only one of several nodes does at a time, and which one; see `duties`."""

blob = sa.Table(
    "blob",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
"""Content too large for a row, in parts, where several nodes share the database; see `blobs`."""

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Index("ix_event_subject", "subject", "subject_id"),
)
"""Append-only history; each move writes its row in the same transaction."""
