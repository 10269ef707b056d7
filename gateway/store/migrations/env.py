"""Runs the migrations on the connection that `gateway.store.engine.migrate` hands over."""

from alembic import context

from gateway.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller holds one transaction around all steps
)
context.run_migrations()
