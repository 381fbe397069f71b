"""The secrets of compose.yaml, one file each: own ones as given, the others made up once.

    python make_secrets.py FOLDER OWN

FOLDER is the volume that the containers see as /run/secrets, OWN the user's folder of files named
as the settings (`rawg_api_key`, `notify_urls`). Run again, it keeps what it made: the database and
the bucket know these passwords by then. Nothing is printed but names.
"""

import os
import secrets
import sys
from pathlib import Path

READER = 10001  # the group of gamerec in its image; the servers begin as root


def made_up(folder: Path) -> dict[str, str]:
    """Passwords that are there already, or new ones, and what is put together of them."""

    def known_or(name: str, new: str) -> str:
        path = folder / name
        return path.read_text(encoding="utf-8") if path.exists() else new

    password = known_or("mysql_password", secrets.token_urlsafe(24))
    return {
        "mysql_password": password,
        "mysql_root_password": known_or("mysql_root_password", secrets.token_urlsafe(24)),
        "database_url": f"mysql+pymysql://gamerec:{password}@mysql/gamerec?charset=utf8mb4",
        "aws_access_key_id": known_or("aws_access_key_id", secrets.token_hex(10)),
        "aws_secret_access_key": known_or("aws_secret_access_key", secrets.token_urlsafe(30)),
    }


def own(folder: Path) -> dict[str, str]:
    """The user's files."""
    files = folder.iterdir() if folder.is_dir() else ()
    return {
        path.name.lower(): path.read_text(encoding="utf-8").strip()
        for path in files
        if path.is_file() and not path.name.startswith(".")
    }


def write(folder: Path, name: str, value: str) -> None:
    """Replace one file as a whole; only root and gamerec may read it."""
    path = folder / f".{name}"
    path.unlink(missing_ok=True)
    with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o440)) as f:
        f.write(value)
    if os.geteuid() == 0:
        os.chown(path, 0, READER)
    path.rename(folder / name)


def main() -> None:
    folder, given = Path(sys.argv[1]), own(Path(sys.argv[2]))
    values = made_up(folder) | given
    for path in folder.iterdir():
        if path.name not in values:
            path.unlink()  # an own one that was taken back
    for name, value in values.items():
        write(folder, name, value)
    print("secrets:", ", ".join(sorted(values)))


if __name__ == "__main__":
    main()
