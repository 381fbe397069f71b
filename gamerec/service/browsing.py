"""The catalogue, histories and popular games."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from gamerec.service.problems import documented
from gamerec.service.rendering import game_of, items, played_of, respond
from gamerec.service.schemas import (
    MOST_ITEMS,
    MOST_LABELS,
    GameResponse,
    GamesResponse,
    HistoryResponse,
    ItemsResponse,
    Label,
)
from gamerec.serving import Filters

router = APIRouter(tags=["catalogue"])

PathId = Annotated[str, Path(min_length=1, max_length=255)]
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Labels = Annotated[list[Label], Query(max_length=MOST_LABELS)]


@router.get(
    "/games",
    summary="Games by name, paged",
    response_model=None,
    responses={200: {"model": GamesResponse}, **documented(422)},
)
async def games(
    request: Request,
    q: Annotated[str, Query(max_length=100)] = "",
    genre: Labels = [],  # noqa: B006  (FastAPI copies it)
    tag: Labels = [],  # noqa: B006
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """Names that begin with `q` first; without `q` all games, the most played first."""
    filters = Filters(genres_all=tuple(genre), tags_all=tuple(tag))
    engine = request.app.state.engine
    found, total = await run_in_threadpool(engine.found, q, limit, offset, filters)
    body = {"games": [game_of(game) for game in found], "total": total}
    return respond(body | {"request_id": request.scope["gamerec"].request_id})


@router.get(
    "/popular",
    summary="The most played games",
    response_model=None,
    responses={200: {"model": ItemsResponse}, **documented(422)},
)
async def popular(
    request: Request,
    k: Limit = 10,
    genre: Labels = [],  # noqa: B006
    tag: Labels = [],  # noqa: B006
) -> Response:
    """`score` is the number of players."""
    filters = Filters(genres_all=tuple(genre), tags_all=tuple(tag))
    found = await run_in_threadpool(request.app.state.engine.popular, k, filters)
    return respond({"items": items(found), "request_id": request.scope["gamerec"].request_id})


@router.get(
    "/games/{game_id:path}/similar",
    summary="Games that having played this one raises most",
    response_model=None,
    responses={200: {"model": ItemsResponse}, **documented(404, 422)},
)
async def similar(request: Request, game_id: PathId, k: Limit = 10) -> Response:
    """`score` is the weight; fewer than `k` where fewer games have one."""
    found = await run_in_threadpool(request.app.state.engine.similar, game_id, k)
    return respond({"items": items(found), "request_id": request.scope["gamerec"].request_id})


@router.get(
    "/games/{game_id:path}",
    summary="One game",
    response_model=None,
    responses={200: {"model": GameResponse}, **documented(404, 422)},
)
async def game(request: Request, game_id: PathId) -> Response:
    """What the catalogue knows of it."""
    found = await run_in_threadpool(request.app.state.engine.game, game_id)
    return respond(game_of(found) | {"request_id": request.scope["gamerec"].request_id})


@router.get(
    "/users/{user_id:path}/history",
    summary="What a user played and said",
    response_model=None,
    responses={200: {"model": HistoryResponse}, **documented(404, 422)},
)
async def history(
    request: Request,
    user_id: PathId,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Offset = 0,
) -> Response:
    """The heaviest first, then what was said since."""
    context = request.scope["gamerec"]
    context.user_id = user_id
    found = await run_in_threadpool(request.app.state.engine.history, user_id)
    page = [played_of(played) for played in found[offset : offset + limit]]
    body = {"user_id": user_id, "history": page, "total": len(found)}
    return respond(body | {"request_id": context.request_id})
