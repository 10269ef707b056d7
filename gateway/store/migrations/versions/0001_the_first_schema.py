"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blob",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "part", name=op.f("pk_blob")),
    )
    op.create_table(
        "duty",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duty")),
    )
    op.create_table(
        "event",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_subject", "event", ["subject", "subject_id"], unique=False)
    op.create_table(
        "fact",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_fact")),
    )
    op.create_table(
        "mailbox",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("high_water", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "folder", name=op.f("pk_mailbox")),
    )
    op.create_table(
        "mailbox_message",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), server_default="", nullable=False),
        sa.Column("filed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account", "folder", "uidvalidity", "uid", name=op.f("pk_mailbox_message")),
    )
    op.create_index(
        "ix_mailbox_message_message_id", "mailbox_message", ["account", "message_id"], unique=False
    )
    op.create_index(
        "ix_mailbox_message_unfiled",
        "mailbox_message",
        ["account", "folder", "uidvalidity"],
        unique=False,
        sqlite_where=sa.text("filed = 0"),
        postgresql_where=sa.text("NOT filed"),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("received_id", sa.Text(), server_default="", nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("finished", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("run_at", sa.Double(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(
        "ix_outbox_queued",
        "outbox",
        ["run_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued')"),
        postgresql_where=sa.text("state IN ('queued')"),
    )
    op.create_index("ix_outbox_received_id", "outbox", ["received_id"], unique=False)
    op.create_table(
        "received",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), server_default="", nullable=False),
        sa.Column("caller", sa.Text(), server_default="", nullable=False),
        sa.Column("caller_name", sa.Text(), server_default="", nullable=False),
        sa.Column("station_id", sa.Text(), server_default="", nullable=False),
        sa.Column("pages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("seconds", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("folder", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("purged", sa.Double(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("content_file", sa.Text(), nullable=True),
        sa.Column("content_size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("run_at", sa.Double(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_received_provider_id")),
    )
    op.create_index(
        "ix_received_kept",
        "received",
        ["created"],
        unique=False,
        sqlite_where=sa.text("purged IS NULL"),
        postgresql_where=sa.text("purged IS NULL"),
    )
    op.create_index(
        "ix_received_due",
        "received",
        ["run_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('fetched', 'mailed', 'seen')"),
        postgresql_where=sa.text("state IN ('fetched', 'mailed', 'seen')"),
    )
    op.create_index("ix_received_received_at", "received", ["received_at"], unique=False)
    op.create_table(
        "submission",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), server_default="", nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("envelope_from", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("references", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column("from_number", sa.Text(), server_default="", nullable=False),
        sa.Column("from_name", sa.Text(), server_default="", nullable=False),
        sa.Column("station_id", sa.Text(), server_default="", nullable=False),
        sa.Column("max_pages", sa.Integer(), nullable=True),
        sa.Column("resend_unknown", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("receipts", sa.Text(), server_default="all", nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("purged", sa.Double(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("content_file", sa.Text(), nullable=True),
        sa.Column("content_size", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
    )
    op.create_index(
        "ix_submission_kept",
        "submission",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("purged IS NULL"),
        postgresql_where=sa.text("purged IS NULL"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("page_digests", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("deaths", sa.Integer(), server_default="0", nullable=False),
        sa.Column("suspect", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("content_file", sa.Text(), nullable=True),
        sa.Column("content_size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("run_at", sa.Double(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["id"], ["submission.id"], name=op.f("fk_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(
        "ix_document_pending",
        "document",
        ["run_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending')"),
        postgresql_where=sa.text("state IN ('pending')"),
    )
    op.create_table(
        "fax",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("duplicate_key", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("deadline", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("finished", sa.Double(), nullable=True),
        sa.Column("retry_of", sa.Text(), server_default="", nullable=False),
        sa.Column("run_at", sa.Double(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_fax_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fax")),
    )
    op.create_index("ix_fax_duplicate_key", "fax", ["duplicate_key"], unique=False)
    op.create_index(
        "ix_fax_open",
        "fax",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('accepted', 'held', 'sent', 'submitting', 'unknown', 'waiting')"),
        postgresql_where=sa.text("state IN ('accepted', 'held', 'sent', 'submitting', 'unknown', 'waiting')"),
    )
    op.create_index(
        "ix_fax_sendable",
        "fax",
        ["run_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('accepted', 'waiting')"),
        postgresql_where=sa.text("state IN ('accepted', 'waiting')"),
    )
    op.create_index("ix_fax_submission_id", "fax", ["submission_id"], unique=False)
    op.create_index(
        "uq_fax_on_the_line",
        "fax",
        ["number"],
        unique=True,
        sqlite_where=sa.text("state IN ('sent', 'submitting', 'unknown')"),
        postgresql_where=sa.text("state IN ('sent', 'submitting', 'unknown')"),
    )
    op.create_table(
        "attempt",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("fax_id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Double(), nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome_at", sa.Double(), nullable=True),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["fax_id"], ["fax.id"], name=op.f("fk_attempt_fax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("fax_id", "ordinal", name=op.f("uq_attempt_fax_id_ordinal")),
    )
    op.create_index("ix_attempt_provider_id", "attempt", ["provider_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_attempt_provider_id", table_name="attempt")
    op.drop_table("attempt")
    op.drop_index(
        "uq_fax_on_the_line",
        table_name="fax",
        sqlite_where=sa.text("state IN ('sent', 'submitting', 'unknown')"),
        postgresql_where=sa.text("state IN ('sent', 'submitting', 'unknown')"),
    )
    op.drop_index("ix_fax_submission_id", table_name="fax")
    op.drop_index(
        "ix_fax_sendable",
        table_name="fax",
        sqlite_where=sa.text("state IN ('accepted', 'waiting')"),
        postgresql_where=sa.text("state IN ('accepted', 'waiting')"),
    )
    op.drop_index(
        "ix_fax_open",
        table_name="fax",
        sqlite_where=sa.text("state IN ('accepted', 'held', 'sent', 'submitting', 'unknown', 'waiting')"),
        postgresql_where=sa.text("state IN ('accepted', 'held', 'sent', 'submitting', 'unknown', 'waiting')"),
    )
    op.drop_index("ix_fax_duplicate_key", table_name="fax")
    op.drop_table("fax")
    op.drop_index(
        "ix_document_pending",
        table_name="document",
        sqlite_where=sa.text("state IN ('pending')"),
        postgresql_where=sa.text("state IN ('pending')"),
    )
    op.drop_table("document")
    op.drop_table("submission")
    op.drop_index("ix_received_received_at", table_name="received")
    op.drop_index(
        "ix_received_due",
        table_name="received",
        sqlite_where=sa.text("state IN ('fetched', 'mailed', 'seen')"),
        postgresql_where=sa.text("state IN ('fetched', 'mailed', 'seen')"),
    )
    op.drop_table("received")
    op.drop_index("ix_outbox_received_id", table_name="outbox")
    op.drop_index(
        "ix_outbox_queued",
        table_name="outbox",
        sqlite_where=sa.text("state IN ('queued')"),
        postgresql_where=sa.text("state IN ('queued')"),
    )
    op.drop_table("outbox")
    op.drop_index(
        "ix_mailbox_message_unfiled",
        table_name="mailbox_message",
        sqlite_where=sa.text("filed = 0"),
        postgresql_where=sa.text("NOT filed"),
    )
    op.drop_index("ix_mailbox_message_message_id", table_name="mailbox_message")
    op.drop_table("mailbox_message")
    op.drop_table("mailbox")
    op.drop_table("fact")
    op.drop_index("ix_event_subject", table_name="event")
    op.drop_table("event")
