"""The description of the HTTP interface at `/openapi.json`.

What FastAPI knows, plus the intake door and who may call.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from incident_bot.entrypoints.api.parameters import PROBLEM_REF
from incident_bot.entrypoints.api.schemas import Problem

_IDS: Final = {
    name: {"description": what, "schema": {"type": "string"}}
    for name, what in {
        "X-Request-ID": "Yours, or one made here.",
        "X-Correlation-ID": "Yours, or the request's id.",
    }.items()
}
_WEBHOOK_REFUSALS: Final = {
    "400": "Not JSON, or not the shape of this source; `path` names the first wrong field.",
    "401": "Wrong credentials.",
    "403": "No token is configured and the caller is not this machine.",
    "404": "No such source.",
    "413": "Larger than 5 MB.",
    "415": "Not application/json, or an encoding other than gzip.",
    "503": "It cannot be stored now; come again after Retry-After.",
}


def describe(app: FastAPI, *, guarded: bool) -> dict[str, Any]:
    """Make the whole document."""
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = schema.setdefault("components", {})
    shapes = components.setdefault("schemas", {})
    shapes["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        shapes.pop(unused, None)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
        "ingest": {
            "type": "http",
            "scheme": "bearer",
            "description": "The ingest token; also as a Basic password.",
        },
        "session": {"type": "apiKey", "in": "cookie", "name": "incident_bot_session"},
    }
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if path.startswith(("/api/", "/-/")):
                # Nothing is needed on this machine until the first token is made, which may be while we run.
                operation["security"] = [{"token": []}, {"session": []}, *([] if guarded else [{}])]
            for response in operation["responses"].values():
                response.setdefault("headers", {}).update(_IDS)
            if "requestBody" in operation:
                operation["responses"].setdefault(
                    "400", {"description": "Unreadable.", "content": PROBLEM_REF}
                )
                if "application/json" in operation["requestBody"]["content"]:
                    operation["responses"]["415"] = {"description": "Not JSON.", "content": PROBLEM_REF}
                operation["responses"]["413"] = {"description": "Larger than 1 MB.", "content": PROBLEM_REF}
    schema["paths"]["/webhooks/{source}"] = {"post": _webhook()}
    return schema


def _webhook() -> dict[str, Any]:
    told = {
        "type": "object",
        "required": ["delivery", "alerts", "duplicate", "rejected"],
        "properties": {
            "delivery": {"type": "integer"},
            "alerts": {"type": "integer"},
            "duplicate": {"type": "boolean"},
            "rejected": {"type": "integer"},
        },
    }
    return {
        "tags": ["webhooks"],
        "summary": "Deliver alerts",
        "description": "Answers only after the delivery is committed.",
        "operationId": "deliver",
        "security": [{"ingest": []}, {}],
        "parameters": [{"name": "source", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "200": {
                "description": "It is safe.",
                "content": {"application/json": {"schema": told}},
                "headers": _IDS,
            },
            **{
                status: {"description": what, "content": PROBLEM_REF, "headers": _IDS}
                for status, what in _WEBHOOK_REFUSALS.items()
            },
        },
    }
