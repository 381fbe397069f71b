"""Events get an id of the sender's, by which one that is sent twice is kept once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEX = "uq_events_event_id"


def upgrade() -> None:
    """Add column and index; what a cut upgrade has made already is left."""
    inspector = sa.inspect(op.get_bind())
    if "event_id" not in {column["name"] for column in inspector.get_columns("events")}:
        op.add_column("events", sa.Column("event_id", _exact(100)))
    if INDEX not in {index["name"] for index in inspector.get_indexes("events")}:
        op.create_index(INDEX, "events", ["event_id"], unique=True)


def downgrade() -> None:
    """Drop both."""
    op.drop_index(INDEX, "events")
    op.drop_column("events", "event_id")


def _exact(length: int) -> sa.types.TypeEngine:
    """Text compared code point by code point, where 'a', 'A' and 'a ' are three ids."""
    dialect = op.get_bind().dialect
    if dialect.name != "mysql":
        return sa.String(length)
    collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
    return mysql.VARCHAR(length, charset="utf8mb4", collation=collation)
