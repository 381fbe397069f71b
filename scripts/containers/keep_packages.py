"""Uninstall every package that the named ones do not need, from the environment this runs in.

For images: the lock file holds what the whole project needs, and the service needs less.
    python scripts/containers/keep_packages.py numpy fastapi ...
"""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, distributions


def canonical(name: str) -> str:
    """'Foo_Bar' -> 'foo-bar'."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(roots: list[str]) -> set[str]:
    """The roots and what they require. Of gamerec only itself: it requires all."""
    found: set[str] = set()
    waiting = [canonical(root) for root in roots]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            requirements = [] if name == "gamerec" else distribution(name).requires or []
        except PackageNotFoundError:
            if name in map(canonical, roots):
                sys.exit(f"{name} is not installed")
            continue
        found.add(name)
        waiting += [
            canonical(re.match(r"[\w.-]+", line)[0])  # type: ignore[index]
            for line in requirements
            if "extra ==" not in line
        ]
    return found


def main() -> None:
    keep = needed(sys.argv[1:])
    surplus = {canonical(d.metadata["Name"]) for d in distributions()} - keep - {"pip"}
    command = [sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", *sorted(surplus)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
