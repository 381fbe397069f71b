"""`make test-image`: build the images, look into them, and really run what they hold.

With Docker, else with buildah over a Debian of our own; skipped, with the reason, where there is
neither (a failure where CI is set). Everything that was made is removed.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from containers.engines import Buildah, Docker, Unavailable, engine

USER = 10001
COMPILERS = "cc gcc g++ c++ clang ld make"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where buildah's layers lie, and stay")
    parser.add_argument("--targets", default="serve,pipeline,app", help="comma-separated")
    options = parser.parse_args()
    try:
        where = engine(options.folder)
    except Unavailable as reason:
        print(f"skipped: {reason}")
        sys.exit(1 if os.environ.get("CI") else 0)
    data = Path(tempfile.mkdtemp(prefix="gamerec-data-"))
    try:
        give_to_user(data)
        images = {target: build(where, target) for target in options.targets.split(",")}
        if "pipeline" in images:
            try_pipeline(where, images["pipeline"], data)
        if "serve" in images:
            try_service(where, images["serve"], data)
        if "app" in images:
            try_page(where, images["app"], data)
    except subprocess.CalledProcessError as error:
        sys.exit(f"FAILED: {' '.join(map(str, error.cmd))}\n{str(error.stdout)[-6000:]}")
    finally:
        where.close()
        shutil.rmtree(data, ignore_errors=True)


def build(where: Docker | Buildah, target: str) -> str:
    """Build one target, tell its size, and look into it."""
    print(f"building {target} with {type(where).__name__.lower()}", flush=True)
    begun = time.monotonic()
    image = where.build(target)
    took = time.monotonic() - begun
    print(f"  {target}: {where.size(image)} with its base, {took:.0f} s", flush=True)
    about = where.configuration(image)
    check(str(about["User"]).split(":")[0] == str(USER), "does not run as root")
    check(about["Entrypoint"] == ["gamerec"], "is the gamerec command")
    check(bool(about.get("Healthcheck")), "says how its health is told")
    tools = f"for c in {COMPILERS} pip; do command -v $c; done"
    look = f"(id -u; {tools}; ls -d /etc/pip.conf; ls -A /run/secrets) 2>/dev/null; true"
    found = output(where, image, ("sh", "-c", look))
    check(found.split() == [str(USER)], f"holds no compiler, no pip and no secret {found.split()}")
    return image


def try_pipeline(where: Docker | Buildah, image: str, data: Path) -> None:
    """A run on the sample, with everything compiled ahead."""
    print("gamerec run", flush=True)
    compiled = "find /var/cache/gamerec/numba -name '*.nbc' -newer /tmp/begun | wc -l"
    begun = time.monotonic()
    found = output(
        where, image, ("sh", "-c", f"touch /tmp/begun; gamerec run; echo rc $?; {compiled}"), data
    )
    print("    " + found.replace("\n", "\n    "))
    check("rc 0" in found, f"the run succeeds, in {time.monotonic() - begun:.0f} s")
    check(found.split()[-1] == "0", "nothing had to be compiled")
    check(any((data / "reports").glob("*/07_batch_score.html")), "its report is on the volume")
    check((data / "store" / "gamerec.db").stat().st_uid == USER, "and belongs to no root")


def try_service(where: Docker | Buildah, image: str, data: Path) -> None:
    """The service on what the run left."""
    print("gamerec serve", flush=True)
    port = free_port()
    env = {"SERVICE_PORT": str(port)}
    with where.running(image, data, env) as process:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        for path in ("/healthz", "/version"):
            print(f"    GET {path}: {get(f'http://127.0.0.1:{port}{path}')[:150]}")
        question = json.dumps({"user_id": 7, "k": 3}).encode()
        answer = get(f"http://127.0.0.1:{port}/predict", question)
        print(f"    POST /predict: {answer[:300]}")
        check(len(json.loads(answer)["items"]) == 3, "a player of the run gets three games")
        about = where.configuration(image)["Healthcheck"]
        test = about.get("Test") or about.get("test")  # type: ignore[attr-defined]
        done = subprocess.run(
            [sys.executable, *test[2:]], env=os.environ | env, capture_output=True, timeout=30
        )
        check(done.returncode == 0, f"the health check finds it well {done.stderr.decode()[-300:]}")
    # uvicorn ends by the signal that it was asked with, of which buildah makes 1
    check(process.returncode in (0, 143, -15, 1), f"it ends when asked to ({process.returncode})")
    log = process.stdout.read() if process.stdout and not process.stdout.closed else ""
    print("    " + log[-1500:].replace("\n", "\n    "))


def try_page(where: Docker | Buildah, image: str, data: Path) -> None:
    """The page."""
    print("gamerec app", flush=True)
    port = free_port()
    command = ("gamerec", "app", "--host", "127.0.0.1", "--port", str(port))
    with where.running(image, data, {}, command) as process:
        wait_for(f"http://127.0.0.1:{port}/voila/static/page.css", process)
        check("<html" in get(f"http://127.0.0.1:{port}/"), "the page is there")


def output(
    where: Docker | Buildah, image: str, command: tuple[str, ...], data: Path | None = None
) -> str:
    """What a command in a container prints."""
    folder = data or Path(tempfile.mkdtemp(prefix="gamerec-data-"))
    try:
        give_to_user(folder)
        with where.running(image, folder, {}, command) as process:
            text, _ = process.communicate(timeout=900)
    finally:
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)
    return text.strip()


def give_to_user(folder: Path) -> None:
    """Let the image's user write here, as Docker does for a volume of its own."""
    folder.chmod(0o777)
    for name in ("store", "reports"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o777)


def wait_for(address: str, process: "subprocess.Popen[str]", seconds: float = 180) -> None:
    """Wait until the address answers with success."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            get(address)
            break
        except OSError as error:
            ended = process.poll()
            if ended is not None or time.monotonic() > deadline:
                text = process.stdout.read() if ended is not None and process.stdout else ""
                sys.exit(f"FAILED: {address}: {error}; exit code {ended}\n{text[-4000:]}")
            time.sleep(0.5)
    print(f"  ok: {address} after {seconds - (deadline - time.monotonic()):.0f} s", flush=True)


def get(address: str, body: bytes | None = None) -> str:
    """The body of the answer, to a POST where there is a body; raises OSError but for success."""
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return str(answer.read().decode())


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def check(holds: bool, what: str) -> None:
    """End with what does not hold."""
    if not holds:
        sys.exit(f"FAILED: {what}")
    print(f"  ok: {what}", flush=True)


if __name__ == "__main__":
    main()
