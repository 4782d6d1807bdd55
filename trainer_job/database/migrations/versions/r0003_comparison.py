"""What a run is compared with, as its first attempt finds it; one foreign key less.

Frozen: spelled out here and not taken from `tables.py`, which goes on changing.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

_OURS = """
    ALTER TABLE trainer.training_runs
        ADD COLUMN compared jsonb,
        ADD COLUMN compared_hash text,
        ADD COLUMN compared_labels jsonb,
        ADD COLUMN salt text,
        ADD COLUMN champion text;
    -- Looked up for each row that is kept, it took half of the time; layouts are written first, and
    -- dropped last, in the same transaction and under one lock.
    ALTER TABLE trainer.episode_features DROP CONSTRAINT episode_features_layout_fkey;
"""


def upgrade() -> None:
    """Add the columns."""
    op.get_bind().exec_driver_sql(_OURS)


def downgrade() -> None:
    """Refuse: the next attempts of runs would be decided on another state."""
    raise NotImplementedError("drop the columns by hand, if what they hold may be lost")
