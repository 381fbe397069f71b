"""Break the pipeline in every way that is known, and print what came of it as a Markdown table.

    scripts/fault_suite.py                       everything, about half an hour on two cores
    scripts/fault_suite.py --seed 7 --kills 200  other moments, and more of them
    scripts/fault_suite.py --only kills,inputs   some of the parts

Every fault is a real one: processes are killed by SIGKILL, a small file system is filled up, the
servers are stopped, the clock is set back. Nothing of the project folder is touched; the folders
are below /tmp and gone at the end. What cannot be done here (mounting without root, a server
program that is not installed) is shown as skipped, with the reason. Ends with 1 where anything
went wrong.
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "faults")]

from fault_bench import Bench, Row  # noqa: E402
from fault_home import Skipped, work_folder  # noqa: E402
from fault_parts import PARTS  # noqa: E402


def main() -> int:
    """Run the parts asked for; the exit code."""
    options = _options()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        raise SystemExit(f"unknown parts {unknown}: {', '.join(PARTS)}")
    rows: list[Row] = []
    with work_folder() as folder:
        bench = Bench(folder, options.seed, options.kills)
        for name in names:
            began = time.monotonic()
            print(f"{name}:", file=sys.stderr, flush=True)
            rows += _part(name, bench)
            print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print("| fault | how often | what came of it |\n|---|---|---|")
    for row in rows:
        print(f"| {row.fault} | {row.times} | {row.outcome} |")
    return 1 if any(row.is_bad for row in rows) else 0


def _part(name: str, bench: Bench) -> list[Row]:
    try:
        return PARTS[name](bench)
    except Skipped as reason:
        return [Row(name, "0", f"skipped: {reason}")]
    except Exception as error:  # the other parts still have something to tell
        traceback.print_exc()
        return [Row(name, "", f"**{type(error).__name__}**: {str(error)[:300]}", is_bad=True)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="draws the moments of the kills")
    parser.add_argument("--kills", type=int, default=104, help="how many, over all stages")
    parser.add_argument("--only", default="", help="parts, comma-separated")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
