"""The intake door: `POST /webhooks/{source}`, answered when the delivery is safe and not before.

Plain ASGI in front of everything else, because a storm comes through here. Checks what can be told without
reading the body's meaning (route, credentials, type, size, encoding), hands the raw bytes to `flow.intake`,
and waits for its answer. Never decodes JSON, never logs what it accepts, never answers 429: Alertmanager
would not try again.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from incident_bot.config.sources import TAKEN_NAMES
from incident_bot.core.model import Json
from incident_bot.entrypoints import loopback, problems
from incident_bot.entrypoints.frame import authorization, request_ids
from incident_bot.flow import access
from incident_bot.flow.context import Context
from incident_bot.flow.intake import Answer, Busy, Intake
from incident_bot.telemetry import Metrics, logger

PREFIX: Final = "/webhooks"
BODY_LIMIT: Final = 5 * 1024 * 1024
_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", problems.MEDIA_TYPE.encode())
_UTF8: Final = frozenset({"", "utf-8", "utf8"})
_RESULTS: Final = {
    400: "unreadable", 401: "unauthorized", 403: "unauthorized", 404: "unknown_source", 413: "too_large",
    415: "unsupported", 503: "unavailable",
}  # fmt: skip
"""What a refusal counts as; the others are `refused`."""

log = logger(__name__)


_Shown: TypeAlias = tuple[int, tuple[tuple[bytes, bytes], ...], bytes]
"""Status, headers and body."""


class _Gone(Exception):
    """The client hung up before it had sent the whole body."""


class _Refusal(Exception):
    def __init__(
        self,
        status: int,
        detail: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.status = status
        self.detail = detail
        self.headers = headers
        self.more: Mapping[str, Json] = {}
        self.counted = False
        """Whether the writer counted it already."""


class IntakeDoor:
    """Answers deliveries itself and passes every other request on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        context: Context,
        intake: Intake,
        metrics: Metrics,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        """Stand in front of `app`."""
        self._app = app
        self._context = context
        self._intake = intake
        self._limit = body_limit
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connections pass through."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not _is_delivery(path):
            await self._app(scope, receive, send)
            return
        ids = request_ids(scope["headers"])
        source = path[len(PREFIX) + 1 :].removesuffix("/")
        try:
            status, headers, body = await self._deliver(scope, receive, source)
        except _Gone:
            return
        except _Refusal as refusal:
            self._note(scope, source, refusal, ids)
            status, headers, body = _shown(refusal, ids[0])
        except Exception:
            # The fence of this door: the sender keeps the delivery and comes again.
            log.exception("delivery failed", source=source, request_id=ids[0], correlation_id=ids[1])
            status, headers, body = _shown(_busy(), ids[0])
        await send({"type": "http.response.start", "status": status, "headers": [
            *headers,
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", ids[0].encode()),
            (b"x-correlation-id", ids[1].encode()),
            (b"x-content-type-options", b"nosniff"),
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": body})

    async def _deliver(self, scope: Scope, receive: Receive, source: str) -> _Shown:
        self._check_route(scope, source)
        self._check_credentials(scope, source)
        encoding = _check_headers(scope, self._limit)
        body = await _read(receive, self._limit, encoding)
        try:
            # Shielded: a client that hangs up now must not cancel what the writer already holds.
            answer = await asyncio.shield(asyncio.wrap_future(self._intake.submit(source, body)))
        except Busy:
            raise _busy() from None
        return _told(answer)

    def _check_route(self, scope: Scope, source: str) -> None:
        if not source or not self._intake.known(source):
            known = sorted(one.name for one in self._context.live.current.revision.sources)
            named = ", ".join(f"/webhooks/{name}" for name in known) or "none"
            shown = quote(source[:64])
            raise _Refusal(HTTPStatus.NOT_FOUND, f"There is no source {shown!r}; configured are: {named}.")
        if scope["method"] != "POST":
            raise _Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Deliveries come by POST.", ((b"allow", b"POST"),))

    def _check_credentials(self, scope: Scope, source: str) -> None:
        given = authorization(scope["headers"])
        if access.intake_token_configured(self._context, source):
            if not access.intake_allowed(self._context, source, given):
                detail = "The token is wrong." if given else "A token is needed."
                challenge = ((b"www-authenticate", b'Bearer, Basic realm="webhooks", charset="UTF-8"'),)
                raise _Refusal(
                    HTTPStatus.UNAUTHORIZED, f"{detail} Send it as Bearer or as a Basic password.", challenge
                )
            return
        refused = loopback.refusal(scope)
        if refused:
            raise _Refusal(
                HTTPStatus.FORBIDDEN, f"{refused} Set INCIDENT_BOT_INGEST_TOKEN to open this door."
            )

    def _note(self, scope: Scope, source: str, refusal: _Refusal, ids: tuple[str, str]) -> None:
        known = source if self._intake.known(source) else "unknown"
        if not refusal.counted:
            self._metrics.refuse_delivery(known, _RESULTS.get(refusal.status, "refused"))
        client = (scope.get("client") or ("", 0))[0]
        log.warning(
            "delivery refused",
            source=known, status=refusal.status, detail=refusal.detail, client=client,
            request_id=ids[0], correlation_id=ids[1],
        )  # fmt: skip


def _is_delivery(path: str) -> bool:
    """Say whether a path is a source's: some names below the prefix are doors of other kinds."""
    if not path.startswith(PREFIX) or path[len(PREFIX) :][:1] not in ("", "/"):
        return False
    return path[len(PREFIX) + 1 :].partition("/")[0] not in TAKEN_NAMES


def _told(answer: Answer) -> _Shown:
    if answer.status == HTTPStatus.OK:
        told = {
            "delivery": answer.delivery,
            "alerts": answer.alerts,
            "duplicate": answer.duplicate,
            "rejected": answer.rejected,
        }
        return HTTPStatus.OK, (_JSON,), json.dumps(told, separators=(",", ":")).encode()
    refusal = (
        _busy(answer.detail)
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        else _Refusal(answer.status, answer.detail or "This body cannot be read.")
    )
    refusal.counted = True
    refusal.more = {} if answer.path is None else {"path": answer.path}
    raise refusal


def _shown(refusal: _Refusal, request_id: str) -> _Shown:
    body = problems.encode(refusal.status, refusal.detail, request_id=request_id, **refusal.more)
    return refusal.status, (_PROBLEM, *refusal.headers), body


def _busy(detail: str | None = None) -> _Refusal:
    text = detail or "The delivery cannot be stored right now; send it again."
    return _Refusal(HTTPStatus.SERVICE_UNAVAILABLE, text, ((b"retry-after", b"1"),))


def _too_large(limit: int) -> _Refusal:
    detail = f"The body is larger than {limit} bytes."
    # What is left of the body is not worth reading, so the connection ends here.
    return _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, ((b"connection", b"close"),))


def _check_headers(scope: Scope, limit: int) -> str:
    """Check type, length and encoding; give the encoding, empty for none."""
    content_type = encoding = ""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value.decode("latin-1").lower()
        elif name == b"content-encoding":
            encoding = value.decode("latin-1").strip().lower()
        elif name == b"content-length" and value.isdigit() and int(value) > limit:
            raise _too_large(limit)
    kind, _, parameters = content_type.partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "')
    if kind.strip() != "application/json" or charset not in _UTF8:
        raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send Content-Type: application/json in UTF-8.")
    if encoding in ("", "identity"):
        return ""
    if encoding not in ("gzip", "x-gzip"):
        raise _Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The only Content-Encoding understood is gzip.",
            ((b"accept-encoding", b"gzip"),),
        )
    return "gzip"


async def _read(receive: Receive, limit: int, encoding: str) -> bytes:
    inflate = _Inflate(limit) if encoding else None
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(inflate.feed(chunk) if inflate else chunk)
        more = message.get("more_body", False)
    if inflate:
        inflate.finish()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class _Inflate:
    """Unpacks gzip piece by piece and never holds more than the limit, whatever the archive promises."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def feed(self, chunk: bytes) -> bytes:
        parts: list[bytes] = []
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                part = self._member.decompress(chunk, self._left + 1)
            except zlib.error:
                raise _Refusal(HTTPStatus.BAD_REQUEST, "The body is not gzip.") from None
            self._left -= len(part)
            if self._left < 0:
                raise _too_large(self._limit)
            parts.append(part)
            chunk = self._member.unconsumed_tail or self._member.unused_data
        return b"".join(parts)

    def finish(self) -> None:
        if not self._member.eof:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "The gzip body ends too early.")
