"""What `docker compose up` fills the system with, on a real bucket and a real database."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

from sqlalchemy import create_engine, text

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def test_first_data_comes_once_with_secrets_from_files(home, tmp_path, s3_url, new_mariadb_url):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "database_url").write_text(f"{new_mariadb_url}\n")
    (folder / "aws_access_key_id").write_text("made-up")
    (folder / "aws_secret_access_key").write_text("made-up-too")
    env = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "SECRETS_DIR": str(folder),
        "STORE_URL": f"s3://first-{uuid.uuid4().hex[:12]}",
        "AWS_ENDPOINT_URL": s3_url,
        "WANDB_MODE": "disabled",
    }

    def fill() -> str:
        command = [sys.executable, ROOT / "scripts" / "containers" / "fill.py"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "model_v1 promoted" in fill()
    with create_engine(new_mariadb_url).connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM recommendations")).scalar() == 1000
    assert fill() == "model_v1 is live: nothing to do\n"
