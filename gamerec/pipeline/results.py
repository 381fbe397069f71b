"""What the stages of a run left: the gate's verdict, hashes of the data, and where things are."""

import hashlib
import threading
from collections.abc import Callable
from typing import Any

from gamerec.errors import GamerecError
from gamerec.provenance import code_commit, library_versions
from gamerec.reports.record import RunRecord
from gamerec.runs import Run
from gamerec.settings import Settings
from gamerec.storage import open_store

_DATA = {"crawl": "raw_games", "simulate": "interactions"}  # stage -> table that is hashed


def verdict(run: Run) -> dict[str, Any] | None:
    """The gate's verdict, with 'promote' and 'reason', once evaluate has given one."""
    if not run.has("verdict"):
        return None
    found = run.read_json("verdict")
    return {"promote": bool(found["promote"]), "reason": str(found["reason"])}


def reason_to_skip(stage: str, run: Run, settings: Settings) -> str:
    """Why not to run a stage: nothing can be recommended while no model has ever been promoted."""
    if stage != "batch_score" or not (found := verdict(run)) or found["promote"]:
        return ""
    from gamerec.registry import Registry  # imports pandas: needed after a refusal only

    if Registry(open_store(settings.store_uri, settings)).channel("production"):
        return ""
    return "the gate refused the candidate, and there is no production model yet"


def note_origin(record: RunRecord) -> None:
    """Enter the code's commit and the libraries' versions."""
    record.code_commit, record.versions = code_commit(), library_versions()


def note(stage: str, run: Run, record: RunRecord) -> None:
    """Enter what a stage says of the whole run: the verdict, or the SHA-256 of the data it read."""
    if stage == "evaluate":
        record.gate = verdict(run)
    key = f"{_DATA.get(stage)}.parquet"
    if run.store.exists(key):
        digest = hashlib.sha256(run.store.read(key)).hexdigest()
        record.data = record.data | {_DATA[stage]: digest}


def deliver(settings: Settings, problem: BaseException | None = None) -> dict[str, str]:
    """Bring S3 and the database what they lack; sink -> what is pending still, W&B's runs too.

    Nothing is delivered for a run that was interrupted: somebody is waiting for its end.
    """
    from gamerec import outbox

    sinks = () if isinstance(problem, KeyboardInterrupt) else ("S3", "database")
    try:
        return outbox.deliver(settings, sinks=sinks)
    except GamerecError as error:
        return {"outbox": str(error)}


def deliver_beside(settings: Settings) -> Callable[[], None]:
    """Begin to send W&B the runs that it lacks, in a thread; what waits for its end.

    A silent W&B takes its time-out, which is over before the stages are.
    """
    from gamerec import outbox

    thread = threading.Thread(target=outbox.deliver, args=(settings,), kwargs={"sinks": ("W&B",)})
    thread.start()
    return thread.join


def whereabouts(run: Run, settings: Settings) -> dict[str, str]:
    """Where the report, the model and the recommendations of a complete run are."""
    found = {"report": str(settings.reports / run.id / "index.html")}
    if run.has("candidate"):
        version = run.read_json("candidate")["version"]
        found["model"] = f"{settings.store_uri}/models/{version}"
    if run.has("batch"):
        batch = run.read_json("batch")
        found["recommendations"] = (
            f"{settings.store_uri}/batches/{batch['batch_id']}/recommendations.csv (and .parquet)"
        )
    return found
