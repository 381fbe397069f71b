"""Old runs taken away: their reports and their artifacts, except what something live came from."""

import contextlib
import shutil

from gamerec.reports.record import RunRecord, read_records
from gamerec.runs import run_ids, run_of
from gamerec.settings import Settings
from gamerec.storage import MissingKey, Store, open_store


def prune(settings: Settings, current: RunRecord) -> list[str]:
    """Delete all but the newest `settings.keep_runs` runs; the ids of those deleted.

    Kept besides: the current run, and the runs that the registry's channels (production, candidate,
    previous) and the current batch came from. Runs made by hand count like any other.
    """
    store = open_store(settings.store_uri, settings)
    reported = {record.run_id for record in read_records(settings.reports)}
    ids = sorted(reported.union(run_ids(store)), reverse=True)
    old = ids[settings.keep_runs :]
    if not old:
        return []
    live = _live_runs(store) | {current.run_id}
    deleted = [run_id for run_id in old if run_id not in live]
    for run_id in deleted:
        store.delete_tree(f"runs/{run_id}")
        if run_id in reported:
            shutil.rmtree(settings.reports / run_id, ignore_errors=True)
    return deleted


def _live_runs(store: Store) -> set[str]:
    """The runs that the models in the channels and the current batch came from."""
    from gamerec.registry import Registry  # imports pandas: needed when there is something to prune

    registry = Registry(store)
    live = {registry.info(version)["run_id"] for version in registry.channels().values()}
    with contextlib.suppress(MissingKey):
        live.add(run_of(store.read_json("batches/current.json")["batch_id"]))
    return live
