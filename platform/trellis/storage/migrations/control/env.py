"""Runs migrations on the connection that :mod:`trellis.storage.migrate` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, version_table=context.config.attributes["version_table"], transactional_ddl=False
)
context.run_migrations()
