"""Recommendations and events."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from gamerec.service.bodies import takes
from gamerec.service.problems import documented
from gamerec.service.rendering import JSON, list_of, packed, respond
from gamerec.service.schemas import (
    BatchRequest,
    BatchResponse,
    EventRequest,
    EventResponse,
    PredictRequest,
    PredictResponse,
)
from gamerec.serving import Answer, Event

router = APIRouter(tags=["recommendations"])


async def predicted(state: Any, context: Any, body: bytes) -> bytes:
    """The answer to a /predict, from the bytes of the one to those of the other.

    Raises pydantic's ValidationError for a body that is no `PredictRequest`.
    """
    asked = PredictRequest.model_validate_json(body)
    question = asked.question()
    if state.engine.is_ready:  # microseconds, in memory: a thread would take longer
        answer: Answer = state.engine.recommend(question)
    else:
        answer = await run_in_threadpool(state.engine.recommend, question)
    context.user_id, context.version = asked.user_id, answer.version
    context.source = answer.source
    state.measures.list_made(answer.source)
    told = list_of(answer)
    told["model_version"], told["request_id"] = answer.version, context.request_id
    return packed(told)


@router.post(
    "/predict",
    summary="Games for a user, a session, or both",
    response_model=None,
    openapi_extra=takes(PredictRequest),
    responses={200: {"model": PredictResponse}, **documented(413, 422)},
)
async def predict(request: Request) -> Response:
    """Always `k` items where `k` games are eligible; an unknown user gets the popular ones."""
    answer = await predicted(request.app.state, request.scope["gamerec"], await request.body())
    return Response(answer, media_type=JSON)


@router.post(
    "/predict/batch",
    summary="Games for up to 1,000 users",
    response_model=None,
    openapi_extra=takes(BatchRequest),
    responses={200: {"model": BatchResponse}, **documented(413, 422)},
)
async def predict_batch(request: Request) -> Response:
    """The lists of all users, all of the same version."""
    state, context = request.app.state, request.scope["gamerec"]
    asked = BatchRequest.model_validate_json(await request.body())

    def work() -> Response:
        answers = state.engine.recommend_many(asked.questions())
        results = []
        for user, answer in zip(asked.users, answers, strict=True):
            state.measures.list_made(answer.source)
            results.append({"user_id": user, **list_of(answer)})
        context.version, context.source = answers[0].version, "batch of users"
        body = {"results": results, "model_version": context.version}
        return respond(body | {"request_id": context.request_id})

    return await run_in_threadpool(work)


@router.post(
    "/events",
    status_code=202,
    summary="What a user played, liked, disliked or does not want to see",
    response_model=None,
    openapi_extra=takes(EventRequest),
    responses={202: {"model": EventResponse}, **documented(404, 413, 422)},
)
async def record(request: Request) -> Response:
    """Kept on the disk before this answers, and seen by the next list of the user.

    `played` and `liked` join the history; `disliked` and `hidden` leave it and stay off all lists.
    Of several words on one game the newest counts.
    """
    state, context = request.app.state, request.scope["gamerec"]
    said = EventRequest.model_validate_json(await request.body())
    context.user_id = said.user_id
    event = Event(said.event_id or uuid.uuid4().hex, said.kind, said.user_id, said.game_id)
    is_new = await run_in_threadpool(state.engine.record, event)
    if is_new:
        state.measures.event_kept(said.kind)
    body = {"event_id": event.event_id, "recorded": is_new, "request_id": context.request_id}
    return respond(body, 202)
