"""Schema versions, by Alembic; `Database.upgrade` runs them. The newest is `HEAD`."""

HEAD = "0002"
