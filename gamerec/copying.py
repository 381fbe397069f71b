"""One store copied to another, by checksum: `gamerec store sync`.

Nothing is deleted. An object that differs is replaced by the source's, but never within a model
version or the promotion log: these are written once, and two that differ are two histories. What
tells that something is complete (`info.json`, a batch's manifest, a stage's mark) goes last, so a
copy that was cut short shows nothing half done, and the next goes on where it was.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from gamerec.storage import FolderStore, Store

# Of this machine: other programs' files, the outbox, and copies of the bucket itself.
_OWN = ("mirror/", "outbox/", "wandb/", "tuning/", "schedule/", "gamerec.db")
_COMPLETE = ("info.json", "batch.json")
_CHANGING = ("evaluation.json", "card.md")  # of a version, after it was written
_THREADS = 8


@dataclass
class Copied:
    """What a copy did; conflicts: places whose two histories differ, left as they were."""

    copied: int = 0
    bytes: int = 0
    equal: int = 0
    conflicts: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.copied:,} copied ({self.bytes:,} bytes), {self.equal:,} equal already"


def copy(source: Store, target: Store, each: Callable[[str], None] = lambda key: None) -> Copied:
    """Copy all objects that the target lacks or has otherwise; `each` is told of every key."""
    keys, present = _shared(source.keys()), set(target.keys())
    with ThreadPoolExecutor(_THREADS) as threads:
        both = [key for key in keys if key in present]
        equal = threads.map(lambda key: source.digest(key) == target.digest(key), both)
        same = {key for key, is_equal in zip(both, equal, strict=True) if is_equal}
        differing = [key for key in both if key not in same]
        done = Copied(equal=len(same), conflicts=_conflicts(differing))
        wanted = [k for k in keys if k not in same and _history(k) not in done.conflicts]
        for rank in range(3):
            part = [key for key in wanted if _rank(key) == rank]
            for key, size in threads.map(lambda key: _send(source, target, key), part):
                done.copied += 1
                done.bytes += size
                each(key)
    return done


def _shared(keys: Iterable[str]) -> list[str]:
    return [key for key in keys if not key.startswith(_OWN)]


def _conflicts(differing: list[str]) -> list[str]:
    """The histories that are not the same in the two stores."""
    fixed = (key for key in differing if key.rpartition("/")[2] not in _CHANGING)
    return sorted({_history(key) for key in fixed} - {""})


def _history(key: str) -> str:
    """The place whose objects belong together and are written once, or ''."""
    parts = key.split("/")
    return "/".join(parts[:2]) if parts[0] == "models" and len(parts) > 2 else ""


def _rank(key: str) -> int:
    """0 for content, 1 for what tells that it is complete, 2 for what points to that."""
    if key.startswith("models/log/") or key.endswith("/current.json"):
        return 2
    return 1 if key.rpartition("/")[2] in _COMPLETE or "/stages/" in key else 0


def _send(source: Store, target: Store, key: str) -> tuple[str, int]:
    if isinstance(source, FolderStore):
        path = source.path(key)
        target.upload(key, path)
        return key, path.stat().st_size
    data = source.read(key)
    target.write(key, data)
    return key, len(data)
