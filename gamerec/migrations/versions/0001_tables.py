"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")


def upgrade() -> None:
    """Make all tables; those that a cut upgrade has made already are left."""
    _make_users_and_games()
    _make_interactions()
    _make_batches()
    _make_events()
    _make_indexes()


def downgrade() -> None:
    """Drop all tables."""
    for name in ("events", "recommendations", "batches", "interactions", "games", "users"):
        op.drop_table(name)


def _make_users_and_games() -> None:
    _make(
        "users",
        sa.Column("user_no", sa.Integer, primary_key=True),
        sa.Column("user_id", _exact(255), nullable=False),
        sa.Column("id_kind", sa.String(3), nullable=False),
        sa.UniqueConstraint("user_id", "id_kind", name="uq_users_id"),
    )
    numbers = ("playtime", "rating", "ratings_count", "added", "owned", "owned_ratio", "metacritic")
    _make(
        "games",
        sa.Column("game_no", sa.Integer, primary_key=True),
        sa.Column("game_id", _exact(255), nullable=False),
        sa.Column("id_kind", sa.String(3), nullable=False),
        sa.Column("slug", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("released", sa.Date),
        sa.Column("genres", sa.Text),
        sa.Column("tags", sa.Text),
        *(sa.Column(name, sa.Double) for name in numbers),
        sa.Column("image_url", sa.Text),
        sa.UniqueConstraint("game_id", "id_kind", name="uq_games_id"),
    )


def _make_interactions() -> None:
    _make(
        "interactions",
        _key("user_no", "users.user_no"),
        _key("game_no", "games.game_no"),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("at", MOMENT),
    )


def _make_batches() -> None:
    _make(
        "batches",
        sa.Column("batch_no", sa.Integer, primary_key=True),
        sa.Column("batch_id", sa.String(100), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("live", sa.SmallInteger),
        sa.Column("model_version", sa.String(100), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("touched_at", MOMENT, nullable=False),
        sa.Column("n_rows", sa.Integer, nullable=False),
        sa.UniqueConstraint("live", name="uq_batches_live"),
    )
    _make(
        "recommendations",
        _key("batch_no", "batches.batch_no"),
        _key("user_no", "users.user_no"),
        sa.Column("rank", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("game_no", sa.Integer, sa.ForeignKey("games.game_no"), nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("because_game_no", sa.Integer),
    )


def _make_events() -> None:
    _make(
        "events",
        sa.Column("event_no", sa.Integer, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("user_no", sa.Integer, sa.ForeignKey("users.user_no")),
        sa.Column("game_no", sa.Integer, sa.ForeignKey("games.game_no")),
        sa.Column("detail", sa.Text),
    )


def _make_indexes() -> None:
    indexes = {
        "interactions": (("game_no",),),
        "batches": (("batch_id",),),
        "recommendations": (("user_no",), ("game_no",)),
        "events": (("kind", "at"), ("user_no",), ("game_no",)),
    }
    inspector = sa.inspect(op.get_bind())
    for table, wanted in indexes.items():
        present = {index["name"] for index in inspector.get_indexes(table)}
        for columns in wanted:
            name = "_".join(("ix", table, *columns))
            if name not in present:
                op.create_index(name, table, list(columns))


def _make(name: str, *parts: sa.schema.SchemaItem) -> None:
    options = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
    op.create_table(name, *parts, if_not_exists=True, **options)


def _key(name: str, target: str) -> sa.Column:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target), primary_key=True, autoincrement=False)


def _exact(length: int) -> sa.types.TypeEngine:
    """Text compared code point by code point, where 'a', 'A' and 'a ' are three ids."""
    dialect = op.get_bind().dialect
    if dialect.name != "mysql":
        return sa.String(length)
    collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
    return mysql.VARCHAR(length, charset="utf8mb4", collation=collation)
