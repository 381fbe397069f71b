"""Play logs, written and read."""

import pytest

from gamerec.players.playlog import read_play_log


@pytest.fixture
def log(tmp_path):
    """A function that writes a log and reads it."""

    def read(content, name="plays.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_play_log(path, **options)

    return read
