#!/usr/bin/env python3
"""Give the package the version of a tag: `set_version.py v1.2.3` changes pyproject and __init__."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "pyproject.toml": r'^version = "(.*)"$',
    "gamerec/__init__.py": r'^__version__ = "(.*)"$',
}


def main() -> None:
    tag = sys.argv[1] if len(sys.argv) == 2 else ""
    found = re.fullmatch(r"v?(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)", tag)
    if not found:
        print(f"{tag!r} is no version: v1.2.3, or v1.2.3rc1", file=sys.stderr)
        raise SystemExit(2)
    for name, pattern in PLACES.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        line = re.search(pattern, text, re.MULTILINE)
        if line is None:
            sys.exit(f"{name} has no line that names the version")
        start, end = line.span(1)
        path.write_text(text[:start] + found[1] + text[end:], encoding="utf-8")
    print(found[1])


if __name__ == "__main__":
    main()
