"""The scripts that workflows call: version from a tag, smoke test, Airflow, promotion."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "release"


def run(command, **env):
    return subprocess.run(
        list(map(str, command)),
        env={"PATH": os.environ["PATH"]} | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    """A copy of what set_version.py changes."""
    for name in ("pyproject.toml", "gamerec/__init__.py", "scripts/release/set_version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SCRIPTS.parents[1] / name, tmp_path / name)
    return tmp_path


def test_the_version_comes_from_the_tag(project):
    done = run([sys.executable, project / "scripts/release/set_version.py", "v12.3.4"])
    assert done.stdout == "12.3.4\n"
    assert '\nversion = "12.3.4"\n' in (project / "pyproject.toml").read_text()
    assert '\n__version__ = "12.3.4"\n' in (project / "gamerec/__init__.py").read_text()


@pytest.mark.parametrize("tag", ["", "latest", "v1.2", "v1.2.3; rm -rf /"])
def test_a_tag_that_is_no_version_changes_nothing(project, tag):
    before = (project / "pyproject.toml").read_text()
    done = run([sys.executable, project / "scripts/release/set_version.py", tag])
    assert done.returncode == 2
    assert (project / "pyproject.toml").read_text() == before


class Server(BaseHTTPRequestHandler):
    """The service, or Airflow: answers by `server.answers`, a list of (status, body) by path."""

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def _answer(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        answers = self.server.answers[self.path]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.answers, server.asked = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_smoke_test_waits_until_the_service_is_ready(server):
    server.answers["/readyz"] = [(503, {}), (200, {})]
    server.answers["/predict"] = [(200, {"items": [{"game_id": 7}]})]
    done = run([SCRIPTS / "smoke_test.sh", server.url])
    assert done.returncode == 0, done.stderr
    assert "is ready" in done.stdout


@pytest.mark.parametrize(
    ("ready", "items", "said"), [(503, [], "is not ready"), (200, [], "recommends nothing")]
)
def test_the_smoke_test_fails_where_nothing_is_recommended(server, ready, items, said):
    server.answers = {"/readyz": [(ready, {})], "/predict": [(200, {"items": items})]}
    done = run([SCRIPTS / "smoke_test.sh", server.url], PATIENCE="1")
    assert done.returncode != 0
    assert said in done.stderr


RUNS = "/api/v2/dags/game_recommend_pipeline/dagRuns"


@pytest.mark.parametrize(("end", "code"), [("success", 0), ("failed", 1)])
def test_airflow_is_asked_and_waited_for(server, end, code):
    server.answers = {
        "/auth/token": [(201, {"access_token": "canary-token"})],
        RUNS: [(200, {"dag_run_id": "manual__1", "state": "queued"})],
        f"{RUNS}/manual__1": [
            (200, {"state": "running"}),
            (502, {}),
            (200, {"state": end}),
        ],
    }
    account = {"AIRFLOW_USER": "ada", "AIRFLOW_PASSWORD": "canary-password"}
    script = [sys.executable, SCRIPTS / "trigger_airflow.py", "--every", "0.05"]
    done = run(script, AIRFLOW_URL=server.url, **account)
    assert done.returncode == code, done.stderr
    assert f"game_recommend_pipeline: {end}" in done.stdout
    assert server.asked[-1] == (f"{RUNS}/manual__1", "Bearer canary-token")
    assert "canary" not in done.stdout + done.stderr


def test_airflow_that_refuses_is_told_without_the_password(server):
    server.answers = {"/auth/token": [(401, {})]}
    account = {"AIRFLOW_USER": "ada", "AIRFLOW_PASSWORD": "canary-password"}
    done = run([sys.executable, SCRIPTS / "trigger_airflow.py"], AIRFLOW_URL=server.url, **account)
    assert done.returncode == 1
    assert "HTTP 401" in done.stderr
    assert "canary" not in done.stderr


# Writes down how it was called; an image named $FAILS cannot be tagged.
DOCKER = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in *inspect*) echo sha256:old ;; esac
case "$*" in *":$FAILS"|*"$FAILS:1.2.3") exit 1 ;; esac
"""


@pytest.fixture
def docker(tmp_path):
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    calls = tmp_path / "calls"

    def call(script, fails="nothing"):
        path = f"{tmp_path}:{os.environ['PATH']}"
        env = {"CALLS": str(calls), "FAILS": fails, "IMAGES": "ghcr.io/Me", "TAG": "1.2.3"}
        done = run([SCRIPTS / script], **(env | {"PATH": path}))
        return done, calls.read_text().splitlines()

    return call


def test_all_images_are_built_before_any_is_pushed(docker):
    done, calls = docker("publish_images.sh")
    assert done.returncode == 0, done.stderr
    assert [call.split()[0] for call in calls] == ["build"] * 3 + ["push"] * 3
    assert calls[-1] == "push ghcr.io/me/gamerec-pipeline:1.2.3"


def test_promotion_is_of_all_images_or_none(docker):
    done, calls = docker("promote_images.sh", fails="gamerec-app")
    assert done.returncode == 1
    image = "ghcr.io/me/gamerec-serve"
    assert calls[-1] == f"buildx imagetools create --tag {image}:production {image}@sha256:old"
