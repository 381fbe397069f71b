"""Seven notebooks of a few lines over the real registry, batches and database: a run in seconds.

What the real ones do to the store and the database these do too; figures and tables are left out.
"""

from pathlib import Path

import nbformat
from fault_home import Home

from gamerec.runs import STAGES, notebook_name

CELLS = {
    "crawl": """
import pandas as pd
N_GAMES: int = 12  # games
---
games = pd.DataFrame({"game_id": range(1, N_GAMES + 1)})
games["name"] = "Game " + games["game_id"].astype(str)
run.write_table("raw_games", games)
run.write_json("source", {"source": "made up"})
""",
    "eda": """
FIGURES: int = 0  # none
---
assert len(run.read_table("raw_games"))
""",
    "preprocess": """
PRIOR: float = 1.0  # no effect
---
run.write_table("games", run.read_table("raw_games"))
""",
    "simulate": """
import numpy as np
import pandas as pd
SEED: int = 1  # same seed, same plays
N_USERS: int = 40  # players
---
games, rng = run.read_table("games"), np.random.default_rng(SEED)
pairs = [(f"u{u}", g) for u in range(N_USERS) for g in rng.choice(games["game_id"], 4, False)]
plays = pd.DataFrame(pairs, columns=["user_id", "game_id"]).assign(weight=1.0)
run.write_table("items", games)
run.write_table("interactions", plays)
""",
    "train": """
from gamerec import models
from gamerec.interactions import Interactions
from gamerec.registry import Registry
from gamerec.settings import load_settings
from gamerec.storage import open_store
NEIGHBOURS: int = 5  # kept per game
---
settings = load_settings()
items, plays = run.read_table("items"), run.read_table("interactions")
data = Interactions.from_frame(plays, game_ids=items["game_id"])
model = models.create("item_knn", neighbours=NEIGHBOURS).fit(data.X)
registry = Registry(open_store(settings.store_uri, settings))
version = registry.register(model, run_id=run.id, game_ids=data.game_ids)
run.write_json("candidate", {"version": version})
""",
    "evaluate": """
from gamerec.registry import Registry
from gamerec.settings import load_settings
from gamerec.storage import open_store
TOLERANCE: float = 0.0  # no effect
---
settings = load_settings()
registry = Registry(open_store(settings.store_uri, settings))
version = run.read_json("candidate")["version"]
verdict = {"promote": True, "reason": "always"}
registry.record_evaluation(version, [], verdict)
registry.promote(version, by=run.id, why="always")
run.write_json("verdict", verdict)
""",
    "batch_score": """
from gamerec import batch
from gamerec.interactions import Interactions
from gamerec.outbox.database import load_batch
from gamerec.registry import Registry
from gamerec.settings import load_settings
from gamerec.storage import open_store
TOP_K: int = 5  # games per list
---
settings = load_settings()
store = open_store(settings.store_uri, settings)
live = Registry(store).load_version("production")
items, plays = run.read_table("items"), run.read_table("interactions")
data = Interactions.from_frame(plays, game_ids=items["game_id"])
players = batch.players_for(data, live)
lists = batch.score(live, players, run.id, TOP_K)
made = batch.write(store, run.id, lists, players, live.version, TOP_K)
missed = load_batch(settings, store, made, items, plays, run_id=run.id, keep=3)
batch.make_current(store, made)
batch.prune(store, 3)
run.write_json("batch", {**made.summary(), "pending": ["database"] if missed else []})
""",
}


def small_home(folder: Path, **env: str) -> Home:
    """A project folder with the small notebooks."""
    home = Home(folder, **env)
    (folder / "notebooks").mkdir()
    for stage in STAGES:
        _write(folder / "notebooks" / f"{notebook_name(stage)}.ipynb", stage)
    return home


def _write(path: Path, stage: str) -> None:
    head, work = CELLS[stage].split("---\n")
    lines = head.strip().splitlines()
    imports = [line for line in lines if line.startswith(("import", "from"))]
    parameters = ['RUN_ID: str = ""  # the run', *(p for p in lines if p not in imports)]
    start = f'run = runs.open_run(RUN_ID, new={stage == "crawl"})\nrun.reset("{stage}")'
    cells = [
        nbformat.v4.new_code_cell("\n".join(["from gamerec import runs", *imports])),
        nbformat.v4.new_code_cell("\n".join(parameters), metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(start),
        nbformat.v4.new_code_cell(work.strip()),
        nbformat.v4.new_code_cell(f'run.done("{stage}", made="{stage} made it")'),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)
