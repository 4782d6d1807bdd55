"""What each command of ``trainer-job`` does.

Imports stand where they are needed: scikit-learn, pandas and MLflow take seconds, and a wrong
password or port is found out before.
"""

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from trainer_job import arguments, direct, reasons
from trainer_job.contract import Result, RunDocument
from trainer_job.database.connection import connect
from trainer_job.errors import BadConfiguration
from trainer_job.progress import Reporter, as_json_lines, as_note, as_sentences
from trainer_job.settings import DatabaseSettings, read_document


def configure(options: Namespace) -> RunDocument:
    """Return the document in TRAINER_RUN, or one made of variables and flags.

    Raises
    ------
    BadConfiguration
        If a value is wrong, or flags stand beside a document.
    """
    document = read_document()
    if document is None:
        return _direct(options)
    if given := arguments.given(options):
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"TRAINER_RUN holds the whole configuration: leave {', '.join(given)} out.",
        )
    return document


def decide(options: Namespace, document: RunDocument) -> Result:
    """Train, or prove and promote where the document says so."""
    if document.promote is not None or options.command == "promote":
        return _promote(document)
    if read_document() is not None:
        return _train(document, DatabaseSettings.from_environment(), as_json_lines)
    reference = Path(os.environ.get("SENSOR_DATA_FILE") or direct.DEFAULT_REFERENCE)
    if options.embedded is None:
        return _train(document, DatabaseSettings.from_environment(), as_sentences, reference)
    with _embedded(options, document) as (settings, prepared):
        return _train(prepared, settings, as_sentences, reference)


def make_tables() -> str:
    """Bring the database to the newest layout and say what was done."""
    from trainer_job.database.migrate import migrate

    settings = DatabaseSettings.from_environment()
    before, after = migrate(connect(settings))
    if before == after:
        return f"Database {settings} has the newest layout, {after}."
    return f"Database {settings}: layout {before or 'none'} was brought to {after}."


def load(options: Namespace) -> str:
    """Load a file and say what was done."""
    from trainer_job.formats import read_recording
    from trainer_job.loading import load as load_file

    read_recording(options.file)  # a wrong file is found out before any server is asked
    database = connect(DatabaseSettings.from_environment())
    return str(load_file(database, options.file, options.end, options.machine))


def _direct(options: Namespace) -> RunDocument:
    if options.command == "promote":
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            "TRAINER_RUN is not set: trainer-job promote runs in a Job of the operator.",
        )
    if options.data is not None and options.embedded is None:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            "--data goes with --embedded; to load into another database: trainer-job load FILE.",
        )
    if options.embedded is not None and options.tracking_uri is not None:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            "--embedded has an MLflow store of its own: leave --tracking-uri out.",
        )
    direct.refuse_old_modes(os.environ)
    values = {**direct.variables(os.environ), **arguments.values(options)}
    return direct.document(values, datetime.now(UTC))


def _train(
    document: RunDocument,
    settings: DatabaseSettings,
    progress: Reporter,
    reference: Path | None = None,
) -> Result:
    database = connect(settings)
    from trainer_job.registry.tracking import connect as connect_tracking

    tracking = connect_tracking(document.tracking)
    from trainer_job.patterns import read_patterns
    from trainer_job.pipeline import train

    patterns = None if reference is None else read_patterns(reference)
    return train(document, database, tracking, progress, patterns)


def _promote(document: RunDocument) -> Result:
    database = connect(DatabaseSettings.from_environment())
    from trainer_job.proving import prove_and_promote
    from trainer_job.registry.tracking import connect as connect_tracking

    tracking = connect_tracking(document.tracking)
    return prove_and_promote(document, database, tracking, as_json_lines)


@contextmanager
def _embedded(
    options: Namespace, document: RunDocument
) -> Iterator[tuple[DatabaseSettings, RunDocument]]:
    """Yield a migrated database and the document, both pointed at servers of the run's own."""
    from trainer_job import embedded
    from trainer_job.database.migrate import migrate
    from trainer_job.loading import load as load_file

    with embedded.servers(options.embedded, document.tracking.experiment) as servers:
        database = connect(servers.database)
        migrate(database)
        document = document.model_copy(update={"tracking": servers.tracking})
        if options.data is not None:
            loaded = load_file(database, options.data, document.as_of)
            as_note(str(loaded))
            if options.lookback is None and direct.LOOKBACK not in direct.variables(os.environ):
                # What was loaded lies in the window, however long ago that was.
                document = direct.since(document, loaded.first)
        yield servers.database, document
        as_note(servers.look())
