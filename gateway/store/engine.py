"""Opens the database with the settings that durability needs, and brings its schema up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

HEAD = "0001"
"""The newest migration. Alembic is imported only when the stored revision differs (0.25 s, 39 MB)."""


def open_engine(path: Path) -> sa.Engine:
    """An engine on the SQLite file at `path`: WAL, `synchronous=FULL`, foreign keys on.

    The driver's own transaction handling is switched off, because it begins too late: a savepoint would be
    visible before the outer COMMIT. `BEGIN IMMEDIATE` also makes schema changes transactional.
    """
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False, "timeout": 10.0},
        pool_size=4,
        hide_parameters=True,  # they are mails and addresses, and an error's text is logged
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "busy_timeout = 10000",
            "journal_size_limit = 67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A reader must not take the writer's lock.
        readonly = connection.get_execution_options().get("gateway_readonly", False)
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to `HEAD`, all in one transaction; a failing step leaves the old schema."""
    with engine.connect() as connection:
        known = sa.inspect(connection).has_table("alembic_version")
        current = (
            connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() if known else None
        )
    if current == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
