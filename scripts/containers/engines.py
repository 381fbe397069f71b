"""Docker, or where it is not there buildah: building an image, and running it, for a test.

Buildah works without a daemon and in a container; its images begin at a Debian that debootstrap
puts together, with Debian's Python in the place of the one of the official image.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD_LIMIT = 2400  # seconds
_PACKAGES = "python3,python3-venv,ca-certificates,tzdata,netbase"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unavailable(Exception):
    """There is no engine, for the reason given."""


def call(*command: object, limit: float = 600, **options: object) -> str:
    """Run a command to its end; its output. Raises CalledProcessError."""
    text = [str(part) for part in command]
    done = subprocess.run(text, check=True, text=True, timeout=limit, stdout=-1, **options)  # type: ignore[call-overload]
    return str(done.stdout).strip()


def pip_configuration(folder: Path) -> tuple[list[str], list[Path]]:
    """How this machine's pip finds packages: `--secret` options, and the folders it reads from.

    Nothing is kept of it: a build sees it as mounts.
    """
    listed = ""
    with contextlib.suppress(subprocess.CalledProcessError):  # a Python without pip
        listed = call(sys.executable, "-m", "pip", "config", "list")
    values = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        values[name.rpartition(".")[2]] = value.strip().strip("'").replace("\\n", " ")
    options, folders = [], []
    if certificate := values.pop("cert", ""):
        options += ["--secret", f"id=ca,src={certificate}"]
        values["cert"] = "/run/secrets/ca.pem"
    for value in values.values():
        for word in value.split():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and path.is_dir():
                # the pages of an index point to files that lie beside it
                folders.append(path.parent if path.name == "simple" else path)
    configuration = folder / "pip.conf"
    lines = [f"{name} = {value}" for name, value in values.items()]
    configuration.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    return [*options, "--secret", f"id=pip,src={configuration}"], folders


class Docker:
    """The ordinary engine."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gamerec-image-"))
        self.name = f"gamerec-test-{uuid.uuid4().hex[:8]}"
        self.images: list[str] = []

    def build(self, target: str) -> str:
        """Build a target; the image's name."""
        image = f"{self.name}:{target}"
        secrets, _ = pip_configuration(self.folder)
        env = os.environ | {"DOCKER_BUILDKIT": "1"}
        command = ("docker", "build", *secrets, "--target", target, "--tag", image, ROOT)
        call(*command, limit=BUILD_LIMIT, env=env)
        self.images.append(image)
        return image

    def size(self, image: str) -> str:
        """Size of all layers, the base included, like '800 MB'."""
        return call("docker", "image", "ls", "--format", "{{.Size}}", image)

    def configuration(self, image: str) -> dict[str, object]:
        """User, Entrypoint, Cmd, Healthcheck and so on, as Docker names them."""
        return json.loads(call("docker", "image", "inspect", "--format", "{{json .Config}}", image))

    @contextlib.contextmanager
    def running(
        self, image: str, data: Path, env: dict[str, str], command: Sequence[str] = ()
    ) -> Iterator["subprocess.Popen[str]"]:
        """A process in a container of the image, on this machine's network; ended at the end."""
        name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        options = [part for k, v in env.items() for part in ("--env", f"{k}={v}")]
        entry = ["--entrypoint", command[0]] if command else []
        line = ["docker", "run", "--rm", "--init", "--network", "host", "--name", name, *options]
        line += ["--volume", f"{data}:/data", *entry, image, *command[1:]]
        with _started(line) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    call("docker", "stop", "--time", "30", name)

    def close(self) -> None:
        """Remove what was made."""
        for image in self.images:
            subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class Buildah:
    """Without an engine: everything lies in one folder, which is removed at the end.

    Unless it is given: then its layers make the next time quicker.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._stays = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="gamerec-image-"))
        self.folder.mkdir(exist_ok=True)
        self.env = os.environ | {"TMPDIR": str(self.folder)}
        self._command = ("buildah", "--storage-driver", "vfs", "--root", self.folder / "root")
        self._command += ("--runroot", self.folder / "run")
        if not self._call("images", "--quiet", "--filter", "reference=localhost/python"):
            self._make_base()

    def build(self, target: str) -> str:
        image = f"localhost/gamerec:{target}"
        secrets, folders = pip_configuration(self.folder)
        volumes = [part for path in folders for part in ("--volume", f"{path}:{path}:ro")]
        options = ["--isolation", "chroot", "--pull-never", "--format", "docker", "--layers"]
        options += ["--build-arg", "PYTHON_IMAGE=localhost/python:3.11-slim"]
        options += ["--target", target, "--tag", image]
        self._call("bud", *options, *secrets, *volumes, ROOT, limit=BUILD_LIMIT)
        return image

    def size(self, image: str) -> str:
        return self._call("images", "--noheading", "--format", "{{.Size}}", image)

    def configuration(self, image: str) -> dict[str, object]:
        shown = self._call("inspect", "--type", "image", image)
        return json.loads(shown)["Docker"]["config"]

    @contextlib.contextmanager
    def running(
        self, image: str, data: Path, env: dict[str, str], command: Sequence[str] = ()
    ) -> Iterator["subprocess.Popen[str]"]:
        about = self.configuration(image)
        command = command or [*about["Entrypoint"], *about["Cmd"]]  # type: ignore[misc]
        options = [part for k, v in env.items() for part in ("--env", f"{k}={v}")]
        container = self._call("from", "--pull-never", image)
        line = [*self._command, "run", "--isolation", "chroot", *options]
        line += ["--volume", f"{data}:/data", container, "--", *command]
        try:
            with _started([str(part) for part in line], self.env) as process:
                try:
                    yield process
                finally:
                    _end_innermost(process)
        finally:
            self._call("rm", container)

    def close(self) -> None:
        subprocess.run([*map(str, self._command), "rm", "--all"], env=self.env, capture_output=True)
        if not self._stays:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, *arguments: object, limit: float = 600) -> str:
        return call(*self._command, *arguments, limit=limit, env=self.env)

    def _make_base(self) -> None:
        """A Debian with its own Python in the place of the official image."""
        files = self.folder / "debian"
        options = ("--variant=minbase", f"--include={_PACKAGES}")
        call("debootstrap", *options, "bookworm", files, limit=1200)
        for path in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
            shutil.rmtree(files / path, ignore_errors=True)
        container = self._call("from", "scratch")
        self._call("copy", "--quiet", container, files, "/")
        self._call("config", "--env", f"PATH={_PATH}", container)
        self._call("commit", "--quiet", "--rm", container, "localhost/python:3.11-slim")
        shutil.rmtree(files)


@contextlib.contextmanager
def _started(line: list[str], env: dict[str, str] | None = None) -> Iterator["subprocess.Popen"]:
    with subprocess.Popen(line, env=env, text=True, stdout=-1, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _end_innermost(process: "subprocess.Popen[str]") -> None:
    """Ask the first process of the container to end: buildah itself hands no signal on."""
    pid = process.pid
    while process.poll() is None:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        name = Path(f"/proc/{pid}/comm").read_text()
        if not children or not name.startswith("buildah"):
            os.kill(pid, signal.SIGTERM)
            break
        pid = int(children[0])
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=30)


def engine(folder: Path | None = None) -> Docker | Buildah:
    """Docker where its daemon answers, else buildah; installed where this is root on Debian."""
    docker = shutil.which("docker")
    if (
        docker
        and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0
    ):
        return Docker()
    missing = [name for name in ("buildah", "debootstrap") if not shutil.which(name)]
    if os.geteuid() != 0 or sys.platform != "linux":
        raise Unavailable("no Docker daemon answers, and buildah needs root on Linux here")
    if missing and not shutil.which("apt-get"):
        raise Unavailable(f"no Docker daemon answers, and {' and '.join(missing)} are missing")
    if missing:
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        call("apt-get", "update", "-qq", env=env)
        call("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, env=env)
    return Buildah(folder)
