"""Errors as answers: 422 names the field, 404 what is not there, 503 what to do."""

import logging
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from gamerec.errors import GamerecError, ServiceError, UsageError
from gamerec.redaction import Redactor
from gamerec.service.schemas import Problem
from gamerec.serving import BadFilter, NotFound
from gamerec.settings import Settings

logger = logging.getLogger(__name__)

_UNION = {"constrained-int", "constrained-str", "int", "str"}  # pydantic's names of alternatives


class Told(NamedTuple):
    """An error as the client is told it."""

    status: int
    error: str
    field: str | None = None

    def body(self, request_id: str, error_id: str | None = None) -> bytes:
        """As `Problem`, JSON."""
        values = {"error": self.error, "field": self.field}
        return orjson.dumps(values | {"request_id": request_id, "error_id": error_id})


class Teller:
    """From an error to what is told of it; no secret gets out."""

    def __init__(self, settings: Settings) -> None:
        self._redact = Redactor(settings.secrets)

    def __call__(self, error: Exception) -> Told | None:
        """None for a fault of ours, of which nothing is to be told."""
        match error:
            case ValidationError() | RequestValidationError():
                return _invalid(error)
            case BadFilter():
                return Told(422, str(error), f"filters.{error.field}")
            case NotFound():
                return Told(404, self._redact(str(error)))
            case UsageError():
                return Told(422, self._redact(str(error)))
            case ServiceError():
                text = self._redact(str(error))
                logger.warning("answered 503: %s", text)
                return Told(503, text)
            case HTTPException():
                return Told(error.status_code, str(error.detail))
        return None


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


def add_handlers(app: FastAPI, tell: Teller) -> None:
    """Have every error of a route answered as a `Problem`."""

    async def answer(request: Request, error: Exception) -> Response:
        told = tell(error)
        if told is None:
            raise error
        body = told.body(request.scope["gamerec"].request_id)
        headers = getattr(error, "headers", None)
        return Response(body, told.status, headers, media_type="application/json")

    for kind in (ValidationError, RequestValidationError, GamerecError, HTTPException):
        app.add_exception_handler(kind, answer)


def _invalid(error: ValidationError | RequestValidationError) -> Told:
    """The first fault, by the name of its field."""
    fault = error.errors()[0]
    places = [str(part) for part in fault["loc"] if part not in _UNION]
    if isinstance(error, RequestValidationError):  # begins with body, query or path
        places = places[1:]
    if fault["type"] == "json_invalid":
        return Told(422, f"the body is not JSON: {fault['msg']}", "body")
    name = ".".join(places) or "body"
    return Told(422, f"{name}: {fault['msg']}", name)
