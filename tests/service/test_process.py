"""Real server processes: several workers, promotions under load, the contract, and the end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import small_store
from servers import free_port

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """`gamerec serve` on a free port; its log in `log`."""

    def __init__(self, home, *options):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = home / "serve.log"
        command = [sys.executable, "-c", "from gamerec.cli import app; app()", "serve"]
        command += ["--port", self.url.rpartition(":")[2], *options]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, env=os.environ | {"GAMEREC_HOME": str(home)}, stdout=log, stderr=log
            )
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def wait(self, condition, seconds=90):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if condition():
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"it did not happen: {self.log.read_text()}")

    def ready(self):
        return self.client.get("/readyz").status_code == 200

    def stop(self):
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


@pytest.fixture
def serve():
    servers = []

    def start(home, *options):
        servers.append(Server(home, *options))
        servers[-1].wait(servers[-1].ready)
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def asked(url, user):
    """One request over a connection of its own, so that any worker may get it."""
    return httpx.post(f"{url}/predict", json={"user_id": user, "k": 5}, timeout=60)


def test_an_event_counts_at_once_in_every_worker_and_numbers_are_added_up(home, serve):
    small_store.make(home)
    server = serve(home, "--workers", "2")
    for number in range(6):
        first = asked(server.url, 3).json()["items"][0]["game_id"]
        event = {"event_id": f"e{number}", "kind": "hidden", "user_id": 3, "game_id": first}
        assert httpx.post(f"{server.url}/events", json=event, timeout=60).status_code == 202
        for _ in range(8):
            assert first not in [i["game_id"] for i in asked(server.url, 3).json()["items"]]
    text = server.client.get("/metrics").text
    assert 'gamerec_requests_total{method="POST",route="/events",status="202"} 6.0' in text
    assert 'gamerec_requests_total{method="POST",route="/predict",status="200"} 54.0' in text


def test_promotions_under_load_fail_no_request_and_mix_none(home, serve):
    settings = small_store.make(home)
    second = small_store.add_version(settings, promote=False, similarity="jaccard")
    server, expected = serve(home), {}
    registry = small_store.registry_of(settings)
    for version in ("model_v1", second):
        registry.promote(version, by="test", why="expected answers")
        server.wait(lambda v=version: asked(server.url, 3).json()["model_version"] == v)
        expected[version] = asked(server.url, 3).json()["items"]
    faults, seen, stop = [], [], threading.Event()

    def press():
        with httpx.Client(base_url=server.url, timeout=60) as client:
            while not stop.is_set():
                response = client.post("/predict", json={"user_id": 3, "k": 5})
                body = response.json()
                seen.append(body.get("model_version"))
                if response.status_code != 200 or body["items"] != expected[body["model_version"]]:
                    faults.append(body)

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in ("model_v1", second, "model_v1"):
        registry.promote(version, by="test", why="swap")
        server.wait(lambda v=version: asked(server.url, 3).json()["model_version"] == v)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert set(seen) == {"model_v1", second}


def test_it_ends_when_it_is_told_to_and_leaves_a_log_of_json(home, serve):
    small_store.make(home)
    server = serve(home)
    asked(server.url, 3)
    server.stop()
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {"/predict", "/readyz"} <= {line.get("route") for line in lines}
    assert not [line for line in lines if line["level"] == "error"]


def test_the_contract_holds_for_made_up_requests(home, serve):
    small_store.make(home)
    server = serve(home)
    script = [sys.executable, str(ROOT / "scripts" / "check_contract.py")]
    done = subprocess.run(
        [*script, "--url", server.url, "--cases", "10", "--phases", "examples,fuzzing"],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_faulty_key_is_told_before_anything_starts(home):
    environment = os.environ | {"GAMEREC_HOME": str(home), "SERVICE_API_KEYS": "in-clear"}
    command = [sys.executable, "-c", "from gamerec.cli import app; app()", "serve"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "sha256sum" in done.stderr
    assert "in-clear" not in done.stderr
