"""The catalogue: from raw games to the games table, every rule counted."""

from gamerec.features import ContentFeatures

__all__ = ["ContentFeatures"]
