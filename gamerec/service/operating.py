"""For those who run the service: alive, ready, which version, how it goes."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from gamerec.service.measuring import CONTENT_TYPE
from gamerec.service.problems import documented
from gamerec.service.rendering import info_of, respond
from gamerec.service.schemas import HealthResponse, Problem, VersionResponse
from gamerec.serving.fallback import ADVICE

router = APIRouter(tags=["operation"])


@router.get(
    "/healthz",
    summary="The process is alive",
    response_model=None,
    responses={200: {"model": HealthResponse}},
)
async def healthz() -> Response:
    """Always, as long as it answers at all."""
    return respond({"status": "alive"})


@router.get(
    "/readyz",
    summary="A model is loaded and warm",
    response_model=None,
    responses={
        200: {"model": HealthResponse},
        503: {"model": Problem, "description": "no model is loaded"},
    },
)
async def readyz(request: Request) -> Response:
    """False while there is no model, also where the last batch answers instead."""
    if request.app.state.engine.is_ready:
        return respond({"status": "ready"})
    problem = Problem(
        error=f"no model is loaded: {ADVICE}", request_id=request.scope["gamerec"].request_id
    )
    return respond(problem.model_dump(), 503)


@router.get(
    "/version",
    summary="What is live, and what was refused",
    response_model=None,
    responses={200: {"model": VersionResponse}, **documented()},
)
async def version(request: Request) -> Response:
    """Of the worker that answers; others follow within two seconds."""
    info = await run_in_threadpool(request.app.state.engine.info)
    return respond(info_of(info) | {"request_id": request.scope["gamerec"].request_id})


@router.get(
    "/metrics",
    summary="Counters and times for Prometheus",
    response_model=None,
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented()},
)
async def metrics(request: Request) -> Response:
    """Added up over all workers."""
    state = request.app.state
    info = await run_in_threadpool(state.engine.info)
    text = await run_in_threadpool(state.measures.text, info)
    return Response(text, headers={"content-type": CONTENT_TYPE})
