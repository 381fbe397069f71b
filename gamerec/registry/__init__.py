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

from gamerec.registry.versions import CHANNELS, LoadedVersion, Registry

__all__ = ["CHANNELS", "LoadedVersion", "Registry"]
