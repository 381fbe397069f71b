"""The `gamerec` command: options, exit codes, and what it says."""

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gamerec.cli import app
from gamerec.errors import DataError
from gamerec.runs import STAGES


@pytest.fixture
def gamerec(project):
    def call(*arguments):
        return CliRunner().invoke(app, [*arguments])

    return call


def test_help_is_quick_and_lists_the_exit_codes():
    code = "import sys, gamerec.cli; sys.exit('pandas' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    text = CliRunner().invoke(app, ["run", "--help"]).output
    assert "0 success; 1 any other error; 2 wrong usage; 3 bad data;" in " ".join(text.split())


def test_a_run_by_options_ends_with_0(gamerec, project):
    (project.home / "p.yaml").write_text("crawl: {N_GAMES: 5}\ntrain: {EPOCHS: 2, RATE: 0.1}")
    result = gamerec("run", "-f", str(project.home / "p.yaml"), "-p", "train.EPOCHS=3")
    assert result.exit_code == 0, result.output
    [record] = project.records()
    assert record.parameters == {"crawl": {"N_GAMES": 5}, "train": {"EPOCHS": 3, "RATE": 0.1}}
    assert re.search(r"5 train +\d+\.\d s  train made it", result.stdout)
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "train.EPOCH=3"], "did you mean train.EPOCHS?"),
        (["-p", "trian.EPOCHS=3"], "did you mean train?"),
        (["-p", "train.EPOCHS=three"], "'three' is not of type int"),
        (["-p", "simulate.MODE=tast"], "did you mean 'taste'?"),
        (["--from", "trian"], "did you mean train?"),
        (["--only", "eda,trian"], "did you mean train?"),
        (["--resume", "20200101"], "there is no run"),
        (["--until", "eda", "-p", "train.EPOCHS=3"], "not among the stages to run"),
        (["-f", "absent.yaml"], "cannot read parameters"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(gamerec, project, arguments, message):
    result = gamerec("run", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (project.home / "reports").exists()
    assert not (project.home / "store").exists()


def test_an_unknown_option_is_wrong_usage_too(gamerec):
    assert gamerec("run", "--form", "train").exit_code == 2


def test_files_are_given_by_options_of_their_own(gamerec, project, monkeypatch):
    monkeypatch.chdir(project.home)
    (project.home / "plays.csv").write_text("user_id,game_id\n")
    (project.home / "games.csv").write_text("id,name\n")
    options = ("--interactions", "plays.csv", "--catalogue", "games.csv")
    result = gamerec("run", *options, "--until", "simulate", "--dry-run")
    assert result.exit_code == 0, result.output
    assert f"CATALOGUE={str(project.home / 'games.csv')!r}" in result.stdout
    assert f"INTERACTIONS={str(project.home / 'plays.csv')!r}" in result.stdout
    assert gamerec("run", "--interactions", "gone.csv").exit_code == 3


def test_an_error_of_a_notebook_sets_the_exit_code_and_is_one_plain_line(gamerec, project):
    project.notebook("crawl", "from gamerec.errors import DataError\nraise DataError('no games')")
    result = gamerec("run")
    assert result.exit_code == DataError.exit_code == 3
    assert result.stderr == "gamerec: no games\n"


def test_a_failing_stage_ends_with_5_and_a_refused_candidate_with_4(gamerec, project):
    project.notebook("crawl", "1 / 0")
    result = gamerec("run")
    assert result.exit_code == 5
    assert "ZeroDivisionError" in result.stderr
    assert "01_crawl.ipynb" in result.stderr
    project.notebook("crawl", "pass")
    project.notebook("evaluate", 'run.write_json("verdict", {"promote": False, "reason": "worse"})')
    result = gamerec("run")
    assert result.exit_code == 4
    assert result.stderr == "gamerec: worse\n"


def test_a_fault_of_the_runner_itself_ends_with_1_and_shows_no_secret(
    gamerec, monkeypatch, project
):
    monkeypatch.setenv("RAWG_API_KEY", "canary-in-the-mine")

    def fail(*_):
        raise RuntimeError("could not reach https://api?key=canary-in-the-mine")

    monkeypatch.setattr("gamerec.pipeline.run.find_run", fail)
    result = gamerec("run")
    assert result.exit_code == 1
    assert "RuntimeError: could not reach https://api?key=***" in result.stderr


def test_params_lists_name_type_default_and_meaning(gamerec):
    result = gamerec("params", "train")
    assert result.exit_code == 0
    assert result.stdout == (
        "train\n  EPOCHS: int = 10\n      passes over the games\n  RATE: float = 0.5\n"
    )
    everything = gamerec("params").stdout
    assert [line for line in everything.splitlines() if line and line[0] != " "] == list(STAGES)
    assert "RUN_ID" not in everything
    assert gamerec("params", "trian").exit_code == 2


def test_the_command_runs_in_any_folder(project, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from gamerec.cli import app; app()", "run", "--until", "crawl"],
        cwd=tmp_path,
        env=os.environ | {"GAMEREC_HOME": str(project.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == [project.home]
