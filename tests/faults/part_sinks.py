"""Sinks that fail in the middle of the work: the database stopped, S3 refusing a third."""

import random
import shutil
import signal
import subprocess
import uuid
from contextlib import suppress
from pathlib import Path

from fault_bench import OTHER, Bench, Row, row, say
from fault_compare import differences, result
from fault_home import Home, Skipped, ended, wait_until
from services.faulty_proxy import FaultyProxy
from services.servers import CANARY, free_port, s3_server, s3_settings, stop, wait_for
from sqlalchemy import create_engine, text

from gamerec.database import Database
from gamerec.s3 import open_s3

FAULTS = ("503", "503", "reset", "lost", "cut", "corrupt")
SHARE = 0.3
PLAYERS = 20_000  # so many that a load takes long enough to be met in the middle


class MariaDB:
    """A private server that can be killed and started again over the same files."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
        if program is None:
            raise Skipped("MariaDB is not installed: apt-get install mariadb-server")
        self.folder, self.port, self.program = folder, free_port(), program
        self.user = ["--user=root"]
        folder.mkdir(parents=True)
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={folder / 'data'}"]
        install += ["--skip-test-db", "--auth-root-authentication-method=normal", *self.user]
        subprocess.run(install, check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [self.program, "--no-defaults", f"--datadir={self.folder / 'data'}", *self.user]
        command += [f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-log-bin"]
        command += [f"--socket={self.folder / 's'}", f"--pid-file={self.folder / 'pid'}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet)
        wait_for(self.port, self.process)

    def kill(self) -> None:
        """As a machine that goes down."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"faults_{uuid.uuid4().hex[:8]}"
        engine = create_engine(f"mysql+pymysql://root@127.0.0.1:{self.port}")
        with engine.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        engine.dispose()
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{name}"


def database_stopped(bench: Bench) -> list[Row]:
    """MariaDB is killed while a batch is being loaded, once early and once late."""
    server = MariaDB(bench.folder / "mariadb")
    server.start()
    faults: list[str] = []
    try:
        for share in (0.2, 0.7):
            faults += _stopped_at(share, bench, server)
    finally:
        stop(server.process)
    outcome = (
        "the run ends with 0 and says what is pending; the old batch stays; "
        "started again, `deliver` brings the rows that an undisturbed load brings, once"
    )
    return [row("database (MariaDB) killed in the middle of a load", 2, outcome, faults)]


def _stopped_at(share: float, bench: Bench, server: MariaDB) -> list[str]:
    url = server.new_database()
    home = Home(bench.folder / f"stopped{share}", DATABASE_URL=url)
    small = home.gamerec("run", "-p", "evaluate.RESAMPLES=100")
    old = _rows(url)
    arguments = ("-p", f"simulate.N_USERS={PLAYERS}", "-p", "evaluate.RESAMPLES=100")
    process = home.start("run", *arguments, "-p", 'train.COMPARE=["cosine"]')
    engine = create_engine(url)
    loaded = "SELECT COALESCE(MAX(n), 0) FROM (SELECT COUNT(*) n FROM recommendations r JOIN "
    loaded += "batches b USING (batch_no) WHERE b.status = 'loading' GROUP BY batch_no) x"

    def is_loading() -> bool:
        with suppress(Exception), engine.connect() as connection:
            return connection.execute(text(loaded)).scalar_one() >= share * PLAYERS * 10
        return False

    met = wait_until(lambda: is_loading() or process.poll() is not None, 300, pause=0.05)
    hit = met and process.poll() is None
    server.kill()
    done = ended(process)
    server.start()
    faults = [small.text] if small.code else []
    faults += [] if hit else ["the load was not met in its middle"]
    faults += [] if done.code in (0, 4) and "database" in done.out else [done.text]
    faults += [] if _rows(url) == old else ["what is served has changed before the delivery"]
    for expected in ("delivered", "nothing is pending"):
        delivery = home.gamerec("deliver")
        if delivery.code or (expected == "nothing is pending" and expected not in delivery.out):
            faults.append(delivery.text)
    faults += _as_in_files(url, home)
    say(f"  killed at {share:.0%} of the load: {faults}")
    return faults


def _rows(url: str) -> tuple:
    with Database(url) as database:
        return database.live_batch(), database.all_recommendations().to_csv()


def _as_in_files(url: str, home: Home) -> list[str]:
    """The live batch is what the newest run's Parquet file holds, every row once."""
    from gamerec import batch
    from gamerec.storage import FolderStore

    store = FolderStore(home.folder / "store")
    current = batch.current(store)
    wanted = next(batch.stored_frames(store, current, 10**9))
    with Database(url) as database:
        found = database.all_recommendations()
    keys = ["user_id", "rank", "game_id"]
    same = (
        found[keys].sort_values(keys).to_numpy() == wanted[keys].sort_values(keys).to_numpy()
    ).all()
    return [] if len(found) == len(wanted) and same else [f"{len(found)} of {len(wanted)} rows"]


def s3_failing(bench: Bench) -> list[Row]:
    """A bucket that fails three requests in ten, in every way the proxy knows."""
    rng = random.Random(bench.seed)
    with s3_server() as url:
        proxy = FaultyProxy(url)
        try:
            return [_through(proxy, url, bench, rng)]
        finally:
            proxy.close()


def _through(proxy: FaultyProxy, url: str, bench: Bench, rng: random.Random) -> Row:
    store = open_s3("s3://faults/here", s3_settings(url))  # the bucket itself, past the proxy
    store.client.create_bucket(Bucket="faults")
    env = {"STORE_URL": "s3://faults/here", "AWS_ENDPOINT_URL": proxy.url}
    env |= {"AWS_ACCESS_KEY_ID": "test-key-id", "AWS_SECRET_ACCESS_KEY": CANARY}
    home = Home(bench.folder / "bucket", **env)
    proxy.choose = lambda *_: rng.choice(FAULTS) if rng.random() < SHARE else None
    faults = []
    for arguments in (("run", "-p", "evaluate.RESAMPLES=100"), ("run", *OTHER)):
        done = home.gamerec(*arguments, seconds=900)
        faults += [done.text] if done.code else []
    proxy.choose = lambda *_: None
    delivery = home.gamerec("deliver")
    faults += [delivery.text] if delivery.code else []
    if not faults:
        url_of_rows = f"sqlite:///{home.folder}/store/gamerec.db"
        run_id = home.records()[-1].run_id
        found = result(home.folder, run_id, store=store, database=url_of_rows)
        faults += differences(bench.expected, found)
    failed = sum(1 for _, fault in proxy.seen if fault)
    say(f"  {failed} of {len(proxy.seen)} requests failed: {faults}")
    what = "S3 failing 30 % of requests (503, resets, lost and cut answers, altered bodies)"
    outcome = (
        "tried again; both runs end with 0, artifacts, models and batch equal those of a folder"
    )
    return row(what, f"{failed} of {len(proxy.seen)} requests", outcome, faults)
