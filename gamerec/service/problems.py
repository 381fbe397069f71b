"""Errors as answers: 422 names the field, 404 what is not there, 503 what to do."""

import logging
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gamerec.errors import GamerecError, ServiceError, UsageError
from gamerec.redaction import Redactor
from gamerec.service.schemas import Problem
from gamerec.serving import BadFilter, NotFound
from gamerec.settings import Settings

logger = logging.getLogger(__name__)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route can answer with, for OpenAPI."""
    told = {
        401: "an API key is needed",
        404: "there is no such game or user",
        413: "the request is too large",
        422: "a field is wrong; `field` names it",
        429: "too many requests",
        503: "not now: no model, or the database is out of reach",
    }
    codes = sorted({401, 429, 503, *statuses})
    return {code: {"model": Problem, "description": told[code]} for code in codes}


def add_handlers(app: FastAPI, settings: Settings) -> None:
    """Have every error of a route answered as a `Problem`."""
    redact = Redactor(settings.secrets)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fault = error.errors()[0]
        places = [str(part) for part in fault["loc"]]
        inner = [part for part in places[1:] if part not in _UNION]
        if fault["type"] == "json_invalid":
            return _problem(request, 422, f"the body is not JSON: {fault['msg']}", "body")
        name = ".".join(inner) or "body"
        return _problem(request, 422, f"{name}: {fault['msg']}", name)

    async def ours(request: Request, error: Exception) -> Response:
        text = redact(str(error))
        match error:
            case BadFilter():
                return _problem(request, 422, text, f"filters.{error.field}")
            case NotFound():
                return _problem(request, 404, text, None)
            case UsageError():
                return _problem(request, 422, text, None)
            case ServiceError():
                logger.warning("answered 503: %s", text)
                return _problem(request, 503, text, None)
        raise error

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = _problem(request, error.status_code, str(error.detail), None)
        response.headers.update(error.headers or {})
        return response

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(GamerecError, ours)
    app.add_exception_handler(HTTPException, http)


_UNION = {"constrained-int", "constrained-str", "int", "str"}  # pydantic's names of alternatives


def _problem(request: Request, status: int, text: str, field: str | None) -> Response:
    problem = Problem(error=text, field=field, request_id=request.scope["gamerec"].request_id)
    return Response(orjson.dumps(problem.model_dump()), status, media_type="application/json")
