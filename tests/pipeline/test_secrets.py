"""No secret in any file that a run leaves, nor in anything that it prints."""

import json
import os
import subprocess
import sys
import time
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from pydantic import SecretStr
from services.rawg_server import RawgServer, a_game
from small_project import wait_until
from typer.testing import CliRunner

from gamerec.cli import app
from gamerec.settings import Settings

CANARIES = {
    "RAWG_API_KEY": "canary0rawg0c0ffee0c0ffee0c0ffee",
    "WANDB_API_KEY": "canarywandb" + "0123456789abcdef" * 2,
    "AWS_ACCESS_KEY_ID": "CANARYAWSKEYID77",
    "AWS_SECRET_ACCESS_KEY": "canary/aws+secret/key=77",
    "AWS_SESSION_TOKEN": 'canary"aws&session<token>77',
    # Nobody listens on port 9 here, so whatever tries to connect complains.
    "DATABASE_URL": "mysql+pymysql://ann:canary%2Fdb%40pass77@127.0.0.1:9/games",
    "NOTIFY_URLS": "json://bob:canary-notify-77@127.0.0.1:9/hook",
}
# No secrets by type, but addresses may hold a password.
ADDRESSES = {
    "AWS_ENDPOINT_URL": "http://ann:canary-endpoint-77@127.0.0.1:9",
    "WANDB_BASE_URL": "http://ann:canary-wandb-77@127.0.0.1:9",
}
PASSWORD = "canary%2Fdb%40pass77"
SPILL = """
import os, sys
from IPython.display import HTML, Markdown, display
secrets = {name: os.environ[name] for name in NAMES}
print(secrets)
print(*secrets.values(), file=sys.stderr)
os.write(2, str(secrets).encode())
display(HTML(f"<b>{secrets}</b>"), Markdown(str(secrets)), {"application/json": secrets}, secrets)
"""


def spellings() -> set[bytes]:
    """Every way in which a canary may have been written down."""
    found = set()
    passwords = [PASSWORD, unquote(PASSWORD), "canary-notify-77"]
    passwords += ["canary-endpoint-77", "canary-wandb-77"]
    for secret in [*CANARIES.values(), *passwords]:
        for text in (secret, quote(secret, safe=""), escape(secret), json.dumps(secret)[1:-1]):
            found.add(text.encode())
    return found


def assert_clean(folder: Path, *printed: str) -> None:
    """No file below the folder and no text holds a canary."""
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        leaked = [s for s in spellings() if s in content or s in str(path).encode()]
        assert not leaked, f"{path} holds {leaked}"
    for text in printed:
        assert not [s for s in spellings() if s in text.encode()], text


@pytest.fixture
def canaries(monkeypatch):
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)


def test_every_secret_of_the_settings_has_a_canary():
    fields = Settings.model_fields.items()
    assert {name.upper() for name, f in fields if f.annotation is SecretStr} == set(CANARIES)


def test_what_notebooks_spill_is_masked_in_success_and_failure(project, canaries):
    spill = SPILL.replace("NAMES", repr(list(CANARIES)))
    project.notebook("crawl", spill)
    project.notebook("train", spill + "\nraise OSError(f'cannot reach {secrets}')")
    runner = project.start("run")
    out, err = runner.communicate(timeout=120)
    assert runner.returncode == 5
    assert "cannot reach" in err
    assert_clean(project.home, out, err)
    [record] = project.records()
    notebook = (project.home / "reports" / record.run_id / "01_crawl.ipynb").read_text()
    assert "***" in notebook  # it did spill


def test_an_interrupted_and_a_crashed_run_are_masked_too(project, canaries):
    spill = SPILL.replace("NAMES", repr(list(CANARIES)))
    project.notebook("crawl", spill + "\nimport signal; os.kill(os.getppid(), signal.SIGKILL)")
    runner = project.start("run")
    out, err = runner.communicate(timeout=120)
    assert runner.returncode == 5
    project.notebook("crawl", spill + "\nos.write(2, b'x'); os.abort()")
    second = project.start("run")
    out2, err2 = second.communicate(timeout=120)
    assert second.returncode == 5
    assert_clean(project.home, out, err, out2, err2)


@pytest.mark.parametrize("name", CANARIES)
def test_a_secret_given_as_a_parameter_is_refused_without_being_repeated(project, canaries, name):
    secret = CANARIES[name]
    for given in (f"simulate.INTERACTIONS={secret}", f"train.EPOCHS={secret}", f"a.{secret}=1"):
        result = CliRunner().invoke(app, ["run", "-p", given])
        assert result.exit_code == 2
        assert_clean(project.home, result.output)
    assert not (project.home / "reports").exists()


def run_real_notebooks(home: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """`gamerec run` on the notebooks of this project, in an empty home."""
    return subprocess.run(
        [sys.executable, "-c", "from gamerec.cli import app; app()", "run"],
        env=os.environ | CANARIES | {"WANDB_MODE": "offline"} | env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_the_notebooks_of_this_project_leave_no_secret_when_they_succeed(home):
    games = [a_game(number) for number in range(60)]
    with RawgServer(games, key=CANARIES["RAWG_API_KEY"]) as server:
        done = run_real_notebooks(home, RAWG_URL=server.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.asked, "the key was not used"
    assert_clean(home, done.stdout, done.stderr)


def test_the_notebooks_of_this_project_leave_no_secret_when_the_service_refuses(home):
    with RawgServer(key="another key") as server:
        done = run_real_notebooks(home, RAWG_URL=server.url)
        assert done.returncode == 7, done.stdout + done.stderr
    assert done.returncode == 7, done.stdout + done.stderr
    assert_clean(home, done.stdout, done.stderr)


# What libraries say of an address that does not answer, each with its whole traceback.
COMPLAIN = """
import os, traceback
import boto3, sqlalchemy
from botocore.config import Config
url = os.environ["DATABASE_URL"]
names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
def ask_database():
    sqlalchemy.create_engine(url, connect_args={"connect_timeout": 2}).connect()
def ask_bucket():
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=2)
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=once)
    client.list_buckets()
def tell_url():
    raise sqlalchemy.exc.ArgumentError(f"Could not parse {url!r}, {sqlalchemy.make_url(url)!r}")
for ask in (ask_database, ask_bucket, tell_url):
    try:
        ask()
    except Exception:
        traceback.print_exc()
"""
RECORD = """
import os
from gamerec import tracking
from gamerec.settings import load_settings
secrets = {name: os.environ[name] for name in NAMES}
with tracking.start(load_settings(), "train", run.id, secrets) as track:
    track.summary(secrets)
    track.log({"epoch": 1, **secrets})
print(track.status)
"""


def test_errors_of_sqlalchemy_and_boto3_are_masked_in_notebooks_and_pages(project, canaries):
    project.notebook("crawl", COMPLAIN)
    project.notebook("eda", COMPLAIN + "ask_bucket()")
    runner = project.start("run", "--until", "eda", **ADDRESSES)
    out, err = runner.communicate(timeout=120)
    assert runner.returncode == 5
    assert_clean(project.home, out, err)
    [record] = project.records()
    page = (project.home / "reports" / record.run_id / "01_crawl.html").read_text()
    for name in ("OperationalError", "EndpointConnectionError", "ArgumentError"):
        assert name in page


def test_a_bucket_and_a_database_out_of_reach_tell_no_secret(project, canaries):
    runner = project.start("run", "--until", "crawl", STORE_URL="s3://games/here", **ADDRESSES)
    out, err = runner.communicate(timeout=120)
    assert "not delivered    S3" in out, out + err  # it was tried
    assert_clean(project.home, out, err)
    delivery = project.start("deliver", STORE_URL="s3://games/here", **ADDRESSES)
    out, err = delivery.communicate(timeout=120)
    assert_clean(project.home, out, err)


def test_what_is_recorded_in_wandb_holds_no_secret(project, canaries):
    project.notebook("crawl", RECORD.replace("NAMES", repr(list(CANARIES))))
    runner = project.start("run", "--until", "crawl", WANDB_MODE="offline")
    out, err = runner.communicate(timeout=120)
    assert runner.returncode == 0, err
    files = list((project.home / "store" / "wandb").rglob("*.wandb"))
    assert files and b"***" in files[0].read_bytes()
    assert_clean(project.home, out, err)


def test_a_runner_killed_in_the_middle_leaves_no_secret_behind(project, canaries):
    spill = SPILL.replace("NAMES", repr(list(CANARIES)))
    flag = project.home / "spilt"
    wait = f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\ntime.sleep(60)"
    project.notebook("crawl", f"{spill}\n{wait}")
    scratch = project.home / "tmp"
    scratch.mkdir()
    runner = project.start("run", TMPDIR=str(scratch))
    wait_until(flag.exists)
    time.sleep(1.5)  # the notebook is saved once a second
    runner.kill()
    out, err = runner.communicate(timeout=60)
    wait_until(lambda: not list(scratch.glob("gamerec-*")))  # with the server's log
    assert_clean(project.home, out, err)
