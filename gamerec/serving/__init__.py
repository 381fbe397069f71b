"""Answers from memory: the core of the service and the page, without HTTP and without widgets."""

from gamerec.serving.answers import (
    Answer,
    BadFilter,
    Because,
    Event,
    Filters,
    Game,
    Info,
    Item,
    NoModel,
    NotFound,
    Played,
    Question,
    Version,
)
from gamerec.serving.engine import Engine

__all__ = [
    "Answer",
    "BadFilter",
    "Because",
    "Engine",
    "Event",
    "Filters",
    "Game",
    "Info",
    "Item",
    "NoModel",
    "NotFound",
    "Played",
    "Question",
    "Version",
]
