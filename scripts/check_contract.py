"""Schemathesis over the service's OpenAPI document: made-up requests, valid and not.

    python scripts/check_contract.py                     1,500 per operation, above 10,000 in all
    python scripts/check_contract.py --cases 10          a short look

A real server process on a small simulated store, or one that runs already (--url). Ends with
Schemathesis's exit code: 0 where no answer is a 5xx, and each is one that the document promises.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from service_data import make_store
from service_load import gamerec_command, server

PHASES = "examples,coverage,fuzzing"
# A genre may be text of the right form that no game has: 422, beside what is expected anyway.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 422]
"""


def check(url: str, cases: int, phases: str = PHASES) -> int:
    """Run Schemathesis; its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(CONFIG)
        command = [str(Path(sys.executable).with_name("st")), "--config-file", str(config), "run"]
        command += [f"{url}/openapi.json", "--checks", "all", "--max-examples", str(cases)]
        command += ["--phases", phases, "--seed", "1", "--no-color"]
        return subprocess.run(command, cwd=folder, timeout=7_200).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_500, help="per operation")
    parser.add_argument("--url", help="a server that runs already, without keys")
    parser.add_argument("--phases", default=PHASES)
    given = parser.parse_args()
    if given.url:
        sys.exit(check(given.url, given.cases, given.phases))
    with tempfile.TemporaryDirectory() as folder:
        make_store(Path(folder), 500, 200)
        with server(Path(folder), gamerec_command(), "/readyz") as (url, _):
            code = check(url, given.cases, given.phases)
    sys.exit(code)


if __name__ == "__main__":
    main()
