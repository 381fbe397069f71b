"""The tables, once. Migrations make them in a database; a test holds the two together.

Ids are text or integers of the user's own. `users` and `games` keep each with its kind and give
it a number, by which all other tables refer to it: short keys make quick loads.
"""

from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

ID_LENGTH = 255  # characters
EVENT_ID_LENGTH = 100
moment = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")  # UTC

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("user_no", Integer, primary_key=True),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("id_kind", String(3), nullable=False),  # 'int' or 'str'
    UniqueConstraint("user_id", "id_kind", name="uq_users_id"),
)

games = Table(
    "games",
    metadata,
    Column("game_no", Integer, primary_key=True),
    Column("game_id", String(ID_LENGTH), nullable=False),
    Column("id_kind", String(3), nullable=False),
    Column("slug", Text),
    Column("name", Text),
    Column("released", Date),
    Column("genres", Text),  # JSON list
    Column("tags", Text),  # JSON list
    Column("playtime", Double),  # hours
    Column("rating", Double),  # 0-5
    Column("ratings_count", Double),
    Column("added", Double),
    Column("owned", Double),
    Column("owned_ratio", Double),  # 0-1
    Column("metacritic", Double),  # 0-100
    Column("image_url", Text),
    UniqueConstraint("game_id", "id_kind", name="uq_games_id"),
)

interactions = Table(
    "interactions",
    metadata,
    Column("user_no", Integer, ForeignKey(users.c.user_no), primary_key=True, autoincrement=False),
    Column("game_no", Integer, ForeignKey(games.c.game_no), primary_key=True, autoincrement=False),
    Column("weight", Double, nullable=False),  # 1, or hours
    Column("at", moment),
    Index("ix_interactions_game_no", "game_no"),
)

batches = Table(
    "batches",
    metadata,
    Column("batch_no", Integer, primary_key=True),
    Column("batch_id", String(100), nullable=False),
    Column("status", String(10), nullable=False),  # loading, ready or dropped
    Column("live", SmallInteger),  # 1 for the one batch that readers see, else NULL
    Column("model_version", String(100), nullable=False),
    Column("created_at", moment, nullable=False),
    Column("touched_at", moment, nullable=False),  # last chunk; tells a live load from a dead one
    Column("n_rows", Integer, nullable=False),
    UniqueConstraint("live", name="uq_batches_live"),
    Index("ix_batches_batch_id", "batch_id"),
)

# `because_game_no` is not declared as a foreign key: MySQL would keep an index for it, which makes
# loads three times slower and which no query needs. It holds numbers of `games` all the same.
recommendations = Table(
    "recommendations",
    metadata,
    Column(
        "batch_no", Integer, ForeignKey(batches.c.batch_no), primary_key=True, autoincrement=False
    ),
    Column("user_no", Integer, ForeignKey(users.c.user_no), primary_key=True, autoincrement=False),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),  # from 1
    Column("game_no", Integer, ForeignKey(games.c.game_no), nullable=False),
    Column("score", Double, nullable=False),
    Column("because_game_no", Integer),
    Index("ix_recommendations_user_no", "user_no"),
    Index("ix_recommendations_game_no", "game_no"),
)

events = Table(
    "events",
    metadata,
    Column("event_no", Integer, primary_key=True),
    Column("at", moment, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("user_no", Integer, ForeignKey(users.c.user_no)),
    Column("game_no", Integer, ForeignKey(games.c.game_no)),
    Column("detail", Text),  # JSON object
    Column("event_id", String(EVENT_ID_LENGTH)),  # the sender's own, NULL where it gave none
    Index("uq_events_event_id", "event_id", unique=True),
    Index("ix_events_kind_at", "kind", "at"),
    Index("ix_events_user_no", "user_no"),
    Index("ix_events_game_no", "game_no"),
)
