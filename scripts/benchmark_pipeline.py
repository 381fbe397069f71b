"""What the pipeline costs beside its work: `gamerec run` against the same cells in one process.

    python scripts/benchmark_pipeline.py                         # the sample
    python scripts/benchmark_pipeline.py --interactions 1000000  # as many simulated interactions

The plain process imports what the notebooks import, defines their parameters and executes their
code cells one after another: no kernels, no Papermill, no reports. Both are timed from their start
as a command to their end, and run in turn on a machine that should have nothing else to do.
Printed: seconds per stage, seconds and processor seconds in total, medians, and their ratio.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gamerec.runs import STAGES, notebook_name
from gamerec.settings import Settings, load_settings

GAMES_PER_USER = 3  # what a simulated player has on average

# Runs in a process of its own: cells of all notebooks, each in an empty namespace.
PLAIN = """
import ast, json, sys, time
given, notebooks = json.loads(sys.argv[1]), sys.argv[2:]

def last_value_shown(source):
    tree = ast.parse(source)
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        call = ast.Call(ast.Name("_show", ast.Load()), [tree.body[-1].value], [])
        tree.body[-1] = ast.Expr(call)
    return compile(ast.fix_missing_locations(tree), "cell", "exec")

def show(value):  # what a kernel would send: pictures and tables are made, not kept
    for name in ("_repr_png_", "_repr_html_", "_repr_markdown_"):
        if hasattr(value, name):
            return getattr(value, name)()
    return None if value is None else repr(value)

for notebook in notebooks:
    begin = time.perf_counter()
    stage = notebook.rpartition("/")[2][3:-6]
    space = {"_show": show, "__name__": "__main__"}
    for cell in json.load(open(notebook))["cells"]:
        if cell["cell_type"] == "code":
            exec(last_value_shown("".join(cell["source"])), space)
            if "parameters" in cell["metadata"].get("tags", []):
                space.update(given.get(stage, {}))
    print(f"SECONDS {stage} {time.perf_counter() - begin:.3f}", flush=True)
"""


def main() -> None:
    """Time both ways in turn, and print the comparison."""
    options = parse()
    parameters = sizes(options.interactions)
    folder = load_settings().notebooks
    pipeline: list[dict[str, float]] = []
    plain: list[dict[str, float]] = []
    for number in range(options.repeats):
        plain.append(time_plain(folder, parameters))
        pipeline.append(time_pipeline(folder, parameters))
        print(
            f"# {number + 1}: plain {plain[-1]['total']:.1f} s, "
            f"pipeline {pipeline[-1]['total']:.1f} s, load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    print(report(pipeline, plain))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--interactions", type=int, default=0, help="about so many; 0: the sample")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def sizes(interactions: int) -> dict[str, dict[str, int]]:
    """Parameters that make about so many interactions; none for the sample's own."""
    return {"simulate": {"N_USERS": round(interactions / GAMES_PER_USER)}} if interactions else {}


def time_pipeline(folder: Path, parameters: dict[str, dict[str, int]]) -> dict[str, float]:
    """Seconds per stage, and in total, of `gamerec run` in an empty project folder."""
    given = [
        f"-p{stage}.{name}={value}" for stage, v in parameters.items() for name, value in v.items()
    ]
    command = [sys.executable, "-c", "from gamerec.cli import app; app()", "run", *given]
    text, total = run(command, folder)
    lines = re.findall(r"^  \d (\w+) +([\d.]+) s  ", text, re.MULTILINE)
    return {stage: float(took) for stage, took in lines} | total


def time_plain(folder: Path, parameters: dict[str, dict[str, int]]) -> dict[str, float]:
    """Seconds per stage, and in total, of the notebooks' cells in one Python process."""
    notebooks = [str(folder / f"{notebook_name(stage)}.ipynb") for stage in STAGES]
    command = [sys.executable, "-c", PLAIN, json.dumps(parameters), *notebooks]
    text, total = run(command, folder)
    lines = re.findall(r"^SECONDS (\w+) ([\d.]+)$", text, re.MULTILINE)
    return {stage: float(took) for stage, took in lines} | total


def run(command: list[str], notebooks: Path) -> tuple[str, dict[str, float]]:
    """What the command printed in an empty project folder without settings, and what it took."""
    ours = {name.upper() for name in Settings.model_fields}
    env = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "notebooks").symlink_to(notebooks)
        begin, used = time.perf_counter(), cpu_of_children()
        done = subprocess.run(
            command,
            env=env | {"GAMEREC_HOME": home},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        took = {"total": time.perf_counter() - begin, "processor": cpu_of_children() - used}
    if done.returncode not in (0, 4):
        sys.exit(f"{command[:3]} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout, took


def cpu_of_children() -> float:
    """Seconds that ended processes of ours, and theirs, have kept a processor busy."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def report(pipeline: list[dict[str, float]], plain: list[dict[str, float]]) -> str:
    """The table of medians in seconds."""
    rows = [f"{'stage':<14}{'pipeline':>10}{'plain':>10}"]
    for stage in (*STAGES, "total", "processor"):
        medians = [statistics.median(r.get(stage, 0.0) for r in runs) for runs in (pipeline, plain)]
        rows.append(f"{stage:<14}{medians[0]:>10.2f}{medians[1]:>10.2f}")
    totals = [statistics.median(r["total"] for r in runs) for runs in (pipeline, plain)]
    rows.append(f"pipeline / plain = {totals[0] / totals[1]:.2f}  (medians of {len(plain)})")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
