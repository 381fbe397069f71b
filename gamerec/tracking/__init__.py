"""Weights & Biases runs that cost the pipeline next to nothing and can never fail it.

`start` opens a run in a thread of its own, calls are queued, and leaving the context waits for the
thread, at most `settings.wandb_timeout` seconds. With a key the run goes online; without one, or
where W&B does not answer, it is written below `<home>/store/wandb`, and `sync` sends it later.
"""

from gamerec.tracking.offline import sync, unsent
from gamerec.tracking.track import Track, preload, start, wants_online

__all__ = ["Track", "preload", "start", "sync", "unsent", "wants_online"]
