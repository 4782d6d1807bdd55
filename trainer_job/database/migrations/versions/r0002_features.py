"""What is kept of episodes, and the numbers that failure modes keep for ever.

Frozen: spelled out here and not taken from `tables.py`, which goes on changing.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

_OURS = """
    ALTER TABLE trainer.training_runs ADD COLUMN labels jsonb;
    CREATE TABLE trainer.feature_layouts (
        id bigint PRIMARY KEY,
        version integer NOT NULL,
        kind text NOT NULL,
        sensors text[] NOT NULL
    );
    CREATE TABLE trainer.episode_features (
        layout bigint NOT NULL REFERENCES trainer.feature_layouts (id),
        failure bigint NOT NULL,
        readings bigint NOT NULL,
        unusable bigint NOT NULL,
        duplicates bigint NOT NULL,
        latest timestamptz NOT NULL,
        digest bigint NOT NULL,
        moments bytea NOT NULL,
        PRIMARY KEY (failure, layout)
    );
    CREATE TABLE trainer.feature_watermark (
        version integer PRIMARY KEY,
        reading bigint NOT NULL,
        writes bigint NOT NULL,
        rebuilds bigint NOT NULL
    );
    CREATE TABLE trainer.modes (
        tracking text,
        registered_name text,
        run_uid text,
        cluster integer,
        mode integer NOT NULL,
        PRIMARY KEY (tracking, registered_name, run_uid, cluster)
    );
"""


def upgrade() -> None:
    """Create the tables."""
    op.get_bind().exec_driver_sql(_OURS)


def downgrade() -> None:
    """Refuse: numbers of failure modes would be given a second time."""
    raise NotImplementedError("drop the tables by hand, if what they hold may be lost")
