"""Alembic's entry: runs the revisions on the connection that `migrate` hands over."""

from alembic import context

from trainer_job.database.tables import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=SCHEMA,
    version_table="alembic_version",
)
# No begin_transaction here: the caller's transaction holds lock and revisions together.
context.run_migrations()
