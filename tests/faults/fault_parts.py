"""The parts of the long suite, by the names that `--only` takes."""

from collections.abc import Callable

from fault_bench import Bench, Row
from part_at_once import at_once
from part_clock import clock
from part_damage import caches, store_files
from part_disk import full_disk, read_only
from part_inputs import inputs
from part_kills import kills
from part_sinks import database_stopped, s3_failing

PARTS: dict[str, Callable[[Bench], list[Row]]] = {
    "kills": kills,
    "disk": full_disk,
    "read-only": read_only,
    "clock": clock,
    "at-once": at_once,
    "caches": caches,
    "store": store_files,
    "database": database_stopped,
    "s3": s3_failing,
    "inputs": inputs,
}
