"""The tables: those of the replaced service in the default schema, ours in ``trainer``.

The old ones carry no foreign keys of ours and are never altered: an existing installation
grants SELECT on them, and INSERT and UPDATE on `clusters` and `versions`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

SCHEMA = "trainer"

metadata = MetaData()

machines = Table(
    "machines",
    metadata,
    Column("machine_id", String, primary_key=True),
    Column("first_seen", DateTime(timezone=True)),
    Column("last_seen", DateTime(timezone=True)),
)

failures = Table(
    "failures",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("machine", String, ForeignKey("machines.machine_id"), nullable=False),
    Column("start_time", DateTime(timezone=True), nullable=False),
    Column("end_time", DateTime(timezone=True)),
    Column("is_active", Boolean, nullable=False, server_default="true"),
    Index("failures_start_time", "start_time"),
)

readings = Table(
    "readings",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("timestamp", DateTime(timezone=True), nullable=False),
    Column("values", JSONB, nullable=False),
    Column("machine", String, ForeignKey("machines.machine_id"), nullable=False),
    Column("failure", BigInteger, ForeignKey("failures.id")),
    Index("readings_failure", "failure"),
)

clusters = Table(
    "clusters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("mlflow_run_id", String),
    Column("mlflow_model_version", String),
    Column("is_active", Boolean, nullable=False, server_default="false"),
    Column("n_clusters", Integer),
    Column("silhouette_score", Float),
    # JSON and not JSONB: predictors take the order of the features from the order of the keys.
    Column("cluster_profiles", JSON),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", String, nullable=False),
    Column("run_id", String),
    Column("created_at", DateTime(timezone=True), server_default=func.now()),
    Column("is_processed", Boolean, nullable=False, server_default="false"),
)

training_runs = Table(
    "training_runs",
    metadata,
    Column("run_uid", Text, primary_key=True),
    Column("name", Text),
    Column("namespace", Text),
    Column("mlflow_run_id", Text),
    Column("model_version", Text),
    Column("decision", Text),
    Column("result", JSONB),
    Column("episodes", JSONB),
    Column("feature_hash", Text),
    Column("labels", JSONB),
    Column("compared", JSONB),
    Column("compared_hash", Text),
    Column("compared_labels", JSONB),
    Column("salt", Text),
    Column("champion", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema=SCHEMA,
)

episode_labels = Table(
    "episode_labels",
    metadata,
    # No foreign key to failures: it would need a grant on an installation's own table.
    Column("failure", BigInteger, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema=SCHEMA,
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("tracking", Text, nullable=False),
    Column("registered_name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("run_uid", Text, nullable=False),
    Column("mlflow_run_id", Text),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("tracking", "registered_name", "alias", "run_uid", "version"),
    schema=SCHEMA,
)

loads = Table(
    "loads",
    metadata,
    Column("content", Text, primary_key=True),
    Column("machine", Text, primary_key=True),
    Column("episodes", JSONB, nullable=False),
    Column("readings", Integer, nullable=False),
    Column("first", DateTime(timezone=True), nullable=False),
    Column("last", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema=SCHEMA,
)

feature_layouts = Table(
    "feature_layouts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sensors", ARRAY(Text), nullable=False),
    schema=SCHEMA,
)

episode_features = Table(
    "episode_features",
    metadata,
    Column("failure", BigInteger, primary_key=True, autoincrement=False),
    Column("layout", BigInteger, primary_key=True, autoincrement=False),
    Column("readings", BigInteger, nullable=False),
    Column("unusable", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("latest", DateTime(timezone=True), nullable=False),
    Column("digest", BigInteger, nullable=False),
    # Little-endian doubles, sensor by sensor: arrays of doubles take three times as long to read.
    Column("moments", LargeBinary, nullable=False),
    schema=SCHEMA,
)

feature_watermark = Table(
    "feature_watermark",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("reading", BigInteger, nullable=False),
    Column("writes", BigInteger, nullable=False),
    Column("rebuilds", BigInteger, nullable=False),
    schema=SCHEMA,
)

modes = Table(
    "modes",
    metadata,
    Column("tracking", Text, primary_key=True),
    Column("registered_name", Text, primary_key=True),
    Column("run_uid", Text, primary_key=True),
    Column("cluster", Integer, primary_key=True, autoincrement=False),
    Column("mode", Integer, nullable=False),
    schema=SCHEMA,
)

LEGACY = (machines, failures, readings, clusters, versions)
OURS = (
    training_runs,
    episode_labels,
    promotions,
    loads,
    feature_layouts,
    episode_features,
    feature_watermark,
    modes,
)
