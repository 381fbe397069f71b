"""Request bodies in the OpenAPI document.

Routes read a body straight from its bytes: FastAPI would parse it to Python objects and check
those, which takes twice the time. So the document is told here what they take.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from gamerec.service.schemas import BatchRequest, EventRequest, PredictRequest

_BODIES = (PredictRequest, BatchRequest, EventRequest)
_REF = "#/components/schemas/{model}"
_KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key"}


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """For a route's `openapi_extra`: the body that it reads."""
    schema = {"$ref": _REF.format(model=model.__name__)}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body}


def describe_bodies(app: FastAPI, has_keys: bool) -> None:
    """Have the document hold the schemas of all bodies, and the key where one is needed."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app, has_keys)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to change it


def _document(app: FastAPI, has_keys: bool) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in _BODIES:
        schema = model.model_json_schema(ref_template=_REF)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    if has_keys:
        components["securitySchemes"] = {"key": _KEY}
        document["security"] = [{"key": []}]
    return document
