"""What surrounds every request but deliveries.

Ids, security headers, a size limit, the access log, the last fence. Pure ASGI, no framework. Never looks into
a request beyond its headers.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from incident_bot.entrypoints import problems
from incident_bot.telemetry import Metrics, begin_asking, logger

BODY_LIMIT: Final = 1024 * 1024
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SECURITY_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
STRICT_TRANSPORT: Final = {"strict-transport-security": "max-age=31536000"}
"""Where people reach us over https: a browser that was here once asks over https alone."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = ("/health", "/metrics", "/static/")
_SECRET: Final = re.compile(
    r"^(/ack/|/oncall/tap/|/sign-in/link/|/status/(?:confirm|unsubscribe)/).+", re.DOTALL
)
"""Addresses that end in a secret: who reads the log must not be able to open them."""
_ID: Final = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")

log = logger(__name__)


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Give the first header of this lower-case name, or None."""
    return next((value.decode("latin-1") for key, value in headers if key == name), None)


def authorization(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Give the Authorization header as its sender meant it: most send UTF-8, some the Latin-1 of the old rules."""
    value = next((value for key, value in headers if key == b"authorization"), None)
    if value is None:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def request_ids(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
    """Give the request's id and correlation id: the caller's where they are sane, else fresh ones."""
    request_id = correlation_id = None
    for key, value in headers:
        if key == b"x-request-id":
            request_id = _sane(value)
        elif key == b"x-correlation-id":
            correlation_id = _sane(value)
    request_id = request_id or secrets.token_hex(8)
    return request_id, correlation_id or request_id


def _sane(value: bytes) -> str | None:
    text = value.decode("latin-1").strip()
    return text if _ID.fullmatch(text) else None


class Frame:
    """The outermost layer of the application behind the intake door; nothing gets past it unanswered."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, body_limit: int = BODY_LIMIT, secure: bool = False
    ) -> None:
        """Surround `app`; `secure` is whether people reach it over https, and are to do so from now on."""
        self._app = app
        self._headers = {**SECURITY_HEADERS, **(STRICT_TRANSPORT if secure else {})}
        self._metrics = metrics
        self._limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connections pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, correlation_id = request_ids(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, correlation_id=correlation_id)
        begin_asking(request_id=request_id)
        method = str(scope["method"])
        answer = _Answer(send, (request_id, correlation_id), self._headers, without_body=method == "HEAD")
        if method == "HEAD":
            # The server goes on reading its own scope: told of a GET, it waits for the body and cuts the connection.
            scope = {**scope, "method": "GET"}
        started = time.perf_counter()
        try:
            await self._app(scope, _limited(scope, receive, self._limit), answer)
        except Exception:
            # The fence of the HTTP edge: whoever asked gets an answer with a number to ask for, never a cut connection.
            path = _SECRET.sub(r"\1…", str(scope["path"]))
            log.exception("request failed", method=method, path=path)
            if answer.status:
                raise
            await _fail(answer, request_id)
        finally:
            self._record(scope, method, answer.status, time.perf_counter() - started)

    def _record(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        route = str(getattr(scope.get("route"), "path", "unmatched"))
        known = method if method in _METHODS else "OTHER"
        self._metrics.count_request(known, route, status)
        path = _SECRET.sub(r"\1…", str(scope["path"]))
        say = log.debug if path.startswith(_QUIET) else log.info
        client = (scope.get("client") or ("", 0))[0]
        actor = scope["state"].get("actor")
        say(
            "request",
            method=method, path=path, status=status, client=client, actor=actor,
            milliseconds=round(seconds * 1000, 2),
        )  # fmt: skip


class _Answer:
    """Adds the ids and the security headers to whatever is answered."""

    def __init__(
        self, send: Send, ids: tuple[str, str], headers: Mapping[str, str], *, without_body: bool
    ) -> None:
        self._send = send
        self._ids = ids
        self._headers = headers
        self._without_body = without_body
        self._ended = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = MutableHeaders(scope=message)
            headers["x-request-id"], headers["x-correlation-id"] = self._ids
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        elif self._without_body and message["type"] == "http.response.body":
            if self._ended:
                return
            self._ended = True
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)


def _limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Refuse a body above the limit, whether it says so or not, before anybody keeps it."""
    too_large = HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {limit} bytes.",
        headers={"connection": "close"},
    )
    stated = header(scope["headers"], b"content-length") or "0"
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        if stated.isdecimal() and int(stated) > limit:
            raise too_large
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise too_large
        return message

    return limited


async def _fail(send: Send, request_id: str) -> None:
    body = problems.encode(HTTPStatus.INTERNAL_SERVER_ERROR, problems.INTERNAL, request_id=request_id)
    headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
