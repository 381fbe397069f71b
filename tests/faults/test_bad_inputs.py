"""Bad play logs and catalogues through the whole command; `make faults` has all of them."""

import shutil

import pytest
from fault_bench import succeeded
from fault_inputs import CATALOGUES, LOGS
from fault_small import small_home
from part_inputs import one

from gamerec.runs import notebook_name
from gamerec.settings import load_settings

BY_NAME = {("--interactions", log.name): log for log in LOGS if not log.whole} | {
    ("--catalogue", table.name): table for table in CATALOGUES if not table.whole
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A project after one run, and a second one as far as the players, by the real notebooks."""
    home = small_home(tmp_path_factory.mktemp("inputs") / "base")
    succeeded(home.gamerec("run"))
    for stage in ("crawl", "preprocess", "simulate"):
        name = f"{notebook_name(stage)}.ipynb"
        shutil.copy(load_settings().notebooks / name, home.folder / "notebooks" / name)
    succeeded(home.gamerec("run", "--until", "preprocess"))
    return home


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--interactions", "half of it negative"),
        ("--interactions", "mixed encodings"),
        ("--catalogue", "mixed encodings"),
    ],
)
def test_a_bad_file_is_refused_with_its_row_or_repaired_and_told(home, option, name):
    assert one(home, option, BY_NAME[option, name]) == []
