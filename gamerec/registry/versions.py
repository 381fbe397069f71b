"""`Registry`: versions registered, found, compared, promoted and rolled back."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gamerec.cards import model_card
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.provenance import code_commit, library_versions
from gamerec.registry.forms import canonical, content, digest_of, flattened, plain
from gamerec.registry.parked import Parked, is_parked, parked_name
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
    """The versions below `models/` of a store.

    parking: what a bucket out of reach cannot take, a new version's number or the move of a
    channel, is kept on this machine and taken for done here, until `settle` makes it good.
    Otherwise it raises ServiceError.
    """

    def __init__(self, store: Store, *, parking: bool = False) -> None:
        self.store = store.at("models")
        self.parked = Parked(self.store)
        self._parks = parking and self.parked.possible

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

        The same model registered again by the same run gives the version it has already. Parked,
        the version is 'pending-<run id>' until it gets its number.

        game_ids: (n_games,) the ids of the model's columns, without which it could not be used on
            a later catalogue. metrics: those known at training time (validation). details: any
            further JSON. Raises DataError where the ids do not fit the model.
        """
        if len(game_ids) != model.n_games:
            raise DataError(f"{len(game_ids)} game ids for a model of {model.n_games} games")
        files = MemoryStore()
        model.save(files)
        files.write(_GAME_IDS, json.dumps(np.asarray(game_ids).tolist()).encode())
        digests = {name: digest_of(files.read(name)) for name in files.keys()}  # noqa: SIM118
        claim = {"run_id": run_id, "content": content(model.name, model.params, digests)}
        version = self._named(claim)
        if not self._place(version).exists(f"{version}/info.json"):
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
        if is_parked(name) and name not in self.parked.versions():
            name = self.parked.number(name) or name
        if not self._place(name).exists(f"{name}/info.json"):
            known = ", ".join(self.versions()) or "none yet"
            raise DataError(f"there is no model version {name!r}; there are: {known}")
        return name

    def info(self, name: str) -> dict[str, Any]:
        """All that is known of a version or channel; 'evaluation' is None before its evaluation."""
        version = self.resolve(name)
        try:
            info = self._place(version).read_json(f"{version}/info.json")
        except MissingKey:
            raise DataError(f"{version} is damaged: its info.json is missing") from None
        except DataError as error:
            raise DataError(f"{version} is damaged: {error}") from None
        digest = info.pop("digest", None) if isinstance(info, dict) else None
        if digest is None or digest != digest_of(canonical(info))["sha256"]:
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
                data = self._place(version).read(f"{version}/files/{file_name}")
            except MissingKey:
                raise DataError(f"{version} is damaged: {file_name} is missing") from None
            if digest_of(data) != expected:
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
        version = self.resolve(version)
        evaluation = {"metrics": list(metrics), "verdict": dict(verdict)}
        place = self._place(version)
        place.write_json(f"{version}/evaluation.json", evaluation)
        place.write(f"{version}/card.md", model_card(self.info(version)).encode())

    def card(self, name: str) -> str:
        """The model card of a version or channel, Markdown."""
        return model_card(self.info(name))

    # Channels

    def channels(self) -> dict[str, str]:
        """Which version each channel points to; channels that point nowhere are absent.

        Parked moves count, as long as what they were decided on still holds.
        """
        return self.parked.applied_to(self._state()[1])

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
        versions = self.versions() + self.parked.versions()
        rows = [self._row(version, pointing.get(version, [])) for version in versions]
        columns = ["version", "channels", "model", "created_at", "run_id", "seconds", "code_commit"]
        return pd.DataFrame(rows[::-1], columns=columns)

    def diff(self, first: str, second: str) -> pd.DataFrame:
        """What differs between two versions: columns field, and one for each of the two."""
        one, two = flattened(self.info(first)), flattened(self.info(second))
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
        self.store.check()  # an old copy of the log does not tell what is live
        names = self.versions()
        doomed = [v for v in names[:-keep] if v not in self.channels().values()]
        for version in doomed:
            self.store.delete(f"{version}/info.json")  # first: from here on it does not exist
            self._sweep(version)
        for version in self._unfinished():
            self._sweep(version)
        return doomed

    # What was parked

    def settle(self, renamed: Callable[[str, str], None] = lambda *_: None) -> Iterator[str]:
        """Number the parked versions and make the parked moves; yields what was done, in words.

        renamed: told of each parked name and the number it got, before the name is forgotten.

        A promotion is made only if what is live is still what it was judged against, and never a
        second time. Raises ServiceError where the store is out of reach; what is left stays.
        """
        for name in self.parked.versions():
            version = self._settle_version(name)
            renamed(name, version)
            self.parked.became(name, version)
            yield f"{name} is {version}"
        for move in self.parked.moves():
            done = self._settle_move(move)
            self.parked.drop_move(move)
            yield done

    def _settle_version(self, name: str) -> str:
        info = self.info(name)
        evaluation = info.pop("evaluation")
        claim = {"run_id": info["run_id"]}
        claim["content"] = content(info["model"], info["params"], info["files"])
        version = self._claimed(claim) or self._claim(claim)
        if not self.store.exists(f"{version}/info.json"):
            self._write_version(version, info | {"version": version}, self.verify(name))
        if evaluation is not None:
            verdict = evaluation["verdict"] | {"version": version}
            self.record_evaluation(version, evaluation["metrics"], verdict)
        return version

    def _settle_move(self, move: Mapping[str, Any]) -> str:
        channel, version = move["channel"], self._settled(move["version"])
        before = self._settled(move["before"] or "")
        present = self._state()[1].get(channel)
        what = f"{channel} {version}"
        if any(e["to"] == version and e["by"] == move["by"] for e in self.log(channel)):
            return f"{what} had been moved already"
        if channel == "production" and (present or "") != before:
            return (
                f"{what} was not promoted: it was judged against {before or 'none'}, and "
                f"{present or 'none'} is live now; run 06_evaluate with VERSION={version}"
            )
        if channel == "candidate" and _number(present or "") > _number(version):
            return f"{present} is a newer candidate than {version}"
        self.verify(version)
        self._append({channel: version}, by=move["by"], why=move["why"])
        return f"{what} is set"

    def _settled(self, name: str) -> str:
        """The number of a version that was parked once; other names stay."""
        return self.parked.number(name) or name if is_parked(name) else name

    # Inner steps

    def _place(self, version: str) -> Store:
        """Where the files of a version are: a parked one is on this machine only."""
        return self.store.local if is_parked(version) else self.store

    def _named(self, claim: Mapping[str, str]) -> str:
        """The name of the version to write: numbered, else parked, where that is wanted."""
        self.parked.drop_run(claim["run_id"])
        try:
            return self._claimed(claim) or self._claim(claim)
        except ServiceError:
            if not self._parks:
                raise
            return parked_name(claim["run_id"])

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
        place = self._place(version)
        for name in files.keys():  # noqa: SIM118  (a store, not a dict)
            place.write(f"{version}/files/{name}", files.read(name))
        info = plain(info)
        place.write(f"{version}/card.md", model_card(info).encode())
        info["digest"] = digest_of(canonical(info))["sha256"]
        place.write_json(f"{version}/info.json", info)

    def _evaluation(self, version: str) -> dict[str, Any] | None:
        try:
            return self._place(version).read_json(f"{version}/evaluation.json")
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
        """Move a channel, in the log, or parked where that is wanted and cannot be helped."""
        ((channel, version),) = to.items()
        if is_parked(version) and not self._parks:
            raise UsageError(f"{version} has no number yet: `gamerec deliver` first")
        if not is_parked(version):
            try:
                self._append(to, by=by, why=why, forced=forced)
            except ServiceError:
                if not self._parks:
                    raise
            else:
                self.parked.drop_move({"channel": channel, "by": by})
                return
        self.parked.move(channel, version, self.channels().get(channel), by=by, why=why)

    def _append(self, to: Mapping[str, str], *, by: str, why: str, forced: bool = False) -> None:
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
