"""Run migrations on the connection that `rum_service.storage.migrate` opened."""

from __future__ import annotations

from alembic import context

from rum_service.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
