"""What each command of ``trainer-job`` does.

Imports stand where they are needed: scikit-learn, pandas and MLflow take seconds, and a wrong
password or port is found out before.
"""

import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainer_job import direct, flags, reasons
from trainer_job.contract import DEFAULT_MODEL_NAME, Result, RunDocument, TrackingSpec
from trainer_job.database.connection import connect
from trainer_job.errors import BadConfiguration
from trainer_job.importing import uncollected
from trainer_job.progress import Reporter, as_json_lines, as_note, for_people
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
    if given := flags.given(options):
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"TRAINER_RUN holds the whole configuration: leave {', '.join(given)} out.",
        )
    return document


def decide(options: Namespace, document: RunDocument) -> Result:
    """Train, or do what else the document says."""
    if document.promote is not None or options.command == "promote":
        return _promote(document)
    if document.check is not None or options.command == "check":
        return _check(document)
    if document.recall or options.command == "recall":
        return _recall(document)
    if read_document() is not None:
        named = os.environ.get("SENSOR_DATA_FILE")
        reference = Path(named) if named else None
        return _train(document, DatabaseSettings.from_environment(), as_json_lines, reference)
    reference = Path(os.environ.get("SENSOR_DATA_FILE") or direct.DEFAULT_REFERENCE)
    if options.embedded is None:
        with for_people() as progress:
            return _train(document, DatabaseSettings.from_environment(), progress, reference)
    with _embedded(options, document) as (settings, prepared), for_people() as progress:
        return _train(prepared, settings, progress, reference)


def do(options: Namespace) -> str:
    """Do what decides nothing, and return what is to be printed."""
    return _TASKS[options.command](options)


def migrate(options: Namespace) -> str:
    """Bring the database to the newest layout and say what was done."""
    from trainer_job.database.migrate import migrate as migrate_database

    settings = DatabaseSettings.from_environment()
    before, after = migrate_database(connect(settings))
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


def label(options: Namespace) -> str:
    """Store the labels of a file and say what changed."""
    from trainer_job import labelling
    from trainer_job.database.connection import require_tables

    labels = labelling.read(options.file)  # as above
    database = connect(DatabaseSettings.from_environment())
    require_tables(database)
    return str(labelling.store(database, options.file, labels))


def report(options: Namespace) -> str:
    """Fetch the report of a run and say where it is."""
    from trainer_job.fetching import fetch_report

    return fetch_report(_tracking(options), options.run, _name(options), options.output)


def compare(options: Namespace) -> str:
    """Return two versions side by side."""
    from trainer_job import comparing

    tracking, name = _tracking(options), _name(options)
    one, other = (comparing.read(tracking, name, number) for number in options.versions)
    if options.form == "json":
        return comparing.as_json(name, one, other)
    from trainer_job.terminal import as_table

    return as_table(name, one, other)


def predict(options: Namespace) -> str:
    """Return the failure modes of a file's episodes as CSV, or say where they are."""
    from trainer_job import fetching, predicting

    readings = predicting.read_readings(options.file)  # as above
    tracking, name = _tracking(options), _name(options)
    model = predicting.load(tracking, name, options.number)
    answers = predicting.answer(model, readings, options.file)
    if options.output is None:
        return answers.to_csv(index=False).rstrip("\n")
    try:
        answers.to_csv(options.output, index=False)
    except OSError as error:
        raise fetching.unwritable(options.output, error) from None
    return f"Modes of {len(answers)} episodes: {options.output.resolve()}"


_TASKS: dict[str, Callable[[Namespace], str]] = {
    "migrate": migrate,
    "load": load,
    "label": label,
    "report": report,
    "compare": compare,
    "predict": predict,
}


def _tracking(options: Namespace) -> Any:
    """Return the MLflow server of a command that only reads."""
    from trainer_job.registry.tracking import connect as connect_tracking

    values = direct.merge(direct.variables(os.environ), flags.values(options))
    return connect_tracking(TrackingSpec(uri=str(values[direct.TRACKING_URI].value)))


def _name(options: Namespace) -> str:
    return options.name or DEFAULT_MODEL_NAME


def _direct(options: Namespace) -> RunDocument:
    if options.command != "run":
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"TRAINER_RUN is not set: trainer-job {options.command} runs in a Job of the operator.",
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
    values = direct.merge(direct.variables(os.environ), flags.values(options))
    return direct.document(values, datetime.now(UTC))


def _train(
    document: RunDocument,
    settings: DatabaseSettings,
    progress: Reporter,
    reference: Path | None = None,
) -> Result:
    database = connect(settings)
    with uncollected():
        from trainer_job.registry.tracking import connect as connect_tracking

    tracking = connect_tracking(document.tracking)
    with uncollected():
        from trainer_job.patterns import read_patterns
        from trainer_job.pipeline import train

    patterns = None if reference is None else read_patterns(reference)
    return train(document, database, tracking, progress, patterns)


def _promote(document: RunDocument) -> Result:
    database = connect(DatabaseSettings.from_environment())
    with uncollected():
        from trainer_job.proving import prove_and_promote
        from trainer_job.registry.tracking import connect as connect_tracking

    tracking = connect_tracking(document.tracking)
    return prove_and_promote(document, database, tracking, as_json_lines)


def _check(document: RunDocument) -> Result:
    database = connect(DatabaseSettings.from_environment())
    with uncollected():
        from trainer_job.checking import check
        from trainer_job.registry.tracking import connect as connect_tracking

    return check(document, database, connect_tracking(document.tracking), as_json_lines)


def _recall(document: RunDocument) -> Result:
    from trainer_job.recalling import recall

    return recall(document, connect(DatabaseSettings.from_environment()))


@contextmanager
def _embedded(
    options: Namespace, document: RunDocument
) -> Iterator[tuple[DatabaseSettings, RunDocument]]:
    """Yield a migrated database and the document, both pointed at servers of the run's own."""
    from trainer_job import embedded
    from trainer_job.database.migrate import migrate as migrate_database
    from trainer_job.loading import load as load_file

    with embedded.servers(options.embedded, document.tracking.experiment) as servers:
        database = connect(servers.database)
        migrate_database(database)
        document = document.model_copy(update={"tracking": servers.tracking})
        if options.data is not None:
            loaded = load_file(database, options.data, document.as_of)
            as_note(str(loaded))
            if not _windowed(options):
                # What was loaded lies in the window, however long ago that was.
                document = direct.since(document, loaded.first)
        yield servers.database, document
        as_note(servers.look())


def _windowed(options: Namespace) -> bool:
    """Tell whether a flag or variable says which window."""
    values = {**direct.variables(os.environ), **flags.values(options)}
    return any(place in values for place in (direct.LOOKBACK, direct.SINCE))
