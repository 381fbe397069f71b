"""Versions and moves that the bucket could not take: kept on this machine until they can be made.

    models/pending-<run id>/...             a version without a number, as `Registry` writes it
    models/parked/<run id>-<channel>.json   a move that is not in the log yet
    models/pending-<run id>.json            in the bucket: the number that it got

All but the last lie in the local part of a mirrored store; a plain store is never out of reach.
"""

import json
from collections.abc import Mapping
from typing import Any

from gamerec.storage import MissingKey, Store

_PREFIX = "pending-"


def parked_name(run_id: str) -> str:
    """The name of the version that a run made while no number was to be had."""
    return f"{_PREFIX}{run_id}"


def is_parked(name: str) -> bool:
    """Whether a version's name is such a one."""
    return name.startswith(_PREFIX)


class Parked:
    """What is parked of the registry in `store` (rooted at `models/`)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._local = store.local
        self.possible = self._local is not store

    def versions(self) -> list[str]:
        """Names of the parked versions, oldest run first."""
        if not self.possible:
            return []
        keys = self._local.keys(_PREFIX)
        return [key.split("/")[0] for key in keys if key.endswith("/info.json")]

    def moves(self) -> list[dict[str, Any]]:
        """The parked moves, oldest run first, `candidate` before `production`."""
        if not self.possible:
            return []
        return [self._local.read_json(key) for key in self._local.keys("parked/")]

    def move(self, channel: str, version: str, before: str | None, *, by: str, why: str) -> None:
        """Park the move of a channel from `before` to `version`."""
        if before == version:
            return
        move = {"channel": channel, "version": version, "before": before, "by": by, "why": why}
        self._local.write_json(_move_key(move), move)

    def drop_move(self, move: Mapping[str, Any]) -> None:
        """Forget a move that has been made, or is not to be made."""
        if self.possible:
            self._local.delete(_move_key(move))

    def drop_version(self, name: str) -> None:
        """Forget a version that was replaced."""
        if self.possible:
            self._local.delete(f"{name}/info.json")  # first: from here on it does not exist
            self._local.delete_tree(name)

    def drop_run(self, run_id: str) -> None:
        """Forget the version and the moves of a run that registers anew."""
        self.drop_version(parked_name(run_id))
        for channel in ("candidate", "production"):
            self.drop_move({"by": run_id, "channel": channel})

    def became(self, name: str, version: str) -> None:
        """A parked version has got its number: its old name leads to it from now on."""
        body = json.dumps({"version": version}).encode()
        self._store.write(f"{name}.json", body)
        self.drop_version(name)

    def number(self, name: str) -> str | None:
        """The number that a once parked version has got, or None."""
        try:
            return str(self._store.read_json(f"{name}.json")["version"])
        except MissingKey:
            return None

    def applied_to(self, channels: Mapping[str, str]) -> dict[str, str]:
        """The channels as they stand for this machine, with the moves parked on it."""
        result = dict(channels)
        for move in self.moves():
            channel, before = move["channel"], result.get(move["channel"])
            if channel == "production" and before != move["before"]:
                continue  # something else has gone live since: it would not be made
            result[channel] = move["version"]
            if channel == "production" and before:
                result["previous"] = before
        return result


def _move_key(move: Mapping[str, Any]) -> str:
    return f"parked/{move['by']}-{move['channel']}.json"
