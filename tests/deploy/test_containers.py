"""The image and the system around it, as far as they can be told without an engine."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gamerec.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ("fill", "service", "page", "scheduler")


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def make_secrets(folder: Path, own: Path) -> str:
    done = run(sys.executable, "scripts/containers/make_secrets.py", folder, own)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The volume of the secrets and the user's own folder, both empty."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "own").mkdir()
    return tmp_path / "volume", tmp_path / "own"


def test_hadolint_finds_nothing():
    done = run(BIN / "hadolint", "Dockerfile")
    assert done.returncode == 0 and not done.stdout, done.stdout


def test_compose_file_fits_the_schema():
    schema = ("--builtin-schema", "vendor.compose-spec")
    done = run(BIN / "check-jsonschema", *schema, "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_everything_from_elsewhere_is_pinned_by_digest():
    images = [s["image"] for s in COMPOSE["services"].values() if "build" not in s]
    base = DOCKERFILE.partition("ARG PYTHON_IMAGE=")[2].split()[0]
    assert len(images) == 2
    for image in (*images, base):
        assert len(image.partition("@sha256:")[2]) == 64, image


@pytest.mark.parametrize("target", ["pipeline", "serve", "app"])
def test_every_target_runs_gamerec_as_a_user_without_rights(target):
    stages = {}
    for part in DOCKERFILE.split("\nFROM ")[1:]:
        parent, _, name = part.partition("\n")[0].partition(" AS ")
        stages[name] = (parent, part)
    text, name = "", target
    while name in stages:
        name, part = stages[name]
        text = part + text
    assert text.rindex("USER 10001:10001") > text.rindex("RUN ")
    assert 'ENTRYPOINT ["gamerec"]' in text and "HEALTHCHECK" in text
    assert "COPY --from=packages" not in text, "pip and all packages would come along"


def test_only_the_service_and_the_page_are_published_and_only_to_this_machine():
    ports = [port for s in COMPOSE["services"].values() for port in s.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:8000:8000", "127.0.0.1:8866:8866"]


def test_servers_are_in_a_network_without_a_way_out():
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("mysql", "store"):
        assert COMPOSE["services"][name]["networks"] == ["inside"]
        assert "healthcheck" in COMPOSE["services"][name]


def test_no_secret_stands_in_the_environment_of_a_container():
    secret = {n.upper() for n, f in Settings.model_fields.items() if "Secret" in str(f.annotation)}
    for name, service in COMPOSE["services"].items():
        given = service.get("environment", {})
        assert not secret & given.keys(), name
        passwords = [k for k in given if "PASSWORD" in k or k.endswith("ROOT_USER_FILE")]
        assert all(given[k].startswith("/run/secrets/") for k in passwords), name


def test_settings_in_the_compose_file_are_settings_of_ours():
    for name in OURS:
        given = COMPOSE["services"][name]["environment"]
        assert {key.lower() for key in given} <= Settings.model_fields.keys()


def test_service_page_and_scheduler_wait_for_the_first_data():
    for name in ("service", "page", "scheduler"):
        waits = COMPOSE["services"][name]["depends_on"]
        assert waits == {"fill": {"condition": "service_completed_successfully"}}
    waits = COMPOSE["services"]["fill"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in ("mysql", "store")}


def test_context_of_the_build_holds_no_secret_and_no_run():
    rules = [r for r in (ROOT / ".dockerignore").read_text().splitlines() if r[:1] not in "#"]
    assert rules[0] == "*"
    admitted = {rule[1:] for rule in rules if rule.startswith("!")}
    assert not admitted & {".env", "secrets", "store", "reports", ".git"}
    for path in admitted:
        assert (ROOT / path).exists()


def test_secrets_are_made_up_once_and_fit_together(folders):
    volume, own = folders
    said = make_secrets(volume, own)
    made = {path.name: path.read_text() for path in volume.iterdir()}
    wanted = {
        path.removeprefix("/run/secrets/")
        for name in ("mysql", "store")
        for path in COMPOSE["services"][name]["environment"].values()
        if path.startswith("/run/secrets/")
    }
    assert wanted | {"database_url"} == made.keys()
    assert made["mysql_password"] in made["database_url"]
    assert not any(value in said for value in made.values())
    make_secrets(volume, own)
    assert {path.name: path.read_text() for path in volume.iterdir()} == made


def test_secrets_of_ones_own_are_taken_over_and_taken_back(folders):
    volume, own = folders
    (own / "RAWG_API_KEY").write_text("a-key-of-mine\n")
    (own / ".gitkeep").write_text("")
    make_secrets(volume, own)
    key = volume / "rawg_api_key"
    assert key.read_text() == "a-key-of-mine"
    assert stat.S_IMODE(key.stat().st_mode) == 0o440
    (own / "RAWG_API_KEY").unlink()
    make_secrets(volume, own)
    assert not key.exists()


# Imports the service where all but the packages kept in its image appear not installed.
AS_IN_THE_IMAGE = """
import sys
from importlib.metadata import packages_distributions
sys.path.insert(0, "scripts/containers")
from keep_packages import canonical, needed
kept = needed(sys.argv[1:])
gone = {m for m, names in packages_distributions().items() if not kept & set(map(canonical, names))}

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in gone:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in [name for name in sys.modules if name.partition(".")[0] in gone]:
    del sys.modules[name]
sys.meta_path.insert(0, Missing())
import gamerec.cli, gamerec.database, gamerec.registry, gamerec.s3, gamerec.service.app, uvicorn
assert "wandb" in gone and "numpy" not in gone
"""


def test_image_of_the_service_keeps_what_the_service_imports():
    given = DOCKERFILE.partition("keep_packages.py ")[2].partition("&& pip")[0]
    done = run(sys.executable, "-c", AS_IN_THE_IMAGE, *given.replace("\\", " ").split())
    assert done.returncode == 0, done.stderr
