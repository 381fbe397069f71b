"""Model versions in a store, the channels that point to them, and the log of who went live when.

    models/model_v3/claim.json       who took the number, by conditional create
    models/model_v3/files/...        what the model's `save` wrote
    models/model_v3/info.json        written last: a version without it does not exist
    models/model_v3/evaluation.json  metrics and verdict, once it has been evaluated
    models/model_v3/card.md          the same for people
    models/log/000007.json           one move of a channel, with all channels as they stand after it

The newest log entry is the state of the channels, so state and history cannot disagree, and each
move is one conditional create. This module knows nothing of how a model is made or judged.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gamerec.cards import model_card
from gamerec.errors import DataError, UsageError
from gamerec.provenance import code_commit, library_versions
from gamerec.storage import MemoryStore, MissingKey, Store

if TYPE_CHECKING:
    from gamerec.models.base import ItemModel

CHANNELS = ("production", "candidate", "previous")
_GAME_IDS = "game_ids.json"
_ABANDONED = timedelta(hours=1)  # a claim without a version, older than this, is swept away


@dataclass(frozen=True)
class LoadedVersion:
    """A version ready for use; game_ids: (n_games,) the ids of the model's columns."""

    version: str
    model: "ItemModel"
    game_ids: np.ndarray


class Registry:
    """The versions below `models/` of a store."""

    def __init__(self, store: Store) -> None:
        self.store = store.at("models")

    # Versions

    def register(
        self,
        model: "ItemModel",
        *,
        run_id: str,
        game_ids: np.ndarray,
        metrics: Sequence[Mapping[str, Any]] | Mapping[str, Any] = (),
        data_hash: str = "",
        seconds: float = 0.0,
        details: Mapping[str, Any] | None = None,
    ) -> str:
        """Keep the model as a new version, point 'candidate' at it and return its name.

        The same model registered again by the same run gives the version it has already.

        game_ids: (n_games,) the ids of the model's columns, without which it could not be used on
            a later catalogue. metrics: those known at training time (validation). details: any
            further JSON. Raises DataError where the ids do not fit the model.
        """
        if len(game_ids) != model.n_games:
            raise DataError(f"{len(game_ids)} game ids for a model of {model.n_games} games")
        files = MemoryStore()
        model.save(files)
        files.write(_GAME_IDS, json.dumps(np.asarray(game_ids).tolist()).encode())
        digests = {name: _digest(files.read(name)) for name in files.keys()}  # noqa: SIM118
        claim = {"run_id": run_id, "content": _content(model, digests)}
        version = self._claimed(claim) or self._claim(claim)
        if not self.store.exists(f"{version}/info.json"):
            info = {
                "version": version,
                "run_id": run_id,
                "created_at": _now().isoformat(),
                "model": model.name,
                "params": model.params,
                "metrics": metrics if isinstance(metrics, Mapping) else list(metrics),
                "data_hash": data_hash,
                "seconds": round(float(seconds), 3),
                "code_commit": code_commit(),
                "libraries": library_versions(),
                "files": digests,
                "details": dict(details or {}),
            }
            self._write_version(version, info, files)
        self._move({"candidate": version}, by=run_id, why="trained")
        return version

    def versions(self) -> list[str]:
        """Names of all versions, oldest first."""
        names = {
            key.split("/")[0] for key in self.store.keys("model_v") if key.endswith("/info.json")
        }
        return sorted(names, key=_number)

    def resolve(self, name: str) -> str:
        """The version that a channel or version name stands for; raises DataError for neither."""
        if name in CHANNELS:
            if version := self.channel(name):
                return version
            raise DataError(
                f"there is no {name} model yet: run 05_train.ipynb and 06_evaluate.ipynb first "
                "(or `make pipeline`)"
            )
        if not self.store.exists(f"{name}/info.json"):
            known = ", ".join(self.versions()) or "none yet"
            raise DataError(f"there is no model version {name!r}; there are: {known}")
        return name

    def info(self, name: str) -> dict[str, Any]:
        """All that is known of a version or channel; 'evaluation' is None before its evaluation."""
        version = self.resolve(name)
        try:
            info = self.store.read_json(f"{version}/info.json")
        except MissingKey:
            raise DataError(f"{version} is damaged: its info.json is missing") from None
        digest = info.pop("digest", None) if isinstance(info, dict) else None
        if digest is None or digest != _digest(_canonical(info))["sha256"]:
            raise DataError(f"{version} is damaged: its info.json has been altered")
        return info | {"evaluation": self._evaluation(version)}

    def load(self, name: str = "production") -> "ItemModel":
        """The model of a version or channel, each file checked against its SHA-256 first.

        Raises DataError where a file is missing, truncated or altered.
        """
        return self.load_version(name).model

    def load_version(self, name: str = "production") -> "LoadedVersion":
        """As `load`, with the version's name and the game ids of the model's columns."""
        from gamerec import models

        version = self.resolve(name)
        files = self.verify(version)
        ids = json.loads(files.read(_GAME_IDS))
        is_text = any(isinstance(value, str) for value in ids)
        game_ids = np.array(ids, object if is_text else None)
        return LoadedVersion(version, models.load(files), game_ids)

    def verify(self, name: str) -> MemoryStore:
        """The files of a version, read once and checked; raises DataError naming a faulty one."""
        info = self.info(name)
        version, files = info["version"], MemoryStore()
        for file_name, expected in info["files"].items():
            try:
                data = self.store.read(f"{version}/files/{file_name}")
            except MissingKey:
                raise DataError(f"{version} is damaged: {file_name} is missing") from None
            if _digest(data) != expected:
                raise DataError(
                    f"{version} is damaged: {file_name} has {len(data):,} bytes that are not the "
                    f"{expected['bytes']:,} that were saved; roll back or train again"
                )
            files.write(file_name, data)
        return files

    def record_evaluation(
        self, version: str, metrics: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any]
    ) -> None:
        """Add test metrics with intervals and the gate's verdict to a version and its card."""
        self.resolve(version)
        evaluation = {"metrics": list(metrics), "verdict": dict(verdict)}
        self.store.write_json(f"{version}/evaluation.json", evaluation)
        self.store.write(f"{version}/card.md", model_card(self.info(version)).encode())

    def card(self, name: str) -> str:
        """The model card of a version or channel, Markdown."""
        return model_card(self.info(name))

    # Channels

    def channels(self) -> dict[str, str]:
        """Which version each channel points to; channels that point nowhere are absent."""
        return self._state()[1]

    def channel(self, name: str) -> str | None:
        """The version a channel points to, or None."""
        if name not in CHANNELS:
            raise UsageError(f"unknown channel {name!r}: {', '.join(CHANNELS)}")
        return self.channels().get(name)

    def promote(self, name: str, *, by: str, why: str, forced: bool = False) -> str:
        """Make a version (or 'candidate') production; what was live becomes 'previous'.

        Its files are checked first. Promoting what is live already changes nothing.
        """
        version = self.resolve(name)
        self.verify(version)
        self._move({"production": version}, by=by, why=why, forced=forced)
        return version

    def rollback(self, *, by: str, why: str) -> str:
        """Make 'previous' production again; what was live becomes 'previous'.

        Raises DataError where there is no previous version or it is damaged.
        """
        version = self.channel("previous")
        if version is None:
            raise DataError("there is no previous version to roll back to")
        self.verify(version)
        self._move({"production": version}, by=by, why=why)
        return version

    def log(self, channel: str | None = "production") -> list[dict[str, Any]]:
        """Moves of a channel (None: of all), oldest first: when, channel, from, to, by, why."""
        entries = (self.store.read_json(key) for key in self.store.keys("log/"))
        return [e for e in entries if channel is None or e["channel"] == channel]

    # Overviews

    def table(self) -> pd.DataFrame:
        """One row per version, newest first: what it is, where it stands, its headline metrics."""
        pointing: dict[str, list[str]] = {}
        for channel, version in self.channels().items():
            pointing.setdefault(version, []).append(channel)
        rows = [self._row(version, pointing.get(version, [])) for version in self.versions()]
        columns = ["version", "channels", "model", "created_at", "run_id", "seconds", "code_commit"]
        return pd.DataFrame(rows[::-1], columns=columns)

    def diff(self, first: str, second: str) -> pd.DataFrame:
        """What differs between two versions: columns field, and one for each of the two."""
        one, two = _flat(self.info(first)), _flat(self.info(second))
        fields = [f for f in sorted(one | two) if one.get(f) != two.get(f)]
        names = [one["version"], two["version"]]
        rows = [[f, one.get(f), two.get(f)] for f in fields if f != "version"]
        return pd.DataFrame(rows, columns=["field", *names])

    def prune(self, keep: int) -> list[str]:
        """Delete all but the newest `keep` versions, never one that a channel points to.

        Returns what was deleted. Numbers are not given out again.
        """
        if keep < 1:
            raise UsageError(f"keep is {keep}; at least 1 version is kept")
        names = self.versions()
        doomed = [v for v in names[:-keep] if v not in self.channels().values()]
        for version in doomed:
            self.store.delete(f"{version}/info.json")  # first: from here on it does not exist
            self._sweep(version)
        for version in self._unfinished():
            self._sweep(version)
        return doomed

    # Inner steps

    def _claimed(self, claim: Mapping[str, str]) -> str | None:
        """The version that this run took for this content before, finished or cut short."""
        for key in self.store.keys("model_v"):
            if key.endswith("/claim.json"):
                found = self.store.read_json(key)
                if {name: found.get(name) for name in claim} == claim:
                    return key.split("/")[0]
        return None

    def _claim(self, claim: Mapping[str, str]) -> str:
        keys = self.store.keys("model_v")
        number = max((_number(key.split("/")[0]) for key in keys), default=0)
        body = json.dumps(dict(claim) | {"at": _now().isoformat()}).encode()
        while True:
            number += 1
            if self.store.create(f"model_v{number}/claim.json", body):
                return f"model_v{number}"

    def _write_version(self, version: str, info: dict[str, Any], files: MemoryStore) -> None:
        for name in files.keys():  # noqa: SIM118  (a store, not a dict)
            self.store.write(f"{version}/files/{name}", files.read(name))
        info = json.loads(json.dumps(info, default=_jsonable))
        self.store.write(f"{version}/card.md", model_card(info).encode())
        info["digest"] = _digest(_canonical(info))["sha256"]
        self.store.write_json(f"{version}/info.json", info)

    def _evaluation(self, version: str) -> dict[str, Any] | None:
        try:
            return self.store.read_json(f"{version}/evaluation.json")
        except MissingKey:
            return None

    def _row(self, version: str, channels: list[str]) -> dict[str, Any]:
        try:
            info = self.info(version)
        except DataError:
            info = {"version": version, "model": "(damaged)"}
        return info | {"channels": ", ".join(channels)}

    def _state(self) -> tuple[int, dict[str, str]]:
        """Number of the newest log entry, and the channels as they stand after it."""
        keys = self.store.keys("log/")
        if not keys:
            return 0, {}
        return int(keys[-1][-11:-5]), self.store.read_json(keys[-1])["channels"]

    def _move(self, to: Mapping[str, str], *, by: str, why: str, forced: bool = False) -> None:
        """Append one move to the log; retried on the newer state where another was first."""
        ((channel, version),) = to.items()
        while True:
            number, channels = self._state()
            before = channels.get(channel)
            if before == version:
                return
            after = channels | {channel: version}
            if channel == "production" and before:
                after["previous"] = before
            entry = {
                "when": _now().isoformat(),
                "channel": channel,
                "from": before,
                "to": version,
                "by": by,
                "why": why,
                "forced": forced,
                "channels": after,
            }
            body = json.dumps(entry, indent=2, sort_keys=True, ensure_ascii=False).encode()
            if self.store.create(f"log/{number + 1:06d}.json", body):
                return

    def _unfinished(self) -> list[str]:
        """Versions whose registration was cut short long ago."""
        claims = [key for key in self.store.keys("model_v") if key.endswith("/claim.json")]
        names = [key.split("/")[0] for key in claims]
        finished = set(self.versions())
        return [v for v in names if v not in finished and self._is_abandoned(v)]

    def _is_abandoned(self, version: str) -> bool:
        claim = self.store.read_json(f"{version}/claim.json")
        return _now() - datetime.fromisoformat(claim["at"]) > _ABANDONED

    def _sweep(self, version: str) -> None:
        for key in self.store.keys(f"{version}/"):
            self.store.delete(key)


def _number(version: str) -> int:
    match = re.fullmatch(r"model_v([1-9][0-9]*)", version)
    return int(match[1]) if match else 0


def _now() -> datetime:
    return datetime.now(UTC)


def _digest(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _content(model: "ItemModel", digests: Mapping[str, Any]) -> str:
    """What the model computes: its arrays and parameters, without what it tells of its making."""
    arrays = {name: digest for name, digest in digests.items() if name != "model.json"}
    return _digest(_canonical([model.name, model.params, arrays]))["sha256"]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_jsonable).encode()


def _jsonable(value: Any) -> Any:
    """numpy numbers and arrays as Python ones."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be kept as JSON")


def _flat(info: Mapping[str, Any]) -> dict[str, Any]:
    """{'params': {'k': 3}} -> {'params.k': 3}; lists stay as they are, files become digests."""
    flat: dict[str, Any] = {}
    for key, value in info.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}.{inner}": v for inner, v in _flat(value).items()}
        else:
            flat[key] = value
    return flat
