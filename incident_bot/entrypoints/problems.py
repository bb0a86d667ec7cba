"""Every refusal over HTTP in one shape.

That is `application/problem+json` (RFC 9457), or a small page where a person reads it. Turns the exception
tree of `core.errors` into statuses. Never shows what went wrong inside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from incident_bot.core.errors import (
    BadConfiguration,
    IncidentBotError,
    NotAllowed,
    NotFound,
    Refused,
    Unreadable,
)
from incident_bot.core.model import Json
from incident_bot.telemetry import logger

MEDIA_TYPE: Final = "application/problem+json"
UNAVAILABLE: Final = "The database cannot be used right now; nothing was changed. Try again in a moment."
NOT_JSON: Final = "Send Content-Type: application/json."
INTERNAL: Final = "Something went wrong here, not in your request; the log has it under this request_id."

log = logger(__name__)


class ErrorPage(Protocol):
    """Draws a refusal for people."""

    def __call__(self, request: Request, status: int, detail: str) -> Response:
        """Give a whole page with this status."""
        ...


def encode(status: int, detail: str, *, request_id: str | None = None, **more: Json) -> bytes:
    """Give the body of a problem; `more` are extra members such as `path` or `problems`."""
    body: dict[str, Json] = {
        "type": "about:blank",
        "title": phrase(status),
        "status": status,
        "detail": detail,
        **more,
    }
    if request_id is not None:
        body["request_id"] = request_id
    # A detail may quote what was sent, and JSON may carry half of a surrogate pair, which has no UTF-8.
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def phrase(status: int) -> str:
    """Give the standard words for a status, or plain ones where there are none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


def respond(
    request: Request, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Json
) -> Response:
    """Answer with a problem that carries the request's id."""
    body = encode(status, detail, request_id=getattr(request.state, "request_id", None), **more)
    return Response(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def wants_page(request: Request) -> bool:
    """Say whether a person's browser asks, and not for the API."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def status_of(error: Refused) -> int:
    """Give the status that a refusal answers with."""
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.FORBIDDEN if isinstance(error, NotAllowed) else HTTPStatus.CONFLICT


def first_wrong(errors: Sequence[Mapping[str, object]]) -> tuple[str, list[Json]]:
    """Give one sentence for the first wrong field, and all of them as data without the values sent."""
    listed: list[Json] = []
    for error in errors:
        where = error.get("loc")
        path = ".".join(str(part) for part in where) if isinstance(where, (tuple, list)) else ""
        listed.append({"path": path, "message": str(error.get("msg", "is wrong"))})
    first = listed[0] if listed else {"path": "request", "message": "cannot be read"}
    sentence = (
        f"{first['path']}: {first['message']}" if isinstance(first, dict) else "the request cannot be read"
    )
    return sentence, listed


def not_json(request: Request, errors: Sequence[Mapping[str, object]]) -> bool:
    """Say whether a body was not read at all, because it does not say that it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    unread = any(error.get("loc") == ("body",) and error.get("type") != "missing" for error in errors)
    return unread and kind != "application/json" and not kind.endswith("+json")


def allowed(request: Request) -> list[str]:
    """Give every method that exists at this path: routes know only their own."""
    routes = request.app.router.routes
    return [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


class Refusals:
    """Answers every expected exception of one application in the one shape."""

    def __init__(self, page: ErrorPage) -> None:
        """Draw with `page` what people see."""
        self._page = page

    def install(self, app: FastAPI) -> None:
        """Answer for this application from now on."""
        app.add_exception_handler(HTTPException, self._http)
        app.add_exception_handler(RequestValidationError, self._invalid)
        app.add_exception_handler(IncidentBotError, self._refused)

    def _answer(
        self,
        request: Request,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Json,
    ) -> Response:
        if not wants_page(request):
            return respond(request, status, detail, headers=headers, **more)
        drawn = self._page(request, status, detail)
        drawn.headers.update(headers or {})
        return drawn

    def _http(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        detail = str(error.detail or phrase(error.status_code))
        if error.status_code == HTTPStatus.NOT_FOUND and detail == phrase(error.status_code):
            detail = f"There is nothing at {request.url.path}."
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.method} is not possible here."
            headers["Allow"] = ", ".join(allowed(request)) or headers.get("Allow", "")
        return self._answer(request, error.status_code, detail, headers=headers)

    def _invalid(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        if not_json(request, error.errors()):
            return self._answer(request, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NOT_JSON)
        sentence, errors = first_wrong(error.errors())
        return self._answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, sentence, errors=errors)

    def _refused(self, request: Request, error: Exception) -> Response:
        if isinstance(error, Refused):
            return self._answer(request, status_of(error), str(error))
        if isinstance(error, Unreadable):
            return self._answer(request, HTTPStatus.BAD_REQUEST, error.reason, path=error.path)
        if isinstance(error, BadConfiguration):
            listed = [str(problem) for problem in error.problems]
            return self._answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error), problems=listed)
        # What is left of the tree comes from the store: it cannot be used, or others were faster too often.
        log.error("not available", error=str(error))
        headers = {"retry-after": "1"}
        return self._answer(request, HTTPStatus.SERVICE_UNAVAILABLE, UNAVAILABLE, headers=headers)
