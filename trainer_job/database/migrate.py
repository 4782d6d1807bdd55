"""Bringing the database to the newest layout."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from trainer_job.database.connection import Database
from trainer_job.database.locks import lock_transaction
from trainer_job.database.tables import SCHEMA

VERSION_TABLE = "alembic_version"


def migrate(database: Database) -> tuple[str | None, str | None]:
    """Make the missing tables, in one transaction and under a lock.

    Returns
    -------
    (str or None, str or None)
        Revision before and after; equal where there was nothing to do.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))

    def work(connection: Connection) -> tuple[str | None, str | None]:
        lock_transaction(connection, "migrate")
        if not connection.execute(text("SELECT to_regnamespace(:s)"), {"s": SCHEMA}).scalar():
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        context = MigrationContext.configure(
            connection, opts={"version_table_schema": SCHEMA, "version_table": VERSION_TABLE}
        )
        before = context.get_current_revision()
        after = ScriptDirectory.from_config(config).get_current_head()
        if before != after:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before, after

    return database.transaction(work)
