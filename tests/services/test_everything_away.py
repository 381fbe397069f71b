"""The whole pipeline with S3, the database and W&B out of reach, and what becomes of it after."""

import os
import subprocess
import sys

import boto3
from servers import s3_settings
from tracking.wandb_server import WandbServer

from gamerec.database import Database
from gamerec.registry import Registry
from gamerec.reports.record import read_records
from gamerec.s3 import open_s3

SECRETS = {
    "AWS_ACCESS_KEY_ID": "CANARYAWSKEYID77",
    "AWS_SECRET_ACCESS_KEY": "canary/aws+secret/key=77",
    "WANDB_API_KEY": "canarywandb" + "0123456789abcdef" * 2,
}
PASSWORD = "canary-db-pass77"
BUCKET = "away-and-back"
NOWHERE = "127.0.0.1:9"  # nobody listens there


def command(home, *arguments, **env):
    done = subprocess.run(
        [sys.executable, "-c", "from gamerec.cli import app; app()", *arguments],
        env=os.environ
        | SECRETS
        | {"STORE_URL": f"s3://{BUCKET}/x", "WANDB_TIMEOUT": "8", "GAMEREC_HOME": str(home)}
        | env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_run_without_any_service_finishes_and_everything_arrives_later_once(home, s3_url):
    away = {
        "AWS_ENDPOINT_URL": f"http://user:{PASSWORD}@{NOWHERE}",
        "DATABASE_URL": f"mysql+pymysql://ann:{PASSWORD}@{NOWHERE}/games",
        "WANDB_BASE_URL": f"http://{NOWHERE}",
    }
    code, said = command(home, "run", "-p", "train.COMPARE=[cosine, ease]", **away)
    assert code == 0, said
    [record] = read_records(home / "reports")
    assert record.pending.keys() == {"S3", "database", "W&B"}
    assert f"production pending-{record.run_id}" in record.pending["S3"]
    assert all(f"not delivered    {sink}: " in said for sink in record.pending)
    page = (home / "reports" / record.run_id / "index.html").read_text()
    assert "Not delivered yet" in page
    code, told = command(home, "deliver", **away)
    assert code == 7, told
    assert f"pending still: S3: {record.pending['S3'].partition(' (')[0]}" in told

    leaks = [*SECRETS.values(), PASSWORD]
    assert not [secret for secret in leaks if secret in said + told]
    for path in home.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [secret for secret in leaks if secret.encode() in content], path

    client = boto3.client(
        "s3",
        endpoint_url=s3_url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket=BUCKET)
    back = {"AWS_ENDPOINT_URL": s3_url, "DATABASE_URL": f"sqlite:///{home}/games.db"}
    with WandbServer() as server:
        code, told = command(home, "deliver", WANDB_BASE_URL=server.url, WANDB_TIMEOUT="60", **back)
        assert code == 0, told
        names = sorted(run["displayName"] for run in server.runs.values())
        assert [name.partition("-")[0] for name in names] == ["batch_score", "evaluate", "train"]
        code, told = command(home, "deliver", WANDB_BASE_URL=server.url, **back)
        assert (code, told) == (0, "nothing is pending\n")
    store = open_s3(f"s3://{BUCKET}/x", s3_settings(s3_url))
    registry = Registry(store)
    assert registry.channels() == {"candidate": "model_v1", "production": "model_v1"}
    assert [move["by"] for move in registry.log()] == [record.run_id]
    registry.load("production")
    assert store.read_json("batches/current.json")["batch_id"] == record.run_id
    with Database(f"sqlite:///{home}/games.db") as database:
        live = database.live_batch()
    assert (live["batch_id"], live["model_version"], live["n_rows"]) == (
        record.run_id,
        "model_v1",
        1000,
    )
