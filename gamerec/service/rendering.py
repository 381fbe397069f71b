"""Answers of the serving core as JSON, in the shape of `schemas`.

Written by hand and not through the response models: those would check every value again, for each
request. Tests hold the two together.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from fastapi.responses import Response

from gamerec.serving import Answer, Game, Info, Item, Played

JSON = "application/json"


def packed(body: dict[str, Any]) -> bytes:
    """The body as JSON."""
    return orjson.dumps(body)


def respond(body: dict[str, Any], status: int = 200) -> Response:
    """The body as a response."""
    return Response(packed(body), status, media_type=JSON)


def list_of(answer: Answer) -> dict[str, Any]:
    """As `ListOut`."""
    return {
        "items": items(answer.items),
        "source": answer.source,
        "reason": answer.reason,
        "ignored": list(answer.ignored),
    }


def items(found: Sequence[Item]) -> list[dict[str, Any]]:
    """As `ItemOut`."""
    return [
        {
            "game_id": game.game_id,
            "name": game.name,
            "score": score,
            "confidence": confidence,
            "because": [
                {"game_id": source, "name": name, "contribution": part}
                for source, name, part in because
            ],
            "image": game.image_url,
            "genres": game.genres,
            "released": game.released,
            "rating": game.rating,
        }
        for game, score, confidence, because in found
    ]


def game_of(game: Game) -> dict[str, Any]:
    """As `GameOut`."""
    fields = game._asdict()
    return {"image": fields.pop("image_url"), **fields}


def played_of(played: Played) -> dict[str, Any]:
    """As `PlayedOut`; times are UTC."""
    return {
        "game_id": played.game.game_id,
        "name": played.game.name,
        "weight": played.weight,
        "origin": played.origin,
        "kind": played.kind,
        "at": None if played.at is None else f"{played.at.isoformat()}Z",
    }


def info_of(info: Info) -> dict[str, Any]:
    """As `VersionResponse`."""
    fields = asdict(info)
    return {"model_version": fields.pop("version"), **fields}
