"""Files that were damaged between two runs: caches, artifacts, models, marks and records."""

import io
import random
from collections.abc import Callable
from pathlib import Path

from fault_bench import OTHER, Bench, Row, refused, row, say, unchanged
from fault_compare import result, served
from fault_home import Home
from PIL import Image
from services.rawg_server import KEY, RawgServer, a_game

Damage = Callable[[bytes, random.Random], bytes]


def cut(data: bytes, rng: random.Random) -> bytes:
    """Truncated anywhere."""
    return data[: rng.randrange(len(data))] if data else data


def zeroed(data: bytes, rng: random.Random) -> bytes:
    """As long as before, without content: what a power cut leaves."""
    return bytes(len(data))


def altered(data: bytes, rng: random.Random) -> bytes:
    """One bit is another."""
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def spoil(path: Path, rng: random.Random, how: Damage | None = None) -> str:
    """Damage a file; its name and what was done to it."""
    chosen = how or rng.choice([cut, zeroed, altered])
    path.write_bytes(chosen(path.read_bytes(), rng))
    return f"{path.name} {chosen.__name__}"


def caches(bench: Bench) -> list[Row]:
    """Caches: what is damaged in them is made again, and the result is the same."""
    rng = random.Random(bench.seed)
    return [_compiled(bench, rng), _pages(bench, rng), _wandb(bench)]


def _compiled(bench: Bench, rng: random.Random) -> Row:
    cache = bench.folder / "numba"
    home = bench.home(NUMBA_CACHE_DIR=str(cache))
    done = home.gamerec("run", "--from", "train", seconds=600)
    files = sorted(path for path in cache.rglob("*.nb?"))
    spoilt = [spoil(path, rng) for path in files if rng.random() < 0.5]
    again = bench.home(NUMBA_CACHE_DIR=str(cache))
    done = again.gamerec("run", *OTHER, seconds=600)
    faults = [done.text] if done.code else bench.check(again, again.records()[-1].run_id)
    faults += [] if len(files) > 20 else [f"{len(files)} files in the cache"]
    say(f"  {len(spoilt)} of {len(files)} files of compiled code: {faults}")
    outcome = "found by its checksum, compiled again; the run is equal"
    what = "compiled code (numba's cache) cut, zeroed or altered"
    return row(what, f"{len(spoilt)} files", outcome, faults)


def _pages(bench: Bench, rng: random.Random) -> Row:
    picture = io.BytesIO()
    Image.effect_mandelbrot((900, 500), (-2, -1, 1, 1), 50).convert("RGB").save(picture, "JPEG")
    with RawgServer() as server:
        for number in range(8):
            server.images[f"games/{number}.jpg"] = picture.getvalue()
        server.games = [
            a_game(n, background_image=f"http://{server.host}/media/games/{n % 8}.jpg")
            for n in range(100)
        ]
        server.images |= {f"crop/600/400/{name}": data for name, data in server.images.items()}
        home = Home(bench.folder / "crawls", RAWG_API_KEY=KEY, RAWG_URL=server.url)
        asked = ("run", "--until", "crawl", "-p", "crawl.MAX_GAMES=100", "-p", "crawl.COVERS=true")
        first = home.gamerec(*asked)
        kept = contents(home)
        files = list((home.folder / "store").glob("raw/*/all/*.json"))
        files += list((home.folder / "store" / "covers").glob("*.jpg"))
        spoilt = [spoil(path, rng, rng.choice([cut, zeroed])) for path in files]
        second = home.gamerec(*asked)
        faults = [done.text for done in (first, second) if done.code]
        if contents(home) != kept or len(spoilt) < 11:
            faults.append(f"{len(spoilt)} damaged; not as before: {second.text}")
    say(f"  {spoilt}: {faults}")
    what = "raw pages of RAWG and covers in the store cut or zeroed"
    return row(what, f"{len(spoilt)} files", "fetched again; same games, same pictures", faults)


def contents(home: Home) -> dict[str, bytes]:
    """The newest run's raw games, and the covers."""
    store = home.folder / "store"
    games = sorted(store.glob("runs/*/raw_games.parquet"))[-1]
    return {"games": games.read_bytes()} | {p.name: p.read_bytes() for p in store.glob("covers/*")}


def _wandb(bench: Bench) -> Row:
    faults = []
    for what in ("a file in its place", "a link to nowhere"):
        home = bench.home(WANDB_MODE="offline")
        place = home.folder / "store" / "wandb"
        if what.startswith("a file"):
            place.write_bytes(b"no folder")
        else:
            place.symlink_to(home.folder / "nowhere" / "at" / "all")
        done = home.gamerec("run", *OTHER)
        found = [done.text] if done.code else bench.check(home, home.records()[-1].run_id)
        say(f"  W&B folder, {what}: {found}")
        faults += found
    return row("W&B's folder unusable", 2, "the run is equal, and says that W&B failed", faults)


def store_files(bench: Bench) -> list[Row]:
    """Artifacts, models, marks, the batch in force and the database file."""
    rng = random.Random(bench.seed)
    cases = (_artifact, _mark, _record, _model, _current, _database)
    return [case(bench, rng) for case in cases]


def _artifact(bench: Bench, rng: random.Random) -> Row:
    """Every artifact that a later stage reads, cut short."""
    faults, names = [], []
    home = bench.home(bench.calm)
    run_id, before = bench.calm_id, served(home.folder)
    folder = home.folder / "store" / "runs" / run_id
    stages = {"raw_games.parquet": "preprocess", "games.parquet": "simulate"}
    stages |= {"features.npz": "train", "split.npz": "evaluate", "items.parquet": "batch_score"}
    for name, stage in stages.items():
        whole = (folder / name).read_bytes()
        names.append(spoil(folder / name, rng, cut))
        done = home.gamerec("run", "--only", stage)
        faults += refused(done, (3,), name) + unchanged(home, before)
        (folder / name).write_bytes(whole)
    again = home.gamerec("run", "--resume", run_id)
    faults += [again.text] if again.code else bench.check(home, run_id)
    say(f"  {names}: {faults}")
    outcome = "exit 3 naming the file; what is served stays; made again, the run is equal"
    return row("an artifact in the store cut short", len(stages), outcome, faults)


def _mark(bench: Bench, rng: random.Random) -> Row:
    home = bench.home(bench.calm)
    marks = home.folder / "store" / "runs" / bench.calm_id / "stages"
    names = [spoil(marks / f"{name}.json", rng, cut) for name in ("preprocess", "evaluate")]
    done = home.gamerec("run", "--resume", bench.calm_id)
    kept = done.out.count("kept: ")
    faults = [done.text] if done.code else []  # registered again: the same version
    faults += bench.check(home, bench.calm_id) if not faults else []
    faults += [] if kept == 2 else [done.text]
    say(f"  {names}: {faults}")
    outcome = "counts as not done: the stage and what depends on it run again; the run is equal"
    return row("a stage's mark cut short", 2, outcome, faults)


def _record(bench: Bench, rng: random.Random) -> Row:
    home = bench.home(bench.calm)
    before = served(home.folder)
    spoil(home.reports / bench.calm_id / "run.json", rng, zeroed)
    done = home.gamerec("run", "--resume", bench.calm_id)
    faults = refused(done, (3,), "run.json", "parameters") + unchanged(home, before)
    say(f"  run.json: {faults}")
    return row("run.json damaged", 1, "exit 3: its parameters are lost, nothing is run", faults)


def _model(bench: Bench, rng: random.Random) -> Row:
    """Every file of the production model; then back to the version before it."""
    home = bench.home(bench.calm)
    before = served(home.folder)
    folder = home.folder / "store" / "models" / "model_v2"
    files = [folder / "info.json", *sorted((folder / "files").iterdir())]
    faults = []
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(rng.choice([cut, altered])(whole, rng))
        done = home.gamerec("models", "promote", "model_v2", "--force", "--why", "test")
        faults += refused(done, (3,), "damaged")
        if path == files[-1]:
            done = home.gamerec("run", "--only", "batch_score")
            faults += refused(done, (3,), "damaged")
            back = home.gamerec("models", "rollback")
            after = home.gamerec("run", "--only", "batch_score")
            faults += [d.text for d in (back, after) if d.code]
            faults += [] if "model_v1 is production" in back.out else [back.text]
        path.write_bytes(whole)
    now = served(home.folder)
    faults += (
        [] if before["batch: CSV"] != now["batch: CSV"] else ["the batch is still the old one"]
    )
    say(f"  {len(files)} files of a model: {faults}")
    outcome = "exit 3, refused; the batch in force stays; `models rollback`, and scoring goes on"
    return row("a file of the production model cut or altered", len(files), outcome, faults)


def _current(bench: Bench, rng: random.Random) -> Row:
    home = bench.home(bench.calm)
    path = home.folder / "store" / "batches" / "current.json"
    faults = []
    for how in (cut, zeroed):
        spoil(path, rng, how)
        done = home.gamerec("run", "--only", "batch_score")
        faults += [done.text] if done.code else bench.check(home, bench.calm_id)
    say(f"  current.json: {faults}")
    outcome = "the next scoring writes it anew; the result is equal"
    return row("the mark of the batch in force damaged", 2, outcome, faults)


def _database(bench: Bench, rng: random.Random) -> Row:
    home = bench.home(bench.calm)
    store = home.folder / "store"
    for path in store.glob("gamerec.db*"):
        path.unlink()
    (store / "gamerec.db").write_bytes(b"this is no database" * 1000)
    done = home.gamerec("run", "--only", "batch_score")
    faults = [done.text] if done.code or "database" not in done.out else []
    (store / "gamerec.db").unlink()
    again = home.gamerec("deliver")
    faults += [again.text] if again.code else []
    rows = result(home.folder, bench.calm_id)["database: live rows"] if not faults else ""
    faults += [] if rows == bench.expected["database: live rows"] else [again.text]
    say(f"  gamerec.db: {faults}")
    outcome = "the run ends, the database pending; with a new file `deliver` brings the same rows"
    return row("the SQLite file damaged", 1, outcome, faults)
