"""Opens the database with the settings that durability needs, and brings its schema up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from gateway.errors import GatewayError, temporary
from gateway.store import wal
from gateway.store.prepared import direct

HEAD = "0001"
"""The newest migration. Alembic is imported only when the stored revision differs (0.25 s, 39 MB)."""

WRITERS = 4
"""Threads that write to PostgreSQL, each with a connection of its own."""
_READERS = 8
_CONNECT_SECONDS = 5
_MIGRATION_LOCK = 7_308_332_461  # any number that nobody else takes: "fax gateway migrates"

_SESSION = {
    # A node that is stopped in the middle of a transaction must not hold its rows for long.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    # A node that lost power or its network is noticed, and its locks are freed.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}
_SOCKET = {
    # The other way round: a server that is gone without a word. Milliseconds for the last one.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def open_sqlite(path: Path) -> sa.Engine:
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
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            # Counts in a new file only; in another it would wait for whoever writes.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "busy_timeout = 10000",
            f"journal_size_limit = {wal.MOST}",
            "wal_autocheckpoint = 16000",  # `wal` copies long before; some COMMIT would wait for this one
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A reader must not take the writer's lock.
        readonly = connection.get_execution_options().get("gateway_readonly", False)
        direct(connection, "BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine


def open_postgres(url: str, *, options: Mapping[str, Any]) -> sa.Engine:
    """An engine on a PostgreSQL database, READ COMMITTED; ``synchronous_commit`` stays the server's (on).

    Time-outs end whatever hangs; a connection that broke is dropped with its pool, and the next use connects
    anew. `options` are every connection's execution options. Raises `GatewayError` without the driver.
    """
    address, arguments = connect_arguments(url)
    try:
        engine = sa.create_engine(
            address,
            connect_args=arguments,
            execution_options=dict(options),
            pool_size=WRITERS + _READERS + 1,  # the node's own
            max_overflow=0,
            pool_timeout=_CONNECT_SECONDS,
            hide_parameters=True,
        )
    except ImportError as error:
        raise GatewayError(
            temporary(
                "4.3.5",
                "store.url needs the PostgreSQL driver: pip install 'fax-gateway[postgres]'.",
                code="cannot_start",
            )
        ) from error
    event.listen(engine, "handle_error", _quote_nothing)
    return engine


def _quote_nothing(context: sa.engine.ExceptionContext) -> None:
    """Leave the server's first line: its DETAIL quotes the row."""
    original = context.original_exception
    first = str(getattr(getattr(original, "diag", None), "message_primary", None) or original).split("\n")[0]
    original.args = (first,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(original).__name__}) {first}",)


def connect_arguments(url: str) -> tuple[sa.URL, dict[str, Any]]:
    """The address for SQLAlchemy, and what psycopg is told beyond it. What the URL itself says wins."""
    address = sa.make_url(url).set(drivername="postgresql+psycopg")
    own = str(address.query.get("options", ""))
    options = " ".join([*(f"-c {name}={value}" for name, value in _SESSION.items()), own]).strip()
    arguments = {"connect_timeout": _CONNECT_SECONDS, "application_name": "fax-gateway", **_SOCKET}
    arguments = {name: value for name, value in arguments.items() if name not in address.query}
    return address.difference_update_query(["options"]), {**arguments, "options": options}


def probe(url: str) -> None:
    """Connect once. Raises `GatewayError` with what the server or the network says."""
    engine = open_postgres(url, options={})
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except sa.exc.SQLAlchemyError as error:
        raise GatewayError(temporary("4.3.0", words(error), code=type(error).__name__)) from error
    finally:
        engine.dispose()


def words(error: sa.exc.SQLAlchemyError) -> str:
    """What the driver says, on one line without a full stop."""
    return " ".join(str(getattr(error, "orig", None) or error).split()).removesuffix(".")


def reading(engine: sa.Engine) -> sa.Engine:
    """The engine for verbs that only read, each on one snapshot."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(gateway_readonly=True)


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to `HEAD`, all in one transaction; a failing step leaves the old schema.

    Nodes that start together take turns. Raises `GatewayError` if a newer gateway was here.
    """
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for setting in ("lock_timeout", "statement_timeout"):
                connection.exec_driver_sql(f"SET LOCAL {setting} = 0")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            if _revision(connection) == HEAD:
                return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise GatewayError(
                temporary(
                    "4.3.5",
                    "The store was made by a newer fax gateway. Start that version, or a newer one.",
                    code="cannot_start",
                )
            ) from error


def has_schema(engine: sa.Engine) -> bool:
    """Whether any gateway was here."""
    with engine.connect() as connection:
        return _revision(connection) is not None


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found
