"""The application: routes, middleware, documentation, and an engine that lives as long as it."""

import logging.config
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

import gamerec
from gamerec.service import browsing, operating, predicting
from gamerec.service.access import ApiKeys, RateLimit
from gamerec.service.bodies import describe_bodies
from gamerec.service.gate import Gate
from gamerec.service.logs import AccessLog, log_config
from gamerec.service.measuring import Measures, forget_process
from gamerec.service.problems import Teller, add_handlers
from gamerec.serving import Engine
from gamerec.settings import Settings, load_settings

_ABOUT = """Game recommendations from memory. Ids are those of the catalogue and the play log:
whole numbers or text. Lists follow promotions within two seconds; events are seen at once."""


def create_app(
    settings: Settings, engine: Engine | None = None, channel: str = "production"
) -> ASGIApp:
    """The ASGI application.

    engine: one that the caller opens and closes; else the application has its own, loaded and warm
    before the first request. Raises UsageError for settings that cannot be used.
    """
    keys = ApiKeys(settings.service_api_keys)
    limit = RateLimit(settings.service_rate_limit / settings.service_workers)
    log = AccessLog()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        own = None
        if engine is None:
            own = await run_in_threadpool(Engine.open, settings, channel)
        app.state.engine = engine or own
        yield
        if own is not None:
            await run_in_threadpool(own.close)
        log.flush()
        forget_process()

    app = FastAPIOffline(
        title="gamerec",
        version=gamerec.__version__,
        description=_ABOUT,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.measures, tell = Measures(), Teller(settings)
    for part in (predicting, browsing, operating):
        app.include_router(part.router)
    add_handlers(app, tell)
    describe_bodies(app, bool(keys))
    gate = Gate(app, keys, limit, log, tell)
    origins = [o.strip() for o in settings.service_cors_origins.split(",") if o.strip()]
    if not origins:
        return gate
    return CORSMiddleware(  # in front of the keys: a browser asks first, without one
        gate,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["content-type", "x-api-key", "authorization", "x-request-id"],
        expose_headers=["x-request-id"],
    )


def from_environment() -> ASGIApp:
    """The application of this machine's settings: what uvicorn's workers call."""
    settings = load_settings()
    logging.config.dictConfig(log_config(settings))
    return create_app(settings)
