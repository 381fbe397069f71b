"""The embedded database and addresses of databases; what all kinds do alike is in services/."""

import threading

import pandas as pd
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gamerec import migrations
from gamerec.database import Database, open_database
from gamerec.database.connect import parse_url
from gamerec.database.ids import identity, original
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.settings import Settings

CANARY = "canary-db-password"


def rows(count):
    return pd.DataFrame(
        {
            "user_id": range(count),
            "rank": 1,
            "game_id": 5,
            "score": 0.5,
            "because_game_id": pd.array([None] * count, "Int64"),
        }
    )


def test_the_default_is_a_file_in_the_store(home):
    with open_database(Settings(gamerec_home=home)) as database:
        assert (database.kind, database.version()) == ("sqlite", migrations.HEAD)
        database.load_batch("b", rows(3))
    assert (home / "store" / "gamerec.db").is_file()


def test_a_relative_path_counts_from_the_project(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(gamerec_home=home, database_url=SecretStr("sqlite:///data/own.db"))
    open_database(settings).close()
    assert (home / "data" / "own.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_the_newest_migration_is_the_head_that_the_code_names():
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_a_reader_is_not_held_up_by_a_load(home):
    """SQLite with its write-ahead log: a list is read while the batch is being written."""
    url = f"sqlite:///{home / 'x.db'}"
    with Database(url) as database, Database(url, patience=1) as reader:
        database.upgrade()
        database.load_batch("old", rows(2))
        read = threading.Event()

        def parts():
            yield rows(100)
            assert len(reader.all_recommendations()) == 2
            read.set()
            yield rows(100).assign(user_id=range(100, 200))

        database.load_batch("new", parts())
        assert read.is_set()
        assert len(reader.all_recommendations()) == 200


@given(st.one_of(st.integers(), st.text(min_size=1, max_size=255)))
def test_every_id_has_an_identity_of_its_own_and_comes_back(value):
    text, kind = identity(value)
    back = original(text, kind)
    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize("value", [True, 1.0, None, "", "x" * 256, b"x", ("a",)])
def test_what_is_no_id_is_refused(value):
    with pytest.raises(DataError, match="is no id"):
        identity(value)


@pytest.mark.parametrize(
    ("given_url", "driver"),
    [
        ("mysql://u:p@h/d", "mysql+pymysql"),
        ("mariadb://u:p@h/d", "mysql+pymysql"),
        ("mysql+mysqldb://u:p@h:3307/d?ssl_ca=x", "mysql+pymysql"),
        ("sqlite:////tmp/x.db", "sqlite"),
    ],
)
def test_addresses_get_the_driver_that_is_installed(given_url, driver):
    assert parse_url(given_url).drivername == driver


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{CANARY}@h/d",
        f"nonsense {CANARY}",
        f"mysql://u:{CANARY}@h",
        f"://{CANARY}",
        f"mysql://u:{CANARY}@h:port/d",
    ],
)
def test_an_unusable_address_is_refused_without_repeating_it(url):
    with pytest.raises(UsageError, match="DATABASE_URL") as caught:
        Database(url)
    assert CANARY not in str(caught.value)


def test_a_server_that_is_away_is_an_error_without_its_password(home):
    url = SecretStr(f"mysql://user:{CANARY}@127.0.0.1:1/games")
    with pytest.raises(ServiceError, match=r"user:\*\*\*@127\.0\.0\.1:1/games.*onnect") as caught:
        Database(url.get_secret_value(), patience=0.2).upgrade()
    error = caught.value
    while error is not None:
        assert CANARY not in f"{error} {error!r}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_file_that_is_no_database_is_told(home):
    (home / "x.db").write_text("this is no database, but long enough to be read as one " * 40)
    with pytest.raises(ServiceError, match="not a database"):
        Database(f"sqlite:///{home / 'x.db'}", patience=0.2).upgrade()


def test_a_folder_that_cannot_be_made_is_told(home):
    (home / "file").write_text("in the way")
    with pytest.raises(ServiceError, match="unable to open"):
        Database(f"sqlite:///{home / 'file' / 'x.db'}", patience=0.2).upgrade()
