"""The old tables where they do not exist, and ours.

Frozen: spelled out here and not taken from `tables.py`, which goes on changing.
"""

from alembic import op

revision = "0001"
down_revision = None

_OLD = {
    "machines": """
        CREATE TABLE machines (
            machine_id varchar PRIMARY KEY,
            first_seen timestamptz,
            last_seen timestamptz
        )""",
    "failures": """
        CREATE TABLE failures (
            id bigserial PRIMARY KEY,
            machine varchar NOT NULL REFERENCES machines (machine_id),
            start_time timestamptz NOT NULL,
            end_time timestamptz,
            is_active boolean NOT NULL DEFAULT true
        );
        CREATE INDEX failures_start_time ON failures (start_time)""",
    "readings": """
        CREATE TABLE readings (
            id bigserial PRIMARY KEY,
            "timestamp" timestamptz NOT NULL,
            "values" jsonb NOT NULL,
            machine varchar NOT NULL REFERENCES machines (machine_id),
            failure bigint REFERENCES failures (id)
        );
        CREATE INDEX readings_failure ON readings (failure)""",
    "clusters": """
        CREATE TABLE clusters (
            id serial PRIMARY KEY,
            mlflow_run_id varchar,
            mlflow_model_version varchar,
            is_active boolean NOT NULL DEFAULT false,
            n_clusters integer,
            silhouette_score double precision,
            cluster_profiles json
        )""",
    "versions": """
        CREATE TABLE versions (
            id serial PRIMARY KEY,
            version varchar NOT NULL,
            run_id varchar,
            created_at timestamptz DEFAULT now(),
            is_processed boolean NOT NULL DEFAULT false
        )""",
}

_OURS = """
    CREATE TABLE trainer.training_runs (
        run_uid text PRIMARY KEY,
        name text,
        namespace text,
        mlflow_run_id text,
        model_version text,
        decision text,
        result jsonb,
        episodes jsonb,
        feature_hash text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE trainer.episode_labels (
        failure bigint,
        source text CHECK (source IN ('human', 'model')),
        label text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (failure, source)
    );
    CREATE TABLE trainer.promotions (
        id bigserial PRIMARY KEY,
        tracking text NOT NULL,
        registered_name text NOT NULL,
        alias text NOT NULL,
        version integer NOT NULL,
        run_uid text NOT NULL,
        mlflow_run_id text,
        at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (tracking, registered_name, alias, run_uid, version)
    );
    CREATE TABLE trainer.loads (
        content text,
        machine text,
        episodes jsonb NOT NULL,
        readings integer NOT NULL,
        first timestamptz NOT NULL,
        last timestamptz NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (content, machine)
    );
"""


def upgrade() -> None:
    """Create what is missing; an existing table is never altered."""
    connection = op.get_bind()
    for name, statement in _OLD.items():
        if connection.exec_driver_sql("SELECT to_regclass(%s)", (name,)).scalar() is None:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(_OURS)


def downgrade() -> None:
    """Refuse: the records are what keeps a run from being trained twice."""
    raise NotImplementedError("drop the schema trainer by hand, if its records may be lost")
