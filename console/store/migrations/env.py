"""Runs migrations on the connection that `console.store.schema` hands over, inside its transaction."""

from alembic import context

from console.model.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
