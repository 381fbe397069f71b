"""What the file of an offline W&B run holds: LevelDB log blocks of protobuf records."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_back(folder: Path | str) -> dict[str, Any]:
    """What an offline run's file holds: name, group, job_type, config, history, summary, exit."""
    from wandb.proto import wandb_internal_pb2 as pb

    (path,) = Path(folder).glob("*.wandb")
    held = {"history": [], "summary": {}, "config": {}, "artifacts": [], "exit": None}
    for data in _leveldb_records(path.read_bytes()[7:]):
        record = pb.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = record.run
            held |= {"name": run.display_name, "group": run.run_group, "job_type": run.job_type}
            held["config"] |= {u.key: json.loads(u.value_json) for u in run.config.update}
        elif kind == "config":
            held["config"] |= {u.key: json.loads(u.value_json) for u in record.config.update}
        elif kind == "history":
            items = {(i.key or i.nested_key[0]): i.value_json for i in record.history.item}
            held["history"].append({k: json.loads(v) for k, v in items.items()})
        elif kind == "summary":
            items = {(i.key or i.nested_key[0]): i.value_json for i in record.summary.update}
            held["summary"] |= {k: json.loads(v) for k, v in items.items()}
        elif kind == "artifact":
            held["artifacts"].append((record.artifact.name, list(record.artifact.aliases)))
        elif kind == "request" and record.request.HasField("log_artifact"):
            artifact = record.request.log_artifact.artifact
            held["artifacts"].append((artifact.name, list(artifact.aliases)))
        elif kind == "exit":
            held["exit"] = record.exit.exit_code
    return held


def _leveldb_records(log: bytes) -> Iterator[bytes]:
    """LevelDB's log format: blocks of 32 KiB, each of pieces with crc, length and type."""
    whole = b""
    for start in range(0, len(log) + 7, 32_768):
        block, at = log[start - 7 if start else 0 : start + 32_768 - 7], 0
        while at + 7 <= len(block):
            _, length, kind = struct.unpack("<IHB", block[at : at + 7])
            if kind == 0:
                break
            whole += block[at + 7 : at + 7 + length]
            at += 7 + length
            if kind in (1, 4):  # a full record, or the last piece of one
                yield whole
                whole = b""
