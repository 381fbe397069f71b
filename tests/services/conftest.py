"""Real servers for the tests, private to the session: MariaDB and an S3 server over HTTP.

Where a server program is not installed its tests are skipped with the reason, but never in CI.
TEST_MYSQL_URL (mysql+pymysql://user:password@host:port) and TEST_S3_URL name servers that are
running already, to be used instead: another MariaDB, a real MySQL, another S3.
"""

import os
import shutil
import subprocess
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
from faulty_proxy import FaultyProxy
from servers import free_port, running, s3_server, s3_settings
from sqlalchemy import create_engine, text

from gamerec.database import Database
from gamerec.database.tables import metadata
from gamerec.s3 import open_s3
from gamerec.storage import FolderStore, MemoryStore, open_store


def absent(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def s3_url():
    """Address of a moto server process, or of TEST_S3_URL."""
    if given := os.environ.get("TEST_S3_URL"):
        yield given
        return
    with s3_server() as url:
        yield url


@pytest.fixture
def s3_store(s3_url):
    """An S3 store, without a folder beside it, in a bucket of its own."""
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    store = open_s3(f"s3://{bucket}/some/prefix", s3_settings(s3_url))
    store.client.create_bucket(Bucket=bucket)
    return store


@pytest.fixture
def proxy(s3_url, s3_store):
    """What stands before the S3 server, and fails on demand."""
    proxy = FaultyProxy(s3_url)
    yield proxy
    proxy.close()


@pytest.fixture(params=["folder", "memory", "s3", "mirrored"])
def store(request, tmp_path):
    """Every kind of store, empty."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    if request.param == "memory":
        return MemoryStore()
    bucket = request.getfixturevalue("s3_store")
    if request.param == "s3":
        return bucket
    return open_store(bucket.uri, s3_settings(request.getfixturevalue("s3_url")))


@pytest.fixture(params=["folder", "s3"])
def shared_store(request, tmp_path):
    """Every kind of store that processes can share: (uri, settings) to open it with."""
    if request.param == "folder":
        return str(tmp_path / "store"), None
    url = request.getfixturevalue("s3_url")
    return request.getfixturevalue("s3_store").uri, s3_settings(url)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    """URL of a MariaDB server of our own or of TEST_MYSQL_URL, without a database name."""
    if given := os.environ.get("TEST_MYSQL_URL"):
        yield given
        return
    if shutil.which("mariadbd") is None and not Path("/usr/sbin/mariadbd").exists():
        absent("MariaDB is not installed (mariadbd): apt-get install mariadb-server")
    server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    folder = tmp_path_factory.mktemp("mariadb")
    data, port = folder / "data", free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
    install += ["--auth-root-authentication-method=normal", *user]
    subprocess.run(install, check=True, capture_output=True)
    command = [server, "--no-defaults", f"--datadir={data}", f"--port={port}", *user]
    command += ["--bind-address=127.0.0.1", f"--socket={folder / 's'}", "--skip-log-bin"]
    command += ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"]  # no need to last
    command += [f"--pid-file={folder / 'pid'}"]
    with running(command, port):
        yield f"mysql+pymysql://root@127.0.0.1:{port}"


@contextmanager
def new_database(server_url):
    """URL of an empty database, dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = create_engine(server_url)
    with server.begin() as connection:
        connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    yield f"{server_url}/{name}"
    with server.begin() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture
def new_mariadb_url(mariadb):
    """URL of an empty MariaDB database."""
    with new_database(mariadb) as url:
        yield url


@pytest.fixture(scope="session")
def shared_mariadb_url(mariadb):
    """URL of a MariaDB database with all tables, which every test finds empty again."""
    with new_database(mariadb) as url:
        with Database(url) as database:
            database.upgrade()
        yield url


@pytest.fixture
def mariadb_url(shared_mariadb_url):
    yield shared_mariadb_url
    engine = create_engine(shared_mariadb_url)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()


@pytest.fixture(params=["sqlite", "mariadb"])
def new_database_url(request, tmp_path):
    """URL of a database of every kind, without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return request.getfixturevalue("new_mariadb_url")


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request, tmp_path):
    """URL of a database of every kind, with all tables, empty."""
    if request.param == "mariadb":
        return request.getfixturevalue("mariadb_url")
    url = f"sqlite:///{tmp_path / 'test.db'}"
    with Database(url) as database:
        database.upgrade()
    return url


@pytest.fixture
def database(database_url):
    with Database(database_url, patience=10) as database:
        yield database
