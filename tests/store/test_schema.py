"""The migrations and the tables are one truth."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.store import Store, engine, tables


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(engine.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == engine.HEAD


def test_opening_again_changes_nothing(tmp_path: Path, store_url: str) -> None:
    for _ in range(2):
        store = Store(tmp_path / "state", url=store_url)
        store.open()
        store.close()


def test_durability_settings(store: Store) -> None:
    with store._engine.connect() as connection:
        if store.shared:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
            return
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 2  # incremental


def test_claims_use_their_partial_indexes(store: Store) -> None:
    plans = {
        "ix_document_pending": "SELECT id FROM document WHERE state IN ('pending') AND run_at <= 5",
        "ix_outbox_queued": "SELECT id FROM outbox WHERE state IN ('queued') AND run_at <= 5",
        "ix_fax_sendable": "SELECT id FROM fax WHERE state IN ('accepted', 'waiting') AND run_at <= 5",
    }
    explain = "EXPLAIN" if store.shared else "EXPLAIN QUERY PLAN"
    with store._engine.connect() as connection:
        if store.shared:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # the tables are empty here
        for index, query in plans.items():
            plan = connection.execute(sa.text(f"{explain} {query} ORDER BY run_at, id")).all()
            assert any(index in str(row) for row in plan), plan
